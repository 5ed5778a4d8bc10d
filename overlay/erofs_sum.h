/* SPDX-License-Identifier: Apache-2.0 */
/* The two checksums of an image: ours over all of it, the kernel's crc32c over the superblock. */
#ifndef IMG_OVERLAY_EROFS_SUM_H
#define IMG_OVERLAY_EROFS_SUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Against damage, not malice: each step is a bijection of its lane, so any one changed word shows.
 * Eight lanes, so that memory is the limit and not the multiplier.
 */
#define EROFS_SUM_LANES	 8u
#define EROFS_SUM_STRIPE ((size_t)EROFS_SUM_LANES * 8)
struct erofs_sum {
	uint64_t lane[EROFS_SUM_LANES];
};

void erofs_sum_init(struct erofs_sum *s);
/* Takes the next `len` bytes, a multiple of EROFS_SUM_STRIPE. */
void erofs_sum_add(struct erofs_sum *s, const void *data, size_t len);
/* The sum with `len` more bytes, a multiple of 8. */
uint64_t erofs_sum_end(const struct erofs_sum *s, const void *last, size_t len);

/* CRC-32C (Castagnoli) as the kernel has it: `crc` goes in and out without inversion. */
uint32_t erofs_crc32c(uint32_t crc, const void *data, size_t len);

#endif
