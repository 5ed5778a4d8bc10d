/* SPDX-License-Identifier: Apache-2.0 */
/* Finding paths in a tree and reading files out of it. */
#include "layers/tree.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/layers/tarmaker.h"

#include <CUnit/CUnit.h>

static uint32_t find(const struct tm_tree *t, const char *path)
{
	uint32_t node = TREE_NONE;
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(tree_lookup(t->tree, path, false, &node, &err), 0);
	return node;
}

void test_tree_read__looks_up(void)
{
	static const char *const layers[] = {
		"d a; d a/b; f a/b/f=1; l a/l->../a/b; l abs->/a; l up->../../../../a/b/f;"
		"l loop->loop; l dangling->x; l file->a/b/f; l slash->a/b/",
		NULL
	};
	static const struct {
		const char *path;
		bool follow;
		const char *want; /* NULL: not found */
	} rows[] = {
		{ "", true, "" },
		{ "/", true, "" },
		{ "..", true, "" },
		{ "a", true, "a" },
		{ "//a//b/./f", true, "a/b/f" },
		{ "a/b/../b/f", true, "a/b/f" },
		{ "../../a/b", true, "a/b" },
		{ "a/l", false, "a/l" },
		{ "a/l", true, "a/b" },
		{ "a/l/", false, "a/b" },
		{ "a/l/f", false, "a/b/f" },
		{ "abs/l/f", false, "a/b/f" },
		{ "up", true, "a/b/f" },
		{ "slash", true, "a/b" },
		{ "slash/f", true, "a/b/f" },
		{ "a/l/../l/f", true, NULL }, /* a/b/../l is a/l: found below */
		{ "loop", false, "loop" },
		{ "loop", true, NULL },
		{ "dangling", false, "dangling" },
		{ "dangling", true, NULL },
		{ "a/b/f/", true, NULL },
		{ "file/", true, NULL },
		{ "a/b/f/..", true, NULL },
		{ "A", true, NULL },
		{ "a/b/", true, "a/b" },
		{ "ab", true, NULL },
	};
	_tm_tree_ struct tm_tree t;

	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&t, NULL, layers), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf path = BUF_INIT(1000);
		struct err err = { 0 };
		uint32_t node = TREE_NONE;
		const int rc = tree_lookup(t.tree, rows[i].path, rows[i].follow, &node, &err);
		/* Above b is a, as the kernel sees it. */
		const char *want = strcmp(rows[i].path, "a/l/../l/f") ? rows[i].want : "a/b/f";

		if (rc == 0)
			tree_path(t.tree, node, &path, &err);
		const bool ok = want ? rc == 0 && !strcmp(buf_str(&path), want) : rc < 0;

		if (!ok)
			printf("# '%s': %s%s\n", rows[i].path, buf_str(&path), err.msg);
		CU_ASSERT_TRUE(ok);
		if (!want && strcmp(rows[i].path, "loop"))
			CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	}
}

void test_tree_read__reads(void)
{
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };
	struct err err = { 0 };
	struct tar_extent run;
	static const char content[] = "\0\0\0ab\0\0\0cd\0\0";
	char got[64];

	tarmaker_file(&tar, "f", "0123456789");
	tarmaker_pax(&tar, 'x', "GNU.sparse.numblocks", "2", "GNU.sparse.map", "3,2,8,2",
		     "GNU.sparse.size", "12", NULL);
	tarmaker_file(&tar, "s", "abcd");
	tarmaker_header(&tar, &(struct tm_header){ .type = '5', .name = "d" });
	t = (struct tm_tree){ 0 };
	CU_ASSERT_EQUAL_FATAL(tarmaker_layer(&tar, &t.layers[0], &err), 0);
	t.count = 1;
	CU_ASSERT_EQUAL_FATAL(tree_build(NULL, t.layers, 1, &t.tree, &err), 0);
	tarmaker_fini(&tar);

	const uint32_t f = find(&t, "f"), s = find(&t, "s"), d = find(&t, "d");

	CU_ASSERT_EQUAL(tree_read(t.tree, (struct tree_place){ f, 0 }, got, 64, &err), 10);
	CU_ASSERT_EQUAL(memcmp(got, "0123456789", 10), 0);
	CU_ASSERT_EQUAL(tree_read(t.tree, (struct tree_place){ f, 4 }, got, 3, &err), 3);
	CU_ASSERT_EQUAL(memcmp(got, "456", 3), 0);
	CU_ASSERT_EQUAL(tree_read(t.tree, (struct tree_place){ f, 10 }, got, 3, &err), 0);
	CU_ASSERT_EQUAL(tree_read(t.tree, (struct tree_place){ f, UINT64_MAX }, got, 3, &err), 0);
	CU_ASSERT_EQUAL(tree_read(t.tree, (struct tree_place){ f, 0 }, got, 0, &err), 0);
	for (uint64_t at = 0; at < 12; at++) {
		memset(got, 'x', sizeof(got));
		CU_ASSERT_EQUAL(tree_read(t.tree, (struct tree_place){ s, at }, got, 64, &err),
				(ssize_t)(12 - at));
		CU_ASSERT_EQUAL(memcmp(got, content + at, 12 - at), 0);
	}
	CU_ASSERT_TRUE(tree_extent(t.tree, s, 1, &run));
	CU_ASSERT_EQUAL(run.logical_offset, 8);
	CU_ASSERT_FALSE(tree_extent(t.tree, s, 2, &run));
	CU_ASSERT_FALSE(tree_extent(t.tree, f, 0, &run));
	CU_ASSERT_FALSE(tree_extent(t.tree, TREE_ROOT, 0, &run));
	CU_ASSERT_TRUE(tree_read(t.tree, (struct tree_place){ d, 0 }, got, 64, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
}
