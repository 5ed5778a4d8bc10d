/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between two threads: every byte once and in order, whatever the sizes. */
#include "stream/ring.h"

#include "base/mem.h"
#include "stream/thread.h"

#include <CUnit/CUnit.h>

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static uint8_t byte_at(uint64_t i)
{
	return (uint8_t)(i * 2654435761u >> 17);
}

struct flow {
	struct ring *ring;
	uint64_t total;
	size_t min;  /* room asked for; 0: ring_write */
	size_t size; /* of the ring */
	bool broken;
};

static uint64_t put_some(struct flow *f, uint64_t done, uint32_t random)
{
	uint8_t *at;
	const size_t room = ring_room(f->ring, f->min, &at);
	size_t n = 1 + random % (random % 3 ? f->min : f->size);

	f->broken |= room < f->min || room > f->size;
	if (n > room)
		n = room;
	if (n > f->total - done)
		n = (size_t)(f->total - done);
	for (size_t i = 0; i < n; i++)
		at[i] = byte_at(done + i);
	ring_put(f->ring, n);
	return n;
}

static uint64_t write_some(struct flow *f, uint64_t done, uint32_t random)
{
	uint8_t data[3000];
	size_t n = 1 + random % sizeof(data);

	if (n > f->total - done)
		n = (size_t)(f->total - done);
	for (size_t i = 0; i < n; i++)
		data[i] = byte_at(done + i);
	f->broken |= !ring_write(f->ring, data, n);
	return n;
}

static void *produce(void *arg)
{
	struct flow *f = arg;
	uint32_t state = (uint32_t)f->size;
	uint64_t done = 0;

	while (done < f->total) {
		const uint32_t random = next_random(&state);

		done += f->min ? put_some(f, done, random) : write_some(f, done, random);
	}
	ring_end(f->ring);
	return NULL;
}

/* Takes everything out in pieces of any size; false when a byte is not the one that is due. */
static bool consume(struct flow *f)
{
	uint32_t state = 77;
	const uint8_t *data;
	uint64_t done = 0;
	size_t len;

	while ((len = ring_data(f->ring, &data)) > 0) {
		size_t n = 1 + next_random(&state) % f->size;

		if (n > len)
			n = len;
		for (size_t i = 0; i < n; i++)
			if (data[i] != byte_at(done + i))
				return false;
		done += n;
		ring_drop(f->ring, n);
	}
	return done == f->total && ring_data(f->ring, &data) == 0;
}

void test_ring__every_byte_in_order(void)
{
	static const struct {
		size_t size, min, wake_data, wake_room;
	} rows[] = {
		{ 1, 1, 1, 1 },	       { 2, 1, 1, 1 },	      { 1000, 0, 1, 1 },
		{ 1000, 1, 1, 500 },   { 1000, 500, 1, 500 }, { 1000, 499, 500, 1 },
		{ 1000, 333, 1, 999 }, { 1024, 512, 1, 512 }, { 65536, 0, 16384, 16384 },
		{ 65536, 9999, 1, 1 }, { 3, 2, 1, 1 },	      { 1000, 0, 1000, 1000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct flow f = {
			.ring = ring_new(rows[i].size, rows[i].wake_data, rows[i].wake_room),
			.total = rows[i].size < 10 ? 3000 : 300000,
			.min = rows[i].min,
			.size = rows[i].size,
		};
		pthread_t thread;

		CU_ASSERT_TRUE_FATAL(thread_start(&thread, produce, &f));
		const bool good = consume(&f);

		ring_leave(f.ring); /* so that a broken ring does not hang the test */
		pthread_join(thread, NULL);
		CU_ASSERT_TRUE(good && !f.broken);
		ring_free(f.ring);
	}
}

/* In one thread: where the end of the memory is too small it is left out, and passed. */
void test_ring__room_is_in_one_piece(void)
{
	struct ring *r = ring_new(10, 1, 1);
	uint8_t *at, *start;
	const uint8_t *data;

	CU_ASSERT_EQUAL(ring_room(r, 5, &start), 10);
	ring_put(r, 7);
	CU_ASSERT_EQUAL(ring_data(r, &data), 7);
	ring_drop(r, 6);
	/* Three bytes at the end are not four: at the beginning there are six. */
	CU_ASSERT_EQUAL(ring_room(r, 4, &at), 6);
	CU_ASSERT_PTR_EQUAL(at, start);
	ring_put(r, 4);
	CU_ASSERT_EQUAL(ring_data(r, &data), 1);
	CU_ASSERT_PTR_EQUAL(data, start + 6);
	ring_drop(r, 1);
	CU_ASSERT_EQUAL(ring_data(r, &data), 4);
	CU_ASSERT_PTR_EQUAL(data, start);
	CU_ASSERT_EQUAL(ring_room(r, 1, &at), 6);
	CU_ASSERT_PTR_EQUAL(at, start + 4);
	ring_drop(r, 4);
	ring_end(r);
	CU_ASSERT_EQUAL(ring_data(r, &data), 0);
	ring_free(r);
	ring_free(NULL);
}

void test_ring__the_consumer_leaves(void)
{
	struct ring *r = ring_new(10, 1, 1);
	uint8_t *at;

	CU_ASSERT_TRUE(ring_write(r, "0123456789", 10));
	ring_leave(r);
	CU_ASSERT_FALSE(ring_write(r, "x", 1));
	CU_ASSERT_EQUAL(ring_room(r, 1, &at), 0);
	ring_free(r);
}
