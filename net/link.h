/* SPDX-License-Identifier: Apache-2.0 */
/* The Link header (RFC 8288): where the next page of a listing is. */
#ifndef IMG_NET_LINK_H
#define IMG_NET_LINK_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Finds the link whose relation is "next" in one header line and appends its target, as the server
 * wrote it (relative or absolute: fetch_send takes either; see url_resolve), to `ret`. Returns 1,
 * or 0 when there is none; broken parts are passed over.
 */
int link_next(const char *header, struct buf *ret, struct err *err);

#endif
