/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a layer: written while the tar streams in, read back, refused when damaged, harmless
 * when hostile.
 */
#include "layers/layer.h"

#include "base/mem.h"
#include "tests/unit/layers/layermaker.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

void test_layer__index_does_not_depend_on_chunks(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	size_t len, other_len;

	layermaker_tar(&t);
	_free_ void *index = layermaker_index(&t, t.len, 0, &len);

	for (unsigned seed = 0; seed < 20; seed++) {
		_free_ void *other = layermaker_index(&t, seed == 0, seed, &other_len);

		CU_ASSERT_EQUAL_FATAL(other_len, len);
		CU_ASSERT_EQUAL(memcmp(other, index, len), 0);
	}
}

static void check_entry(const struct layer *layer, size_t i, const struct tar_entry *want)
{
	struct tar_entry e;

	layer_entry(layer, i, &e);
	CU_ASSERT_EQUAL(e.type, want->type);
	CU_ASSERT_STRING_EQUAL(e.name, want->name);
	CU_ASSERT_STRING_EQUAL(e.link_name, want->link_name ? want->link_name : "");
	CU_ASSERT_EQUAL(e.mode, want->mode);
	CU_ASSERT_EQUAL(e.uid, want->uid);
	CU_ASSERT_EQUAL(e.gid, want->gid);
	CU_ASSERT_EQUAL(e.mtime_sec, want->mtime_sec);
	CU_ASSERT_EQUAL(e.mtime_nsec, want->mtime_nsec);
	CU_ASSERT_EQUAL(e.dev_major, want->dev_major);
	CU_ASSERT_EQUAL(e.dev_minor, want->dev_minor);
	CU_ASSERT_EQUAL(e.size_bytes, want->size_bytes);
	CU_ASSERT_EQUAL(e.data_bytes, want->data_bytes);
	CU_ASSERT_EQUAL(e.header_offset, want->header_offset);
	CU_ASSERT_EQUAL(e.data_offset, want->data_offset);
	CU_ASSERT_EQUAL(e.xattr_count, want->xattr_count);
	CU_ASSERT_EQUAL(e.extent_count, want->extent_count);
	CU_ASSERT_EQUAL(e.is_sparse, want->is_sparse);
	CU_ASSERT_PTR_NULL(e.xattrs);
	CU_ASSERT_PTR_NULL(e.extents);
}

static const struct tar_entry wanted[] = {
	{ '5', "etc/", .mode = 0700, .mtime_sec = 1000, .header_offset = 0, .data_offset = 512 },
	{ '0', "etc/passwd", .mode = 0644, .size_bytes = 4, .data_bytes = 4, .header_offset = 512,
	  .data_offset = 1024 },
	{ '2', "l", "etc", .mode = 0644, .mtime_sec = 1000, .header_offset = 1536,
	  .data_offset = 2048 },
	{ '1', "h", "etc/passwd", .mode = 0644, .mtime_sec = 1000, .header_offset = 2048,
	  .data_offset = 2560 },
	{ '3', "c", .mode = 0644, .mtime_sec = 1000, .dev_major = 1, .dev_minor = 3,
	  .header_offset = 2560, .data_offset = 3072 },
	{ '6', "p", .mode = 0644, .mtime_sec = 1000, .header_offset = 3072, .data_offset = 3584 },
	{ '0', "wide", .mode = 0644, .uid = 1LL << 32, .gid = -5, .mtime_sec = -2,
	  .mtime_nsec = 750000000, .size_bytes = 1, .data_bytes = 1, .header_offset = 3584,
	  .data_offset = 5120 },
	{ '3', "with", .dev_major = 7, .xattr_count = 2, .header_offset = 5632,
	  .data_offset = 7168 },
	{ '0', "sparse", .mode = 0644, .size_bytes = 40, .data_bytes = 8, .xattr_count = 1,
	  .extent_count = 2, .is_sparse = true, .header_offset = 7168, .data_offset = 8704 },
};

