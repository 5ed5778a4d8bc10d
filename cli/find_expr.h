/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expression of img find: the part of find(1) that makes sense for an image. Read whole before
 * anything is opened, so that a mistake in it costs nothing.
 */
#ifndef IMG_CLI_FIND_EXPR_H
#define IMG_CLI_FIND_EXPR_H

#include "base/err.h"
#include "layers/tree.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum find_kind {
	FIND_TRUE = 1,
	FIND_FALSE,
	FIND_NOT,
	FIND_AND,
	FIND_OR,
	FIND_NAME, /* pattern on the last name, on the path, on a symlink's target */
	FIND_PATH,
	FIND_LNAME,
	FIND_REGEX,
	FIND_TYPE,
	FIND_SIZE,
	FIND_PERM,
	FIND_UID,
	FIND_GID,
	FIND_LINKS,
	FIND_INUM,
	FIND_LAYER,
	FIND_MTIME,
	FIND_NEWER,
	FIND_EMPTY,
	FIND_XATTR,
	FIND_PRUNE,
	FIND_QUIT, /* from here on actions: without one, matches are printed */
	FIND_PRINT,
	FIND_PRINT0,
	FIND_LS,
};

/* How a number is compared: N, +N, -N. */
enum find_order { FIND_EXACT, FIND_MORE, FIND_LESS };
/* How permission bits are compared: MODE, -MODE, /MODE. */
enum find_bits { FIND_BITS_EXACT, FIND_BITS_ALL, FIND_BITS_ANY };

struct find_node {
	enum find_kind kind;
	size_t left, right; /* of FIND_NOT (left), FIND_AND, FIND_OR */
	const char *text;   /* a pattern, or the name of a user or group until it is bound */
	bool ignore_case;
	enum find_order order;
	enum find_bits bits;
	int64_t number; /* FIND_NEWER: seconds */
	uint32_t nsec;	/* FIND_NEWER */
	uint64_t unit;	/* FIND_SIZE */
	regex_t *regex; /* owned */
};

/* Value; words are borrowed. */
struct find_expr {
	struct find_node *nodes;
	size_t count, alloc;
	size_t root;
	unsigned min_depth, max_depth; /* UINT_MAX: no bound */
	bool has_action;
	bool has_names; /* of users or groups, to be bound to a tree */
};

/* ERR_USAGE naming the word that is wrong. */
int find_parse(const char *const *words, size_t count, struct find_expr *ret, struct err *err);
/* Looks names of users and groups up in the image's own files. ERR_USAGE for those it lacks. */
int find_bind(struct find_expr *expr, const struct tree *tree, struct err *err);
void find_expr_fini(struct find_expr *expr);

/* --- for find_parse.c: words that have an argument (find_tests.c) --- */

/*
 * Fills the node of a test from its word ("-name") and argument. Returns 1, or 0 when there is no
 * such test. `arg` NULL: there is none.
 */
int find_test(struct find_expr *expr, struct find_node *node, const char *word, const char *arg,
	      struct err *err);

#endif
