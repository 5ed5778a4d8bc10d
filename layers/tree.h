/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree: the merged file system of a chain of layers, resolved once and for all (whiteouts,
 * opaque directories, hard links, replaced types, duplicate entries; image-spec layer.md "Applying
 * Changesets"). Everything that shows, unpacks or mounts an image reads a tree. Immutable and
 * thread-safe once built.
 *
 * Nodes are names; each name has an inode, which hard links share. Node 0 is the root directory and
 * always there.
 */
#ifndef IMG_LAYERS_TREE_H
#define IMG_LAYERS_TREE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"
#include "layers/layer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree;

#define TREE_ROOT 0u
#define TREE_NONE UINT32_MAX

/* What a layer did, for those who explain images. */
struct tree_layer_stats {
	/*
	 * Names, as they were before this layer and are after it. A directory that is emptied and
	 * filled anew counts what was in it as removed and what is in it as added. The root is not
	 * counted.
	 */
	uint64_t added, changed, removed;
	uint64_t added_bytes;  /* stored data of its files */
	uint64_t wasted_bytes; /* of these, what no name of the whole tree leads to */
};

/*
 * Merges `count` layers, lowest first; borrowed, they must outlive the tree. Bad layers are
 * ERR_DAMAGED naming layer number ("layer 2 of 6") and path; ERR_LIMIT beyond bounds of memory and
 * time. Remarks (ignored aufs leftovers, odd markers) go to the operation's notes, one of a kind
 * per layer. `op` may be NULL.
 */
int tree_build(struct op *op, struct layer *const *layers, size_t count, struct tree **ret,
	       struct err *err);
void tree_free(struct tree *tree);

/* An inode as stat would show it. */
struct tree_stat {
	uint32_t mode;	  /* with the file type, as st_mode */
	uint32_t nlink;	  /* names of a file; directories: 2 + subdirectories */
	int64_t uid, gid; /* 0 to 4294967294 */
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t dev_major, dev_minor;
	uint64_t size_bytes; /* files: logical; symlinks: length of the target; else 0 */
	uint64_t data_offset, data_bytes; /* in the layer's tar */
	uint32_t inode;			  /* equal for hard links; dense from 0 */
	uint16_t layer; /* index of the layer whose entry made it; UINT16_MAX: implied, no entry */
	uint32_t entry; /* entry number in that layer */
	bool is_sparse;
	const char *link_target; /* symlinks, borrowed */
};

uint32_t tree_node_count(const struct tree *tree);
uint32_t tree_inode_count(const struct tree *tree);
/* Children of a directory sorted bytewise by name. TREE_NONE at the end. */
uint32_t tree_first_child(const struct tree *tree, uint32_t node);
uint32_t tree_next_sibling(const struct tree *tree, uint32_t node);
uint32_t tree_parent(const struct tree *tree, uint32_t node);
/* The node's name, borrowed, terminated; "" for the root. */
const char *tree_name(const struct tree *tree, uint32_t node);
void tree_stat(const struct tree *tree, uint32_t node, struct tree_stat *ret);
/*
 * n-th xattr of the node's inode; false beyond the last. Borrowed. Those that steer overlayfs
 * (trusted.overlay.*, user.overlay.*) are left out.
 */
bool tree_xattr(const struct tree *tree, uint32_t node, size_t n, struct tar_xattr *ret);
/* n-th data run of a sparse file. */
bool tree_extent(const struct tree *tree, uint32_t node, size_t n, struct tar_extent *ret);
/*
 * First node (in walk order: parents first, siblings by name) of the inode; the one to create, the
 * others are links to it.
 */
uint32_t tree_first_name(const struct tree *tree, uint32_t inode);
size_t tree_layer_count(const struct tree *tree);
/* The layer (with its tar fd) by number. */
const struct layer *tree_layer(const struct tree *tree, uint16_t layer);
void tree_layer_stats(const struct tree *tree, uint16_t layer, struct tree_layer_stats *ret);
/* Full path of a node, "/"-separated without a leading one ("" for the root), into `out`. */
int tree_path(const struct tree *tree, uint32_t node, struct buf *out, struct err *err);
/* Next node of a whole walk (parents first); TREE_NONE at the end. `root` bounds it. */
uint32_t tree_walk_next(const struct tree *tree, uint32_t root, uint32_t node);
/*
 * Resolves a path inside the tree, symlinks as if the root were "/" (at most 40), the last one too
 * when `follow`. ERR_NOT_FOUND and the like.
 */
int tree_lookup(const struct tree *tree, const char *path, bool follow, uint32_t *ret,
		struct err *err);
/* A position in a file. */
struct tree_place {
	uint32_t node;
	uint64_t offset;
};
/*
 * Reads up to `len` bytes of a regular file from its layer's tar, holes as zeros. Returns the
 * count, less than `len` only at the end of the file. ERR_USAGE for what is no file.
 */
ssize_t tree_read(const struct tree *tree, struct tree_place from, void *data, size_t len,
		  struct err *err);

#endif
