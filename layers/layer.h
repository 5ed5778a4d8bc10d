/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer: its raw tar and the index of its entries, versioned, checksummed, made while the tar streamed in and rebuilt from it when absent or damaged.
 */
#ifndef IMG_LAYERS_LAYER_H
#define IMG_LAYERS_LAYER_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"
#include "layers/tar.h"

#include <stdint.h>

/* Builds an index while a tar goes by. */
struct layer_indexer;
struct layer_indexer *layer_indexer_new(void);
int layer_indexer_feed(struct layer_indexer *x, const void *data, size_t len, struct err *err);
/* Ends the tar and appends the finished index to `out` (or writes it to the fd, where that is lighter). Uncompressed size goes into it. */
int layer_indexer_finish(struct layer_indexer *x, int idx_fd, struct err *err);
void layer_indexer_free(struct layer_indexer *x);

struct layer;
/*
 * Opens a layer: takes over both fds (idx_fd < 0: the index is built from the tar in memory). A damaged index (magic, version, checksum, bounds, tar size) is
 * ERR_DAMAGED unless `rebuild`, which reads the tar again. Read-only and thread-safe afterwards.
 */
int layer_open(struct op *op, int tar_fd, int idx_fd, bool rebuild, struct layer **ret,
	       struct err *err);
void layer_free(struct layer *layer);

size_t layer_entry_count(const struct layer *layer);
uint64_t layer_tar_bytes(const struct layer *layer);
int layer_tar_fd(const struct layer *layer);
/* Entry by number, in archive order; pointers borrowed from the layer. xattrs and extents only by the two calls below. */
void layer_entry(const struct layer *layer, size_t index, struct tar_entry *ret);
size_t layer_entry_xattr(const struct layer *layer, size_t index, size_t n, struct tar_xattr *ret);
size_t layer_entry_extent(const struct layer *layer, size_t index, size_t n,
			  struct tar_extent *ret);

/* ChainID (image-spec config.md): of the first layer its DiffID, then sha256(parent + " " + DiffID). */
void chain_id(const struct digest *parent, const struct digest *diffid, struct digest *ret);

#endif
