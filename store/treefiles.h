/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees as files: one immutable metadata image for each chain of layers, named by its ChainID. What
 * is inside is the business of overlay/; it can always be made again from the layers. Thread-safe.
 */
#ifndef IMG_STORE_TREEFILES_H
#define IMG_STORE_TREEFILES_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <stdint.h>

struct treefiles;

/* A tree being written; one writer per ChainID over all processes. Empty at begin. */
struct tree_writer {
	struct digest chain_id;
	int fd; /* readable and writable. Borrowed */
	struct treefiles *trees;
};

/* Called for each tree; non-zero stops the walk with that result. */
typedef int treefiles_fn(void *arg, const struct digest *chain_id, uint64_t bytes, struct err *err);

/* What a backend must do; all mandatory, contracts as of the functions below. */
struct treefiles_ops {
	int (*open)(struct treefiles *t, const struct digest *chain_id, int *ret_fd,
		    struct err *err);
	int (*begin)(struct treefiles *t, struct op *op, const struct digest *chain_id,
		     struct tree_writer **ret, struct err *err);
	int (*commit)(struct tree_writer *w, struct err *err);
	void (*abort)(struct tree_writer *w);
	int (*remove)(struct treefiles *t, const struct digest *chain_id, struct err *err);
	int (*list)(struct treefiles *t, treefiles_fn *fn, void *arg, struct err *err);
	void (*close)(struct treefiles *t);
};
struct treefiles {
	const struct treefiles_ops *ops;
};

/* A read-only fd of the caller's own. ERR_NOT_FOUND. */
int treefiles_open(struct treefiles *t, const struct digest *chain_id, int *ret_fd,
		   struct err *err);
/* Begins a tree. Returns 1 and no writer when it is (by now) there, 0 with a writer. */
int treefiles_begin(struct treefiles *t, struct op *op, const struct digest *chain_id,
		    struct tree_writer **ret, struct err *err);
/*
 * Publishes by a rename, without fsync: a tree carries a checksum of its own, and one that a power
 * cut damaged is made again. Consumes the writer, also on failure.
 */
int tree_writer_commit(struct tree_writer *w, struct err *err);
/* NULL is fine. */
void tree_writer_abort(struct tree_writer *w);
/* ERR_NOT_FOUND. Who has it open or mounted keeps it. */
int treefiles_remove(struct treefiles *t, const struct digest *chain_id, struct err *err);
int treefiles_list(struct treefiles *t, treefiles_fn *fn, void *arg, struct err *err);

#endif
