/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressors: what comes out is read by our own decoders, by gzip and by zstd, and does not depend
 * on threads or on the sizes of the writes. RFC 1952, RFC 8878; clients.md 5.3.
 */
#include "base/mem.h"
#include "stream/compress.h"
#include "tests/support/tmp.h"
#include "tests/unit/runner.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>
#include <string.h>

#define DATA_BYTES ((size_t)5 << 20)
#define OUT_MAX	   ((size_t)16 << 20)

static int keep(void *arg, const void *data, size_t len, struct err *err)
{
	return buf_append(arg, data, len, err);
}

struct packing {
	enum codec codec;
	int level;
	unsigned threads;
	size_t chunk; /* of the writes; 0: sizes from 1 to 5000 */
};

/* Compresses all of it into `out`. */
static int pack(const struct packing *p, const void *data, size_t len, struct buf *out)
{
	const struct compress_options options = { p->codec, p->level, p->threads, keep, out };
	struct compressor *c = NULL;
	struct err err = { 0 };
	int rc = compressor_new(&options, &c, &err);
	size_t at = 0, n = 1;

	while (rc == 0 && at < len) {
		n = p->chunk ? p->chunk : n * 7 % 5000 + 1;
		if (n > len - at)
			n = len - at;
		rc = compressor_write(c, (const uint8_t *)data + at, n, &err);
		at += n;
	}
	if (rc == 0)
		rc = compressor_finish(c, &err);
	compressor_free(c);
	if (rc < 0)
		fprintf(stderr, "# %s\n", err.msg);
	return rc;
}

static uint8_t *some_data(size_t len)
{
	uint8_t *data = xcalloc(len, 1);
	const size_t half = len / 2;

	fill_text(data, half, 1);
	fill_noise(data + half, len - half, 2);
	return data;
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !memcmp(buf_str(a), buf_str(b), a->len);
}

static const struct packing all_kinds[] = {
	{ CODEC_PLAIN, 0, 1, 0 }, { CODEC_GZIP, 1, 1, 0 }, { CODEC_GZIP, 0, 1, 0 },
	{ CODEC_GZIP, 9, 1, 0 },  { CODEC_ZSTD, 1, 1, 0 }, { CODEC_ZSTD, 0, 1, 0 },
};

/* Around the ends of blocks (1 MiB) and of the dictionary (32 KiB). */
void test_compress__comes_back_as_it_was(void)
{
	static const size_t lengths[] = { 0,	   1,	    32767,   32768,   32769,
					  1048575, 1048576, 1048577, 2097152, DATA_BYTES };
	_free_ uint8_t *data = some_data(DATA_BYTES);

	for (size_t i = 0; i < ARRAY_SIZE(all_kinds) * ARRAY_SIZE(lengths); i++) {
		const struct packing *p = &all_kinds[i / ARRAY_SIZE(lengths)];
		const size_t len = lengths[i % ARRAY_SIZE(lengths)];
		_buf_ struct buf out = BUF_INIT(OUT_MAX);
		enum codec found = CODEC_XZ;

		CU_ASSERT_EQUAL(pack(p, data, len, &out), 0);
		_outcome_ struct outcome o =
			pull_all(source_decompress(source_mem(buf_str(&out), out.len), &found));

		CU_ASSERT_TRUE(gave(&o, data, len));
		if (len || p->codec != CODEC_PLAIN)
			CU_ASSERT_EQUAL(found, p->codec);
	}
}

void test_compress__neither_threads_nor_writes_show(void)
{
	static const struct packing others[] = {
		{ 0, 0, 0, 1 << 20 }, { 0, 0, 2, 65536 },      { 0, 0, 3, 0 },
		{ 0, 0, 8, 1234567 }, { 0, 0, 2, DATA_BYTES }, { 0, 0, 1, DATA_BYTES },
	};
	_free_ uint8_t *data = some_data(DATA_BYTES);

	for (size_t k = 0; k < ARRAY_SIZE(all_kinds); k++) {
		_buf_ struct buf first = BUF_INIT(OUT_MAX);

		CU_ASSERT_EQUAL(pack(&all_kinds[k], data, DATA_BYTES - 3, &first), 0);
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			struct packing p = others[i];
			_buf_ struct buf out = BUF_INIT(OUT_MAX);

			p.codec = all_kinds[k].codec;
			p.level = all_kinds[k].level;
			CU_ASSERT_EQUAL(pack(&p, data, DATA_BYTES - 3, &out), 0);
			CU_ASSERT_TRUE(is_same(&first, &out));
		}
	}
}

/* A single small write must not look otherwise than several: the size is not told. */
void test_compress__small_ones_too(void)
{
	for (size_t k = 0; k < ARRAY_SIZE(all_kinds); k++) {
		struct packing p = all_kinds[k];
		_buf_ struct buf a = BUF_INIT(OUT_MAX), b = BUF_INIT(OUT_MAX);

		p.chunk = 100;
		CU_ASSERT_EQUAL(pack(&p, "one two three one two three", 27, &a), 0);
		p.chunk = 1;
		p.threads = 4;
		CU_ASSERT_EQUAL(pack(&p, "one two three one two three", 27, &b), 0);
		CU_ASSERT_TRUE(is_same(&a, &b));
	}
}

