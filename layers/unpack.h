/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as plain files in a folder, and as one flattened tar. Nothing outside the target is ever
 * written, whatever names and links say: every step goes through folder fds.
 */
#ifndef IMG_LAYERS_UNPACK_H
#define IMG_LAYERS_UNPACK_H

#include "base/err.h"
#include "base/op.h"
#include "layers/tree.h"

#include <stdint.h>

/*
 * What could not be kept (only as an ordinary user, or where the file system refuses), counted by
 * kind, with the first path of each.
 */
enum unpack_loss {
	UNPACK_LOSS_OWNER,
	UNPACK_LOSS_DEVICE,
	UNPACK_LOSS_XATTR,
	UNPACK_LOSS_MODE,
	UNPACK_LOSS_TIME,
	UNPACK_LOSS_COUNT
};
struct unpack_report {
	uint64_t files, bytes; /* names made, and bytes of files */
	uint64_t lost[UNPACK_LOSS_COUNT];
	char *first[UNPACK_LOSS_COUNT]; /* owned; NULL when none */
};
void unpack_report_fini(struct unpack_report *report);
/* "owner", "device", "xattr", ... */
const char *unpack_loss_name(enum unpack_loss loss);

/* Where to and how. */
struct unpack_options {
	int dir_fd; /* the empty folder to fill; borrowed */
	/* chown, devices, trusted xattrs: as root; else what an ordinary user can */
	bool keep_owner;
	unsigned jobs; /* 0: as the operation says */
};
/*
 * Fills the empty folder. While it works the folder holds a marker `.img-incomplete` that is
 * removed last, so an interrupted unpack is recognisable. Parents' modes and times are set last.
 */
int unpack_tree(struct op *op, const struct tree *tree, const struct unpack_options *options,
		struct unpack_report *ret, struct err *err);

/*
 * The flattened root file system as one deterministic pax tar to `fd` (ustar where it fits, else
 * pax), parents first, names sorted, hard links as links; ends with two zero blocks.
 */
int export_tree(struct op *op, const struct tree *tree, int fd, uint64_t *ret_bytes,
		struct err *err);

#endif
