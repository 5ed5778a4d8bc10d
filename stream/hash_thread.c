/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A digest computed beside the thread that makes the bytes: they are copied into a ring, which
 * costs far less than hashing them. The hashing thread sleeps until there is a good piece to do.
 */
#include "stream/hash.h"

#include "base/mem.h"
#include "stream/ring.h"
#include "stream/thread.h"

#define RING_BYTES ((size_t)1 << 20)
#define WAKE_BYTES ((size_t)128 * 1024)
/* At most this much is hashed before its room is given back. */
#define PIECE_BYTES ((size_t)64 * 1024)

struct hash_thread {
	struct hash *hash;
	struct ring *ring; /* NULL: no thread could be made, hashed at once */
	pthread_t thread;
	bool joined;
};

static void *work(void *arg)
{
	struct hash_thread *h = arg;
	const uint8_t *data;
	size_t len;

	while ((len = ring_data(h->ring, &data)) > 0) {
		if (len > PIECE_BYTES)
			len = PIECE_BYTES;
		hash_update(h->hash, data, len);
		ring_drop(h->ring, len);
	}
	return NULL;
}

struct hash_thread *hash_thread_new(enum digest_alg alg)
{
	struct hash_thread *h = NEW(struct hash_thread);

	h->hash = hash_new(alg);
	h->ring = ring_new(RING_BYTES, WAKE_BYTES, WAKE_BYTES);
	if (!thread_start(&h->thread, work, h)) {
		ring_free(h->ring);
		h->ring = NULL;
		h->joined = true;
	}
	return h;
}

void hash_thread_update(struct hash_thread *h, const void *data, size_t len)
{
	if (h->ring)
		(void)ring_write(h->ring, data, len);
	else
		hash_update(h->hash, data, len);
}

static void join(struct hash_thread *h)
{
	if (h->joined)
		return;
	ring_end(h->ring);
	pthread_join(h->thread, NULL);
	h->joined = true;
}

void hash_thread_final(struct hash_thread *h, struct digest *ret)
{
	join(h);
	hash_final(h->hash, ret);
}

void hash_thread_free(struct hash_thread *h)
{
	if (!h)
		return;
	join(h);
	ring_free(h->ring);
	hash_free(h->hash);
	free(h);
}
