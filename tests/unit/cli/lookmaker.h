/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of one layer for the tests of what looks inside images. */
#ifndef TESTS_UNIT_CLI_LOOKMAKER_H
#define TESTS_UNIT_CLI_LOOKMAKER_H

#include "layers/tree.h"

struct lookmaker_entry {
	struct tar_entry entry; /* NULL strings become "" */
	const char *text;	/* of files, or NULL */
};
struct lookmaker {
	struct layer *layer;
	struct tree *tree;
};
/* Fails the test when that can't be. */
void lookmaker_init(struct lookmaker *m, const struct lookmaker_entry *entries, size_t count);
/* The layer alone, for what no tree could be made of. */
void lookmaker_layer(struct lookmaker *m, const struct lookmaker_entry *entries, size_t count);
void lookmaker_fini(struct lookmaker *m);
#define _lookmaker_ __attribute__((cleanup(lookmaker_fini)))

#endif
