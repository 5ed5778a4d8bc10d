/* SPDX-License-Identifier: Apache-2.0 */
/* Where an image that is pushed comes from. */
#ifndef IMG_CLI_PUSH_SOURCE_H
#define IMG_CLI_PUSH_SOURCE_H

#include "cli/copy_place.h"

struct cli;

/*
 * Opens the operand (a bare REF is the store's when that has the name, else the registry's), or,
 * NULL, what `same` means in the store.
 */
int push_source_open(struct cli *cli, const char *operand, const struct reference *same,
		     struct copy_place *ret, struct err *err);
/*
 * A repository of the registry of `to` that probably has the image: that of the source, or of
 * another name of it in the store; NULL when none is known. Free with free().
 */
char *push_source_mount(struct cli *cli, const struct copy_place *from, const struct reference *to);

#endif
