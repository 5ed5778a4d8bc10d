/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata image of a chain of layers: opened, checked, made when there is none. */
#ifndef IMG_OVERLAY_TREE_FILE_H
#define IMG_OVERLAY_TREE_FILE_H

#include "overlay/driver.h"
#include "overlay/erofs.h"

/* Opened. Close with tree_file_close. */
struct tree_file {
	int fd;
	struct erofs *erofs;
};
/* Whose it is to be; all borrowed. */
struct tree_want {
	struct op *op;
	const struct mount_request *request;
	const struct digest *chain_id;
	const struct driver *user; /* probed before one is made; may be NULL */
};
/*
 * Opens it, asking the request for the tree only when there is none or it is damaged. Layers that
 * are absent or not as long as the image has them are ERR_NOT_FOUND and ERR_DAMAGED naming their
 * number.
 */
int tree_file_open(const struct tree_want *want, struct tree_file *ret, struct err *err);
void tree_file_close(struct tree_file *f);
#define _tree_file_	 __attribute__((cleanup(tree_file_close)))
#define TREE_FILE_CLOSED ((struct tree_file){ .fd = -1 })

/*
 * Whether all layers are there, and with `erofs` (may be NULL) as long as it has them. Errors as
 * above.
 */
int tree_file_check_tars(const struct mount_request *request, const struct erofs *erofs,
			 struct err *err);

/* An image of nothing in an unlinked file of the store. Returns its fd. */
int tree_file_tiny(struct store *store, struct err *err);

#endif
