/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with padding (RFC 4648 section 4), as credentials are written. */
#ifndef IMG_NET_BASE64_H
#define IMG_NET_BASE64_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the padded text of `len` bytes. */
int base64_encode(struct buf *out, const void *data, size_t len, struct err *err);
/* Appends the bytes; line breaks are passed over. ERR_DAMAGED "not base64". */
int base64_decode(struct buf *out, const char *text, struct err *err);

#endif
