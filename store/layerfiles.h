/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers as files: the raw tar, byte for byte, named by its DiffID, and the index of its entries
 * beside it. What is inside both is the business of layers/. Thread-safe.
 */
#ifndef IMG_STORE_LAYERFILES_H
#define IMG_STORE_LAYERFILES_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layerfiles;

/*
 * A layer being written; one writer per DiffID over all processes, as with blobs. Nothing of an
 * earlier attempt is kept: both files are empty at begin.
 */
struct layer_writer {
	struct digest diffid; /* DIGEST_NONE: known when all is written */
	int tar_fd;	      /* the raw tar goes here; readable too. Borrowed */
	int idx_fd;	      /* the index goes here; left empty, the layer has none. Borrowed */
	struct layerfiles *layers;
};

/* Called for each layer; non-zero stops the walk with that result. */
typedef int layerfiles_fn(void *arg, const struct digest *diffid, uint64_t tar_bytes,
			  struct err *err);

/* What a backend must do; all mandatory, contracts as of the functions below. */
struct layerfiles_ops {
	int (*open)(struct layerfiles *l, const struct digest *diffid, int *ret_tar, int *ret_idx,
		    struct err *err);
	bool (*has)(struct layerfiles *l, const struct digest *diffid);
	int (*begin)(struct layerfiles *l, struct op *op, const struct digest *diffid,
		     struct layer_writer **ret, struct err *err);
	void (*progress)(struct layer_writer *w, uint64_t tar_bytes);
	/* `diffid` is the wanted one, if one was. */
	int (*commit)(struct layer_writer *w, const struct digest *diffid, struct err *err);
	void (*abort)(struct layer_writer *w);
	int (*replace_index)(struct layerfiles *l, const struct digest *diffid, const void *data,
			     size_t len, struct err *err);
	int (*remove)(struct layerfiles *l, const struct digest *diffid, struct err *err);
	int (*list)(struct layerfiles *l, layerfiles_fn *fn, void *arg, struct err *err);
	void (*close)(struct layerfiles *l);
};
struct layerfiles {
	const struct layerfiles_ops *ops;
};

/*
 * Opens a layer: read-only fds of the caller's own. ERR_NOT_FOUND when there is no tar; *ret_idx is
 * -1 when only the index is absent (the caller rebuilds it from the tar).
 */
int layerfiles_open(struct layerfiles *l, const struct digest *diffid, int *ret_tar, int *ret_idx,
		    struct err *err);
/* True when the tar is there. */
bool layerfiles_has(struct layerfiles *l, const struct digest *diffid);
/*
 * Begins a layer. Returns 1 and no writer when it is (by now) there, 0 with a writer. `op` may be
 * NULL. A DiffID of DIGEST_NONE is one that is known only when all is written.
 */
int layerfiles_begin(struct layerfiles *l, struct op *op, const struct digest *diffid,
		     struct layer_writer **ret, struct err *err);
/*
 * Tells how many bytes of the tar were written so far, now and then (each chunk is fine): they are
 * sent on to the disk meanwhile, so that commit need not wait for all of them.
 */
void layer_writer_progress(struct layer_writer *w, uint64_t tar_bytes);
/*
 * Publishes both files durably, the index first. `computed` must equal the DiffID (ERR_DAMAGED);
 * where none was given it becomes this one, and a layer that is there already is left as it is.
 * Consumes the writer, also on failure, which leaves nothing behind.
 */
int layer_writer_commit(struct layer_writer *w, const struct digest *computed, struct err *err);
/* Removes what was written. NULL is fine. */
void layer_writer_abort(struct layer_writer *w);
/*
 * Replaces the index of a layer that is there (it was absent or damaged and has been rebuilt).
 * ERR_NOT_FOUND.
 */
int layerfiles_replace_index(struct layerfiles *l, const struct digest *diffid, const void *data,
			     size_t len, struct err *err);
/* Removes tar and index; ERR_NOT_FOUND. Who has them open keeps them. */
int layerfiles_remove(struct layerfiles *l, const struct digest *diffid, struct err *err);
/* Calls fn for every layer, in no order. */
int layerfiles_list(struct layerfiles *l, layerfiles_fn *fn, void *arg, struct err *err);

#endif
