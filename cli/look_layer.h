/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of one layer by path, as the layer wrote them: markers and all. */
#ifndef IMG_CLI_LOOK_LAYER_H
#define IMG_CLI_LOOK_LAYER_H

#include "base/err.h"
#include "layers/layer.h"

#include <stdbool.h>
#include <stddef.h>

/* A name of the layer. */
struct look_entry {
	const char *path; /* as the layer has it, without "./" or "/" in front */
	size_t path_len;  /* without slashes behind */
	size_t index;	  /* SIZE_MAX: a folder without an entry, for what is in it */
};
struct look_entries {
	struct look_entry *items; /* owned */
	size_t count;
};
/* What to list. */
struct look_query {
	const char *path;
	bool deep;   /* all below it, not only what is directly in it */
	bool itself; /* the path itself and nothing below it */
};
/*
 * The names at or below a path, sorted, those of the same path as they come in the archive.
 * ERR_NOT_FOUND when the layer has nothing there. The path itself is among them unless it is a
 * folder that is listed.
 */
int look_entries_find(const struct layer *layer, const struct look_query *query,
		      struct look_entries *ret, struct err *err);
void look_entries_fini(struct look_entries *e);

/*
 * The file that a path is in this layer alone: the last entry of that name, links of both kinds
 * followed inside the layer. ERR_NOT_FOUND, also for what another layer would have to say.
 */
int look_layer_file(const struct layer *layer, const char *path, size_t *ret_entry,
		    struct err *err);

#endif
