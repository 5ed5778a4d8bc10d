/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) with every library we may use: the same is accepted, the same refused.
 * docs/LAYER-CASES.md #72 (members, FEXTRA, FNAME, comment, CRC, trailing zeros), #74 (bombs).
 */
#include "base/mem.h"
#include "tests/unit/runner.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>
#include <zlib.h>

/* "0": ISA-L, where there is such; "1": zlib. */
static const char *const engines[] = { "0", "1" };

#define EACH_ENGINE(e)                                                                           \
	for (size_t e = 0; e < ARRAY_SIZE(engines) && setenv("IMG_NO_ISAL", engines[e], 1) == 0; \
	     e++)

static struct outcome inflate_chunked(const struct buf *gz, size_t chunk)
{
	return pull_all(source_decompress(source_chunked(gz->data, gz->len, chunk), NULL));
}

#define TEXT_BYTES 300000

void test_gzip__every_kind_of_block(void)
{
	static const size_t lengths[] = { 0, 1, 2, 100, 32768, 65535, 65536, TEXT_BYTES };
	static const int levels[] = { 0, 1, 6, 9 };
	static const size_t chunks[] = { 1, 0, 7, 4096, 1000000 };
	_free_ uint8_t *data = xcalloc(TEXT_BYTES, 1);

	for (size_t i = 0; i < 2 * ARRAY_SIZE(lengths) * ARRAY_SIZE(levels); i++) {
		const struct gzip_options options = { .level = levels[i / 2 % ARRAY_SIZE(levels)] };
		const size_t len = lengths[i / 2 / ARRAY_SIZE(levels)];
		_buf_ struct buf gz = BUF_INIT(1000000);

		if (i % 2)
			fill_text(data, len, (unsigned)i);
		else
			fill_noise(data, len, (unsigned)i);
		make_gzip(&gz, data, len, &options);
		EACH_ENGINE(e)
		for (size_t c = gz.len > 100000; c < ARRAY_SIZE(chunks); c++) {
			_outcome_ struct outcome o = inflate_chunked(&gz, chunks[c]);

			CU_ASSERT_TRUE(gave(&o, data, len));
		}
	}
}

/* RFC 1952 2.3: every combination of header fields. */
void test_gzip__every_header(void)
{
	_free_ char *long_text = xcalloc(60001, 1);

	memset(long_text, 'x', 60000);
	EACH_ENGINE(e)
	for (unsigned bits = 0; bits < 32; bits++) {
		const char *text = bits & 16 ? long_text : "t";
		const struct gzip_options options = {
			.level = 6,
			.extra = bits & 1 ? text : NULL,
			.name = bits & 2 ? text : NULL,
			.comment = bits & 4 ? text : NULL,
			.hcrc = bits & 8,
		};
		_buf_ struct buf gz = BUF_INIT(1000000);

		make_gzip(&gz, "content", 7, &options);
		_outcome_ struct outcome a = inflate_chunked(&gz, 0);
		_outcome_ struct outcome b = inflate_chunked(&gz, 1);

		CU_ASSERT_TRUE(gave(&a, "content", 7));
		CU_ASSERT_TRUE(gave(&b, "content", 7));
	}
}

void test_gzip__empty_header_fields(void)
{
	static const struct gzip_options options = {
		.level = 6, .extra = "", .name = "", .comment = ""
	};

	EACH_ENGINE(e)
	{
		_buf_ struct buf gz = BUF_INIT(1000000);

		make_gzip(&gz, "content", 7, &options);
		_outcome_ struct outcome o = inflate_chunked(&gz, 1);

		CU_ASSERT_TRUE(gave(&o, "content", 7));
	}
}

