/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hard links: a hash table of the files with several names. Inode numbers are given out by the file
 * system, so a plain hash will do; the table is kept at most half full.
 */
#include "push/commit_int.h"

#include "base/mem.h"

#include <string.h>

struct link_slot {
	dev_t dev;
	ino_t ino;
	char *path; /* NULL: free */
};

struct links {
	struct link_slot *slots;
	size_t count, alloc; /* a power of two */
};

struct links *links_new(void)
{
	struct links *l = NEW(struct links);

	l->alloc = 64;
	l->slots = xcalloc(l->alloc, sizeof(l->slots[0]));
	return l;
}

void links_free(struct links *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->alloc; i++)
		free(l->slots[i].path);
	free(l->slots);
	free(l);
}

static struct link_slot *find(const struct links *l, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino ^ (uint64_t)dev << 32) * 0x9e3779b97f4a7c15u;

	for (size_t i = (size_t)(hash >> 32);; i++) {
		struct link_slot *slot = &l->slots[i & (l->alloc - 1)];

		if (!slot->path || (slot->dev == dev && slot->ino == ino))
			return slot;
	}
}

static void grow(struct links *l)
{
	struct links bigger = { .alloc = l->alloc * 2, .count = l->count };

	bigger.slots = xcalloc(bigger.alloc, sizeof(bigger.slots[0]));
	for (size_t i = 0; i < l->alloc; i++)
		if (l->slots[i].path)
			*find(&bigger, l->slots[i].dev, l->slots[i].ino) = l->slots[i];
	free(l->slots);
	*l = bigger;
}

const char *links_see(struct links *l, const struct stat *st, const char *path)
{
	if (l->count * 2 >= l->alloc)
		grow(l);
	struct link_slot *slot = find(l, st->st_dev, st->st_ino);

	if (slot->path)
		return slot->path;
	*slot = (struct link_slot){ st->st_dev, st->st_ino, xstrdup(path) };
	l->count++;
	return NULL;
}
