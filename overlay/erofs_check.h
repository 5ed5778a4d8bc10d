/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the verifier share. Everything is read by offset with bounds checked first, and
 * claimed, so that nothing in an image belongs to two and nothing that is not zero to none. Not for
 * others: overlay/erofs.h is.
 */
#ifndef IMG_OVERLAY_EROFS_CHECK_H
#define IMG_OVERLAY_EROFS_CHECK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"
#include "overlay/erofs_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check {
	struct op *op;
	struct erofs image;
	struct erofs_device *devices; /* owned; device_count, as they have to be */
	uint64_t meta_offset;
	uint64_t slot_count; /* of the image */
	uint8_t *claimed;    /* owned, a bit a slot */
	uint32_t *names;     /* owned; names of the inode that starts at the slot */
	uint8_t *numbers;    /* owned, a bit for each inode number seen */
	uint64_t inodes_seen;
	struct buf directories; /* struct check_dir, those still to be walked */
};
/* A directory that a name led to. */
struct check_dir {
	uint64_t nid, parent;
};

/* ERR_DAMAGED naming inode and field. */
int check_failed(struct err *err, uint64_t nid, const char *field);
bool check_is_zero(const unsigned char *p, uint64_t len);
/*
 * Takes [start, start + len) for one owner: inside the image, nobody else's. `len` counts up to the
 * next slot, and the bytes in between must be zero.
 */
bool check_claim(struct check *c, uint64_t start, uint64_t len);

/* An inode read, its place and what follows it. */
struct check_inode {
	uint64_t nid, offset;
	struct erofs_inode inode;
	unsigned layout;
	uint32_t head; /* bytes of inode and xattrs */
	uint8_t type;  /* enum erofs_type */
};
/* Reads an inode's own 64 bytes; the slot lies in the image. */
int check_read_inode(struct check *c, uint64_t nid, struct check_inode *ret, struct err *err);
/* Checks an inode met for the first time, and claims what it has. */
int check_inode(struct check *c, const struct check_inode *i, struct err *err);
int check_xattrs(struct check *c, const struct check_inode *i, struct err *err);
/* Checks a directory's dirents, and all inodes met there for the first time. */
int check_dir(struct check *c, struct check_dir dir, struct err *err);

#endif
