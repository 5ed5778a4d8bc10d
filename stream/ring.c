/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: two counters that only grow, under one lock that is held for a few instructions. The
 * bytes between them belong to the consumer, the rest to the producer. Where too little is left
 * before the end of the memory the producer goes on at its beginning; what it left out counts as
 * used until the consumer has passed it.
 */
#include "stream/ring.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

struct ring {
	uint8_t *memory;
	size_t size, wake_data, wake_room;
	pthread_mutex_t lock;  /* guards everything below */
	pthread_cond_t filled; /* enough data, or the end */
	pthread_cond_t freed;  /* enough room, or nobody reads */
	uint64_t put, dropped; /* bytes since the start, those left out included */
	uint64_t gap;	       /* where bytes were left out last, up to the end of the memory */
	bool ended, left;
	bool wants_data, wants_room; /* who sleeps */
};

struct ring *ring_new(size_t bytes, size_t wake_data, size_t wake_room)
{
	struct ring *r = NEW(struct ring);

	r->memory = xreallocarray(NULL, bytes, 1);
	r->size = bytes;
	r->wake_data = wake_data;
	r->wake_room = wake_room;
	r->gap = UINT64_MAX;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->filled, NULL);
	pthread_cond_init(&r->freed, NULL);
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->filled);
	pthread_cond_destroy(&r->freed);
	free(r->memory);
	free(r);
}

static size_t used(const struct ring *r)
{
	return (size_t)(r->put - r->dropped);
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The other side sleeps: wake it when it is worth it, or when we are about to sleep ourselves. */
static void wake_consumer(struct ring *r, bool now)
{
	if (r->wants_data && (now || used(r) >= r->wake_data))
		pthread_cond_signal(&r->filled);
}

static void wake_producer(struct ring *r, bool now)
{
	if (r->wants_room && (now || r->size - used(r) >= r->wake_data))
		pthread_cond_signal(&r->freed);
}

/* The consumer is at the bytes left out: it passes them. */
static void pass_gap(struct ring *r)
{
	if (r->dropped != r->gap)
		return;
	r->dropped += r->size - r->gap % r->size;
	r->gap = UINT64_MAX;
}

/*
 * Room in one piece for the producer, after leaving out the end of the memory where that is too
 * small. There is one gap at most: before a second the ring would be full.
 */
static size_t room_at(struct ring *r, size_t min, uint8_t **ret)
{
	size_t at = (size_t)(r->put % r->size);
	const size_t end = r->size - at;

	if (end < min && r->size - used(r) >= end) {
		r->gap = r->put;
		r->put += end;
		at = 0;
		pass_gap(r);
	}
	*ret = r->memory + at;
	return min_size(r->size - used(r), r->size - at);
}

size_t ring_room(struct ring *r, size_t min, uint8_t **ret)
{
	size_t room = 0;

	pthread_mutex_lock(&r->lock);
	while (!r->left && (room = room_at(r, min, ret)) < min) {
		wake_consumer(r, true);
		r->wants_room = true;
		pthread_cond_wait(&r->freed, &r->lock);
		r->wants_room = false;
	}
	if (r->left)
		room = 0;
	pthread_mutex_unlock(&r->lock);
	return room;
}

void ring_put(struct ring *r, size_t len)
{
	pthread_mutex_lock(&r->lock);
	r->put += len;
	wake_consumer(r, false);
	pthread_mutex_unlock(&r->lock);
}

bool ring_write(struct ring *r, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		uint8_t *at;
		const size_t room = ring_room(r, 1, &at);
		const size_t n = min_size(room, len);

		if (!room)
			return false;
		memcpy(at, p, n);
		ring_put(r, n);
		p += n;
		len -= n;
	}
	return true;
}

void ring_end(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	pthread_cond_signal(&r->filled);
	pthread_mutex_unlock(&r->lock);
}

size_t ring_data(struct ring *r, const uint8_t **ret)
{
	pthread_mutex_lock(&r->lock);
	while (!r->ended && used(r) == 0) {
		wake_producer(r, true);
		r->wants_data = true;
		pthread_cond_wait(&r->filled, &r->lock);
		r->wants_data = false;
	}
	const size_t at = (size_t)(r->dropped % r->size);
	const uint64_t until = r->gap < r->put ? r->gap : r->put;
	const size_t len = min_size((size_t)(until - r->dropped), r->size - at);

	*ret = r->memory + at;
	pthread_mutex_unlock(&r->lock);
	return len;
}

void ring_drop(struct ring *r, size_t len)
{
	pthread_mutex_lock(&r->lock);
	r->dropped += len;
	pass_gap(r);
	wake_producer(r, false);
	pthread_mutex_unlock(&r->lock);
}

void ring_leave(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	r->left = true;
	pthread_cond_signal(&r->freed);
	pthread_mutex_unlock(&r->lock);
}
