/* SPDX-License-Identifier: Apache-2.0 */
/* What lies around in a store of files that nobody goes on with. */
#ifndef IMG_STORE_GC_PARTS_H
#define IMG_STORE_GC_PARTS_H

#include "base/err.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Calls fn for each file in staging whose maker is dead, and for each index of a layer without its
 * tar, by its path below the store. Where fn returns 1 the file is removed, what else is not 0
 * stops. None in memory.
 */
typedef int parts_fn(void *arg, const char *name, uint64_t bytes, struct err *err);
int parts_list(struct store *store, parts_fn *fn, void *arg, struct err *err);

#endif
