/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as an EROFS image of metadata alone (Linux 6.12 for mounts from a file; on-disk format:
 * Documentation/filesystems/erofs.rst): 512-byte blocks, extended inodes, and data that stays in the
 * raw tars of the layers, each of which is device 1 + its number, also one that gives no data. A
 * file of up to a page is found by its block's number among those of all devices (up to 64 of
 * them), a larger one by one chunk index of 8 bytes, sparse ones by more. Deterministic: the same
 * layers give the same bytes. Little-endian on disk, whatever the machine.
 *
 * What follows a file's end in its last block is the tar's padding; read(2) never shows it, a
 * mapping does, as the kernel has it. It is the layer's own bytes, nobody else's.
 */
#ifndef IMG_OVERLAY_EROFS_H
#define IMG_OVERLAY_EROFS_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"
#include "layers/changes.h"
#include "layers/tree.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the image to `fd` (an empty regular file, from offset 0); not synced. What EROFS can't hold
 * (targets of links over 4095 bytes, device numbers beyond mknod's, xattrs over its sizes, tars over
 * 2 TiB, sparse files so scattered that they take more than 64 MiB) is ERR_UNSUPPORTED naming the
 * path, an owner beyond 32 bits ERR_DAMAGED. Data of sparse files that the tar has not in whole
 * blocks is copied into the image. Xattrs that no Linux file could have are left out with a note,
 * labels of SELinux without. `chain_id` becomes the uuid (its first 16 bytes). Memory: about 10
 * bytes a name, and the largest directory.
 */
int erofs_write(struct op *op, const struct tree *tree, const struct digest *chain_id, int fd,
		struct err *err);

/* An image mapped for reading; immutable, thread-safe. */
struct erofs;
/*
 * Opens and checks head to tail: magic, sizes, device table, and the checksum over all bytes (its
 * own, in the tail; the superblock has the kernel's crc32c besides). ERR_DAMAGED. Borrows fd only
 * during the call.
 */
int erofs_open(int fd, struct erofs **ret, struct err *err);
void erofs_free(struct erofs *e);
/* Devices, and bytes of the tar that each stands for. */
size_t erofs_device_count(const struct erofs *e);
uint64_t erofs_device_bytes(const struct erofs *e, size_t device);
uint64_t erofs_inode_count(const struct erofs *e);

/*
 * The verifier: walks the whole image as the kernel would and checks every field: that all offsets
 * lie inside, directories are sorted and well formed with one "." and "..", each inode is reached,
 * link counts are right, chunks lie inside their device, xattrs are well formed, unused bytes are
 * zero. ERR_DAMAGED naming inode and field. Trusts nothing, never reads outside.
 */
int erofs_verify(struct op *op, const struct erofs *e, struct err *err);
/* The same image as bytes, without the checksum of erofs_open: for fuzzing. */
int erofs_verify_bytes(struct op *op, const void *data, size_t len, struct err *err);

/*
 * The image as the lower side of a comparison (layers/changes.h): looks paths up by binary search,
 * without building a tree. Borrows `e`.
 */
struct lower *erofs_lower(const struct erofs *e);

#endif
