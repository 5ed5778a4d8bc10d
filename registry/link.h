/* SPDX-License-Identifier: Apache-2.0 */
/* The Link header of a listing (RFC 8288; distribution-spec "Listing Tags"). */
#ifndef IMG_REGISTRY_LINK_H
#define IMG_REGISTRY_LINK_H

#include <stddef.h>

/* Longest header read. */
#define LINK_BYTES_MAX ((size_t)16 << 10)

/* The target of the first link whose relation is "next", as written; NULL when there is none. Free with free(). */
char *link_next(const char *header);

#endif
