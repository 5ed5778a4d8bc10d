/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a manifest reaches: the walk that collector, fsck and df share.
 */
#ifndef IMG_STORE_REACH_H
#define IMG_STORE_REACH_H

#include "base/digest.h"
#include "base/err.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reach_kind { REACH_BLOB, REACH_LAYER, REACH_TREE, REACH_KIND_COUNT };
/* Called once for each thing; non-zero stops. `size` is the descriptor's (blobs), else 0. */
typedef int reach_fn(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		     struct err *err);
/*
 * Called for a document that is absent (ERR_NOT_FOUND), damaged or can't be read; passed over when
 * it returns 0.
 */
typedef int reach_bad_fn(void *arg, const struct digest *d, const struct err *why, struct err *err);
struct reach {
	reach_fn *fn;
	reach_bad_fn *bad; /* NULL: such a document is the walk's error */
	void *arg;
	bool alone; /* of an index only itself: its children have records of their own */
};
/*
 * Walks from one manifest or index, whose children are followed when they are there. Documents are
 * read and verified from the store's blobs. One that is what its digest says and still can't be
 * understood reaches itself only, and a config that is none of an image names no layers. Returns
 * what stopped it, else 0.
 */
int reach_walk(struct store *store, const struct digest *manifest, const struct reach *reach,
	       struct err *err);

/* A set of digests. */
struct digest_set;
struct digest_set *digest_set_new(void);
/* True when it was not in it. */
bool digest_set_add(struct digest_set *s, const struct digest *d);
bool digest_set_has(const struct digest_set *s, const struct digest *d);
size_t digest_set_count(const struct digest_set *s);
/* Its number, from 0 in the order of the adds; SIZE_MAX when it is not in it. */
size_t digest_set_find(const struct digest_set *s, const struct digest *d);
/* NULL is fine. */
void digest_set_free(struct digest_set *s);

static inline void digest_set_free_p(struct digest_set **s)
{
	digest_set_free(*s);
}
#define _digest_set_ __attribute__((cleanup(digest_set_free_p)))

#endif
