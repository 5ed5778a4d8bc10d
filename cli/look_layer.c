/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths in one layer. Only text is compared: which links of other layers its names lead through is
 * not the layer's to know.
 */
#include "cli/look_layer.h"

#include "base/mem.h"
#include "base/text.h"

#define LINKS_MAX 40

struct text {
	const char *p;
	size_t len;
};

/* Without "./" and "/" in front and slashes behind. */
static struct text trim(const char *s)
{
	size_t len = strlen(s);

	while (len && (s[0] == '/' || (s[0] == '.' && (s[1] == '/' || !s[1]))))
		s++, len--;
	while (len && s[len - 1] == '/')
		len--;
	return (struct text){ s, len };
}

static bool is_same(struct text a, struct text b)
{
	return a.len == b.len && !memcmp(a.p, b.p, a.len);
}

static bool is_below(struct text inner, struct text outer)
{
	if (!outer.len)
		return inner.len > 0;
	return inner.len > outer.len && inner.p[outer.len] == '/' &&
	       !memcmp(inner.p, outer.p, outer.len);
}

static int by_path(const void *a, const void *b)
{
	const struct look_entry *x = a, *y = b;
	const size_t len = x->path_len < y->path_len ? x->path_len : y->path_len;
	const int order = memcmp(x->path, y->path, len);

	if (order)
		return order;
	if (x->path_len != y->path_len)
		return x->path_len < y->path_len ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Folders that are implied several times, or written too, once. */
static void drop_implied(struct look_entries *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct look_entry *at = &e->items[i];
		const struct look_entry *before = kept ? &e->items[kept - 1] : NULL;

		if (at->index == SIZE_MAX && before && before->path_len == at->path_len &&
		    !memcmp(before->path, at->path, at->path_len))
			continue;
		e->items[kept++] = *at;
	}
	e->count = kept;
}

static void put(struct look_entries *e, size_t *alloc, struct text path, size_t index)
{
	if (e->count == *alloc) {
		*alloc = *alloc ? *alloc * 2 : 64;
		e->items = xreallocarray(e->items, *alloc, sizeof(e->items[0]));
	}
	e->items[e->count++] = (struct look_entry){ path.p, path.len, index };
}

static void gather(const struct layer *layer, const struct look_query *query,
		   struct look_entries *ret)
{
	const struct text wanted = trim(query->path);
	size_t alloc = 0, skip = wanted.len ? wanted.len + 1 : 0;

	for (size_t i = 0; i < layer_entry_count(layer); i++) {
		struct text name = trim(layer_entry_name(layer, i));

		if (query->itself ? is_same(name, wanted) : is_below(name, wanted)) {
			const char *slash = memchr(name.p + skip, '/', name.len - skip);

			if (slash && !query->deep && !query->itself)
				put(ret, &alloc, (struct text){ name.p, (size_t)(slash - name.p) },
				    SIZE_MAX);
			else
				put(ret, &alloc, name, i);
		}
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(ret->items[0]), by_path);
	drop_implied(ret);
}

void look_entries_fini(struct look_entries *e)
{
	free(e->items);
	*e = (struct look_entries){ 0 };
}

int look_entries_find(const struct layer *layer, const struct look_query *query,
		      struct look_entries *ret, struct err *err)
{
	const struct look_query itself = { .path = query->path, .itself = true };
	struct look_entries found = { 0 };
	struct tar_entry e = { .type = '0' };

	gather(layer, query, &found);
	if (found.count || !trim(query->path).len) {
		*ret = found;
		return 0;
	}
	gather(layer, &itself, &found);
	if (!found.count)
		return err_set(err, ERR_NOT_FOUND, "'%s': not in this layer",
			       TEXT_ESCAPED(query->path));
	layer_entry(layer, found.items[found.count - 1].index, &e);
	if (e.type == '5' && !query->itself)
		look_entries_fini(&found); /* a folder with nothing in it */
	*ret = found;
	return 0;
}

/* --- one file ------------------------------------------------------------------------------------- */

static bool find_last(const struct layer *layer, struct text path, size_t *ret)
{
	for (size_t i = layer_entry_count(layer); i-- > 0;)
		if (is_same(trim(layer_entry_name(layer, i)), path)) {
			*ret = i;
			return true;
		}
	return false;
}

/* Takes '.', '..' and empty parts out of a path. */
static char *clean(const char *path)
{
	char *out = xcalloc(1, strlen(path) + 1);
	size_t len = 0;

	while (*path) {
		const size_t n = strcspn(path, "/");

		if (n == 2 && !memcmp(path, "..", 2)) {
			while (len && out[--len] != '/')
				;
		} else if (n && !(n == 1 && path[0] == '.')) {
			if (len)
				out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n + (path[n] == '/');
	}
	out[len] = '\0';
	return out;
}

/* Where a symlink leads, from the folder that it is in. */
static char *join(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');
	const int dir_len = slash && target[0] != '/' ? (int)(slash - path) : 0;
	_free_ char *joined = xasprintf("%.*s/%s", dir_len, path, target);

	return clean(joined);
}

int look_layer_file(const struct layer *layer, const char *path, size_t *ret_entry, struct err *err)
{
	_free_ char *at = clean(path);
	struct tar_entry e;
	size_t found;

	for (unsigned links = 0; links <= LINKS_MAX; links++) {
		if (!find_last(layer, (struct text){ at, strlen(at) }, &found))
			return err_set(err, ERR_NOT_FOUND, "'/%s': not in this layer",
				       TEXT_ESCAPED(at));
		layer_entry(layer, found, &e);
		if (e.type == '0') {
			*ret_entry = found;
			return 0;
		}
		if (e.type != '1' && e.type != '2')
			return err_set(err, ERR_FAILED, "'/%s': not a regular file",
				       TEXT_ESCAPED(at));
		char *next = e.type == '1' ? clean(e.link_name) : join(at, e.link_name);

		free(at);
		at = next;
	}
	return err_set(err, ERR_FAILED, "'%s': too many links", TEXT_ESCAPED(path));
}
