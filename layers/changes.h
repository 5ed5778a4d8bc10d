/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an overlayfs upper folder changes (Documentation/filesystems/overlayfs.rst): files made or
 * changed, whiteouts (character device 0/0, or an empty file with the xattr overlay.whiteout),
 * opaque folders (xattr overlay.opaque "y"). Only the attributes of the namespace that the folder
 * was mounted with say so: the others anybody inside could have set. Walks the
 * upper folder alone: what was not touched costs nothing. Folders that overlayfs redirected or
 * files whose data it left below (metacopy) are ERR_UNSUPPORTED: our mounts never make them.
 */
#ifndef IMG_LAYERS_CHANGES_H
#define IMG_LAYERS_CHANGES_H

#include "base/err.h"
#include "base/op.h"
#include "layers/tree.h"
#include "sys/mount.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* The side below: what was there before. Made by whoever can look it up. */
struct lower {
	const struct lower_ops *ops;
};
/* What is known of an entry below. */
struct lower_stat {
	uint32_t mode; /* with the type */
	uint32_t uid, gid;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint64_t size_bytes;
};
/* Called for each child; non-zero stops. `name` is borrowed. */
typedef int lower_fn(void *arg, const char *name, const struct lower_stat *st, struct err *err);
struct lower_ops {
	/*
	 * Looks `path` up ("" is the root, no leading slash), no link followed, not the last and
	 * none before. Returns 1 and fills *ret, 0 when absent.
	 */
	int (*find)(struct lower *l, const char *path, struct lower_stat *ret, struct err *err);
	/* Calls fn for each child of a folder, by name. */
	int (*list)(struct lower *l, const char *path, lower_fn *fn, void *arg, struct err *err);
	void (*close)(struct lower *l);
};
int lower_find(struct lower *l, const char *path, struct lower_stat *ret, struct err *err);
int lower_list(struct lower *l, const char *path, lower_fn *fn, void *arg, struct err *err);
/* NULL is fine. */
void lower_close(struct lower *l);
/* A tree as the side below; borrowed. */
struct lower *tree_lower(const struct tree *tree);

/* As deep as trees are. */
#define CHANGES_DEPTH_MAX 2048

enum change_kind {
	CHANGE_ADDED = 'A',
	CHANGE_CHANGED = 'C',
	CHANGE_DELETED = 'D',
};
/*
 * One change, in walk order: parents first, siblings by name (bytewise); for layers, what was
 * deleted from a folder comes before what is in it (image-spec layer.md, "Whiteouts"). All
 * borrowed.
 */
struct change {
	enum change_kind kind;
	const char *path; /* no leading slash; "" for the root itself */
	/* Of what is there now; `st` is of the upper file. Not for deletions. */
	const struct stat *st;
	int parent_fd;	  /* the upper folder it lies in, */
	const char *name; /* and its name there ("." for the root) */
	bool is_opaque;	  /* a folder that hides all that was below it */
};
typedef int change_fn(void *arg, const struct change *change, struct err *err);

struct changes_request {
	int upper_fd;	     /* the upper folder. Borrowed */
	struct lower *lower; /* NULL: nothing below, all is added; deletions are as written */
	bool is_userxattr;   /* overlayfs's attributes are user.overlay.*, not trusted.overlay.* */
	/*
	 * Whether what an opaque folder, or a file in place of a folder, hides is told as deletions
	 * (for people, as docker diff has it); otherwise the folder's is_opaque says it (for
	 * layers).
	 */
	bool expand_opaque;
	/* For comparing the root's owner; NULL: ids are as below. */
	const struct id_map *uids, *gids;
};
/*
 * Calls fn for each change: whatever is in the upper folder, parents of changes included. The root
 * is told only when its own metadata differ from the lower's (or it has xattrs, which can't be
 * compared), or always without a lower. A whiteout of what is not below is passed over with a
 * lower. Sockets are passed over with a note. ERR_CHANGED: somebody works on the folder meanwhile;
 * ERR_LIMIT: folders nest deeper than CHANGES_DEPTH_MAX. Follows no link and opens folders only.
 */
int changes_walk(struct op *op, const struct changes_request *request, change_fn *fn, void *arg,
		 struct err *err);

#endif
