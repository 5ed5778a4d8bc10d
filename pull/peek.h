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
	const struct image_manifest *manifest; /* these two fit (image_check) */
	const struct image_config *config;
	bool with_data; /* contents will be read (tree_read), so keep them; else they are zeros */
	const char *tmp_dir; /* for them */
	unsigned max_ratio;  /* as a pull's; 0: BLOB_MAX_RATIO */
	/* Layers that are open already, with their contents, and need not be streamed; or NULL. */
	const struct tree *known;
	const struct digest *known_diffids; /* one for each of its layers */
	size_t known_count;
};
/* Streams nothing yet. All of the request is borrowed and must outlive it. */
struct peek *peek_new(const struct peek_request *request);
void peek_free(struct peek *p);
/*
 * The tree of all layers, several streamed at once (op->jobs, 0: 4); each blob is verified (digest,
 * DiffID, size) before anything of it is believed. Borrowed.
 */
int peek_all(struct op *op, struct peek *p, const struct tree **ret, struct err *err);
/*
 * A tree of the fewest upper layers that decide what `path` is (layers from the top are streamed
 * one by one), followed through symlinks, the last one when `follow`; numbers of layers are those
 * of the image, lower ones are empty. Right because every layer in it names the folders that its
 * entries are in, so no layer below can change the answer (pull/peek_closed.c); after a layer that
 * does not, all are streamed, and so they are when the path is absent (ERR_NOT_FOUND then). Of a
 * folder only the attributes are right, not what is in it and how many links it has. The tree is
 * borrowed, until the next peek_file.
 */
struct peek_path {
	const char *path;
	bool follow;
};
/* A node and the tree it is in. */
struct peek_found {
	const struct tree *tree;
	uint32_t node;
};
int peek_file(struct op *op, struct peek *p, struct peek_path path, struct peek_found *ret,
	      struct err *err);
/* One layer (from 0) alone. Borrowed. */
int peek_layer(struct op *op, struct peek *p, size_t layer, const struct layer **ret,
	       struct err *err);
/* The tree of all layers when peek_all made it already, else NULL. Borrowed. */
const struct tree *peek_whole(const struct peek *p);
/* How many layers were streamed so far. */
size_t peek_streamed(const struct peek *p);

#endif
