/* SPDX-License-Identifier: Apache-2.0 */
/* What mounting is made of: the chain of layers with its lock and bases, and writable roots. */
#ifndef IMG_OVERLAY_MOUNTS_PARTS_H
#define IMG_OVERLAY_MOUNTS_PARTS_H

#include "overlay/mount_record.h"
#include "overlay/mounts.h"

/*
 * A chain of layers that is being mounted or unmounted: one at a time, over all processes. While
 * one is held nobody sweeps the folders of mounts.
 */
struct mount_chain {
	struct store *store;
	struct digest id;
	int mounts_fd; /* STORE/mounts, locked shared */
	int lock_fd;   /* -1: the caller has locked the whole folder */
};
#define MOUNT_CHAIN_CLOSED ((struct mount_chain){ .mounts_fd = -1, .lock_fd = -1 })
int mount_chain_open(struct op *op, struct store *store, const struct digest *id,
		     struct mount_chain *ret, struct err *err);
void mount_chain_close(struct mount_chain *c);
#define _mount_chain_ __attribute__((cleanup(mount_chain_close)))

/* All borrowed. */
struct mount_lowering {
	struct op *op;
	const struct mount_chain *chain;
	const struct mount_request *request;
};
/*
 * The image's read-only side as a detached mount, by the driver that the request names or the first
 * that can: a clone of the base, which is made and attached when there is none.
 */
int mount_chain_lower(const struct mount_lowering *w, const struct driver **ret_driver,
		      int *ret_mount, struct err *err);
/* Takes down the bases that no recorded mount of this namespace needs any more. */
int mount_chain_release(const struct mount_chain *c, struct err *err);
/* Takes down the bases, whoever has clones: the next mount makes a new one. */
int mount_chain_renew(const struct mount_chain *c, struct err *err);

/* --- roots/<id>/{upper,work,merged} --- */

/* Makes the folders. ERR_EXISTS. Returns the fd of roots/<id>. */
int root_make(struct store *store, const char *id, struct err *err);
/* Returns its fd. ERR_NOT_FOUND. */
int root_open(struct store *store, const char *id, struct err *err);
/* Mode, owner, times and attributes of the image's root for the upper folder, which is the root. */
int root_dress(int root, int lower, struct err *err);
/* How it is mounted. */
struct root_mode {
	bool is_volatile, is_userxattr;
};
/* The overlay of a root over `lower` as a detached mount. Returns its fd. */
int root_overlay(int root, int lower, struct root_mode mode, struct err *err);
/*
 * ERR_BUSY while an overlay somewhere has it, also one that no record knows. To be asked when it is
 * not mounted here.
 */
int root_check_rest(int root, struct err *err);
/* Whether overlayfs marked it as volatile and nobody unmounted it in order. */
bool root_is_unclean(int root);
/* Takes that mark away. */
int root_mark_clean(int root, struct err *err);
/* Removes all of it. What is absent is fine. */
int root_remove(struct store *store, const char *id, struct err *err);
/* Removes what removals left, and folders of no record that nothing was written to. */
int roots_sweep(struct store *store, struct err *err);

/* --- sweeping --- */

/* Calls fn with each name in a folder, "." and ".." aside; names are read before the first call. */
typedef int folder_fn(void *arg, const char *name, struct err *err);
int folder_list(int dir, folder_fn *fn, void *arg, struct err *err);
/*
 * Removes mounts/<id>, which is there for a mount of ours alone: what lies on it and is not that
 * mount, because its record says otherwise or is lost, is taken down. Absent is fine.
 */
int mount_folder_remove(struct store *store, int mounts, const char *id, struct err *err);
/*
 * Takes folders of that id out of the way that somebody who was killed had made. Waits until nobody
 * mounts, if there is one.
 */
int mounts_free_id(struct op *op, struct store *store, const char *id, struct err *err);

#endif
