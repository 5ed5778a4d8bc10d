/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of immutable files named by digest: KIND/ALG/HEX + suffix, below the store. */
#ifndef IMG_STORE_DIGESTDIR_H
#define IMG_STORE_DIGESTDIR_H

#include "base/digest.h"
#include "base/err.h"
#include "store/staging.h"

#include <stdbool.h>
#include <stdint.h>

/* Value. */
struct digestdir {
	int root;	    /* the store's folder. Borrowed */
	const char *kind;   /* "blobs", "layers" */
	const char *suffix; /* "" or ".tar" */
};

typedef int digestdir_fn(void *arg, const struct digest *d, uint64_t size_bytes, struct err *err);

/* Says the size; ERR_NOT_FOUND. `ret_size` may be NULL. */
int digestdir_stat(const struct digestdir *dir, const struct digest *d, uint64_t *ret_size,
		   struct err *err);
/* Returns a read-only fd; ERR_NOT_FOUND. `ret_size` may be NULL. */
int digestdir_open(const struct digestdir *dir, const struct digest *d, uint64_t *ret_size,
		   struct err *err);
int digestdir_remove(const struct digestdir *dir, const struct digest *d, struct err *err);
/*
 * Moves a sealed file to its place, and closes it then. When there is one already, replaces it or
 * fails with ERR_EXISTS. Not durable before digestdir_sync.
 */
int digestdir_publish(const struct digestdir *dir, const struct digest *d, bool replace,
		      struct staged *from, struct err *err);
/* Makes what was published under that algorithm durable. */
int digestdir_sync(const struct digestdir *dir, enum digest_alg alg, struct err *err);
/* Calls fn for each, in no order; other names are passed over. Non-zero from fn stops. */
int digestdir_list(const struct digestdir *dir, digestdir_fn *fn, void *arg, struct err *err);

#endif
