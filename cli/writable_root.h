/* SPDX-License-Identifier: Apache-2.0 */
/* A writable root by id or path, and what overlay/mounts.h asks to know of its image. */
#ifndef IMG_CLI_WRITABLE_ROOT_H
#define IMG_CLI_WRITABLE_ROOT_H

#include "overlay/mounts.h"
#include "pull/local.h"

struct cli;

/* Must not move: the request points into it. */
struct writable_root {
	struct cli *cli;
	struct store *store;
	struct mount_entry entry;
	struct image_config image;
	struct local_tree tree;	      /* only when it was asked for */
	struct mount_request request; /* for mounts_remount and mounts_open_root */
};
/* Opens the store for writing. ERR_NOT_FOUND, also for a mount that can only be read. */
int writable_root_open(struct cli *cli, const char *name, struct writable_root *ret,
		       struct err *err);
void writable_root_close(struct writable_root *r);
#define _writable_root_ __attribute__((cleanup(writable_root_close)))

#endif
