/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of scopes as sorted pairs of resource and action. The text may be a peer's. A name may hold
 * colons (host:port/repository behind a proxy), so type and actions are split off at the first and
 * last.
 */
#include "net/auth_scope.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

struct pair {
	char *resource; /* "repository:NAME", or the whole of what is no scope */
	char *action;	/* NULL for the latter */
	bool pushes;	/* the resource has the action push */
};
struct pairs {
	struct pair *items;
	size_t count;
};

static void pairs_fini(struct pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].resource);
		free(p->items[i].action);
	}
	free(p->items);
}

static int compare_text(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int compare(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	int rc = b->pushes - a->pushes;

	if (!rc)
		rc = compare_text(a->resource, b->resource);
	return rc ? rc : compare_text(a->action, b->action);
}

/* Owns both strings. */
static void add_pair(struct pairs *p, char *resource, char *action)
{
	bool drop = p->count == SCOPE_PAIRS_MAX;

	for (size_t i = 0; i < p->count && !drop; i++)
		drop = !compare_text(p->items[i].resource, resource) &&
		       !compare_text(p->items[i].action, action);
	if (drop) {
		free(resource);
		free(action);
		return;
	}
	p->items = xreallocarray(p->items, p->count + 1, sizeof(*p->items));
	p->items[p->count++] = (struct pair){ resource, action, false };
}

static void add_scope(struct pairs *p, const char *s, size_t len)
{
	const char *first = memchr(s, ':', len), *last = memrchr(s, ':', len);

	if (!first || first == last) {
		add_pair(p, xmemdupz(s, len), NULL);
		return;
	}
	for (const char *a = last + 1, *end = s + len; a < end;) {
		const char *comma = memchr(a, ',', (size_t)(end - a));
		const char *stop = comma ? comma : end;

		if (stop > a)
			add_pair(p, xmemdupz(s, (size_t)(last - s)),
				 xmemdupz(a, (size_t)(stop - a)));
		a = stop + 1;
	}
}

static void add_set(struct pairs *p, const char *set)
{
	static const char space[] = " \t";

	if (!set || strnlen(set, SCOPE_BYTES_MAX + 1) > SCOPE_BYTES_MAX)
		return;
	for (set += strspn(set, space); *set; set += strspn(set, space)) {
		const size_t len = strcspn(set, space);

		add_scope(p, set, len);
		set += len;
	}
}

static void mark_pushes(struct pairs *p)
{
	for (size_t i = 0; i < p->count; i++)
		for (size_t k = 0; k < p->count; k++)
			if (p->items[k].action && !strcmp(p->items[k].action, "push") &&
			    !strcmp(p->items[k].resource, p->items[i].resource))
				p->items[i].pushes = true;
}

static bool follows(const struct pairs *p, size_t i)
{
	return i && p->items[i].action && p->items[i - 1].action &&
	       !strcmp(p->items[i - 1].resource, p->items[i].resource);
}

static char *print(const struct pairs *p)
{
	size_t bytes = 1, len = 0;

	for (size_t i = 0; i < p->count; i++)
		bytes += strlen(p->items[i].resource) + 2 +
			 (p->items[i].action ? strlen(p->items[i].action) : 0);
	char *out = xcalloc(1, bytes);

	for (size_t i = 0; i < p->count; i++) {
		const struct pair *pair = &p->items[i];
		const char *action = pair->action ? pair->action : "";

		if (follows(p, i))
			len += (size_t)snprintf(out + len, bytes - len, ",%s", action);
		else
			len += (size_t)snprintf(out + len, bytes - len, "%s%s%s%s", i ? " " : "",
						pair->resource, pair->action ? ":" : "", action);
	}
	return out;
}

char *scope_merge(const char *a, const char *b)
{
	struct pairs _cleanup_(pairs_fini) p = { 0 };

	add_set(&p, a);
	add_set(&p, b);
	if (!p.count)
		return NULL;
	mark_pushes(&p);
	qsort(p.items, p.count, sizeof(*p.items), compare);
	return print(&p);
}
