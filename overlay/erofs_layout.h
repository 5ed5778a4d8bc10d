/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie in an image. Inodes are put one after the other in the order they are asked for;
 * what does not fit where it would come next leaves a gap, and what comes soon after fills it, so
 * that neighbours stay neighbours. Asked for the same things in the same order, it gives the same
 * places: the writer's two passes need no memory of them.
 */
#ifndef IMG_OVERLAY_EROFS_LAYOUT_H
#define IMG_OVERLAY_EROFS_LAYOUT_H

#include <stdint.h>

#define EROFS_GAPS_MAX 16u
/* A gap that lies further back is given up: it would hold up writing, and be no neighbour. */
#define EROFS_GAP_REACH ((uint64_t)64 * 1024)

struct erofs_gap {
	uint64_t start, end;
};
struct erofs_layout {
	uint64_t end; /* of all that is placed, in bytes from the start of the image */
	struct erofs_gap gaps[EROFS_GAPS_MAX]; /* ascending */
	unsigned gap_count;
};

/* Bytes of an inode with all that follows it. */
struct erofs_extent {
	uint64_t bytes;
	/* Bytes at the end that must lie in one block; 0: none. */
	uint32_t together;
};

/* Places `count` whole blocks; returns the number of the first. */
uint64_t erofs_layout_blocks(struct erofs_layout *l, uint64_t count);
/* Places an inode at a slot; returns its offset. */
uint64_t erofs_layout_inode(struct erofs_layout *l, struct erofs_extent extent);
/* Below this nothing will be placed any more. */
uint64_t erofs_layout_settled(const struct erofs_layout *l);

#endif
