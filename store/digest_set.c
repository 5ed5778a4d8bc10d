/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of digests: the digests in a row, and a table of their numbers with open addressing. What
 * is in it was computed or verified, so the first bytes of a digest are as good as any hash.
 */
#include "base/mem.h"
#include "store/reach.h"

#include <string.h>

#define SLOTS_START 64

struct digest_set {
	struct digest *items;
	size_t count;
	uint32_t *slots;   /* number in items + 1; 0: free */
	size_t slot_count; /* a power of two, at most half full */
};

struct digest_set *digest_set_new(void)
{
	struct digest_set *s = NEW(struct digest_set);

	s->slot_count = SLOTS_START;
	s->slots = xcalloc(s->slot_count, sizeof(s->slots[0]));
	return s;
}

void digest_set_free(struct digest_set *s)
{
	if (!s)
		return;
	free(s->items);
	free(s->slots);
	free(s);
}

/* The slot of the digest, or the free one where it belongs. */
static size_t find_slot(const struct digest_set *s, const struct digest *d)
{
	uint64_t at;

	memcpy(&at, d->bytes, sizeof(at));
	for (;; at++) {
		const size_t slot = (size_t)at & (s->slot_count - 1);

		if (!s->slots[slot] || digest_equal(&s->items[s->slots[slot] - 1], d))
			return slot;
	}
}

static void grow(struct digest_set *s)
{
	free(s->slots);
	s->slot_count *= 2;
	s->slots = xcalloc(s->slot_count, sizeof(s->slots[0]));
	s->items = xreallocarray(s->items, s->slot_count / 2, sizeof(s->items[0]));
	for (size_t i = 0; i < s->count; i++)
		s->slots[find_slot(s, &s->items[i])] = (uint32_t)i + 1;
}

bool digest_set_add(struct digest_set *s, const struct digest *d)
{
	if (!s->items || s->count >= s->slot_count / 2)
		grow(s);
	const size_t slot = find_slot(s, d);

	if (s->slots[slot])
		return false;
	s->items[s->count++] = *d;
	s->slots[slot] = (uint32_t)s->count;
	return true;
}

bool digest_set_has(const struct digest_set *s, const struct digest *d)
{
	return s->slots[find_slot(s, d)] != 0;
}

size_t digest_set_find(const struct digest_set *s, const struct digest *d)
{
	const uint32_t number = s->slots[find_slot(s, d)];

	return number ? number - 1 : SIZE_MAX;
}

size_t digest_set_count(const struct digest_set *s)
{
	return s->count;
}
