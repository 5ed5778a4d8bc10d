/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whiteouts and opaque directories (image-spec layer.md, "Whiteouts"). They hide what lower layers
 * have and nothing else, so they are applied before the entries of their own layer, wherever in the
 * archive they stand. A symbolic link of a lower layer that this layer replaces is not walked
 * through: what a marker beyond it hides is not what the link led to.
 */
#include "layers/tree_merge.h"

#include "base/mem.h"

static bool begins(struct path p, const char *prefix)
{
	const size_t len = strlen(prefix);

	return p.len >= len && !memcmp(p.p, prefix, len);
}

/* The folders and files that aufs keeps at the root of a branch. */
static bool is_aufs(struct path top)
{
	return path_is(top, ".wh..wh.plnk") || path_is(top, ".wh..wh.aufs") ||
	       path_is(top, ".wh..wh.orph");
}

bool merge_is_marker(const char *name)
{
	const char *s = name;

	while ((s = strstr(s, ".wh."))) {
		if (s == name || s[-1] == '/')
			return true;
		s += 4;
	}
	return false;
}

size_t markers_count(const struct markers *k)
{
	return k->list.len / sizeof(uint32_t);
}

uint32_t markers_at(const struct markers *k, size_t i)
{
	return ((const uint32_t *)(const void *)k->list.data)[i];
}

bool markers_take(struct markers *k, uint32_t entry)
{
	if (k->next == markers_count(k) || markers_at(k, k->next) != entry)
		return false;
	k->next++;
	return true;
}

/* Marks the symbolic link of a lower layer that stands where this entry goes. */
static int mark_replaced(struct merge *m, struct err *err)
{
	struct clean_path clean;
	struct path dir, base;
	uint32_t at, found;

	TRY(merge_clean(m, m->e.name, false, &clean, err));
	if (clean.how != CLEAN_OK)
		return 0;
	path_split(clean.path, &dir, &base);
	TRY(merge_resolve(m, dir, 0, &at, err));
	if (at == TREE_NONE)
		return 0;
	found = names_find(&m->names, names_at(&m->names, at)->own_dir, base);
	if (found != TREE_NONE && merge_is_symlink(m, found))
		names_at(&m->names, found)->replaced = (uint16_t)(m->layer + 1);
	return 0;
}

static int mark_all_replaced(struct merge *m, struct markers *markers, struct err *err)
{
	const size_t count = layer_entry_count(m->layers[m->layer]);

	markers->next = 0;
	for (m->entry = 0; m->entry < count; m->entry++) {
		if (markers_take(markers, m->entry))
			continue;
		layer_entry(m->layers[m->layer], m->entry, &m->e);
		TRY(mark_replaced(m, err));
	}
	return 0;
}

/* Whether any marker stands beyond a symbolic link, which is rare. */
static int look_for_links(struct merge *m, const struct markers *markers, struct err *err)
{
	m->crossed_link = false;
	for (size_t i = 0; i < markers_count(markers) && !m->crossed_link; i++) {
		struct clean_path clean;
		struct path dir, base;
		uint32_t at;

		layer_entry(m->layers[m->layer], markers_at(markers, i), &m->e);
		TRY(merge_clean(m, m->e.name, true, &clean, err));
		path_split(clean.path, &dir, &base);
		TRY(merge_resolve(m, dir, 0, &at, err));
	}
	return 0;
}

static int hide_all(struct merge *m, struct path dir, struct err *err)
{
	struct path up, base;
	uint32_t at, found;

	if (!dir.len)
		return merge_empty(m, 0, err);
	path_split(dir, &up, &base);
	TRY(merge_resolve(m, up, RESOLVE_LOWER, &at, err));
	if (at == TREE_NONE)
		return 0;
	found = names_find(&m->names, names_at(&m->names, at)->own_dir, base);
	if (found == TREE_NONE || names_at(&m->names, found)->inode == TREE_NONE)
		return 0;
	if (names_at(&m->names, found)->own_dir != TREE_NONE)
		return merge_empty(m, found, err);
	/* Opaque is what only a directory can be, so this layer has one there, and an empty one. */
	return merge_add_implied(m, found, err);
}

static int hide_one(struct merge *m, struct path dir, struct path base, struct err *err)
{
	uint32_t at, found;

	TRY(merge_resolve(m, dir, RESOLVE_LOWER, &at, err));
	if (at == TREE_NONE)
		return 0;
	found = names_find(&m->names, names_at(&m->names, at)->own_dir, base);
	if (found != TREE_NONE)
		merge_remove(m, found);
	return 0;
}

static int apply_marker(struct merge *m, struct path dir, struct path base, struct err *err)
{
	const struct path hidden = { base.p + 4, base.len - 4 };

	if (m->e.type != '0' && m->e.type != '1')
		return merge_fail(m, err, "a whiteout that is not a file");
	if (m->e.size_bytes)
		merge_note(m, NOTE_WHITEOUT, "a whiteout with content, which is ignored");
	if (path_is(base, ".wh..wh..opq"))
		return hide_all(m, dir, err);
	if (!hidden.len || path_is(hidden, ".") || path_is(hidden, ".."))
		return merge_fail(m, err, "a whiteout of nothing");
	if (begins(hidden, ".wh.")) {
		merge_note(m, NOTE_AUFS, "a marker of aufs, which is ignored");
		return 0;
	}
	return hide_one(m, dir, hidden, err);
}

/* An entry with a reserved name somewhere in its path. */
static int on_marker(struct merge *m, struct err *err)
{
	struct clean_path clean;
	struct path dir, base, rest, top;

	TRY(merge_clean(m, m->e.name, false, &clean, err));
	if (clean.how == CLEAN_ESCAPES)
		return merge_fail(m, err, "the name leads out of the root");
	rest = clean.path;
	if (path_next(&rest, &top) && is_aufs(top)) {
		merge_note(m, NOTE_AUFS, "a leftover of aufs, which is ignored");
		return 0;
	}
	path_split(clean.path, &dir, &base);
	for (rest = dir; path_next(&rest, &top);)
		if (begins(top, ".wh."))
			return merge_fail(m, err,
					  "names that begin with .wh. are reserved for whiteouts");
	if (!begins(base, ".wh."))
		return merge_fail(m, err, "a whiteout hidden behind '..'");
	return apply_marker(m, dir, base, err);
}

int merge_hide(struct merge *m, struct markers *markers, struct err *err)
{
	const size_t count = markers_count(markers);

	if (!count)
		return 0;
	m->cached.p = NULL;
	TRY(look_for_links(m, markers, err));
	if (m->crossed_link)
		TRY(mark_all_replaced(m, markers, err));
	for (size_t i = 0; i < count; i++) {
		m->entry = markers_at(markers, i);
		layer_entry(m->layers[m->layer], m->entry, &m->e);
		TRY(on_marker(m, err));
	}
	m->cached.p = NULL;
	return 0;
}
