/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every reader of a layer's blob does with it, wherever the bytes go: progress as the blob
 * comes, decompression ahead in threads of its own, a bound on how far it grows, and the comparison
 * with the DiffID. Not for others than pull/.
 */
#ifndef IMG_PULL_RAW_LAYER_H
#define IMG_PULL_RAW_LAYER_H

#include "base/op.h"
#include "manifest/descriptor.h"
#include "stream/hash.h"
#include "stream/source.h"

#include <stdint.h>

/* A blob as progress sees it. */
struct blob_watch {
	struct op *op;
	const struct descriptor *descriptor; /* borrowed */
	uint64_t item;			     /* for progress */
	_Atomic uint64_t seen_bytes;	     /* counted by the prefetch thread */
};
void blob_watch_report(struct blob_watch *w, enum progress_kind kind, const char *state);
/* A source_tee_fn; `arg` is the watch. Fails once the operation is cancelled. */
int blob_watch_count(void *arg, const uint8_t *data, size_t len, struct err *err);

/* The raw bytes of a layer, checked as they go by. */
struct raw_layer {
	const struct blob_watch *watch;
	struct digest diffid;
	unsigned max_ratio;	  /* of blob_raw_limit() */
	uint64_t bytes;		  /* so far */
	struct hash_thread *hash; /* NULL when the blob's digest is the DiffID */
	struct digest computed;	  /* out: the DiffID that came out */
	const char *limit_hint;	  /* what helps one that grows too far; NULL: nothing */
};
void raw_layer_init(struct raw_layer *r, const struct blob_watch *watch,
		    const struct digest *diffid, unsigned max_ratio);
void raw_layer_fini(struct raw_layer *r);
/* Called with the next raw bytes, after they were counted and hashed. */
typedef int raw_layer_fn(void *arg, const uint8_t *data, size_t len, struct err *err);
struct raw_layer_to {
	raw_layer_fn *fn;
	void *arg;
};
/*
 * Pulls the blob, which is taken over, to its end and compares what came out with the DiffID.
 * ERR_LIMIT when it grows too far, ERR_DAMAGED.
 */
int raw_layer_read(struct raw_layer *r, struct source *blob, const struct raw_layer_to *to,
		   struct err *err);

#endif
