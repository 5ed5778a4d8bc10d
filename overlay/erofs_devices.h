/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from the tars alone: the device slots, and where inodes begin. Not for others. */
#ifndef IMG_OVERLAY_EROFS_DEVICES_H
#define IMG_OVERLAY_EROFS_DEVICES_H

#include "overlay/erofs_format.h"
#include "overlay/erofs_sum.h"

#include <stddef.h>
#include <stdint.h>

/* Nids count from here. */
static inline uint64_t erofs_meta_offset(uint64_t device_count)
{
	const uint64_t end = EROFS_DEVICES_OFFSET + device_count * sizeof(struct erofs_device);

	/* One block earlier than need be: nid 0 would be inode number 0, which is none. */
	return (end / EROFS_BLOCK_BYTES - 1) * EROFS_BLOCK_BYTES;
}

/* Of the lengths of tars, behind the image. */
static inline uint64_t erofs_table_bytes(uint64_t device_count)
{
	return (device_count * 8 + EROFS_SUM_STRIPE - 1) / EROFS_SUM_STRIPE * EROFS_SUM_STRIPE;
}

/*
 * The slot of the next device. Whole blocks of its tar only: a loop device has no others. `next` is
 * the next free number in the space of all blocks, at first EROFS_UNIFIED_START.
 */
static inline struct erofs_device erofs_device_make(size_t device_count, uint64_t tar_bytes,
						    uint64_t *next)
{
	const uint64_t blocks = tar_bytes >> EROFS_BLOCK_BITS;
	struct erofs_device d = { .blocks = blocks < EROFS_HOLE ? (uint32_t)blocks
								: EROFS_HOLE - 1 };

	if (device_count <= EROFS_UNIFIED_DEVICES_MAX && blocks && blocks < EROFS_HOLE - *next) {
		d.unified_block = (uint32_t)*next;
		*next += blocks;
	}
	return d;
}

#endif
