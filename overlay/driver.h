/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers: ways to have the read-only side of an image as a mount.
 *
 *   erofs      the metadata image and the layer tars, mounted from their files
 *   loop       the same through loop devices, where the store's file system can't back file mounts
 *   unpacked   the merged tree as plain files, unpacked once into unpacked/<alg>/<chainid>
 *   fuse       img-fuse-overlay (its place: ERR_UNSUPPORTED until there is one)
 *
 * What works is found by trying, never by version: auto takes them in this order. One that fails is
 * probed with a tiny image in a detached mount (a mount namespace of its own that nobody sees); if
 * that works its error counts, else the next is tried.
 */
#ifndef IMG_OVERLAY_DRIVER_H
#define IMG_OVERLAY_DRIVER_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"
#include "store/store.h"

#include <stddef.h>

struct mount_request;

struct driver {
	const char *name;
	/* Whether it can work for this store: a real mount, detached and dropped. 0 or why not. */
	int (*probe)(struct store *store, struct err *err);
	/* Makes the image's read-only side as a detached mount with a superblock of its own. */
	int (*lower)(struct op *op, const struct mount_request *request,
		     const struct digest *chain_id, int *ret_mount, struct err *err);
};
/* In the order of auto, NULL at the end. */
extern const struct driver *const drivers[];
/* By name; ERR_USAGE lists the names. NULL or "auto": *ret is NULL. */
int driver_find(const char *name, const struct driver **ret, struct err *err);

#endif
