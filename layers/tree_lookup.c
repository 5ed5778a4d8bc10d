/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a path in a finished tree, symbolic links followed as if its root were "/". */
#include "layers/tree.h"

#include "base/mem.h"
#include "base/text.h"
#include "layers/tree_parts.h"

#include <sys/stat.h>

struct lookup {
	const struct tree *tree;
	const char *whole; /* for messages */
	struct path rest[TREE_LINKS_MAX + 1];
	unsigned depth, links;
	bool follow;
	uint32_t at;
};

static uint32_t find_child(const struct tree *tree, uint32_t node, struct path name)
{
	uint32_t low = tree->nodes[node].first_child;
	uint32_t high = low + tree->nodes[node].child_count;

	if (!tree->nodes[node].child_count)
		return TREE_NONE;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const char *s = tree_name(tree, middle);
		int order = strncmp(s, name.p, name.len);

		if (order == 0 && s[name.len])
			order = 1;
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return TREE_NONE;
}

static int fail(const struct lookup *l, enum err_kind kind, const char *why, struct err *err)
{
	return err_set(err, kind, "'%s': %s", TEXT_ESCAPED(l->whole), why);
}

/* Whether anything but slashes is still to come; a slash at the end asks for a directory. */
static bool is_last(const struct lookup *l, bool *ret_slash)
{
	*ret_slash = false;
	for (unsigned i = 0; i < l->depth; i++)
		for (size_t k = 0; k < l->rest[i].len; k++) {
			*ret_slash = true;
			if (l->rest[i].p[k] != '/')
				return false;
		}
	return true;
}

static bool is_directory(const struct lookup *l, uint32_t node)
{
	return l->tree->inodes[l->tree->nodes[node].inode].is_directory;
}

static int step(struct lookup *l, struct path part, struct err *err)
{
	struct tree_stat st;
	uint32_t found;
	bool slash;
	const bool last = is_last(l, &slash);

	if (path_is(part, "."))
		return 0;
	if (path_is(part, "..")) {
		l->at = l->at == TREE_ROOT ? TREE_ROOT : tree_parent(l->tree, l->at);
		return 0;
	}
	found = find_child(l->tree, l->at, part);
	if (found == TREE_NONE)
		return fail(l, ERR_NOT_FOUND, "no such file or directory", err);
	tree_stat(l->tree, found, &st);
	if (S_ISLNK(st.mode) && (!last || slash || l->follow)) {
		if (++l->links > TREE_LINKS_MAX)
			return fail(l, ERR_FAILED, "too many symbolic links", err);
		if (st.link_target[0] == '/')
			l->at = TREE_ROOT;
		l->rest[l->depth++] = (struct path){ st.link_target, strlen(st.link_target) };
		return 0;
	}
	if ((!last || slash) && !is_directory(l, found))
		return fail(l, ERR_NOT_FOUND, "not a directory", err);
	l->at = found;
	return 0;
}

int tree_lookup(const struct tree *tree, const char *path, bool follow, uint32_t *ret,
		struct err *err)
{
	struct lookup l = { .tree = tree,
			    .whole = path,
			    .rest = { { path, strlen(path) } },
			    .depth = 1,
			    .follow = follow,
			    .at = TREE_ROOT };
	struct path part;

	while (l.depth) {
		if (!path_next(&l.rest[l.depth - 1], &part)) {
			l.depth--;
			continue;
		}
		TRY(step(&l, part, err));
	}
	*ret = l.at;
	return 0;
}