void test_layer__gives_entries_back(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct layer *layer = NULL;
	struct err err = { 0 };
	struct tar_xattr x;
	struct tar_extent run;
	size_t len;

	layermaker_tar(&t);
	_free_ void *index = layermaker_index(&t, 0, 7, &len);

	CU_ASSERT_EQUAL_FATAL(
		layermaker_open(&t, (struct bytes){ index, len }, false, &layer, &err), 0);
	CU_ASSERT_FALSE(layer_was_rebuilt(layer));
	CU_ASSERT_EQUAL(layer_tar_bytes(layer), t.len);
	CU_ASSERT_TRUE(layer_tar_fd(layer) >= 0);
	CU_ASSERT_EQUAL_FATAL(layer_entry_count(layer), ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		check_entry(layer, i, &wanted[i]);
	CU_ASSERT_EQUAL(layer_entry_xattr(layer, 0, 0, &x), 0);
	CU_ASSERT_EQUAL(layer_entry_xattr(layer, 7, 1, &x), 2);
	CU_ASSERT_STRING_EQUAL(x.name, "security.capability");
	CU_ASSERT_EQUAL(x.name_len, strlen(x.name));
	CU_ASSERT_EQUAL(x.value_len, 3);
	CU_ASSERT_EQUAL(memcmp(x.value, "cap", 3), 0);
	CU_ASSERT_EQUAL(layer_entry_extent(layer, 1, 0, &run), 0);
	CU_ASSERT_EQUAL(layer_entry_extent(layer, 8, 1, &run), 2);
	CU_ASSERT_EQUAL(run.logical_offset, 20);
	CU_ASSERT_EQUAL(run.bytes, 4);
	layer_forget_names(layer);
	check_entry(layer, 8, &wanted[8]);
	layer_free(layer);
	layer_free(NULL);
}

void test_layer__locates_bytes(void)
{
	static const struct {
		size_t entry;
		uint64_t offset, at, bytes;
	} rows[] = {
		{ 1, 0, 1024, 4 },	  { 1, 3, 1027, 1 },	      { 1, 4, UINT64_MAX, 0 },
		{ 0, 0, UINT64_MAX, 0 },  { 4, 0, UINT64_MAX, 0 },    { 8, 0, UINT64_MAX, 10 },
		{ 8, 9, UINT64_MAX, 1 },  { 8, 10, 8704, 4 },	      { 8, 13, 8707, 1 },
		{ 8, 14, UINT64_MAX, 6 }, { 8, 21, 8709, 3 },	      { 8, 24, UINT64_MAX, 16 },
		{ 8, 40, UINT64_MAX, 0 }, { 8, 1000, UINT64_MAX, 0 },
	};
	_tarmaker_ struct tarmaker t = { 0 };
	struct layer *layer = NULL;
	struct err err = { 0 };

	layermaker_tar(&t);
	CU_ASSERT_EQUAL_FATAL(tarmaker_layer(&t, &layer, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t at = 1, bytes = 1;

		layer_entry_locate(layer, rows[i].entry, rows[i].offset, &at, &bytes);
		CU_ASSERT_EQUAL(at, rows[i].at);
		CU_ASSERT_EQUAL(bytes, rows[i].bytes);
	}
	layer_free(layer);
}

/* More than fits into one piece of the heap, and texts that cross its end. */
void test_layer__many_entries(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct layer *layer = NULL;
	struct err err = { 0 };
	char name[120];
	size_t len;

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "directory-%u/%0*u", i / 100, (int)(i % 70) + 1, i);
		if (i % 50 == 0)
			tarmaker_pax(&t, 'x', "SCHILY.xattr.user.i", name, NULL);
		tarmaker_file(&t, name, "");
	}
	tarmaker_end(&t);
	_free_ void *index = layermaker_index(&t, 0, 3, &len);

	CU_ASSERT_EQUAL_FATAL(
		layermaker_open(&t, (struct bytes){ index, len }, false, &layer, &err), 0);
	CU_ASSERT_EQUAL_FATAL(layer_entry_count(layer), 3000);
	for (unsigned i = 0; i < 3000; i++) {
		struct tar_entry e;
		struct tar_xattr x = { 0 };

		snprintf(name, sizeof(name), "directory-%u/%0*u", i / 100, (int)(i % 70) + 1, i);
		layer_entry(layer, i, &e);
		CU_ASSERT_STRING_EQUAL(e.name, name);
		CU_ASSERT_EQUAL(layer_entry_xattr(layer, i, 0, &x), i % 50 == 0);
		if (i % 50 == 0)
			CU_ASSERT_EQUAL(memcmp(x.value, name, x.value_len), 0);
	}
	layer_free(layer);
}

