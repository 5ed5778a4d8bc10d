/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as the side below of a comparison. The tree's own look-up follows links on the way; a path
 * that went through one comes out as another path, and then it is not there.
 */
#include "layers/changes.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

#define PATH_BYTES_MAX ((size_t)1 << 30)

struct tree_lower {
	struct lower base;
	const struct tree *tree;
};

static const struct tree *tree_of(struct lower *l)
{
	return container_of(l, struct tree_lower, base)->tree;
}

/* Returns 1 when there is such a name. */
static int find_node(const struct tree *tree, const char *path, uint32_t *ret, struct err *err)
{
	_buf_ struct buf found = BUF_INIT(PATH_BYTES_MAX);

	/* Whatever stops the look-up, there is no such path then. */
	if (tree_lookup(tree, path, false, ret, NULL) < 0)
		return 0;
	TRY(tree_path(tree, *ret, &found, err));
	return !strcmp(buf_str(&found), path);
}

static void stat_node(const struct tree *tree, uint32_t node, struct lower_stat *ret)
{
	struct tree_stat st;

	tree_stat(tree, node, &st);
	*ret = (struct lower_stat){ .mode = st.mode,
				    .uid = (uint32_t)st.uid,
				    .gid = (uint32_t)st.gid,
				    .mtime_sec = st.mtime_sec,
				    .mtime_nsec = st.mtime_nsec,
				    .size_bytes = st.size_bytes };
}

static int find(struct lower *l, const char *path, struct lower_stat *ret, struct err *err)
{
	uint32_t node;
	const int rc = find_node(tree_of(l), path, &node, err);

	if (rc > 0)
		stat_node(tree_of(l), node, ret);
	return rc;
}

static int list(struct lower *l, const char *path, lower_fn *fn, void *arg, struct err *err)
{
	const struct tree *tree = tree_of(l);
	uint32_t node;
	const int found = find_node(tree, path, &node, err);

	if (found <= 0)
		return found;
	for (node = tree_first_child(tree, node); node != TREE_NONE;
	     node = tree_next_sibling(tree, node)) {
		struct lower_stat st;

		stat_node(tree, node, &st);
		const int rc = fn(arg, tree_name(tree, node), &st, err);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static void close_tree(struct lower *l)
{
	free(container_of(l, struct tree_lower, base));
}

struct lower *tree_lower(const struct tree *tree)
{
	static const struct lower_ops ops = { find, list, close_tree };
	struct tree_lower *l = NEW(struct tree_lower);

	l->base.ops = &ops;
	l->tree = tree;
	return &l->base;
}
