/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a registry says when it refuses (distribution-spec, "Error Codes"): its JSON turned into one
 * line for a person. The text is the peer's: escaped, cut, and without the queries of URLs, which
 * may be signatures.
 */
#ifndef IMG_NET_REPLY_H
#define IMG_NET_REPLY_H

#include "base/err.h"

#include <stddef.h>

/* Most of an error body that is read. */
#define REPLY_BODY_BYTES_MAX ((size_t)64 << 10)

struct reply {
	const char *body;
	size_t body_len;
	const char *content_type; /* or NULL */
};
/*
 * "CODE: message (detail); CODE: message", the first three; the first line of a plain text; else
 * "". Writes at most `dst_bytes`, returns dst.
 */
char *reply_text(char *dst, size_t dst_bytes, const struct reply *reply);
/*
 * "100;w=21600" (RateLimit-Limit, RateLimit-Remaining) as "100 in 6 h"; the text itself, escaped,
 * when it is another. Returns dst.
 */
char *reply_rate(char *dst, size_t dst_bytes, const char *value);
/* The kind of error that a status means. */
enum err_kind reply_kind(unsigned status);
/* "not found", ...: the status for people, or "" */
const char *reply_status_name(unsigned status);

#endif
