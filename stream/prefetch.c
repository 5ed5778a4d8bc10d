/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulling ahead: a thread of its own fills a ring from the source below, so that waiting for disk
 * or network and working on the bytes go on at once. An error below arrives after the bytes that
 * came before it, as without the thread.
 */
#include "stream/source.h"

#include "base/mem.h"
#include "stream/ring.h"
#include "stream/thread.h"

#define CHUNKS_MIN 2
#define CHUNKS_MAX 1024

struct prefetch {
	struct source base;
	struct source *from;
	struct ring *ring; /* NULL: no thread, pulled directly */
	pthread_t thread;
	size_t lent; /* what the consumer was given and has not returned yet */
	/* Written by the thread before ring_end, read by the consumer after the end. */
	ssize_t rc;
	struct err err;
};

/* The source below puts its bytes into the ring itself. */
static ssize_t pull_into(struct prefetch *p)
{
	uint8_t *at;
	const size_t room = ring_room(p->ring, SOURCE_CHUNK_BYTES, &at);
	const ssize_t n = room ? p->from->ops->next_into(p->from, at, room, &p->err) : 0;

	if (n > 0)
		ring_put(p->ring, (size_t)n);
	return n;
}

static ssize_t pull_and_copy(struct prefetch *p)
{
	const uint8_t *data;
	const ssize_t n = source_next(p->from, &data, &p->err);

	return n <= 0 || ring_write(p->ring, data, (size_t)n) ? n : 0;
}

static void *work(void *arg)
{
	struct prefetch *p = arg;
	ssize_t n;

	do
		n = p->from->ops->next_into ? pull_into(p) : pull_and_copy(p);
	while (n > 0);
	p->rc = n;
	ring_end(p->ring);
	return NULL;
}

static ssize_t prefetch_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct prefetch *p = (struct prefetch *)src;

	if (!p->ring)
		return source_next(p->from, ret, err);
	ring_drop(p->ring, p->lent);
	p->lent = ring_data(p->ring, ret);
	if (p->lent > SOURCE_CHUNK_BYTES)
		p->lent = SOURCE_CHUNK_BYTES;
	if (p->lent)
		return (ssize_t)p->lent;
	if (p->rc < 0 && err)
		*err = p->err;
	return p->rc;
}

static void prefetch_close(struct source *src)
{
	struct prefetch *p = (struct prefetch *)src;

	if (p->ring) {
		ring_leave(p->ring);
		pthread_join(p->thread, NULL);
	}
	ring_free(p->ring);
	source_close(p->from);
	free(p);
}

struct source *source_prefetch(struct source *from, unsigned chunks)
{
	static const struct source_ops ops = { .next = prefetch_next, .close = prefetch_close };
	struct prefetch *p = NEW(struct prefetch);

	if (chunks < CHUNKS_MIN)
		chunks = CHUNKS_MIN;
	if (chunks > CHUNKS_MAX)
		chunks = CHUNKS_MAX;
	p->base.ops = &ops;
	p->from = from;
	p->ring = ring_new(chunks * SOURCE_CHUNK_BYTES, 1, SOURCE_CHUNK_BYTES);
	if (!thread_start(&p->thread, work, p)) {
		ring_free(p->ring);
		p->ring = NULL;
	}
	return &p->base;
}
