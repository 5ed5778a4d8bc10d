/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse files (GNU, old form): as holes and chunks where the tar has their runs in whole blocks,
 * as copies where it has not.
 */
#include "base/mem.h"
#include "overlay/erofs_format.h"
#include "tests/unit/overlay/erofsmaker.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <sys/stat.h>

#define RUNS_MAX 4u

struct sparse {
	const char *name;
	uint64_t size;
	struct tar_extent runs[RUNS_MAX];
	/* Bytes that the whole image may take. */
	uint64_t image_max;
};

static void put_octal(unsigned char *block, size_t at, uint64_t n)
{
	char text[24];

	if (n >> 33) {
		for (size_t i = 12; i-- > 0; n >>= 8)
			block[at + i] = (unsigned char)n;
		block[at] |= 0x80;
		return;
	}
	snprintf(text, sizeof(text), "%011" PRIo64, n);
	memcpy(block + at, text, 12);
}

static void add_sparse(struct tarmaker *t, const struct sparse *s)
{
	_free_ char *data = NULL;
	uint64_t stored = 0;
	size_t at;

	for (size_t i = 0; i < RUNS_MAX; i++)
		stored += s->runs[i].bytes;
	at = tarmaker_header(t, &(struct tm_header){ .type = 'S',
						     .name = s->name,
						     .mode = 0600,
						     .size = stored,
						     .magic = TM_GNU });
	for (size_t i = 0; i < RUNS_MAX && s->runs[i].bytes; i++) {
		put_octal(t->data + at, 386 + i * 24, s->runs[i].logical_offset);
		put_octal(t->data + at, 386 + i * 24 + 12, s->runs[i].bytes);
	}
	put_octal(t->data + at, 483, s->size);
	tarmaker_sum(t, at, 0);
	data = xcalloc(1, (size_t)stored + 1);
	for (uint64_t i = 0; i < stored; i++)
		data[i] = (char)(i % 251 + 1);
	tarmaker_data(t, data, (size_t)stored);
}

#define KiB UINT64_C(1024)
#define GiB (KiB * KiB * KiB)

static const struct sparse table[] = {
	{ "whole-blocks", 64 * KiB, { { 4096, 4096 }, { 32768, 512 } }, 4096 },
	{ "one-hole", 100000, { { 0, 0 } }, 2048 },
	{ "huge-hole", 4096 * GiB, { { 0, 0 } }, 2048 },
	{ "hole-first", 12345, { { 8192, 4153 } }, 4096 },
	{ "hole-last", 70000, { { 0, 65536 } }, 4096 },
	{ "runs-that-touch", 12288, { { 0, 100 }, { 100, 412 }, { 512, 3584 } }, 4096 },
	{ "like-lastlog", 300 * GiB, { { 292 * GiB, 4096 } }, 8 * KiB *KiB },
	{ "ends-inside-a-block", 20000, { { 0, 100 }, { 8192, 1000 } }, 32 * KiB },
	{ "starts-inside-a-block", 20000, { { 10, 512 }, { 4000, 96 } }, 32 * KiB },
	{ "odd-everywhere", 9999, { { 1, 1 }, { 3, 3 }, { 777, 1111 }, { 9998, 1 } }, 32 * KiB },
	{ "odd-end-of-file", 5000, { { 4096, 904 } }, 4096 },
	{ "odd-before-end-of-file", 5000, { { 4096, 903 } }, 8192 },
	{ "aligned-but-stored-odd", 16384, { { 0, 700 }, { 4096, 4096 } }, 32 * KiB },
	{ "large-run", 3 * KiB *KiB, { { 1024 * KiB, 2048 * KiB } }, 4096 },
};

void test_erofs_sparse__runs_holes_and_copies(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_erofsmaker_ struct erofsmaker m = erofsmaker_make();
		_tarmaker_ struct tarmaker t = { 0 };
		struct stat st;

		add_sparse(&t, &table[i]);
		tarmaker_end(&t);
		erofsmaker_layer(&m, &t);
		erofsmaker_build(&m);
		CU_ASSERT_EQUAL(fstat(m.fd, &st), 0);
		if ((uint64_t)st.st_size > table[i].image_max)
			fprintf(stderr, "# %s: %jd bytes\n", table[i].name, (intmax_t)st.st_size);
		CU_ASSERT_TRUE((uint64_t)st.st_size <= table[i].image_max);
		if (!erofsmaker_compare(&m))
			return;
	}
}

void test_erofs_sparse__many_in_one_image(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();

	for (size_t layer = 0; layer < 2; layer++) {
		_tarmaker_ struct tarmaker t = { 0 };

		for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
			struct sparse s = table[i];
			_free_ char *name = xasprintf("%zu/%s", (layer + i) % 3, s.name);

			s.name = name;
			add_sparse(&t, &s);
			erofsmaker_file(&t, "between", 5000);
		}
		tarmaker_end(&t);
		erofsmaker_layer(&m, &t);
	}
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

/* What would take more than a bounded part of the image is refused, not written. */
void test_erofs_sparse__too_scattered(void)
{
	static const struct sparse s = {
		"dir/x", INT64_MAX / 2, { { 512, 512 }, { INT64_MAX / 4 / 512 * 512, 512 } }, 0
	};
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	struct err err = { 0 };

	add_sparse(&t, &s);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	CU_ASSERT_TRUE(erofsmaker_write(&m, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "dir/x"));
}

/* So is what many of them would take together. */
void test_erofs_sparse__too_scattered_together(void)
{
	static const struct sparse s = {
		"x", (uint64_t)100 << 40, { { ((uint64_t)50 << 40) + 512, 512 } }, 0
	};
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	struct err err = { 0 };

	for (unsigned i = 0; i < 100; i++) {
		_free_ char *name = xasprintf("%u", i);
		struct sparse one = s;

		one.name = name;
		add_sparse(&t, &one);
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	CU_ASSERT_TRUE(erofsmaker_write(&m, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "scattered"));
}
