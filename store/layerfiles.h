/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers as files: the raw tar, byte for byte, named by its DiffID, and the index of its entries beside it. What is inside
 * both is the business of layers/.
 */
#ifndef IMG_STORE_LAYERFILES_H
#define IMG_STORE_LAYERFILES_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>
#include <stdint.h>

struct layerfiles;

/* A layer being written; one writer per DiffID over all processes, as with blobs. */
struct layer_writer {
	struct digest diffid;
	int tar_fd; /* append the raw tar here. Borrowed */
	int idx_fd; /* write the index here. Borrowed */
	void *backend_;
};

struct layerfiles_ops {
	int (*open)(struct layerfiles *l, const struct digest *diffid, int *ret_tar, int *ret_idx,
		    struct err *err);
	int (*begin)(struct layerfiles *l, struct op *op, const struct digest *diffid,
		     struct layer_writer **ret, struct err *err);
	int (*commit)(struct layer_writer *w, const struct digest *computed, struct err *err);
	void (*abort)(struct layer_writer *w);
	int (*replace_index)(struct layerfiles *l, const struct digest *diffid, const void *data,
			     size_t len, struct err *err);
	int (*remove)(struct layerfiles *l, const struct digest *diffid, struct err *err);
	int (*list)(struct layerfiles *l,
		    int (*fn)(void *arg, const struct digest *diffid, uint64_t tar_bytes,
			      struct err *err),
		    void *arg, struct err *err);
};
struct layerfiles {
	const struct layerfiles_ops *ops;
};

/*
 * Read-only fds of the caller's own. ERR_NOT_FOUND when there is no tar; *ret_idx is -1 when only the index is absent (the caller rebuilds it from the tar).
 */
int layerfiles_open(struct layerfiles *l, const struct digest *diffid, int *ret_tar, int *ret_idx,
		    struct err *err);
/* True when the tar is there. */
bool layerfiles_has(struct layerfiles *l, const struct digest *diffid);
/* Begins a layer. Returns 1 and no writer when it is (by now) there, 0 with a writer. */
int layerfiles_begin(struct layerfiles *l, struct op *op, const struct digest *diffid,
		     struct layer_writer **ret, struct err *err);
/* Publishes both files durably, the index first. `computed` must equal the DiffID. Consumes the writer, also on failure. */
int layer_writer_commit(struct layer_writer *w, const struct digest *computed, struct err *err);
/* Removes what was written. NULL is fine. */
void layer_writer_abort(struct layer_writer *w);
/* Replaces the index of a layer that is there (it was absent or damaged and has been rebuilt). */
int layerfiles_replace_index(struct layerfiles *l, const struct digest *diffid, const void *data,
			     size_t len, struct err *err);

#endif
