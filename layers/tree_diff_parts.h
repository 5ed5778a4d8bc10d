/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of tree_diff share. Not for others. */
#ifndef IMG_LAYERS_TREE_DIFF_PARTS_H
#define IMG_LAYERS_TREE_DIFF_PARTS_H

#include "layers/tree_diff.h"

/* The attributes of one inode, sorted by name; the memory is used again. */
struct diff_xattrs {
	struct tar_xattr *items;
	size_t count, alloc;
};

struct diff {
	struct op *op;
	const struct tree_diff_request *request;
	tree_diff_fn *fn;
	void *arg;
	uint64_t seed;
	uint64_t *a_groups, *b_groups; /* by inode; NULL: no hard links anywhere */
	char *buffer;		       /* for contents, made when first needed */
	struct diff_xattrs a_xattrs, b_xattrs;
};

/* Fills `what` of a pair that both trees have. */
int diff_nodes(struct diff *d, struct tree_diff *pair, struct err *err);

#endif
