/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounted images and writable roots. What is mounted is a record (mount/<id>), what can be written
 * to is a record and a folder (root/<id>, roots/<id>/{upper,work,merged}); both survive crashes and
 * reboots, and whether a record is still true is asked of the kernel (boot id, mount namespace,
 * unique mount id).
 *
 * One EROFS superblock serves all mounts of an image in a mount namespace: it is mounted once at
 * mounts/<chainid> of the store, everything else is a clone of that mount, and it goes with the
 * last of them. Thread-safe, also between processes (a lock per chain).
 */
#ifndef IMG_OVERLAY_MOUNTS_H
#define IMG_OVERLAY_MOUNTS_H

#include "base/digest.h"
#include "base/json.h"
#include "base/op.h"
#include "layers/tree.h"
#include "overlay/driver.h"
#include "store/store.h"
#include "sys/mount.h"

#include <stdbool.h>
#include <stdint.h>

#define MOUNT_ID_BYTES 65 /* [a-z0-9][a-z0-9_.-]{0,63} */

/* What a record says; value, owns its strings. */
struct mount_entry {
	char id[MOUNT_ID_BYTES];
	char *image; /* the name it was mounted by, for people */
	struct digest manifest;
	struct digest chain_id;
	char *driver; /* "erofs", ... */
	char *path;   /* absolute; NULL for a root that is not mounted */
	bool is_writable, is_volatile;
	bool is_userxattr;     /* a root whose overlayfs attributes are user.overlay.* */
	char *uidmap, *gidmap; /* as given; NULL: none */
	int64_t created_at;
	struct mount_id where; /* of the last mount, when it is not mounted */
	enum mount_state {
		MOUNT_ACTIVE,	 /* it is there */
		MOUNT_ELSEWHERE, /* in another mount namespace of this boot: can't be seen */
		MOUNT_STALE,	 /* gone without umount: reboot, crash, umount(8) */
		MOUNT_NONE,	 /* a root that is not mounted */
	} state;
};
void mount_entry_fini(struct mount_entry *e);
#define _mount_entry_ __attribute__((cleanup(mount_entry_fini)))

/* An image to mount; all borrowed. */
struct mount_request {
	struct store *store;
	const char *image; /* for people */
	struct digest manifest;
	const struct digest *diff_ids;
	size_t layer_count;
	/*
	 * Gives the image's tree, borrowed, when there is no metadata image yet (or the layers must
	 * be unpacked).
	 */
	int (*tree)(void *arg, const struct tree **ret, struct err *err);
	void *tree_arg;
	const char *path;   /* where to, an existing folder; NULL: a folder of the store */
	const char *id;	    /* of the root; NULL: a fresh one */
	const char *driver; /* NULL: auto */
	bool is_writable;
	bool is_volatile;	     /* no fsync at all (overlayfs "volatile") */
	const char *uidmap, *gidmap; /* one of them NULL: the same as the other */
};
/*
 * Mounts and records. Read-only mounts are the image itself, without overlayfs, nosuid and nodev:
 * they are for looking; writable roots are for running and have neither. ERR_EXISTS: the id
 * is in use; ERR_UNSUPPORTED with what each driver said when none can; ERR_DENIED with a hint for
 * who has no CAP_SYS_ADMIN in a user namespace of his own. Nothing is left behind on failure.
 */
int mounts_mount(struct op *op, const struct mount_request *request, struct mount_entry *ret,
		 struct err *err);
/*
 * Mounts a writable root again, with all that was written to it (after a reboot, an umount). A
 * volatile one that was not unmounted in order is ERR_DAMAGED, as its files may be.
 */
int mounts_remount(struct op *op, const struct mount_request *request, struct mount_entry *ret,
		   struct err *err);
/*
 * Unmounts by id or by path (of the mount itself; a relative path is taken from the working
 * folder), removes the record and the folder that was made for it. Idempotent: 0 when it was
 * recorded and is not mounted any more, 1 when nothing of that name is known. A busy mount is
 * ERR_BUSY unless `lazy`. The writable root stays unless `remove`.
 */
struct umount_request {
	struct store *store;
	const char *name;
	bool lazy, remove;
};
int mounts_umount(struct op *op, const struct umount_request *request, struct mount_entry *ret,
		  struct err *err);
/* Calls fn for each mount and root, by id, with its true state. */
typedef int mounts_fn(void *arg, const struct mount_entry *e, struct err *err);
int mounts_list(struct store *store, mounts_fn *fn, void *arg, struct err *err);
/* By id or path; ERR_NOT_FOUND. */
int mounts_find(struct store *store, const char *name, struct mount_entry *ret, struct err *err);

/* What commit and changes need of a writable root. */
struct root_sides {
	int upper_fd;	     /* its upper folder, readable */
	struct erofs *erofs; /* what lies below, for erofs_lower() */
};
/*
 * Opens them, mounted or not; the request needs store, id, layers and tree. ERR_NOT_FOUND. Never
 * mounts.
 */
int mounts_open_root(struct op *op, const struct mount_request *request, struct root_sides *ret,
		     struct err *err);
void root_sides_fini(struct root_sides *r);
/*
 * Forgets stale mounts, takes down bases without mounts and folders without records. Never a root
 * that was written to. Counts the records.
 */
int mounts_tidy(struct op *op, struct store *store, uint64_t *ret_count, struct err *err);
/* The same, and unpacked images that no mount and no root is of; for gc. */
int mounts_clean(struct op *op, struct store *store, uint64_t *ret_count, struct err *err);

/*
 * After layers or trees were replaced: what is mounted from now on is made of the new files, not
 * cloned from what was mounted before. Counts the mounts of this namespace, which still show the
 * old ones.
 */
int mounts_renew(struct op *op, struct store *store, uint64_t *ret_count, struct err *err);

#endif
