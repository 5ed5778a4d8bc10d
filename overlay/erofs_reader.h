/* SPDX-License-Identifier: Apache-2.0 */
/* An image as its readers see it: bytes whose head and tail were found to agree. Not for others. */
#ifndef IMG_OVERLAY_EROFS_READER_H
#define IMG_OVERLAY_EROFS_READER_H

#include "base/err.h"
#include "overlay/erofs_format.h"

#include <stddef.h>
#include <stdint.h>

struct erofs {
	const unsigned char *data; /* erofs_open: our mapping */
	size_t len;
	uint64_t image_bytes; /* what the kernel sees; then the bytes of tars, then the footer */
	uint64_t device_count;
	uint64_t inode_count;
};
/*
 * Finds head and tail and compares them: the lengths fit the bytes, so that all accessors may be
 * used. No checksum.
 */
int erofs_parse(const void *data, size_t len, struct erofs *ret, struct erofs_footer *footer,
		struct err *err);

#endif
