/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths while layers are merged: cleaned as text first, then walked, symbolic links followed inside
 * the root. What a link leads to need not exist: a missing component and a '..' after it cancel out
 * as text, as in every engine's own resolver. The walk is a loop over pieces of text, so neither
 * depth nor links cost stack.
 */
#include "layers/tree_merge.h"

#include "base/mem.h"

bool path_next(struct path *rest, struct path *ret)
{
	const char *slash;

	while (rest->len && rest->p[0] == '/')
		rest->p++, rest->len--;
	if (!rest->len)
		return false;
	slash = memchr(rest->p, '/', rest->len);
	*ret = (struct path){ rest->p, slash ? (size_t)(slash - rest->p) : rest->len };
	rest->p += ret->len;
	rest->len -= ret->len;
	return true;
}

bool path_is(struct path p, const char *s)
{
	return p.len == strlen(s) && !memcmp(p.p, s, p.len);
}

void path_split(struct path whole, struct path *ret_dir, struct path *ret_base)
{
	const char *slash = memrchr(whole.p, '/', whole.len);
	const size_t dir_len = slash ? (size_t)(slash - whole.p) : 0;

	*ret_dir = (struct path){ whole.p, dir_len };
	*ret_base = slash ? (struct path){ slash + 1, whole.len - dir_len - 1 } : whole;
}

/* Whether a component that begins at `s` is '.', '..' or empty; texts end in NUL. */
static bool is_odd(const char *s)
{
	if (*s == '.')
		s += s[1] == '.' ? 2 : 1;
	return *s == '/' || !*s;
}

/*
 * True when nothing but outer slashes and a leading "./" had to go, which is how nearly all names
 * are.
 */
static bool is_clean(struct path *p)
{
	const char *s;

	while (p->len && p->p[0] == '/')
		p->p++, p->len--;
	while (p->len > 1 && p->p[0] == '.' && p->p[1] == '/')
		p->p += 2, p->len -= 2;
	while (p->len && p->p[p->len - 1] == '/')
		p->len--;
	if (!p->len || is_odd(p->p))
		return false;
	for (s = p->p; (s = memchr(s, '/', p->len - (size_t)(s - p->p))); s++)
		if (is_odd(s + 1))
			return false;
	return true;
}

static void drop_last(struct buf *b)
{
	const char *slash = b->len ? memrchr(b->data, '/', b->len) : NULL;

	b->len = slash ? (size_t)(slash - b->data) : 0;
}

static int append(struct buf *b, struct path part, struct err *err)
{
	if (b->len)
		TRY(buf_append_char(b, '/', err));
	return buf_append(b, part.p, part.len, err);
}

int merge_clean(struct merge *m, const char *name, bool clamp, struct clean_path *ret,
		struct err *err)
{
	struct path rest = { name, strlen(name) }, part;
	bool escapes = false;

	*ret = (struct clean_path){ rest, CLEAN_OK };
	if (is_clean(&ret->path))
		return 0;
	buf_reset(&m->clean);
	while (path_next(&rest, &part)) {
		if (path_is(part, "."))
			continue;
		if (!path_is(part, ".."))
			TRY(append(&m->clean, part, err));
		else if (m->clean.len)
			drop_last(&m->clean);
		else
			escapes = !clamp;
	}
	ret->path = (struct path){ buf_str(&m->clean), m->clean.len };
	if (escapes)
		ret->how = m->clean.len ? CLEAN_ESCAPES : CLEAN_NAMELESS;
	else if (!m->clean.len)
		ret->how = name[0] ? CLEAN_ROOT : CLEAN_NAMELESS;
	return 0;
}

/* --- walking --- */

/* A walk: what is still to be taken, the innermost link's target on top, and where it stands. */
struct walk {
	struct path rest[TREE_LINKS_MAX + 1];
	unsigned depth, links;
	unsigned flags;
	uint32_t at;
	bool lost; /* among links that lead to each other */
};

static size_t missing_count(const struct merge *m)
{
	return m->missing.len / sizeof(struct path);
}

static int push_missing(struct merge *m, struct path part, struct err *err)
{
	if (missing_count(m) >= TREE_IMPLIED_MAX)
		return err_set(err, ERR_LIMIT, "a path of more than %u missing directories",
			       TREE_IMPLIED_MAX);
	return buf_append(&m->missing, &part, sizeof(part), err);
}

static void go_up(struct merge *m, struct walk *w)
{
	if (m->missing.len) {
		m->missing.len -= sizeof(struct path);
		return;
	}
	const uint32_t dir = names_at(&m->names, w->at)->dir;

	if (dir != TREE_NONE)
		w->at = names_dir(&m->names, dir)->owner;
}

