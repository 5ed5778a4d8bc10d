/* SPDX-License-Identifier: Apache-2.0 */
/* Trees for tests, from entries written in C: our tar writer, our index, our merge. */
#ifndef IMG_TESTS_LAYERS_TREEMAKER_H
#define IMG_TESTS_LAYERS_TREEMAKER_H

#include "layers/tree.h"

/* An entry and, for files, its text. */
struct treemaker_entry {
	struct tar_entry entry;
	const char *text;
};

struct treemaker {
	struct layer *layer;
	struct tree *tree;
};

/*
 * One layer, one tree; fails the test when that can't be. Strings left NULL in the entries become
 * "".
 */
void treemaker_init(struct treemaker *m, const struct treemaker_entry *entries, size_t count);
void treemaker_fini(struct treemaker *m);
/* The same from a finished tar in a file, which is taken over. */
void treemaker_from_tar(struct treemaker *m, int tar_fd);

/* Short forms for the rows of tables. */
#define TM_DIR(path, bits)                                              \
	{                                                               \
		.entry = {.type = '5', .name = (path), .mode = (bits) } \
	}
#define TM_FILE(path, bits, content)                                                        \
	{                                                                                   \
		.entry = { .type = '0', .name = (path), .mode = (bits) }, .text = (content) \
	}
#define TM_LINK(kind, path, to)                                                             \
	{                                                                                   \
		.entry = {.type = (kind), .name = (path), .link_name = (to), .mode = 0777 } \
	}

#endif
