/* SPDX-License-Identifier: Apache-2.0 */
/* Looking paths up in an image, against the tree it was made from. */
#include "base/mem.h"
#include "tests/unit/overlay/erofsmaker.h"

#include <CUnit/CUnit.h>

static bool is_same(const struct lower_stat *a, const struct tree_stat *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       a->mtime_sec == b->mtime_sec && a->mtime_nsec == b->mtime_nsec &&
	       a->size_bytes == b->size_bytes;
}

struct listing {
	const struct tree *tree;
	uint32_t next;
};

static int compare_name(void *arg, const char *name, const struct lower_stat *st, struct err *err)
{
	struct listing *l = arg;
	struct tree_stat want;

	(void)err;
	CU_ASSERT_NOT_EQUAL_FATAL(l->next, TREE_NONE);
	CU_ASSERT_STRING_EQUAL(name, tree_name(l->tree, l->next));
	tree_stat(l->tree, l->next, &want);
	CU_ASSERT_TRUE(is_same(st, &want));
	l->next = tree_next_sibling(l->tree, l->next);
	return 0;
}

static void compare_all(struct lower *l, const struct tree *tree)
{
	for (uint32_t i = TREE_ROOT; i != TREE_NONE; i = tree_walk_next(tree, TREE_ROOT, i)) {
		_buf_ struct buf path = BUF_INIT(1 << 20);
		struct listing listing = { tree, tree_first_child(tree, i) };
		struct lower_stat got;
		struct tree_stat want;
		struct err err = { 0 };

		CU_ASSERT_EQUAL_FATAL(tree_path(tree, i, &path, &err), 0);
		tree_stat(tree, i, &want);
		CU_ASSERT_EQUAL(l->ops->find(l, buf_str(&path), &got, &err), 1);
		CU_ASSERT_TRUE(is_same(&got, &want));
		CU_ASSERT_EQUAL(l->ops->list(l, buf_str(&path), compare_name, &listing, &err), 0);
		CU_ASSERT_EQUAL(listing.next, TREE_NONE);
		/* Names that lie just before and after one that is there. */
		CU_ASSERT_EQUAL(buf_append_char(&path, '!', &err), 0);
		CU_ASSERT_EQUAL(l->ops->find(l, buf_str(&path), &got, &err), 0);
		CU_ASSERT_EQUAL(buf_append_str(&path, "/x", &err), 0);
		CU_ASSERT_EQUAL(l->ops->find(l, buf_str(&path), &got, &err), 0);
	}
}

void test_erofs_lower__finds_and_lists_what_the_tree_has(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	struct lower *l;

	tarmaker_text(&t, "d a:700; f a/b=1; f a/.x; f -; l link->a; c n=1.3; f deep/er/est=22");
	t.len -= 1024;
	for (unsigned i = 0; i < 3000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "many/%x-name", i * 2654435761u);
		tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = name, .mtime = i });
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	l = erofs_lower(m.image);
	compare_all(l, m.tree);
	l->ops->close(l);
}

static int stop_at_second(void *arg, const char *name, const struct lower_stat *st, struct err *err)
{
	(void)name;
	(void)st;
	(void)err;
	return ++*(int *)arg == 2 ? 7 : 0;
}

void test_erofs_lower__absent_paths_and_early_ends(void)
{
	static const char *const absent[] = { "x",  "a/x",  "a/f/x", "link/f", ".",
					      "..", "a/..", "a/.",   "\xff",   "!" };
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	struct lower_stat st;
	struct err err = { 0 };
	struct lower *l;
	int calls = 0;

	erofsmaker_text(&m, "d a; f a/f; f a/g; f a/h; l link->a");
	erofsmaker_build(&m);
	l = erofs_lower(m.image);
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		CU_ASSERT_EQUAL(l->ops->find(l, absent[i], &st, &err), 0);
	CU_ASSERT_EQUAL(l->ops->list(l, "x", stop_at_second, &calls, &err), 0);
	CU_ASSERT_EQUAL(l->ops->list(l, "a/f", stop_at_second, &calls, &err), 0);
	CU_ASSERT_EQUAL(calls, 0);
	CU_ASSERT_EQUAL(l->ops->list(l, "a", stop_at_second, &calls, &err), 7);
	CU_ASSERT_EQUAL(calls, 2);
	l->ops->close(l);
}