static int follow(struct merge *m, struct walk *w, uint32_t link, struct err *err)
{
	const struct merge_inode *inode = merge_inode(m, names_at(&m->names, link)->inode);
	struct tar_entry e;

	m->crossed_link = true;
	if (++w->links > TREE_LINKS_MAX) {
		if (w->flags & RESOLVE_MAKE)
			return merge_fail(m, err, "too many symbolic links in its path");
		w->lost = true;
		w->depth = 0;
		return 0;
	}
	layer_entry(m->layers[inode->layer], inode->entry, &e);
	/* Its text is scanned, also where that is nothing but slashes. */
	const size_t len = strlen(e.link_name);

	m->link_steps += len / 16;
	if (m->link_steps > TREE_LINK_STEPS_MAX)
		return err_set(err, ERR_LIMIT, "symbolic links lead too far about");
	if (e.link_name[0] == '/')
		w->at = 0;
	/*
	 * A link that ends a piece takes its place, so that the stack never holds more than links.
	 */
	w->rest[w->depth++] = (struct path){ e.link_name, len };
	return 0;
}

static int step(struct merge *m, struct walk *w, struct path part, struct err *err)
{
	uint32_t found = TREE_NONE;
	const struct name *name;

	if (w->links && ++m->link_steps > TREE_LINK_STEPS_MAX)
		return err_set(err, ERR_LIMIT, "symbolic links lead too far about");
	if (path_is(part, "."))
		return 0;
	if (path_is(part, "..")) {
		go_up(m, w);
		return 0;
	}
	if (!m->missing.len)
		found = names_find(&m->names, names_at(&m->names, w->at)->own_dir, part);
	name = found == TREE_NONE ? NULL : names_at(&m->names, found);
	if (!name || name->inode == TREE_NONE)
		return push_missing(m, part, err);
	if (name->own_dir != TREE_NONE) {
		w->at = found;
		return 0;
	}
	if (!merge_is_symlink(m, found) ||
	    (name->replaced == m->layer + 1 && w->flags & RESOLVE_LOWER))
		return push_missing(m, part, err);
	return follow(m, w, found, err);
}

/* Names that may not become directories. */
static int check_name(struct merge *m, struct path part, struct err *err)
{
	if (part.len > TREE_NAME_MAX)
		return merge_fail(m, err, "a name of more than 255 bytes");
	if (part.len >= 4 && !memcmp(part.p, ".wh.", 4))
		return merge_fail(m, err, "names that begin with .wh. are reserved for whiteouts");
	return 0;
}

/* Makes one directory on the way, in place of what is there. */
static int make_implied(struct merge *m, struct path part, uint32_t *at, struct err *err)
{
	const struct name *name;
	uint32_t made;

	TRY(check_name(m, part, err));
	TRY(names_need(&m->names, names_at(&m->names, *at)->own_dir, part, &made, err));
	name = names_at(&m->names, made);
	if (name->inode != TREE_NONE && name->own_dir == TREE_NONE && name->touched == m->layer)
		return merge_fail(m, err, "a parent is a file, put there by the same layer");
	if (name->own_dir == TREE_NONE)
		TRY(merge_add_implied(m, made, err));
	*at = made;
	return 0;
}

static int make_missing(struct merge *m, uint32_t *at, struct err *err)
{
	const size_t count = missing_count(m);

	for (size_t i = 0; i < count; i++)
		TRY(make_implied(m, ((const struct path *)(const void *)m->missing.data)[i], at,
				 err));
	return 0;
}

static int walk_all(struct merge *m, struct walk *w, struct err *err)
{
	struct path part;

	while (w->depth) {
		if (!path_next(&w->rest[w->depth - 1], &part)) {
			w->depth--;
			continue;
		}
		TRY(step(m, w, part, err));
	}
	return 0;
}

static bool is_cached(const struct merge *m, struct path path)
{
	return m->cached.p && m->cached.len == path.len && !memcmp(m->cached.p, path.p, path.len);
}

int merge_resolve(struct merge *m, struct path path, unsigned flags, uint32_t *ret, struct err *err)
{
	struct walk w = { .rest = { path }, .depth = 1, .flags = flags };
	/* Text in the scratch buffer does not last. */
	const bool lasts = path.p != m->clean.data;

	if (!(flags & RESOLVE_LOWER) && is_cached(m, path)) {
		*ret = m->cached_node;
		return 0;
	}
	buf_reset(&m->missing);
	TRY(walk_all(m, &w, err));
	if (w.lost || (m->missing.len && !(flags & RESOLVE_MAKE))) {
		*ret = TREE_NONE;
		return 0;
	}
	TRY(make_missing(m, &w.at, err));
	if (lasts && !(flags & RESOLVE_LOWER))
		m->cached = path, m->cached_node = w.at;
	*ret = w.at;
	return 0;
}
