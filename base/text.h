/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text and numbers from outside: strict parsing with a length, no locale, no errno games, and
 * escaping of what a peer says before a person sees it.
 */
#ifndef IMG_BASE_TEXT_H
#define IMG_BASE_TEXT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Parses exactly `len` bytes as digits of `base` (8, 10 or 16, lower or upper case): no sign, no
 * space, no prefix, at least one digit. -EINVAL on syntax, -ERANGE on overflow; sets no err.
 */
int text_parse_u64(const char *s, size_t len, unsigned base, uint64_t *ret);
/* The same with an optional leading '-', base 10. */
int text_parse_i64(const char *s, size_t len, int64_t *ret);

/*
 * Copies `len` bytes of peer text into `dst` with control characters, DEL, backslash and bytes that
 * are not valid UTF-8 as \xNN (\n, \t, \r, \\ by letter), so that a terminal obeys none of it. Cuts
 * with "..." when `dst_bytes` is too small. Returns dst.
 */
char *text_escape(char *dst, size_t dst_bytes, const void *src, size_t len);
/* The same into a buffer, never cut. */
int text_escape_buf(struct buf *dst, const void *src, size_t len, struct err *err);

/* Escapes a C string into an array in the enclosing statement: TEXT_ESCAPED(s) is a char *. */
#define TEXT_ESCAPED(s) text_escape((char[256]){ 0 }, 256, (s), strlen(s))

/*
 * True when the `n` bytes are one character that turns the direction of writing, or breaks the line,
 * without being seen (U+061C, U+200E, U+200F, U+2028..U+202E, U+2066..U+2069).
 */
bool text_is_bidi(const void *s, size_t n);

bool text_starts_with(const char *s, const char *prefix);
bool text_ends_with(const char *s, const char *suffix);
/* True when the `len` bytes are valid UTF-8 (no overlong forms, no surrogates). */
bool text_is_utf8(const void *s, size_t len);
/*
 * Bytes of the valid UTF-8 sequence that starts at `s` (1 to 4), 0 when it is not one; `len` must
 * not be 0.
 */
size_t text_utf8_len(const void *s, size_t len);

/* Bytes for people: "0 B", "999 B", "1.5 kB", "131 MB" (powers of 1000). Returns dst. */
char *text_size(char *dst, size_t dst_bytes, uint64_t bytes);
#define TEXT_SIZE(n) text_size((char[16]){ 0 }, 16, (n))

/*
 * RFC 3339 time in UTC "2026-01-02T03:04:05Z" to seconds since 1970, and back (needs 21 bytes; ""
 * outside the years 0 to 9999).
 */
int text_parse_rfc3339(const char *s, int64_t *ret_sec, uint32_t *ret_nsec);
char *text_rfc3339(char *dst, size_t dst_bytes, int64_t sec);

#endif
