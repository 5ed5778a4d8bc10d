/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into an image of a registry without pulling it: layers are streamed from the top, indexed
 * as they go by, and only as many as the question needs. Nothing is kept: what must be kept while
 * looking is in unlinked files of the temporary folder.
 */
#ifndef IMG_PULL_PEEK_H
#define IMG_PULL_PEEK_H

#include "base/op.h"
#include "layers/tree.h"
#include "manifest/config.h"
#include "manifest/document.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>

/* An image looked at. Not thread-safe. */
struct peek;
struct peek_request {
	struct transport *from;
	const struct image_manifest *manifest;
	const struct image_config *config;
	bool with_data;	     /* contents will be read (tree_read), so keep them */
	const char *tmp_dir; /* for them */
};
/* Streams nothing yet. All of the request is borrowed and must outlive it. */
struct peek *peek_new(const struct peek_request *request);
void peek_free(struct peek *p);
/*
 * The tree of all layers; each blob is verified (digest, DiffID, size) before anything of it is
 * believed. Borrowed.
 */
int peek_all(struct op *op, struct peek *p, const struct tree **ret, struct err *err);
/*
 * A tree of the fewest upper layers that decide what `path` is, followed through symlinks; every
 * component that leads there has an entry of its own in them, so no layer below can change the
 * answer. Streams all layers when the path is absent (ERR_NOT_FOUND then) or goes through folders
 * that no layer names. For files, whose content lies in one layer.
 */
int peek_file(struct op *op, struct peek *p, const char *path, const struct tree **ret,
	      uint32_t *ret_node, struct err *err);
/* One layer (from 0) alone. Borrowed. */
int peek_layer(struct op *op, struct peek *p, size_t layer, const struct layer **ret,
	       struct err *err);
/* How many layers were streamed so far. */
size_t peek_streamed(const struct peek *p);

#endif
