/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a layer decides by itself where its entries go. When all upper layers do, then what they
 * make of a path is what the whole image makes of it:
 *
 * Let U be the merge of closed upper layers over nothing, F their merge over any lower layers.
 * After each of their entries, a name that is in U is in F too and leads to the same entry. For a
 * file, folder or link this holds because its parents were written as folders by this very layer,
 * which makes them real folders in both, whatever lower links, files or implied folders were in
 * their place; so it lands under its own name in both. A hard link's target was written by the same
 * layer in the same way. A whiteout removes the same name from both, or one that U never had: lower
 * links on its way are replaced by this layer, and merging does not walk through those. F only has
 * more names. So a path found in U, by whatever links of U, is found in F by the same steps.
 *
 * One entry whose parent this layer does not write down is enough to break it: below a lower link
 * it lands elsewhere, perhaps on top of something that an upper layer wrote.
 */
#include "pull/peek_parts.h"

#include "base/mem.h"

#include <sys/random.h>

/* A clean name, without outer slashes. */
struct name {
	const char *p;
	size_t len;
};

enum known { KNOWN_NOT, KNOWN_FOLDER, KNOWN_OTHER };

/* The names that the layer wrote so far, by hash; names are borrowed from it. */
struct seen {
	struct slot {
		struct name name;
		enum known what;
	} * slots;
	size_t mask, count;
	uint64_t seed;
};

static uint64_t hash_of(const struct seen *s, struct name name)
{
	uint64_t h = s->seed ^ name.len, word;

	for (size_t i = 0; i < name.len; i += sizeof(word)) {
		const size_t n = name.len - i < sizeof(word) ? name.len - i : sizeof(word);

		word = 0;
		memcpy(&word, name.p + i, n);
		const __uint128_t product = (__uint128_t)(h ^ word) * UINT64_C(0xe7037ed1a0b428db);

		h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ s->seed;
	}
	return h ^ h >> 29;
}

static struct slot *find(const struct seen *s, struct name name)
{
	size_t at = hash_of(s, name) & s->mask;

	while (s->slots[at].what != KNOWN_NOT &&
	       (s->slots[at].name.len != name.len ||
		memcmp(s->slots[at].name.p, name.p, name.len) != 0))
		at = (at + 1) & s->mask;
	return &s->slots[at];
}

/* Cuts outer slashes and a leading "./"; false when '.', '..' or nothing is a component. */
static bool clean(const char *text, struct name *ret)
{
	size_t len = strlen(text), part = 0;

	while (len && (text[0] == '/' || (text[0] == '.' && text[1] == '/')))
		text++, len--;
	while (len && text[len - 1] == '/')
		len--;
	if (len == 1 && text[0] == '.')
		len = 0;
	*ret = (struct name){ text, len };
	for (size_t i = 0; i <= len && len; i++) {
		if (i < len && text[i] != '/')
			continue;
		const char *s = text + part;
		const size_t n = i - part;

		if (!n || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		part = i + 1;
	}
	return true;
}

static struct name parent_of(struct name name)
{
	const char *slash = name.len ? memrchr(name.p, '/', name.len) : NULL;

	return (struct name){ name.p, slash ? (size_t)(slash - name.p) : 0 };
}

static bool is_folder(const struct seen *s, struct name name)
{
	return !name.len || find(s, name)->what == KNOWN_FOLDER;
}

/* Whether a hard link leads to what the layer has just written. */
static bool knows_target(const struct seen *s, const char *link_name)
{
	struct name target;

	return clean(link_name, &target) && target.len && is_folder(s, parent_of(target)) &&
	       find(s, target)->what == KNOWN_OTHER;
}

/* Whiteouts are applied before all entries of their layer, wherever they stand. */
static bool is_marker(struct name name)
{
	const struct name dir = parent_of(name);
	const size_t at = dir.len ? dir.len + 1 : 0;

	return name.len - at >= 4 && !memcmp(name.p + at, ".wh.", 4);
}

static bool add(struct seen *s, const struct tar_entry *e, bool markers)
{
	const enum known what = e->type == '5' ? KNOWN_FOLDER : KNOWN_OTHER;
	struct name name;

	if (!clean(e->name, &name))
		return false;
	if (!name.len)
		return e->type == '5';
	if (is_marker(name) || markers)
		return !markers || !is_marker(name) || is_folder(s, parent_of(name));
	if (!is_folder(s, parent_of(name)) || (e->type == '1' && !knows_target(s, e->link_name)))
		return false;
	struct slot *slot = find(s, name);

	/* What was below a folder that goes would have to be forgotten; nobody writes that. */
	if (slot->what == KNOWN_FOLDER && what != KNOWN_FOLDER)
		return false;
	*slot = (struct slot){ name, what };
	return true;
}

bool peek_is_closed(const struct layer *layer)
{
	const size_t count = layer_entry_count(layer);
	struct seen seen = { .mask = 15 };
	struct tar_entry entry;
	bool closed = true;

	if (getrandom(&seen.seed, sizeof(seen.seed), 0) != sizeof(seen.seed))
		seen.seed = (uintptr_t)layer;
	/* At most half full. */
	while (seen.mask < 2 * count)
		seen.mask = seen.mask * 2 + 1;
	seen.slots = xcalloc(seen.mask + 1, sizeof(seen.slots[0]));
	for (int markers = 0; markers < 2; markers++)
		for (size_t i = 0; closed && i < count; i++) {
			layer_entry(layer, i, &entry);
			closed = add(&seen, &entry, markers);
		}
	free(seen.slots);
	return closed;
}
