/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: blocks of dirents, each followed by its names, all sorted bytewise with "." and ".."
 * among them, because the kernel searches by halves.
 */
#include "overlay/erofs_writer.h"

#include <string.h>

#define DIRENT_BYTES ((size_t)sizeof(struct erofs_dirent))
/* With names of one byte. */
#define DIRENTS_MAX (EROFS_BLOCK_BYTES / (DIRENT_BYTES + 1))

/* Names of a directory in order. */
struct walk {
	const struct tree *tree;
	uint32_t dir, child;
	unsigned dots; /* how many of "." and ".." are past */
};
struct name {
	const char *p;
	size_t len;
	uint32_t node;
};

static struct walk walk_begin(const struct tree *tree, uint32_t dir)
{
	return (struct walk){ tree, dir, tree_first_child(tree, dir), 0 };
}

static bool walk_next(struct walk *w, struct name *ret)
{
	const char *child = w->child == TREE_NONE ? NULL : tree_name(w->tree, w->child);

	if (w->dots < 2) {
		const char *dots = w->dots ? ".." : ".";

		if (!child || strcmp(dots, child) < 0) {
			*ret = (struct name){ dots, ++w->dots, w->dir };
			if (w->dots == 2 && w->dir != TREE_ROOT)
				ret->node = tree_parent(w->tree, w->dir);
			return true;
		}
	}
	if (!child)
		return false;
	*ret = (struct name){ child, strlen(child), w->child };
	w->child = tree_next_sibling(w->tree, w->child);
	return true;
}

uint64_t erofs_dir_bytes(const struct tree *tree, uint32_t dir)
{
	struct walk w = walk_begin(tree, dir);
	uint64_t blocks = 0;
	size_t used = 0;
	struct name n;

	while (walk_next(&w, &n)) {
		const size_t need = DIRENT_BYTES + n.len;

		if (used + need > EROFS_BLOCK_BYTES) {
			blocks++;
			used = 0;
		}
		used += need;
	}
	return blocks * EROFS_BLOCK_BYTES + used;
}

uint64_t erofs_nid(const struct erofs_nids *nids, uint32_t node)
{
	struct tree_stat st;

	if (nids->nid[node])
		return nids->nid[node];
	tree_stat(nids->tree, node, &st);
	return nids->nid[tree_first_name(nids->tree, st.inode)];
}

/* The names of one block, on their way. */
struct block {
	struct name names[DIRENTS_MAX];
	size_t count, bytes;
	uint64_t number;
};

/* Lays a block out; returns how much of it is used. */
static void fill_block(const struct block *b, const struct erofs_nids *nids, char *dst)
{
	size_t at = b->count * DIRENT_BYTES;

	for (size_t i = 0; i < b->count; i++) {
		const struct name *n = &b->names[i];
		const struct erofs_dirent d = { .nid = erofs_nid(nids, n->node),
						.name_offset = (uint16_t)at,
						.type = nids->type[n->node] };

		memcpy(dst + i * DIRENT_BYTES, &d, sizeof(d));
		memcpy(dst + at, n->p, n->len);
		at += n->len;
	}
	memset(dst + at, 0, EROFS_BLOCK_BYTES - at);
}

int erofs_dir_blocks(const struct erofs_nids *nids, uint32_t dir, erofs_dir_fn *put, void *arg,
		     struct err *err)
{
	struct walk w = walk_begin(nids->tree, dir);
	struct block b = { .count = 0 };
	char data[EROFS_BLOCK_BYTES];
	struct name n;

	while (walk_next(&w, &n)) {
		if (b.bytes + DIRENT_BYTES + n.len > EROFS_BLOCK_BYTES) {
			fill_block(&b, nids, data);
			TRY(put(arg, b.number, data, sizeof(data), err));
			b.number++;
			b.count = b.bytes = 0;
		}
		b.names[b.count++] = n;
		b.bytes += DIRENT_BYTES + n.len;
	}
	fill_block(&b, nids, data);
	return put(arg, b.number, data, b.bytes, err);
}
