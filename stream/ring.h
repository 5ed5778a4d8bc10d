/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from one thread to another through a ring of fixed size. One producer, one consumer; both
 * work on the memory of the ring itself, outside the lock.
 */
#ifndef IMG_STREAM_RING_H
#define IMG_STREAM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/*
 * A consumer that waits sleeps on until `wake_data` bytes are there, a producer until there is room for `wake_room`
 * (or the other side has ended or sleeps too), so that small pieces do not cost a switch of threads each.
 */
struct ring *ring_new(size_t bytes, size_t wake_data, size_t wake_room);
void ring_free(struct ring *r);

/* Producer: waits for at least `min` bytes (at most half of the ring) of room in one piece at *ret; returns how much, 0 when the consumer left. */
size_t ring_room(struct ring *r, size_t min, uint8_t **ret);
/* Producer: the first `len` bytes of that room are data now. */
void ring_put(struct ring *r, size_t len);
/* Producer: copies all of it in; false when the consumer left. */
bool ring_write(struct ring *r, const void *data, size_t len);
/* Producer: no more comes. */
void ring_end(struct ring *r);

/* Consumer: waits for data and returns how much is in one piece at *ret; 0 at the end. */
size_t ring_data(struct ring *r, const uint8_t **ret);
/* Consumer: is done with the first `len` bytes of it. */
void ring_drop(struct ring *r, size_t len);
/* Consumer: wants no more; the producer is told at its next call, or woken. */
void ring_leave(struct ring *r);

#endif
