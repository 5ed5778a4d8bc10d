/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the tree share: its finished form, pieces of paths, limits. Not for others.
 */
#ifndef IMG_LAYERS_TREE_PARTS_H
#define IMG_LAYERS_TREE_PARTS_H

#include "layers/layer.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYER_IMPLIED  UINT16_MAX
#define TREE_LINKS_MAX 40 /* in one path, as Linux has it */

/* --- the finished tree --- */

/* Children of a directory are neighbours, sorted; the parent of a node comes before it. */
struct tree_node {
	uint32_t parent;
	uint32_t first_child, child_count;
	uint32_t name; /* in `names` */
	uint32_t inode;
};
struct tree_inode {
	uint32_t entry;
	uint16_t layer;
	bool is_directory;
	uint32_t nlink;
	uint32_t first_name;
};
struct tree {
	const struct layer **layers; /* the array is owned, the layers are borrowed */
	size_t layer_count;
	struct tree_layer_stats *stats; /* owned, one a layer */
	struct tree_node *nodes;
	struct tree_inode *inodes;
	uint32_t node_count, inode_count;
	char *names; /* owned, terminated one by one */
};

/* Whether an extended attribute steers overlayfs: never taken from an image. */
bool tree_xattr_is_hidden(const struct tar_xattr *x);

/* --- a piece of a path --- */

struct path {
	const char *p;
	size_t len;
};
/* Cuts the first component off; empty ones are skipped. False at the end. */
bool path_next(struct path *rest, struct path *ret);
bool path_is(struct path p, const char *s);

#endif
