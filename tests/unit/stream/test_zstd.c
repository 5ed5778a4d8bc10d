/* SPDX-License-Identifier: Apache-2.0 */
/* zstd (RFC 8878): frames, skippable ones, bounds. docs/LAYER-CASES.md #73. */
#include "base/mem.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>

static struct outcome inflate_chunked(const struct buf *z, size_t chunk)
{
	return pull_all(source_decompress(source_chunked(z->data, z->len, chunk), NULL));
}

#define TEXT_BYTES 400000

void test_zstd__frames_of_every_size(void)
{
	static const size_t lengths[] = { 0, 1, 100, 131072, 262144, 262145, TEXT_BYTES };
	static const int levels[] = { -5, 1, 3, 12 };
	static const size_t chunks[] = { 1, 0, 4096, 1000000 };
	_free_ uint8_t *data = xcalloc(TEXT_BYTES, 1);

	for (size_t i = 0; i < ARRAY_SIZE(lengths) * ARRAY_SIZE(levels); i++) {
		const size_t len = lengths[i / ARRAY_SIZE(levels)];
		_buf_ struct buf z = BUF_INIT(1000000);

		if (i % 2)
			fill_text(data, len, (unsigned)i);
		else
			fill_noise(data, len, (unsigned)i);
		make_zstd(&z, data, len, levels[i % ARRAY_SIZE(levels)], i % 3);
		for (size_t c = z.len > 100000; c < ARRAY_SIZE(chunks); c++) {
			_outcome_ struct outcome o = inflate_chunked(&z, chunks[c]);

			CU_ASSERT_TRUE(gave(&o, data, len));
		}
	}
}

/* 3.1.2: magic 0x184D2A50 to 5F, four bytes of size, content. */
static void add_skippable(struct buf *z, unsigned kind, const char *content)
{
	const size_t len = strlen(content);
	const uint8_t head[] = { (uint8_t)(0x50 + kind), 0x2a, 0x4d, 0x18, (uint8_t)len, 0, 0, 0 };

	buf_append(z, head, sizeof(head), NULL);
	buf_append(z, content, len, NULL);
}

void test_zstd__many_frames_and_skippable_ones(void)
{
	static const size_t chunks[] = { 0, 1, 5, 1000000 };
	_buf_ struct buf z = BUF_INIT(1000000);

	add_skippable(&z, 0, "first of all");
	make_zstd(&z, "one,", 4, 3, true);
	add_skippable(&z, 15, "");
	make_zstd(&z, "", 0, 3, true);
	make_zstd(&z, "two,", 4, 3, false);
	add_skippable(&z, 7, "in between");
	make_zstd(&z, "three", 5, 19, true);
	add_skippable(&z, 3, "a table of contents at the end, as zstd:chunked has it");
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		_outcome_ struct outcome o = inflate_chunked(&z, chunks[i]);

		CU_ASSERT_TRUE(gave(&o, "one,two,three", 13));
	}
	_buf_ struct buf only = BUF_INIT(1000);

	add_skippable(&only, 0, "nothing else");
	_outcome_ struct outcome o = inflate_chunked(&only, 0);

	CU_ASSERT_TRUE(gave(&o, "", 0));
}

/* All input is used and the output is full, but for what the decoder still holds. */
void test_zstd__output_left_when_the_input_is_over(void)
{
	const size_t len = 262144;
	_free_ uint8_t *data = xcalloc(len + 1, 1);

	for (int compressible = 0; compressible < 2; compressible++) {
		_buf_ struct buf z = BUF_INIT(1000000);

		if (compressible)
			memset(data, 'x', len + 1);
		else
			fill_noise(data, len + 1, 1);
		make_zstd(&z, data, 1, 3, false);
		make_zstd(&z, data + 1, len, 3, false);
		_outcome_ struct outcome o = inflate_chunked(&z, 1000000);

		CU_ASSERT_TRUE(gave(&o, data, len + 1));
	}
}

/* A frame by hand: magic, descriptor, window (3.1.1.1.2), then one raw block that is the last. */
static void add_frame(struct buf *z, unsigned window_log, const char *content)
{
	const size_t len = strlen(content);
	const uint8_t head[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, (uint8_t)((window_log - 10) << 3) };
	const uint32_t block = (uint32_t)len << 3 | 1;
	const uint8_t block_head[] = { (uint8_t)block, (uint8_t)(block >> 8),
				       (uint8_t)(block >> 16) };

	buf_append(z, head, sizeof(head), NULL);
	buf_append(z, block_head, sizeof(block_head), NULL);
	buf_append(z, content, len, NULL);
}

void test_zstd__the_window_is_bounded(void)
{
	for (unsigned log = 10; log <= 41; log++) {
		_buf_ struct buf z = BUF_INIT(1000);

		add_frame(&z, log, "content");
		_outcome_ struct outcome o = inflate_chunked(&z, 0);

		if (log <= 27)
			CU_ASSERT_TRUE(gave(&o, "content", 7));
		if (log > 27)
			CU_ASSERT_TRUE(failed_with(&o, ERR_LIMIT, "window of more than 128 MiB"));
	}
}