void test_gzip__members_are_one_stream(void)
{
	static const size_t chunks[] = { 0, 1, 3, 8, 20, 1000000 };
	_free_ uint8_t *data = xcalloc(TEXT_BYTES, 1);
	_buf_ struct buf gz = BUF_INIT(1000000);
	size_t done = 0;

	fill_text(data, TEXT_BYTES, 5);
	for (size_t n = 0; done < TEXT_BYTES; n++) {
		const struct gzip_options options = { .level = (int)(n % 10), .name = "member" };
		const size_t len = n * 977 < TEXT_BYTES - done ? n * 977 : TEXT_BYTES - done;

		make_gzip(&gz, data + done, len, n % 3 ? &options : NULL); /* the first is empty */
		done += len;
	}
	make_gzip(&gz, "", 0, NULL);
	EACH_ENGINE(e)
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		_outcome_ struct outcome o = inflate_chunked(&gz, chunks[i]);

		CU_ASSERT_TRUE(gave(&o, data, TEXT_BYTES));
	}
}

void test_gzip__zeros_may_follow(void)
{
	static const size_t counts[] = { 1, 7, 512, 10000 };

	EACH_ENGINE(e)
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		_buf_ struct buf gz = BUF_INIT(1000000);
		static const char zeros[10000];

		make_gzip(&gz, "a", 1, NULL);
		make_gzip(&gz, "b", 1, NULL);
		buf_append(&gz, zeros, counts[i], NULL);
		_outcome_ struct outcome a = inflate_chunked(&gz, 1);
		_outcome_ struct outcome b = inflate_chunked(&gz, 1000000);

		CU_ASSERT_TRUE(gave(&a, "ab", 2));
		CU_ASSERT_TRUE(gave(&b, "ab", 2));
		/* But nothing behind the zeros. */
		make_gzip(&gz, "c", 1, NULL);
		_outcome_ struct outcome c = inflate_chunked(&gz, 0);

		CU_ASSERT_TRUE(failed_with(&c, ERR_DAMAGED, "garbage after the end"));
	}
}

struct damage {
	const char *what;
	long at;   /* from the start, or from the end when negative */
	int value; /* XOR */
	const char *why;
};

static const struct damage damages[] = {
	{ "another method", 2, 0x01, "compression method" },
	{ "reserved flag 0x20", 3, 0x20, "flags" },
	{ "reserved flag 0x80", 3, 0x80, "flags" },
	{ "CRC-32", -8, 0x01, "checksum" },
	{ "CRC-32, last byte", -5, 0x80, "checksum" },
	{ "length", -4, 0x01, "checksum or length" },
	{ "length, last byte", -1, 0x80, "checksum or length" },
	{ "block type", 10, 0x06, "broken data" },
};

void test_gzip__damage_is_found(void)
{
	static const struct gzip_options stored = { .level = 0 };

	EACH_ENGINE(e)
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct damage *d = &damages[i];
		_buf_ struct buf gz = BUF_INIT(1000000);

		make_gzip(&gz, "some content", 12, &stored);
		const size_t at = d->at < 0 ? gz.len - (size_t)-d->at : (size_t)d->at;

		gz.data[at] = (char)(gz.data[at] ^ d->value);
		_outcome_ struct outcome a = inflate_chunked(&gz, 1);
		_outcome_ struct outcome b = inflate_chunked(&gz, 1000000);

		CU_ASSERT_TRUE(failed_with(&a, ERR_DAMAGED, d->why));
		CU_ASSERT_TRUE(failed_with(&b, ERR_DAMAGED, d->why));
	}
}

void test_gzip__header_checksum(void)
{
	static const struct gzip_options options = { .level = 6, .name = "name", .hcrc = true };

	EACH_ENGINE(e)
	for (size_t at = 4; at < 17; at++) {
		_buf_ struct buf gz = BUF_INIT(1000000);

		make_gzip(&gz, "content", 7, &options);
		gz.data[at] ^= 1;
		_outcome_ struct outcome o = inflate_chunked(&gz, 0);

		/* Byte 14 ends the name: without it the name goes on, and the rest is misread. */
		CU_ASSERT_TRUE(
			failed_with(&o, ERR_DAMAGED, at == 14 ? "gzip" : "checksum of the header"));
	}
}