static void check_damaged(const struct tarmaker *t, const void *index, size_t len)
{
	struct layer *layer = NULL;
	struct err err = { 0 };

	CU_ASSERT_TRUE(layermaker_open(t, (struct bytes){ index, len }, false, &layer, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_PTR_NULL(layer);
	layer_free(layer);
}

void test_layer__every_damaged_byte_shows(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	size_t len;

	layermaker_tar(&t);
	_free_ unsigned char *index = layermaker_index(&t, 0, 1, &len);

	for (size_t i = 0; i < len; i++) {
		index[i] ^= (unsigned char)(1 << i % 8);
		check_damaged(&t, index, len);
		index[i] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t i = 0; i < len; i += i < 64 ? 1 : 13)
		check_damaged(&t, index, i);
	tarmaker_raw(&t, "x", 1);
	check_damaged(&t, index, len);
}

void test_layer__rebuilds(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct layer *layer = NULL;
	struct err err = { 0 };
	size_t len, other_len;

	layermaker_tar(&t);
	_free_ unsigned char *index = layermaker_index(&t, 0, 1, &len);

	index[100] ^= 1;
	CU_ASSERT_EQUAL_FATAL(layermaker_open(&t, (struct bytes){ index, len }, true, &layer, &err),
			      0);
	CU_ASSERT_TRUE(layer_was_rebuilt(layer));
	CU_ASSERT_EQUAL(layer_entry_count(layer), ARRAY_SIZE(wanted));
	index[100] ^= 1;
	const void *other = layer_index_bytes(layer, &other_len);

	CU_ASSERT_EQUAL_FATAL(other_len, len);
	CU_ASSERT_EQUAL(memcmp(other, index, len), 0);
	layer_free(layer);
	CU_ASSERT_EQUAL_FATAL(layermaker_open(&t, (struct bytes){ "", 0 }, true, &layer, &err), 0);
	CU_ASSERT_EQUAL(layer_entry_count(layer), ARRAY_SIZE(wanted));
	layer_free(layer);
}

/* Only damage is a reason to read the tar again. */
void test_layer__an_index_that_cannot_be_read_is_an_error(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct layer *layer = NULL;
	struct err err = { 0 };
	char path[64];
	size_t len;

	layermaker_tar(&t);
	_free_ void *index = layermaker_index(&t, 0, 1, &len);
	_close_ int idx = layermaker_file(index, len);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", idx);
	const struct layer_files files = { layermaker_file(t.data, t.len),
					   open(path, O_WRONLY | O_CLOEXEC), true };

	CU_ASSERT_TRUE_FATAL(files.idx_fd >= 0);
	CU_ASSERT_EQUAL(layer_open(NULL, files, &layer, &err), -EACCES);
	CU_ASSERT_PTR_NULL(layer);
}

void test_layer__rebuild_can_fail(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct layer *layer = NULL;
	struct err err = { 0 };
	struct op op = { 0 };
	int tar;

	tarmaker_file(&t, "a", "x");
	tarmaker_raw(&t, "junk", 4);
	CU_ASSERT_TRUE(tarmaker_layer(&t, &layer, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_STRING_EQUAL(err.msg, "tar: offset 1024: the archive ends inside a header");
	op_cancel(&op);
	err_clear(&err);
	tar = layermaker_file(t.data, 1024);
	CU_ASSERT_TRUE(layer_open(&op, (struct layer_files){ tar, -1, false }, &layer, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
	CU_ASSERT_TRUE(fcntl(tar, F_GETFD) < 0); /* taken over all the same */
	err_clear(&err);
	CU_ASSERT_TRUE(layer_open(NULL,
				  (struct layer_files){ open("/dev/null", O_RDONLY), -1, false },
				  &layer, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_PTR_NULL(layer);
}

void test_layer__chain_id(void)
{
	const char *first =
		"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
	struct digest a, chain, second;
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(digest_parse(first, strlen(first), &a, &err), 0);
	chain_id(NULL, &a, &chain);
	CU_ASSERT_TRUE(digest_equal(&chain, &a));
	/* sha256 of the text "DIGEST DIGEST", by sha256sum. */
	chain_id(&a, &a, &second);
	CU_ASSERT_STRING_EQUAL(
		DIGEST_TEXT(&second),
		"sha256:170b376f64fb30995c140276be3d71dfb256b308d86183ca3b22aa93a79ad548");
}
