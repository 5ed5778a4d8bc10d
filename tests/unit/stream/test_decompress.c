/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream is taken for, by its first bytes and nothing else (docs/LAYER-CASES.md #75). */
#include "base/mem.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>

void test_decompress__sniffs(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum codec codec;
		enum err_kind kind; /* of the failure, as it is cut short */
	} rows[] = {
		{ "", 0, CODEC_PLAIN, ERR_NONE },
		{ "a", 1, CODEC_PLAIN, ERR_NONE },
		{ "\0\0\0\0\0\0\0\0", 8, CODEC_PLAIN, ERR_NONE },
		{ "\x1f", 1, CODEC_PLAIN, ERR_NONE },
		{ "\x1f\x8b", 2, CODEC_GZIP, ERR_DAMAGED },
		{ "\x1f\x8b\x08\0\0\0\0\0\0\3", 10, CODEC_GZIP, ERR_DAMAGED },
		{ "\x28\xb5\x2f", 3, CODEC_PLAIN, ERR_NONE },
		{ "\x28\xb5\x2f\xfd", 4, CODEC_ZSTD, ERR_DAMAGED },
		{ "\x50\x2a\x4d\x18", 4, CODEC_ZSTD, ERR_DAMAGED },
		{ "\x5f\x2a\x4d\x18\0\0\0\0", 8, CODEC_ZSTD, ERR_NONE },
		{ "\x60\x2a\x4d\x18\0\0\0\0", 8, CODEC_PLAIN, ERR_NONE },
		{ "BZh", 3, CODEC_PLAIN, ERR_NONE },
		{ "BZh0xx", 6, CODEC_PLAIN, ERR_NONE },
		{ "BZh91AY&SY", 10, CODEC_BZIP2, ERR_UNSUPPORTED },
		{ "\xfd"
		  "7zXZ",
		  5, CODEC_PLAIN, ERR_NONE },
		{ "\xfd"
		  "7zXZ\0",
		  6, CODEC_XZ, ERR_UNSUPPORTED },
		{ "\xfd"
		  "7zXZ\0\0\4\xe6",
		  9, CODEC_XZ, ERR_UNSUPPORTED },
		{ "etc/passwd\0\0", 12, CODEC_PLAIN, ERR_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t chunk = 1; chunk < 12; chunk++) {
			enum codec codec = (enum codec)99;
			_outcome_ struct outcome o = pull_all(source_decompress(
				source_chunked(rows[i].bytes, rows[i].len, chunk), &codec));

			CU_ASSERT_EQUAL(codec, rows[i].codec);
			CU_ASSERT_EQUAL(o.err.kind, rows[i].kind);
			if (codec == CODEC_PLAIN)
				CU_ASSERT_TRUE(gave(&o, rows[i].bytes, rows[i].len));
			if (rows[i].kind == ERR_UNSUPPORTED)
				CU_ASSERT_PTR_NOT_NULL(strstr(o.err.msg, codec_name(codec)));
		}
}

/* However the magic number falls apart. */
void test_decompress__sniffs_across_chunks(void)
{
	uint8_t data[5000];
	_buf_ struct buf gz = BUF_INIT(1000000);
	_buf_ struct buf z = BUF_INIT(1000000);
	const struct buf *const streams[] = { &gz, &z };

	fill_noise(data, sizeof(data), 7);
	make_gzip(&gz, data, sizeof(data), NULL);
	make_zstd(&z, data, sizeof(data), 3, true);
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		for (size_t at = 0; at < 12; at++) {
			const struct buf *s = streams[i];
			_outcome_ struct outcome o = pull_all(source_decompress(
				source_concat(source_chunked(s->data, at, 100),
					      source_chunked(s->data + at, s->len - at, 100000)),
				NULL));

			CU_ASSERT_TRUE(gave(&o, data, sizeof(data)));
		}
}

void test_decompress__names(void)
{
	CU_ASSERT_STRING_EQUAL(codec_name(CODEC_PLAIN), "plain");
	CU_ASSERT_STRING_EQUAL(codec_name(CODEC_GZIP), "gzip");
	CU_ASSERT_STRING_EQUAL(codec_name(CODEC_ZSTD), "zstd");
	CU_ASSERT_STRING_EQUAL(codec_name(CODEC_BZIP2), "bzip2");
	CU_ASSERT_STRING_EQUAL(codec_name(CODEC_XZ), "xz");
}

void test_decompress__plain_bytes_are_not_copied(void)
{
	uint8_t data[100000];
	const uint8_t *at = NULL;
	_source_ struct source *src = NULL;

	fill_noise(data, sizeof(data), 2);
	data[0] = 'x';
	src = source_decompress(source_mem(data, sizeof(data)), NULL);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), sizeof(data));
	CU_ASSERT_PTR_EQUAL(at, data);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
}

