/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two trees, name by name. */
#ifndef IMG_LAYERS_TREE_DIFF_H
#define IMG_LAYERS_TREE_DIFF_H

#include "base/digest.h"
#include "base/op.h"
#include "layers/tree.h"

/* Which of its sides an entry differs in; 0 for added and removed ones. */
enum tree_diff_what {
	TREE_DIFF_TYPE = 1,
	TREE_DIFF_MODE = 2,
	TREE_DIFF_OWNER = 4,
	TREE_DIFF_SIZE = 8,
	TREE_DIFF_CONTENT = 16, /* same size, other bytes; or another link target, or device */
	TREE_DIFF_TIME = 32,
	TREE_DIFF_XATTR = 64,
	TREE_DIFF_LINKS = 128, /* hard-linked with other names, of those that both trees have */
};
struct tree_diff {
	uint32_t a, b; /* nodes; TREE_NONE: not there */
	const char *path;
	unsigned what; /* enum tree_diff_what */
};
typedef int tree_diff_fn(void *arg, const struct tree_diff *d, struct err *err);
struct tree_diff_request {
	const struct tree *a, *b;
	/*
	 * DiffIDs of their layers, by number: what tells that two layers are the same. NULL: only a
	 * layer that both trees were built of is.
	 */
	const struct digest *a_diffids, *b_diffids;
	size_t a_count, b_count; /* of DiffIDs */
	bool with_time;		 /* times alone count too */
};
/*
 * Calls fn for each name that differs, in walk order (a folder before what is in it, names of a
 * folder bytewise); what lies in an added or removed folder is told name by name. The root counts
 * when both trees have an entry for it. Contents are compared only when nothing cheaper decides
 * (same layer and entry are the same bytes). Times are told beside other differences, and alone
 * only `with_time`. `path` has no slash in front and is borrowed during the call; an error of fn
 * ends the walk.
 */
int tree_diff(struct op *op, const struct tree_diff_request *request, tree_diff_fn *fn, void *arg,
	      struct err *err);

#endif