void test_zstd__dictionaries_are_refused(void)
{
	/* Descriptor with a dictionary id of one byte (3.1.1.1.1.6), window, id 5. */
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 0x05, 0x09, 0, 0, 'x' };
	const struct buf z = { .data = (char *)(uintptr_t)frame, .len = sizeof(frame) };
	_outcome_ struct outcome o = inflate_chunked(&z, 0);

	CU_ASSERT_TRUE(failed_with(&o, ERR_UNSUPPORTED, "dictionary"));
}

void test_zstd__truncation_at_every_byte(void)
{
	uint8_t data[3000];
	_buf_ struct buf z = BUF_INIT(1000000);

	fill_text(data, sizeof(data), 4);
	make_zstd(&z, data, sizeof(data), 3, true);
	const size_t first = z.len;

	add_skippable(&z, 1, "skipped");
	const size_t second = z.len;

	make_zstd(&z, data, 50, 3, false);
	for (size_t len = 4; len < z.len; len++) {
		const struct buf part = { .data = z.data, .len = len };
		_outcome_ struct outcome a = inflate_chunked(&part, 1);
		_outcome_ struct outcome b = inflate_chunked(&part, 1000000);

		if (len == first || len == second) {
			CU_ASSERT_TRUE(gave(&a, data, sizeof(data)) &&
				       gave(&b, data, sizeof(data)));
			continue;
		}
		CU_ASSERT_TRUE(failed_with(&a, ERR_DAMAGED, "ends too early"));
		CU_ASSERT_TRUE(failed_with(&b, ERR_DAMAGED, "ends too early"));
	}
}

void test_zstd__damage_is_found(void)
{
	uint8_t data[2000];
	_buf_ struct buf z = BUF_INIT(1000000);

	fill_text(data, sizeof(data), 4);
	make_zstd(&z, data, sizeof(data), 3, true);
	for (size_t bit = 32; bit < z.len * 8; bit++) {
		z.data[bit / 8] = (char)(z.data[bit / 8] ^ 1 << bit % 8);
		_outcome_ struct outcome o = inflate_chunked(&z, 0);

		CU_ASSERT_TRUE(o.rc < 0 || gave(&o, data, sizeof(data)));
		/* The checksum. */
		if (bit / 8 >= z.len - 4)
			CU_ASSERT_TRUE(failed_with(&o, ERR_DAMAGED, "checksum"));
		z.data[bit / 8] = (char)(z.data[bit / 8] ^ 1 << bit % 8);
	}
}

void test_zstd__garbage_behind_is_damage(void)
{
	static const char *const garbage[] = { "garbage", "\x1f\x8b\x08\x08" };

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		_buf_ struct buf z = BUF_INIT(1000000);

		make_zstd(&z, "content", 7, 3, true);
		buf_append_str(&z, garbage[i], NULL);
		_outcome_ struct outcome a = inflate_chunked(&z, 1);
		_outcome_ struct outcome b = inflate_chunked(&z, 1000000);

		CU_ASSERT_TRUE(failed_with(&a, ERR_DAMAGED, "zstd: broken data"));
		CU_ASSERT_TRUE(failed_with(&b, ERR_DAMAGED, "zstd: broken data"));
	}
}

/* #74, as zstd: a few kilobytes that would be gigabytes. */
void test_zstd__a_bomb_is_stopped_by_a_limit(void)
{
	_free_ uint8_t *zeros = xcalloc((size_t)8 << 20, 1);
	_buf_ struct buf z = BUF_INIT((size_t)32 << 20);

	make_zstd(&z, zeros, (size_t)8 << 20, 3, true);
	const size_t one = z.len;

	for (int i = 0; i < 99; i++) {
		CU_ASSERT_EQUAL_FATAL(buf_reserve(&z, one, NULL), 0);
		buf_append(&z, z.data, one, NULL);
	}
	_source_ struct source *src = source_limit(
		source_decompress(source_mem(z.data, z.len), NULL), 100000000, "layer");
	uint64_t bytes = 0;

	CU_ASSERT_EQUAL(source_drain(src, &bytes, NULL), -E2BIG);
	CU_ASSERT_EQUAL(bytes, 0);
}

void test_zstd__errors_below_come_through(void)
{
	_buf_ struct buf z = BUF_INIT(1000);

	make_zstd(&z, "content", 7, 3, true);
	for (size_t len = 0; len <= z.len; len++) {
		_outcome_ struct outcome o =
			pull_all(source_decompress(source_cut(z.data, len, 3), NULL));

		CU_ASSERT_TRUE(failed_with(&o, ERR_NETWORK, "cut off"));
	}
	CU_ASSERT_EQUAL(sources_open(), 0);
}