void test_gzip__garbage_behind_is_damage(void)
{
	static const char *const garbage[] = { "x", "\x1f", "\x1f\x8b", "\x1f\x8c\x08", "tail" };

	EACH_ENGINE(e)
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		_buf_ struct buf gz = BUF_INIT(1000000);

		make_gzip(&gz, "content", 7, NULL);
		buf_append_str(&gz, garbage[i], NULL);
		_outcome_ struct outcome a = inflate_chunked(&gz, 1);
		_outcome_ struct outcome b = inflate_chunked(&gz, 1000000);

		CU_ASSERT_TRUE(failed_with(&a, ERR_DAMAGED, "gzip: "));
		CU_ASSERT_TRUE(failed_with(&b, ERR_DAMAGED, "gzip: "));
	}
}

/* Cut at every byte, given in one piece and byte by byte. */
static void cut_everywhere(const struct buf *gz, size_t whole_until)
{
	for (size_t len = 2; len < gz->len; len++) {
		const struct buf part = { .data = gz->data, .len = len };
		_outcome_ struct outcome a = inflate_chunked(&part, 1);
		_outcome_ struct outcome b = inflate_chunked(&part, 1000000);

		if (len == whole_until) {
			CU_ASSERT_TRUE(a.rc == 0 && b.rc == 0);
			continue;
		}
		CU_ASSERT_TRUE(failed_with(&a, ERR_DAMAGED, "ends"));
		CU_ASSERT_TRUE(failed_with(&b, ERR_DAMAGED, "ends"));
	}
}

void test_gzip__truncation_at_every_byte(void)
{
	static const struct gzip_options options = {
		.level = 9, .extra = "extra", .name = "name", .comment = "comment", .hcrc = true
	};
	uint8_t data[2000];

	fill_text(data, sizeof(data), 3);
	EACH_ENGINE(e)
	{
		_buf_ struct buf gz = BUF_INIT(1000000);

		make_gzip(&gz, data, sizeof(data), &options);
		const size_t first = gz.len;

		make_gzip(&gz, data, 100, NULL);
		cut_everywhere(&gz, first);
	}
}

/* Every bit turned over: an error or other bytes, never more; both libraries of one opinion. */
void test_gzip__every_bit_flipped(void)
{
	uint8_t data[700];
	_buf_ struct buf gz = BUF_INIT(1000000);

	fill_text(data, sizeof(data), 9);
	make_gzip(&gz, data, sizeof(data), NULL);
	for (size_t bit = 16; bit < gz.len * 8; bit++) {
		int rc[ARRAY_SIZE(engines)] = { 0 };

		gz.data[bit / 8] = (char)(gz.data[bit / 8] ^ 1 << bit % 8);
		EACH_ENGINE(e)
		{
			_outcome_ struct outcome o = inflate_chunked(&gz, 0);

			rc[e] = o.rc;
			CU_ASSERT_TRUE(o.rc == 0 || failed_with(&o, ERR_DAMAGED, "gzip: "));
			/*
			 * MTIME, XFL and OS mean nothing, nor do bits that fill the last byte; all
			 * else is covered.
			 */
			CU_ASSERT_TRUE(o.rc != 0 || bit < 80 || bit / 8 == gz.len - 9);
			CU_ASSERT_TRUE(o.rc != 0 || gave(&o, data, sizeof(data)));
		}
		CU_ASSERT_EQUAL(rc[0], rc[1]);
		gz.data[bit / 8] = (char)(gz.data[bit / 8] ^ 1 << bit % 8);
	}
}

void test_gzip__errors_below_come_through(void)
{
	uint8_t data[5000];
	_buf_ struct buf gz = BUF_INIT(1000000);

	fill_noise(data, sizeof(data), 1);
	make_gzip(&gz, data, sizeof(data), NULL);
	EACH_ENGINE(e)
	for (size_t len = 0; len < gz.len; len += 97) {
		_outcome_ struct outcome o =
			pull_all(source_decompress(source_cut(gz.data, len, 50), NULL));

		CU_ASSERT_TRUE(failed_with(&o, ERR_NETWORK, "cut off"));
	}
	CU_ASSERT_EQUAL(sources_open(), 0);
}

