/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images for tests: tars into files, their tree, the image of it, checked by opening and verifying;
 * and, where this machine lets us, mounted and compared with the tree name by name.
 */
#ifndef TESTS_OVERLAY_EROFSMAKER_H
#define TESTS_OVERLAY_EROFSMAKER_H

#include "overlay/erofs.h"
#include "tests/support/tmp.h"
#include "tests/unit/layers/tarmaker.h"

#include <stdbool.h>

struct erofsmaker {
	struct tmp tmp;
	struct layer **layers;
	size_t count;
	struct tree *tree;
	struct erofs *image;
	int fd; /* of the image */
	bool is_mounted;
};
#define _erofsmaker_ __attribute__((cleanup(erofsmaker_fini)))

struct erofsmaker erofsmaker_make(void);
void erofsmaker_fini(struct erofsmaker *m);
/* Adds a layer; a tar with an end marker. */
void erofsmaker_layer(struct erofsmaker *m, const struct tarmaker *t);
/* The layer that a line of text says (tarmaker_text). */
void erofsmaker_text(struct erofsmaker *m, const char *text);
/* Builds the tree and writes the image; what erofs_write said. */
int erofsmaker_write(struct erofsmaker *m, struct err *err);
/* The same, which has to go well, then opens and verifies it. */
void erofsmaker_build(struct erofsmaker *m);
/*
 * Mounts it and compares everything; skips the test with the reason where nothing can be mounted.
 * False then.
 */
bool erofsmaker_compare(struct erofsmaker *m);
/* Only mounts it, at "mnt" in its folder. */
bool erofsmaker_mount(struct erofsmaker *m);
/* The image's bytes; free() them. */
unsigned char *erofsmaker_bytes(const struct erofsmaker *m, size_t *ret_len);

/* A header with a name, and a link's target, of any length. */
void erofsmaker_header(struct tarmaker *t, const struct tm_header *h);
/* A file of `size` bytes, different at every place. */
void erofsmaker_file(struct tarmaker *t, const char *name, size_t size);

#endif
