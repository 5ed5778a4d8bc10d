/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A content digest as a value (image-spec descriptor.md, "Digests"): algorithm and raw bytes. Only
 * sha256 and sha512 exist as values; a digest that became one is safe in a path and in a URL.
 * Computing digests is stream/hash.h.
 */
#ifndef IMG_BASE_DIGEST_H
#define IMG_BASE_DIGEST_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum digest_alg { DIGEST_NONE, DIGEST_SHA256, DIGEST_SHA512 };

/* Value; compare with digest_equal, never by memcmp (unused bytes are zero all the same). */
struct digest {
	enum digest_alg alg;
	uint8_t bytes[64];
};

/* "sha512:" + 128 hex + terminator. */
#define DIGEST_TEXT_BYTES 136

/* Name of the algorithm ("sha256") and its length in raw bytes (32, 64); "" and 0 for none. */
const char *digest_alg_name(enum digest_alg alg);
size_t digest_alg_bytes(enum digest_alg alg);

/*
 * Parses `len` bytes "ALG:HEX", strictly: known algorithm, exact length, lower-case hex.
 * ERR_DAMAGED for syntax and length, ERR_UNSUPPORTED for an unknown but well-formed algorithm.
 */
int digest_parse(const char *s, size_t len, struct digest *ret, struct err *err);
/* "ALG:HEX" into dst (DIGEST_TEXT_BYTES). Returns dst. */
char *digest_text(const struct digest *d, char dst[DIGEST_TEXT_BYTES]);
/* Only the hex part. Returns dst. */
char *digest_hex(const struct digest *d, char dst[DIGEST_TEXT_BYTES]);
bool digest_equal(const struct digest *a, const struct digest *b);

/* The digest as text, in an array of the enclosing block. */
#define DIGEST_TEXT(d) digest_text((d), (char[DIGEST_TEXT_BYTES]){ 0 })
#define DIGEST_HEX(d)  digest_hex((d), (char[DIGEST_TEXT_BYTES]){ 0 })

#endif
