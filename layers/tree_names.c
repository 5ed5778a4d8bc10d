/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a tree while its layers are merged: one hash table for all directories. The hash is
 * seeded anew each time, because the names come from outside. Nothing is ever taken out of the
 * table: names lose their inode, directories their number.
 */
#include "layers/tree_merge.h"

#include "base/mem.h"

#include <sys/random.h>

/* Of each array: more than 40 million names, far beyond any image. */
#define ARRAY_MAX ((size_t)1024 * 1024 * 1024)
#define SLOTS_MIN 1024u

int names_init(struct names *n, struct err *err)
{
	*n = (struct names){ 0 };
	n->names = n->dirs = n->text = BUF_INIT(ARRAY_MAX);
	n->slot_count = SLOTS_MIN;
	n->slots = xcalloc(n->slot_count, sizeof(*n->slots));
	if (getrandom(&n->seed, sizeof(n->seed), 0) != sizeof(n->seed))
		n->seed = (uint64_t)time(NULL) ^ (uintptr_t)n;
	/* The root: name 0 of nothing. */
	const struct name root = {
		.dir = TREE_NONE, .inode = TREE_NONE, .own_dir = TREE_NONE, .touched = LAYER_IMPLIED
	};

	TRY(buf_append(&n->text, "", 1, err));
	TRY(buf_append(&n->names, &root, sizeof(root), err));
	return names_add_dir(n, 0, err);
}

void names_end(struct names *n)
{
	free(n->slots);
	n->slots = NULL;
}

void names_fini(struct names *n)
{
	names_end(n);
	buf_fini(&n->names);
	buf_fini(&n->dirs);
	buf_fini(&n->text);
}

uint32_t names_count(const struct names *n)
{
	return (uint32_t)(n->names.len / sizeof(struct name));
}

uint32_t names_dir_count(const struct names *n)
{
	return (uint32_t)(n->dirs.len / sizeof(struct dir));
}

struct name *names_at(const struct names *n, uint32_t name)
{
	return (struct name *)(void *)n->names.data + name;
}

struct dir *names_dir(const struct names *n, uint32_t dir)
{
	return (struct dir *)(void *)n->dirs.data + dir;
}

const char *names_text(const struct names *n, uint32_t name)
{
	return n->text.data + names_at(n, name)->text;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	const __uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash_of(const struct names *n, uint32_t dir, struct path text)
{
	uint64_t h = n->seed ^ ((uint64_t)dir << 32 | text.len);
	uint64_t word = 0;
	size_t i = 0;

	for (; i + 8 <= text.len; i += 8) {
		memcpy(&word, text.p + i, 8);
		h = mix(h ^ word, UINT64_C(0xe7037ed1a0b428db));
	}
	word = 0;
	memcpy(&word, text.p + i, text.len - i);
	h = mix(h ^ word, UINT64_C(0x8ebc6af09c88c6e3));
	h = mix(h ^ n->seed, UINT64_C(0x589965cc75374cc3));
	return (uint32_t)(h ^ h >> 32);
}

/* The slot of the name, or the free one where it belongs. */
static uint32_t find_slot(const struct names *n, uint32_t dir, struct path text, uint32_t hash)
{
	const uint32_t mask = n->slot_count - 1;
	uint32_t slot = hash & mask;

	/* Of other names only the hash is looked at, which lies in the table. */
	for (; n->slots[slot].name; slot = (slot + 1) & mask) {
		if (n->slots[slot].hash != hash)
			continue;
		const struct name *name = names_at(n, n->slots[slot].name - 1);
		const char *s = n->text.data + name->text;

		if (name->dir == dir && !strncmp(s, text.p, text.len) && !s[text.len])
			break;
	}
	return slot;
}

uint32_t names_find(const struct names *n, uint32_t dir, struct path text)
{
	const uint32_t slot = find_slot(n, dir, text, hash_of(n, dir, text));

	return n->slots[slot].name ? n->slots[slot].name - 1 : TREE_NONE;
}

static int grow(struct names *n, struct err *err)
{
	const uint32_t count = names_count(n), mask = n->slot_count * 2 - 1;
	struct slot *slots = calloc((size_t)mask + 1, sizeof(*slots));

	if (!slots)
		return err_sys(err, ENOMEM, "%u names", count);
	/* The root is in no directory and not in the table. */
	for (uint32_t name = 1; name < count; name++) {
		const uint32_t hash = names_at(n, name)->hash;
		uint32_t slot = hash & mask;

		while (slots[slot].name)
			slot = (slot + 1) & mask;
		slots[slot] = (struct slot){ name + 1, hash };
	}
	free(n->slots);
	n->slots = slots;
	n->slot_count = mask + 1;
	return 0;
}

int names_need(struct names *n, uint32_t dir, struct path text, uint32_t *ret, struct err *err)
{
	struct name name = { .dir = dir,
			     .text = (uint32_t)n->text.len,
			     .hash = hash_of(n, dir, text),
			     .inode = TREE_NONE,
			     .own_dir = TREE_NONE,
			     .touched = LAYER_IMPLIED };
	const uint32_t slot = find_slot(n, dir, text, name.hash), count = names_count(n);

	if (n->slots[slot].name) {
		*ret = n->slots[slot].name - 1;
		return 0;
	}
	TRY(buf_append(&n->text, text.p, text.len, err));
	TRY(buf_append(&n->text, "", 1, err));
	TRY(buf_append(&n->names, &name, sizeof(name), err));
	n->slots[slot] = (struct slot){ count + 1, name.hash };
	*ret = count;
	/* At most half full. */
	return count >= n->slot_count / 2 ? grow(n, err) : 0;
}

int names_add_dir(struct names *n, uint32_t name, struct err *err)
{
	const uint32_t in = names_at(n, name)->dir;
	const unsigned depth = in == TREE_NONE ? 0 : names_dir(n, in)->depth + 1u;
	const struct dir dir = { .owner = name, .depth = (uint16_t)depth };

	if (depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "directories more than %d deep", TREE_DEPTH_MAX);
	names_at(n, name)->own_dir = names_dir_count(n);
	return buf_append(&n->dirs, &dir, sizeof(dir), err);
}
