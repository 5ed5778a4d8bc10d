/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the condemned: blob/<alg>/<hex>, layer/<alg>/<hex>, tree/<alg>/<hex>. The value is
 * empty, only that it is there counts, and its generation.
 */
#ifndef IMG_STORE_CONDEMNED_H
#define IMG_STORE_CONDEMNED_H

#include "base/err.h"
#include "store/reach.h"
#include "store/records.h"

#include <stdbool.h>

/* "blob", "layer", "tree". */
const char *condemned_kind(enum reach_kind kind);
/* True in *ret when there is at least one of any kind. */
int condemned_any(struct records *r, bool *ret, struct err *err);
/* The generation of its record, 0 when it is not condemned. */
int condemned_look(struct records *r, enum reach_kind kind, const struct digest *d,
		   uint64_t *ret_generation, struct err *err);
/* Condemns; content when it is condemned already. */
int condemned_add(struct records *r, enum reach_kind kind, const struct digest *d, struct err *err);
/*
 * Takes one back: whatever is there when `generation` is 0 (and content with nothing), else that
 * one alone. ERR_CHANGED and ERR_NOT_FOUND as records_remove says them.
 */
int condemned_drop(struct records *r, enum reach_kind kind, const struct digest *d,
		   uint64_t generation, struct err *err);
/* Calls fn for each of a kind; non-zero stops. */
typedef int condemned_fn(void *arg, const struct digest *d, uint64_t generation, struct err *err);
int condemned_list(struct records *r, enum reach_kind kind, condemned_fn *fn, void *arg,
		   struct err *err);

#endif
