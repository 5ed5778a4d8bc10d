/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer: its raw tar and the index of its entries, versioned, checksummed, made while the tar
 * streamed in and rebuilt from it when absent or damaged.
 */
#ifndef IMG_LAYERS_LAYER_H
#define IMG_LAYERS_LAYER_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"
#include "layers/tar.h"
#include "stream/chain.h" /* whoever opens layers names their stacks */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Builds an index while a tar goes by. Writes to `idx_fd` as it goes (borrowed; an empty regular
 * file, written from offset 0 whatever its position), so that memory holds only about 60 bytes an
 * entry.
 */
struct layer_indexer;
struct layer_indexer *layer_indexer_new(int idx_fd);
/* Takes the next bytes of the raw tar. After an error only free is allowed. */
int layer_indexer_feed(struct layer_indexer *x, const void *data, size_t len, struct err *err);
/* Ends the tar and completes the index. Not synced: that is the owner's. */
int layer_indexer_finish(struct layer_indexer *x, struct err *err);
/* NULL is fine. */
void layer_indexer_free(struct layer_indexer *x);

struct layer;
/* The files of a layer. */
struct layer_files {
	int tar_fd;
	int idx_fd;   /* negative: none, the index is built from the tar in memory */
	bool rebuild; /* also when it is damaged */
};
/*
 * Opens a layer: takes over both fds, also on failure. A damaged index (magic, version, checksum,
 * bounds, tar size) is ERR_DAMAGED unless `rebuild`, which reads the tar again. Read-only and
 * thread-safe afterwards.
 */
int layer_open(struct op *op, struct layer_files files, struct layer **ret, struct err *err);
void layer_free(struct layer *layer);
/*
 * The index as bytes, borrowed; to be kept when `layer_was_rebuilt`, so that the next one need not
 * read the tar.
 */
const void *layer_index_bytes(const struct layer *layer, size_t *ret_len);
bool layer_was_rebuilt(const struct layer *layer);

size_t layer_entry_count(const struct layer *layer);
uint64_t layer_tar_bytes(const struct layer *layer);
int layer_tar_fd(const struct layer *layer);
/*
 * Entry by number, in archive order; pointers borrowed from the layer. Its xattrs and extents are
 * counted, and NULL: only by the two calls below.
 */
void layer_entry(const struct layer *layer, size_t index, struct tar_entry *ret);
/* Its name alone. */
const char *layer_entry_name(const struct layer *layer, size_t index);
/*
 * n-th xattr or data run of an entry. Returns how many there are; writes *ret only when n is below
 * that.
 */
size_t layer_entry_xattr(const struct layer *layer, size_t index, size_t n, struct tar_xattr *ret);
size_t layer_entry_extent(const struct layer *layer, size_t index, size_t n,
			  struct tar_extent *ret);
/*
 * Where byte `offset` of a file is: fills the position in the tar (UINT64_MAX: in a hole) and how
 * many bytes from there on are alike (0 at the end of the file).
 */
void layer_entry_locate(const struct layer *layer, size_t index, uint64_t offset,
			uint64_t *ret_tar_offset, uint64_t *ret_bytes);
/* Gives back to the system the memory that reading names took; they are read again when needed. */
void layer_forget_names(const struct layer *layer);

#endif
