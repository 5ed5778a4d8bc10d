/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers: ways to have the read-only side of an image as a mount.
 *
 *   erofs      the metadata image and the layer tars, mounted from their files
 *   loop       the same through loop devices, where the store's file system can't back file mounts
 *   unpacked   the merged tree as plain files, unpacked once into unpacked/<alg>/<chainid>
 *   fuse       img-fuse-overlay (its place: ERR_UNSUPPORTED until there is one)
 *
 * What works is found by trying, never by version: auto takes them in this order. Before an image is
 * written or unpacked for one, it is probed with a tiny one in a detached mount (a mount namespace
 * that nobody sees). One that can't (ERR_UNSUPPORTED, ERR_DENIED) gives way to the next; when its
 * probe works, so that it is the image, that is told.
 */
#ifndef IMG_OVERLAY_DRIVER_H
#define IMG_OVERLAY_DRIVER_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

struct mount_request;

struct driver {
	const char *name;
	/*
	 * A lower of its own is a superblock, which is made once and cloned from then on; else it
	 * is a folder, and as cheap as a clone.
	 */
	bool is_superblock;
	/* Whether it can work for this store: a real mount, detached and dropped. 0 or why not. */
	int (*probe)(struct store *store, struct err *err);
	/* Makes the image's read-only side as a detached mount. Under the lock of the chain. */
	int (*lower)(struct op *op, const struct mount_request *request,
		     const struct digest *chain_id, int *ret_mount, struct err *err);
};
/* In the order of auto, NULL at the end. */
extern const struct driver *const drivers[];
extern const struct driver driver_erofs, driver_loop, driver_unpacked, driver_fuse;
/* By name; ERR_USAGE lists the names. NULL or "auto": *ret is NULL. */
int driver_find(const char *name, const struct driver **ret, struct err *err);

#endif
