/* SPDX-License-Identifier: Apache-2.0 */
/* An image of the store, opened: its documents, and its layers as a tree. */
#ifndef IMG_PULL_LOCAL_H
#define IMG_PULL_LOCAL_H

#include "base/op.h"
#include "layers/tree.h"
#include "manifest/config.h"
#include "manifest/document.h"
#include "manifest/platform.h"
#include "store/images.h"

/*
 * Adapts the store as a transport, so that whatever reads an image from a registry reads it from
 * the store too. Names are resolved in the repository of `ref`. The store must outlive it.
 */
struct transport;
struct transport *local_transport(struct store *store, const struct reference *ref);

/* The config of an image manifest of the store; both are hashed, and belong together. */
int local_config(struct store *store, const struct digest *manifest, struct image_config *ret,
		 struct err *err);
/*
 * Makes sure that every layer of an image (its manifest and config) has tar and index in the store,
 * from the blobs alone (after --no-unpack, or when one was lost).
 */
int local_prepare_layers(struct op *op, struct store *store, const struct image_manifest *manifest,
			 const struct image_config *config, struct err *err);

/* The opened layers and their merge. Damaged or absent indexes are rebuilt and put back. */
struct local_tree {
	struct tree *tree;
	struct layer **layers; /* lowest first */
	size_t count;
};
int local_tree_open(struct op *op, struct store *store, const struct image_config *config,
		    struct local_tree *ret, struct err *err);
void local_tree_fini(struct local_tree *t);

#endif
