/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link: <target>; name=value; name="value", <target>... The text is a peer's. Whether the target may be
 * followed is not judged here.
 */
#include "registry/link.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

struct cursor {
	const char *p, *end;
};

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

static bool take(struct cursor *c, char want)
{
	skip_space(c);
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

/* Up to a character of `stop`, without spaces at the end. */
static struct cursor take_until(struct cursor *c, const char *stop)
{
	struct cursor word;

	skip_space(c);
	word.p = c->p;
	while (c->p < c->end && !strchr(stop, *c->p))
		c->p++;
	word.end = c->p;
	while (word.end > word.p && (word.end[-1] == ' ' || word.end[-1] == '\t'))
		word.end--;
	return word;
}

/* A quoted string's inside; backslashes stay, no relation has one. */
static struct cursor take_quoted(struct cursor *c)
{
	struct cursor word = { c->p, c->p };

	while (c->p < c->end && *c->p != '"')
		c->p += *c->p == '\\' && c->p + 1 < c->end ? 2 : 1;
	word.end = c->p;
	if (c->p < c->end)
		c->p++;
	return word;
}

static bool word_is(struct cursor word, const char *text)
{
	const size_t len = strlen(text);

	return (size_t)(word.end - word.p) == len && !strncasecmp(word.p, text, len);
}

/* The relation is a list of words. */
static bool has_next(struct cursor value)
{
	while (value.p < value.end)
		if (word_is(take_until(&value, " \t"), "next"))
			return true;
		else
			skip_space(&value);
	return false;
}

/* The parameters behind a target, up to the comma; whether they say rel=next. Only the first rel counts. */
static bool take_params(struct cursor *c)
{
	bool next = false, seen = false;

	while (take(c, ';')) {
		const struct cursor name = take_until(c, "=;,");
		struct cursor value = { c->p, c->p };

		if (take(c, '='))
			value = take(c, '"') ? take_quoted(c) : take_until(c, ";,");
		if (word_is(name, "rel") && !seen) {
			seen = true;
			next = has_next(value);
		}
	}
	return next;
}

char *link_next(const char *header)
{
	struct cursor c = { header, header + strnlen(header, LINK_BYTES_MAX + 1) };

	if ((size_t)(c.end - c.p) > LINK_BYTES_MAX)
		return NULL;
	while (c.p < c.end) {
		if (take(&c, ',') || c.p == c.end)
			continue;
		if (!take(&c, '<'))
			return NULL;
		const struct cursor target = take_until(&c, ">");

		if (!take(&c, '>'))
			return NULL;
		if (take_params(&c))
			return xmemdupz(target.p, (size_t)(target.end - target.p));
		/* What is no parameter ends this link. */
		(void)take_until(&c, ",");
	}
	return NULL;
}
