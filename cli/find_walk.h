/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a tree with an expression. */
#ifndef IMG_CLI_FIND_WALK_H
#define IMG_CLI_FIND_WALK_H

#include "base/buf.h"
#include "base/op.h"
#include "cli/find_expr.h"

/* One name under test. */
struct find_at {
	const struct tree *tree;
	uint32_t node;
	struct tree_stat st;
	const char *path; /* as it is shown */
	unsigned depth;
};
/* What an action does: FIND_PRINT, FIND_PRINT0, FIND_LS. */
typedef int find_action_fn(void *arg, enum find_kind action, const struct find_at *at,
			   struct err *err);

struct find_request {
	const struct find_expr *expr; /* bound */
	const struct tree *tree;
	uint32_t start;
	const char *start_path; /* as it is shown; "/" or without a slash behind */
	int64_t now_sec;	/* -mtime counts from here */
};
/*
 * Calls fn for each action that the expression takes, and FIND_PRINT for each match when it has
 * none; parents first, names of a folder bytewise. Errors of fn end the walk.
 */
int find_walk(struct op *op, const struct find_request *request, find_action_fn *fn, void *arg,
	      struct err *err);

#endif