/* One segment of zeros that ends at a byte and refers to nothing before it (Z_FULL_FLUSH). */
static size_t make_segment(uint8_t *out, size_t out_len, size_t zeros)
{
	_free_ uint8_t *data = xcalloc(zeros, 1);
	z_stream z = { .next_in = data, .avail_in = (uInt)zeros, .next_out = out };

	z.avail_out = (uInt)out_len;
	if (deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&z, Z_FULL_FLUSH) != Z_OK || z.avail_in)
		abort();
	deflateEnd(&z);
	return z.total_out;
}

#define SEGMENT_ZEROS ((size_t)16 << 20)

struct bomb {
	struct source base;
	unsigned step, segments;
	uint8_t segment[65536];
	size_t segment_len;
	uint8_t tail[10];
};

static ssize_t bomb_next(struct source *src, const uint8_t **ret, struct err *err)
{
	static const uint8_t head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	struct bomb *b = (struct bomb *)src;
	const unsigned step = b->step++;

	(void)err;
	*ret = step == 0 ? head : step <= b->segments ? b->segment : b->tail;
	return step == 0		 ? (ssize_t)sizeof(head)
	       : step <= b->segments	 ? (ssize_t)b->segment_len
	       : step == b->segments + 1 ? (ssize_t)sizeof(b->tail)
					 : 0;
}

static void bomb_close(struct source *src)
{
	free(src);
}

static struct source *make_bomb(unsigned segments)
{
	static const struct source_ops ops = { .next = bomb_next, .close = bomb_close };
	_free_ uint8_t *zeros = xcalloc(SEGMENT_ZEROS, 1);
	struct bomb *b = NEW(struct bomb);
	const uLong one = crc32(0, zeros, SEGMENT_ZEROS);
	uLong crc = 0;
	const uint32_t len = (uint32_t)(segments * (uint64_t)SEGMENT_ZEROS);

	for (unsigned i = 0; i < segments; i++)
		crc = crc32_combine(crc, one, (z_off_t)SEGMENT_ZEROS);
	b->base.ops = &ops;
	b->segments = segments;
	b->segment_len = make_segment(b->segment, sizeof(b->segment), SEGMENT_ZEROS);
	b->tail[0] = 3; /* an empty last block */
	for (int i = 0; i < 4; i++) {
		b->tail[2 + i] = (uint8_t)(crc >> 8 * i);
		b->tail[6 + i] = (uint8_t)(len >> 8 * i);
	}
	return &b->base;
}

/* #74: what the consumer allows is all that is made. */
void test_gzip__a_bomb_is_stopped_by_a_limit(void)
{
	EACH_ENGINE(e)
	{
		_source_ struct source *src = source_limit(
			source_decompress(make_bomb(1000000), NULL), (size_t)64 << 20, "layer");
		struct err err = { 0 };

		CU_ASSERT_EQUAL(source_drain(src, NULL, &err), -E2BIG);
		CU_ASSERT_STRING_EQUAL(err.msg, "layer: more than 67108864 bytes");
	}
}

/* The length in the trailer is modulo 2^32, and counters of libraries have 32 bits. */
void test_gzip__more_than_four_gigabytes(void)
{
	const unsigned segments = 257; /* 4 GiB and 16 MiB */

	if (!getenv("IMG_TEST_LONG")) {
		test_skip("long: IMG_TEST_LONG=1 runs it");
		return;
	}
	EACH_ENGINE(e)
	{
		_source_ struct source *src = source_decompress(make_bomb(segments), NULL);
		uint64_t bytes = 0;
		struct err err = { 0 };

		CU_ASSERT_EQUAL(source_drain(src, &bytes, &err), 0);
		CU_ASSERT_EQUAL(bytes, segments * (uint64_t)SEGMENT_ZEROS);
	}
}
