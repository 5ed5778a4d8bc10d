/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freeing what no name reaches, while others pull, mount and commit. Condemn what nothing referred
 * to at the first look; mark again, after that; sweep what is still condemned and still unreferred,
 * each batch in a transaction that also unlinks. See store/keep.h for what refers to what.
 */
#ifndef IMG_STORE_GC_H
#define IMG_STORE_GC_H

#include "base/op.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* What was freed, or would be. */
struct gc_result {
	uint64_t blobs, blob_bytes;
	uint64_t layers, layer_bytes; /* tars and indexes */
	uint64_t trees, tree_bytes;
	uint64_t parts, part_bytes; /* what interrupted pulls left */
};
/* Called for each thing that is (to be) freed: "blob", "layer", "tree", "part". May be NULL. */
typedef void gc_fn(void *arg, const char *kind, const char *name, uint64_t bytes);
struct gc_request {
	bool dry_run;
	gc_fn *fn;
	void *arg;
};
/*
 * One collection. Two at once share the work. A document that can't be read (damaged, absent) stops
 * nothing, but what it may refer to is then unknown: ERR_DAMAGED names it and nothing is freed.
 * Interrupted, it leaves condemned records, which the next collection takes up and which harm
 * nobody.
 */
int gc_collect(struct op *op, struct store *store, const struct gc_request *request,
	       struct gc_result *ret, struct err *err);

#endif
