/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the writer share: the shape of an inode (what it takes in the image), the
 * window through which bytes go out, directories, xattrs and data runs. Not for others.
 */
#ifndef IMG_OVERLAY_EROFS_WRITER_H
#define IMG_OVERLAY_EROFS_WRITER_H

#include "base/buf.h"
#include "base/err.h"
#include "layers/tree.h"
#include "overlay/erofs_format.h"
#include "overlay/erofs_layout.h"
#include "overlay/erofs_sum.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ERR_UNSUPPORTED (or another kind) with the path of the node before it. */
int erofs_refuse(const struct tree *tree, uint32_t node, struct err *err, enum err_kind kind,
		 const char *why);

/* --- the shape of an inode: erofs_shape.c --- */

struct erofs_shape {
	uint8_t layout;
	uint8_t type; /* enum erofs_type */
	uint8_t chunk_bits;
	bool is_scattered;    /* a file whose data is not one aligned run of its tar */
	uint32_t xattr_bytes; /* with the header; 0: none */
	uint32_t tail_bytes;  /* behind the inode: of a directory or a link target */
	uint64_t blocks;      /* own blocks: of a directory or a link target */
	uint64_t size_bytes;
	uint64_t chunk_count;
	uint64_t copy_blocks; /* file data that goes into the image itself, */
	uint64_t copy_block;  /* from here on; the writer's to say, as is: */
	uint64_t offset;      /* of the inode */
};
/* enum erofs_type; 0 for what EROFS has none for. */
uint8_t erofs_type(uint32_t mode);
/* What the node's inode takes; `st` is the node's. */
int erofs_shape(const struct tree *tree, uint32_t node, const struct tree_stat *st,
		struct erofs_shape *ret, struct err *err);
struct erofs_extent erofs_shape_extent(const struct erofs_shape *shape);
/* Of chunk indexes, from the inode. */
uint64_t erofs_shape_chunks_at(const struct erofs_shape *shape);

/* --- what goes out: erofs_out.c --- */

/* The part of the image that is still being written, zeroed; the rest is on its way. */
struct erofs_out {
	int fd; /* borrowed */
	struct buf window;
	uint64_t base; /* offset of the window's first byte */
	struct erofs_sum sum;
};
void erofs_out_init(struct erofs_out *out, int fd);
void erofs_out_fini(struct erofs_out *out);
/* `len` bytes at `offset`, not below what is settled; valid until the next call. */
int erofs_out_at(struct erofs_out *out, uint64_t offset, size_t len, char **ret, struct err *err);
/* All below `offset` is settled, and may be written. */
int erofs_out_settle(struct erofs_out *out, uint64_t offset, struct err *err);
/* Writes all, filled up to `end`. */
int erofs_out_finish(struct erofs_out *out, uint64_t end, struct err *err);

/* --- directories: erofs_dir.c --- */

/* Bytes of its dirents and names, blocks but the last filled up. */
uint64_t erofs_dir_bytes(const struct tree *tree, uint32_t dir);
/* What dirents show of each node. */
struct erofs_nids {
	const struct tree *tree;
	uint32_t *nid; /* by node: slots from the start of the inodes; 0: a link to an earlier name */
	uint8_t *type; /* by node */
};
uint64_t erofs_nid(const struct erofs_nids *nids, uint32_t node);
/* Calls `put` with each block of a directory, in order; the last may be shorter. */
typedef int erofs_dir_fn(void *arg, uint64_t block, const void *data, size_t len, struct err *err);
int erofs_dir_blocks(const struct erofs_nids *nids, uint32_t dir, erofs_dir_fn *put, void *arg,
		     struct err *err);

/* --- xattrs: erofs_xattr.c --- */

/* Bytes of all that can be kept, with the header; 0 when none. */
int erofs_xattrs_measure(const struct tree *tree, uint32_t node, const struct tree_stat *st,
			 uint32_t *ret, struct err *err);
/* Fills them in, zeroed memory of that size. */
void erofs_xattrs_write(const struct tree *tree, uint32_t node, const struct tree_stat *st,
			char *dst);
/* How many were left out, because no Linux file could have them. */
uint64_t erofs_xattrs_lost(const struct tree *tree, uint32_t node, const struct tree_stat *st);

/* --- data that is not one run: erofs_chunks.c --- */

/* Chooses the size of chunks for a file: fills chunk_bits, chunk_count, copy_blocks. */
int erofs_chunks_choose(const struct tree *tree, uint32_t node, const struct tree_stat *st,
			struct erofs_shape *shape, struct err *err);
/* Fills the indexes in (zeroed, chunk_count of them). */
void erofs_chunks_write(const struct tree *tree, uint32_t node, const struct erofs_shape *shape,
			struct erofs_chunk *dst);
/* Puts the data of copied chunks out. */
int erofs_chunks_copy(const struct tree *tree, uint32_t node, const struct erofs_shape *shape,
		      struct erofs_out *out, struct err *err);

#endif
