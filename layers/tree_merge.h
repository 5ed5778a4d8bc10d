/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form in which layers are merged into a tree: a table of names and directories, the merge at
 * work, and what its files share. Not for others.
 */
#ifndef IMG_LAYERS_TREE_MERGE_H
#define IMG_LAYERS_TREE_MERGE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"
#include "layers/layer.h"
#include "layers/tree_parts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Directories nobody wrote down, made because something is in them: bounded, a name of 1 MiB holds
 * half a million.
 */
#define TREE_IMPLIED_MAX ((uint32_t)256 * 1024)
/* Components that following symbolic links may cost one image, all together. */
#define TREE_LINK_STEPS_MAX ((uint64_t)64 * 1024 * 1024)
/* Directories in directories, what a path of PATH_MAX can name: a walk to one costs its depth. */
#define TREE_DEPTH_MAX	2048
#define TREE_NAME_MAX	((size_t)255)
#define TREE_TARGET_MAX ((size_t)4095)

/* --- names while layers are merged --- */

/*
 * A name in a directory, found by hash. It stays when what it names goes (inode TREE_NONE). A
 * directory has a number of its own that its children refer to; emptying a directory gives it a new
 * one, and all below it is gone at once.
 */
struct name {
	uint32_t dir; /* of the directory it is in */
	uint32_t text;
	uint32_t hash;
	uint32_t inode;
	uint32_t own_dir; /* TREE_NONE: not a directory */
	uint16_t touched; /* the last layer that changed it */
	/* A symbolic link that a layer's own entries replace: that layer + 1. */
	uint16_t replaced;
	bool existed; /* before the layer that touched it */
};
struct dir {
	uint32_t owner; /* name */
	uint16_t died;	/* layer + 1; 0: alive */
	uint16_t depth; /* of the root 0 */
};
struct slot {
	uint32_t name; /* name + 1, 0: free */
	uint32_t hash;
};
struct names {
	struct buf names, dirs, text;
	struct slot *slots;
	uint32_t slot_count;
	uint64_t seed;
};

int names_init(struct names *n, struct err *err);
void names_fini(struct names *n);
/* Drops the hash table. */
void names_end(struct names *n);
uint32_t names_count(const struct names *n);
uint32_t names_dir_count(const struct names *n);
struct name *names_at(const struct names *n, uint32_t name);
struct dir *names_dir(const struct names *n, uint32_t dir);
const char *names_text(const struct names *n, uint32_t name);
/* TREE_NONE when the name was never in that directory. */
uint32_t names_find(const struct names *n, uint32_t dir, struct path text);
/*
 * Finds, or adds with no inode. Pointers into the table are stale after it, and after
 * names_add_dir.
 */
int names_need(struct names *n, uint32_t dir, struct path text, uint32_t *ret, struct err *err);
/* Makes `name` an empty directory by giving it a new number; ERR_LIMIT beyond TREE_DEPTH_MAX. */
int names_add_dir(struct names *n, uint32_t name, struct err *err);

/* --- merging --- */

struct merge_inode {
	uint32_t entry;
	uint16_t layer;
	char type;
};

/* Remarks made at most once a layer. */
enum merge_note {
	NOTE_AUFS = 1,
	NOTE_WHITEOUT = 2,
	NOTE_NAMELESS = 4,
	NOTE_XATTR = 8,
};

struct merge {
	struct op *op;
	struct layer *const *layers;
	size_t layer_count;
	struct tree_layer_stats *stats;
	struct names names;
	struct buf inodes; /* struct merge_inode */
	uint32_t implied;  /* directories made so far */
	uint64_t link_steps;
	bool crossed_link; /* set by a walk that follows a symbolic link */
	/* The layer and entry at work. */
	uint16_t layer;
	uint32_t entry;
	struct tar_entry e;
	unsigned noted;
	struct buf clean;   /* a name that needed cleaning */
	struct buf missing; /* struct path: what a walk did not find */
	/* The directory resolved last. */
	struct path cached;
	uint32_t cached_node;
};

/* "layer N of M: 'PATH': WHY", ERR_DAMAGED. */
int merge_fail(const struct merge *m, struct err *err, const char *why);
void merge_note(struct merge *m, enum merge_note kind, const char *text);
struct merge_inode *merge_inode(const struct merge *m, uint32_t inode);
bool merge_is_symlink(const struct merge *m, uint32_t name);

/* Lets a name stand for an inode from now on, whatever it was. */
int merge_put(struct merge *m, uint32_t name, uint32_t inode, bool is_directory, struct err *err);
void merge_remove(struct merge *m, uint32_t name);
/* Hides all that is in a directory. */
int merge_empty(struct merge *m, uint32_t name, struct err *err);
int merge_add_inode(struct merge *m, struct merge_inode inode, uint32_t *ret, struct err *err);
int merge_add_implied(struct merge *m, uint32_t name, struct err *err);

/* A name, cleaned as text: without outer slashes, and what it was. */
enum cleaned { CLEAN_OK, CLEAN_ROOT, CLEAN_NAMELESS, CLEAN_ESCAPES };
struct clean_path {
	struct path path;
	enum cleaned how;
};
/*
 * Takes '.', '..' and doubled or outer slashes out of a name. With `clamp`, '..' at the root stays
 * there; else that is CLEAN_ESCAPES, and CLEAN_NAMELESS when nothing but dots was there.
 */
int merge_clean(struct merge *m, const char *name, bool clamp, struct clean_path *ret,
		struct err *err);
/* Splits a clean name. */
void path_split(struct path whole, struct path *ret_dir, struct path *ret_base);

enum resolve_flags {
	RESOLVE_MAKE = 1,  /* make directories that are missing */
	RESOLVE_LOWER = 2, /* what this layer replaces counts as missing */
};
/*
 * Walks a clean path to a directory, following symbolic links inside the root. TREE_NONE when it is
 * not there (or not a directory). With RESOLVE_MAKE it is made; what is in its way goes when it
 * comes from a lower layer, else it is an error.
 */
int merge_resolve(struct merge *m, struct path path, unsigned flags, uint32_t *ret,
		  struct err *err);

/* The entries of a layer that are markers, ascending. */
struct markers {
	struct buf list; /* uint32_t */
	size_t next;
};
size_t markers_count(const struct markers *k);
uint32_t markers_at(const struct markers *k, size_t i);
/* For a walk over all entries, which begins with next = 0: whether this one is the next marker. */
bool markers_take(struct markers *k, uint32_t entry);

/* Whiteouts and opaque directories of the layer, against the layers below it only. */
int merge_hide(struct merge *m, struct markers *markers, struct err *err);
/* Whether a name is a marker or another name that aufs and the image-spec keep for themselves. */
bool merge_is_marker(const char *name);

/* Sorts, numbers and counts what is left. Takes the names' text and the stats. */
struct tree *merge_finish(struct merge *m);

#endif