/* RFC 1952 2.3; clients.md 5.3: no time, no name, operating system 255. One member. */
void test_compress__gzip_header(void)
{
	static const uint8_t header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
	_buf_ struct buf out = BUF_INIT(OUT_MAX);

	CU_ASSERT_EQUAL(pack(&(struct packing){ CODEC_GZIP, 0, 1, 0 }, "x", 1, &out), 0);
	CU_ASSERT_TRUE(out.len > sizeof(header));
	CU_ASSERT_EQUAL(memcmp(buf_str(&out), header, sizeof(header)), 0);
}

/* RFC 8878 3.1.1.1.1: checksum there, size of the content not. */
void test_compress__zstd_header(void)
{
	_buf_ struct buf out = BUF_INIT(OUT_MAX);

	CU_ASSERT_EQUAL(pack(&(struct packing){ CODEC_ZSTD, 0, 1, 0 }, "x", 1, &out), 0);
	CU_ASSERT_TRUE_FATAL(out.len > 5);
	CU_ASSERT_TRUE(out.data[4] & 4);
	CU_ASSERT_FALSE(out.data[4] & 0xe0);
}

/* The programs of that name have the last word. */
void test_compress__others_read_it(void)
{
	static const char *const commands[] = {
		[CODEC_PLAIN] = "cat", [CODEC_GZIP] = "gzip -dc", [CODEC_ZSTD] = "zstd -qdc"
	};
	_free_ uint8_t *data = some_data(DATA_BYTES);
	_tmp_ struct tmp t = tmp_make_in_memory();

	tmp_write(&t, "raw", data, DATA_BYTES);
	for (size_t k = 0; k < ARRAY_SIZE(all_kinds); k++) {
		_buf_ struct buf out = BUF_INIT(OUT_MAX);
		const char *command = commands[all_kinds[k].codec];
		_free_ char *line =
			xasprintf("%s < %s/packed | cmp - %s/raw", command, t.path, t.path);

		CU_ASSERT_EQUAL(pack(&all_kinds[k], data, DATA_BYTES, &out), 0);
		tmp_write(&t, "packed", out.data, out.len);
		CU_ASSERT_EQUAL(system(line), 0);
	}
}

void test_compress__refusals(void)
{
	static const struct {
		enum codec codec;
		int level;
		enum err_kind kind;
	} cases[] = {
		{ CODEC_BZIP2, 0, ERR_UNSUPPORTED }, { CODEC_XZ, 0, ERR_UNSUPPORTED },
		{ CODEC_GZIP, 10, ERR_USAGE },	     { CODEC_GZIP, -1, ERR_USAGE },
		{ CODEC_ZSTD, 20, ERR_USAGE },	     { CODEC_PLAIN, 1, ERR_USAGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct compress_options o = { cases[i].codec, cases[i].level, 1, keep, NULL };
		struct compressor *c = NULL;
		struct err err = { 0 };

		CU_ASSERT_TRUE(compressor_new(&o, &c, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, cases[i].kind);
		CU_ASSERT_PTR_NULL(c);
	}
}

struct failing {
	size_t after; /* calls that work */
};

static int fail_after(void *arg, const void *data, size_t len, struct err *err)
{
	struct failing *f = arg;

	(void)data;
	(void)len;
	if (f->after-- == 0)
		return err_set(err, ERR_NO_SPACE, "full");
	return 0;
}

static int pack_failing(const struct packing *p, size_t after, struct err *err)
{
	_free_ uint8_t *data = some_data(DATA_BYTES);
	struct failing f = { after };
	const struct compress_options o = { p->codec, p->level, p->threads, fail_after, &f };
	struct compressor *c = NULL;
	int rc = compressor_new(&o, &c, err);

	for (unsigned i = 0; i < 4 && rc == 0; i++)
		rc = compressor_write(c, data, DATA_BYTES, err);
	if (rc == 0)
		rc = compressor_finish(c, err);
	if (rc < 0) {
		struct err again = { 0 };

		CU_ASSERT_TRUE(compressor_finish(c, &again) < 0);
		CU_ASSERT_TRUE(compressor_write(c, data, 1, &again) < 0);
	}
	compressor_free(c);
	return rc;
}

/* Also when the rest is still being compressed by threads. */
void test_compress__errors_of_the_writer_arrive(void)
{
	for (size_t k = 0; k < ARRAY_SIZE(all_kinds); k++) {
		struct packing p = all_kinds[k];

		for (size_t after = 0; after < 3; after++) {
			struct err err = { 0 };

			p.threads = 1 + (unsigned)after;
			CU_ASSERT_TRUE(pack_failing(&p, after, &err) < 0);
			CU_ASSERT_EQUAL(err.kind, ERR_NO_SPACE);
		}
	}
}

void test_compress__freed_in_any_state(void)
{
	_free_ uint8_t *data = some_data(DATA_BYTES);

	compressor_free(NULL);
	for (size_t k = 0; k < ARRAY_SIZE(all_kinds); k++)
		for (size_t len = 0; len <= DATA_BYTES; len += DATA_BYTES / 2) {
			_buf_ struct buf out = BUF_INIT(OUT_MAX);
			const struct compress_options o = { all_kinds[k].codec, 0, 3, keep, &out };
			struct compressor *c = NULL;
			struct err err = { 0 };

			CU_ASSERT_EQUAL(compressor_new(&o, &c, &err), 0);
			CU_ASSERT_EQUAL(compressor_write(c, data, len, &err), 0);
			compressor_free(c);
		}
}