void test_decompress__the_end_stays_the_end(void)
{
	_buf_ struct buf gz = BUF_INIT(1000000);
	_buf_ struct buf z = BUF_INIT(1000000);
	const struct buf *const streams[] = { &gz, &z };

	make_gzip(&gz, "x", 1, NULL);
	make_zstd(&z, "x", 1, 3, true);
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		const uint8_t *at;
		_source_ struct source *src = source_decompress(
			source_chunked(streams[i]->data, streams[i]->len, 3), NULL);

		CU_ASSERT_EQUAL(source_next(src, &at, NULL), 1);
		CU_ASSERT_EQUAL(*at, 'x');
		CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
		CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
	}
}

/* As source_prefetch pulls, in between as others do; and over sources that can do the same. */
static struct outcome pull_into(struct source *src, size_t size)
{
	struct outcome o = { .out = BUF_INIT((size_t)1 << 20) };
	_free_ uint8_t *own = xcalloc(size, 1);
	ssize_t n = 1;

	for (unsigned i = 0; n > 0; i++) {
		const uint8_t *data = own;

		n = i % 3 < 2 ? src->ops->next_into(src, own, size, &o.err)
			      : source_next(src, &data, &o.err);
		if (n > 0 && buf_append(&o.out, data, (size_t)n, NULL) < 0)
			abort();
	}
	o.rc = (int)n;
	source_close(src);
	return o;
}

void test_decompress__into_memory_of_the_caller(void)
{
	static const size_t sizes[] = { 1, 3, 7, 100, 5000, 100000 };
	uint8_t data[20000];
	_buf_ struct buf gz = BUF_INIT(1000000);
	_buf_ struct buf z = BUF_INIT(1000000);
	_buf_ struct buf plain = BUF_INIT(1000000);
	const struct buf *const streams[] = { &gz, &z, &plain };

	fill_text(data, sizeof(data), 7);
	make_gzip(&gz, data, sizeof(data), NULL);
	make_zstd(&z, data, sizeof(data), 3, true);
	buf_append(&plain, data, sizeof(data), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(streams) * ARRAY_SIZE(sizes); i++) {
		const struct buf *s = streams[i % ARRAY_SIZE(streams)];
		const size_t size = sizes[i / ARRAY_SIZE(streams)];
		_outcome_ struct outcome a = pull_into(
			source_decompress(source_chunked(s->data, s->len, 0), NULL), size);
		_outcome_ struct outcome b = pull_into(
			source_decompress(source_chunked(s->data, s->len, 2), NULL), size);
		_outcome_ struct outcome c = pull_into(
			source_decompress(
				source_decompress(source_chunked(s->data, s->len, 50), NULL), NULL),
			size);

		CU_ASSERT_TRUE(gave(&a, data, sizeof(data)));
		CU_ASSERT_TRUE(gave(&b, data, sizeof(data)));
		CU_ASSERT_TRUE(gave(&c, data, sizeof(data)));
	}
	_outcome_ struct outcome cut =
		pull_into(source_decompress(source_cut(plain.data, 100, 7), NULL), 10);

	CU_ASSERT_TRUE(failed_with(&cut, ERR_NETWORK, "cut off"));
	CU_ASSERT_EQUAL(cut.out.len, 100);
}

/* Closed at any point, nothing is lost and nothing waits. */
void test_decompress__closed_early(void)
{
	uint8_t data[100000];
	_buf_ struct buf gz = BUF_INIT(1000000);

	fill_text(data, sizeof(data), 2);
	make_gzip(&gz, data, sizeof(data), NULL);
	for (int pulls = 0; pulls < 5; pulls++) {
		const uint8_t *at;
		struct source *src = source_decompress(source_chunked(gz.data, gz.len, 100), NULL);

		for (int i = 0; i < pulls; i++)
			CU_ASSERT_TRUE(source_next(src, &at, NULL) > 0);
		source_close(src);
	}
	CU_ASSERT_EQUAL(sources_open(), 0);
}
