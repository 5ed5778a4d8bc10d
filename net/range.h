/* SPDX-License-Identifier: Apache-2.0 */
/* The Content-Range of a partial answer (RFC 9110 section 14.4). */
#ifndef IMG_NET_RANGE_H
#define IMG_NET_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* "bytes FIRST-LAST/SIZE". Value. */
struct content_range {
	uint64_t first, last; /* first <= last < size */
	uint64_t size;	      /* UINT64_MAX when the server doesn't know */
};
/* Strict; false for anything else, NULL and the form of a 416 included. */
bool content_range_parse(const char *text, struct content_range *ret);

#endif
