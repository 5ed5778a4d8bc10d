/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648 section 4, strict: padded, no line breaks, no stray bits. */
#ifndef IMG_BASE_BASE64_H
#define IMG_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decodes `len` characters. NULL when they are not base64; else fresh memory with a zero byte after
 * the end (free).
 */
uint8_t *base64_decode(const char *text, size_t len, size_t *ret_bytes);
/* Encodes into fresh memory, terminated. Free with free(). */
char *base64_encode(const uint8_t *data, size_t bytes);

#endif
