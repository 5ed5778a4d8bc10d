/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of one layer, as they are in its tar. */
#ifndef IMG_CLI_LAYER_LIST_H
#define IMG_CLI_LAYER_LIST_H

#include "layers/layer.h"

#include <stdbool.h>

struct op;

/* Prints one line an entry: as `tar -tv` does, whiteouts marked, or as JSON objects. */
int layer_list_print(const struct op *op, const struct layer *layer, bool json, struct err *err);
/* The line of one entry. */
int layer_list_put(const struct tar_entry *entry, bool json, struct err *err);
/* "drwxr-xr-t" of an entry. Returns dst. */
char *layer_list_mode(char dst[11], const struct tar_entry *entry);
/*
 * What a whiteout hides (image-spec layer.md "Whiteouts"): the last name without ".wh.", "" for an
 * opaque marker, NULL for an ordinary entry.
 */
const char *layer_list_whiteout(const char *name);

#endif
