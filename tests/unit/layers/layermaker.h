/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer with one of everything that an index keeps, and ways to open it with an index of one's
 * own.
 */
#ifndef TESTS_LAYERS_LAYERMAKER_H
#define TESTS_LAYERS_LAYERMAKER_H

#include "tests/unit/layers/tarmaker.h"

struct bytes {
	const void *p;
	size_t len;
};

/*
 * Entries: 0 etc/, 1 etc/passwd, 2 l, 3 h, 4 c, 5 p, 6 wide, 7 with (a device with xattrs), 8
 * sparse.
 */
void layermaker_tar(struct tarmaker *t);
/* A file in memory. */
int layermaker_file(const void *data, size_t len);
/* The index of the tar, fed as tarmaker_index says; free() it. */
void *layermaker_index(const struct tarmaker *t, size_t chunk, unsigned seed, size_t *ret_len);
int layermaker_open(const struct tarmaker *t, struct bytes index, bool rebuild, struct layer **ret,
		    struct err *err);

#endif
