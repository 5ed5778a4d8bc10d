/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of trees as files, for each backend; and the folders of a store. */
#include "base/mem.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct tree_writer *begin_tree(struct store *store, const struct digest *chain_id)
{
	struct tree_writer *w = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(treefiles_begin(store->trees, NULL, chain_id, &w, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	return w;
}

static void put_tree(struct store *store, const struct digest *chain_id, const char *text)
{
	struct tree_writer *w = begin_tree(store, chain_id);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(write(w->fd, text, strlen(text)), (ssize_t)strlen(text));
	CU_ASSERT_EQUAL(tree_writer_commit(w, &err), 0);
}

static bool tree_is(struct store *store, const struct digest *chain_id, const char *text)
{
	_close_ int fd = -1;
	struct err err = { 0 };

	return treefiles_open(store->trees, chain_id, &fd, &err) == 0 && fd_is(fd, text);
}

static int count_tree(void *arg, const struct digest *chain_id, uint64_t bytes, struct err *err)
{
	(void)chain_id;
	(void)err;
	*(uint64_t *)arg += 1000 + bytes;
	return 0;
}

void test_treefiles__written_opened_listed_removed(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest chain_id = digest_of_str("a chain");
		struct tree_writer *w = NULL;
		uint64_t seen = 0;
		int fd = -7;

		CU_ASSERT_EQUAL(treefiles_open(f.store->trees, &chain_id, &fd, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(fd, -7);
		err_clear(&err);
		put_tree(f.store, &chain_id, "the tree");
		CU_ASSERT_TRUE(tree_is(f.store, &chain_id, "the tree"));
		CU_ASSERT_EQUAL(treefiles_begin(f.store->trees, NULL, &chain_id, &w, &err), 1);
		CU_ASSERT_PTR_NULL(w);
		CU_ASSERT_EQUAL(treefiles_list(f.store->trees, count_tree, &seen, &err), 0);
		CU_ASSERT_EQUAL(seen, 1008);
		CU_ASSERT_EQUAL(treefiles_remove(f.store->trees, &chain_id, &err), 0);
		CU_ASSERT_EQUAL(treefiles_remove(f.store->trees, &chain_id, &err), -ENOENT);
		CU_ASSERT_FALSE(tree_is(f.store, &chain_id, "the tree"));
	}
}

void test_treefiles__given_up_leaves_nothing(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest chain_id = digest_of_str("a chain");
		struct tree_writer *w = begin_tree(f.store, &chain_id);
		int fd;

		CU_ASSERT_EQUAL(write(w->fd, "half", 4), 4);
		tree_writer_abort(w);
		tree_writer_abort(NULL);
		CU_ASSERT_EQUAL(treefiles_open(f.store->trees, &chain_id, &fd, &err), -ENOENT);
		put_tree(f.store, &chain_id, "x");
		CU_ASSERT_TRUE(tree_is(f.store, &chain_id, "x"));
	}
}

void test_treefiles__folders_of_the_store(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct stat st;
		_close_ int fd = -1;

		if (!store_path(f.store)) {
			CU_ASSERT_EQUAL(store_folder(f.store, "roots", &fd, &err), -EOPNOTSUPP);
			CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
			continue;
		}
		CU_ASSERT_EQUAL(store_path(f.store)[0], '/');
		CU_ASSERT_EQUAL(store_folder(f.store, "roots", &fd, &err), 0);
		CU_ASSERT_EQUAL(fstat(fd, &st), 0);
		CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0700);
	}
}
