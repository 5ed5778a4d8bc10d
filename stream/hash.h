/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computing digests (sha256, sha512), incrementally, in this thread or in one of its own. The only
 * door to the digest library.
 */
#ifndef IMG_STREAM_HASH_H
#define IMG_STREAM_HASH_H

#include "base/digest.h"

/* A running digest. Not thread-safe. */
struct hash;
struct hash *hash_new(enum digest_alg alg);
void hash_update(struct hash *h, const void *data, size_t len);
/* Writes the digest; only hash_free is allowed after. */
void hash_final(struct hash *h, struct digest *ret);
void hash_free(struct hash *h);

/* The digest of bytes in memory. */
void hash_bytes(enum digest_alg alg, const void *data, size_t len, struct digest *ret);

/*
 * A running digest computed by a thread of its own: update copies into a ring of bounded size (1
 * MiB) and returns; it blocks while the ring is full. Falls back to this thread when none can be
 * made.
 */
struct hash_thread;
struct hash_thread *hash_thread_new(enum digest_alg alg);
void hash_thread_update(struct hash_thread *h, const void *data, size_t len);
/* Waits for the rest and writes the digest. */
void hash_thread_final(struct hash_thread *h, struct digest *ret);
void hash_thread_free(struct hash_thread *h);

#endif
