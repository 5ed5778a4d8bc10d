/* SPDX-License-Identifier: Apache-2.0 */
/* Exporting: what comes out reads back as the same tree, byte for byte the same each time. */
#include "base/mem.h"
#include "layers/tar_write.h"
#include "layers/unpack.h"
#include "stream/hash.h"
#include "sys/file.h"
#include "tests/unit/layers/treemaker.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char long_name[300], long_link[200];

static const struct tar_xattr xattrs[] = { { "user.b", "2\0002", 6, 3 }, { "user.a", "\n", 6, 1 } };

static const struct treemaker_entry entries[] = {
	{ .entry = { .type = '5', .name = "./", .mode = 0711, .mtime_sec = 5 } },
	TM_DIR("b/", 0755),
	TM_FILE("b/file", 0644, "first"),
	TM_LINK('1', "a-link", "b/file"),
	{ .entry = { .type = '0',
		     .name = "odd",
		     .mode = 06755,
		     .uid = 3000000,
		     .gid = 4000000000,
		     .mtime_sec = -5,
		     .mtime_nsec = 250000000,
		     .xattrs = xattrs,
		     .xattr_count = 2 },
	  .text = "odd" },
	{ .entry = { .type = '0', .name = "late", .mode = 0600, .mtime_sec = 0x3ffffffff } },
	{ .entry = { .type = '0', .name = long_name, .mode = 0600 }, .text = "long" },
	{ .entry = { .type = '2', .name = "sym", .link_name = long_link, .mode = 0777 } },
	{ .entry = { .type = '3', .name = "dev", .mode = 0600, .dev_major = 8, .dev_minor = 1 } },
	TM_FILE("\xff\xfe", 0644, "bytes"),
};

static void make(struct treemaker *m)
{
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[150] = '/';
	memset(long_link, 'l', sizeof(long_link) - 1);
	treemaker_init(m, entries, ARRAY_SIZE(entries));
}

static int export_to_memory(const struct tree *tree, uint64_t *ret_bytes)
{
	const int fd = memfd_create("export", MFD_CLOEXEC);
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(export_tree(NULL, tree, fd, ret_bytes, &err), 0);
	return fd;
}

static void digest_of(int fd, uint64_t bytes, struct digest *ret)
{
	void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	CU_ASSERT_NOT_EQUAL_FATAL(map, MAP_FAILED);
	hash_bytes(DIGEST_SHA256, map, bytes, ret);
	munmap(map, bytes);
}

static void assert_same_node(const struct tree *x, uint32_t i, const struct tree *y, uint32_t j)
{
	struct tree_stat a, b;
	struct tar_xattr p, q;

	tree_stat(x, i, &a);
	tree_stat(y, j, &b);
	CU_ASSERT_STRING_EQUAL(tree_name(x, i), tree_name(y, j));
	CU_ASSERT_EQUAL(a.mode, b.mode);
	CU_ASSERT_EQUAL(a.nlink, b.nlink);
	CU_ASSERT_EQUAL(a.uid, b.uid);
	CU_ASSERT_EQUAL(a.gid, b.gid);
	CU_ASSERT_EQUAL(a.mtime_sec, b.mtime_sec);
	CU_ASSERT_EQUAL(a.mtime_nsec, b.mtime_nsec);
	CU_ASSERT_EQUAL(a.size_bytes, b.size_bytes);
	CU_ASSERT_EQUAL(a.dev_major, b.dev_major);
	CU_ASSERT_EQUAL(a.dev_minor, b.dev_minor);
	if (a.link_target)
		CU_ASSERT_STRING_EQUAL(a.link_target, b.link_target);
	for (size_t n = 0; tree_xattr(x, i, n, &p); n++) {
		bool found = false;

		for (size_t k = 0; tree_xattr(y, j, k, &q); k++)
			found |= !strcmp(p.name, q.name) && p.value_len == q.value_len &&
				 !memcmp(p.value, q.value, p.value_len);
		CU_ASSERT_TRUE(found);
	}
}

void test_export__reads_back_as_the_same_tree(void)
{
	struct treemaker m, again;
	uint64_t bytes = 0;
	uint32_t i = TREE_ROOT, j = TREE_ROOT;

	make(&m);
	treemaker_from_tar(&again, export_to_memory(m.tree, &bytes));
	CU_ASSERT_EQUAL(bytes % 512, 0);
	CU_ASSERT_EQUAL_FATAL(tree_node_count(m.tree), tree_node_count(again.tree));
	while (i != TREE_NONE && j != TREE_NONE) {
		assert_same_node(m.tree, i, again.tree, j);
		i = tree_walk_next(m.tree, TREE_ROOT, i);
		j = tree_walk_next(again.tree, TREE_ROOT, j);
	}
	CU_ASSERT_EQUAL(i, j);
	treemaker_fini(&again);
	treemaker_fini(&m);
}

void test_export__same_tree_same_bytes(void)
{
	struct treemaker m, again;
	struct digest first, second;
	uint64_t bytes = 0, bytes2 = 0;

	make(&m);
	_close_ int a = export_to_memory(m.tree, &bytes);

	digest_of(a, bytes, &first);
	treemaker_from_tar(&again, fcntl(a, F_DUPFD_CLOEXEC, 3));
	_close_ int b = export_to_memory(again.tree, &bytes2);

	digest_of(b, bytes2, &second);
	CU_ASSERT_TRUE(digest_equal(&first, &second));
	treemaker_fini(&again);
	treemaker_fini(&m);
}

void test_export__full_pipe_end_is_an_error_not_a_signal(void)
{
	struct treemaker m;
	struct err err = { 0 };
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	make(&m);
	CU_ASSERT_EQUAL(export_tree(NULL, m.tree, full, NULL, &err), -ENOSPC);
	CU_ASSERT_EQUAL(err.kind, ERR_NO_SPACE);
	close(full);
	treemaker_fini(&m);
}

void test_export__writer_holds_callers_to_the_size(void)
{
	struct err err = { 0 };
	const struct tar_entry e = { .type = '0', .name = "f", .link_name = "", .size_bytes = 3 };
	_close_ int fd = memfd_create("t", MFD_CLOEXEC);
	struct tar_writer *w = tar_writer_new(fd);

	CU_ASSERT_EQUAL(tar_writer_entry(w, &e, &err), 0);
	CU_ASSERT_TRUE(tar_writer_data(w, "four", 4, &err) < 0);
	CU_ASSERT_EQUAL(tar_writer_data(w, "ab", 2, &err), 0);
	CU_ASSERT_TRUE(tar_writer_finish(w, NULL, &err) < 0);
	tar_writer_free(w);
}
