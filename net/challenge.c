/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of WWW-Authenticate (RFC 9110 sections 11.2, 11.3, 11.6.1). Bytes are a peer's. A
 * header may hold several challenges, commas separate both challenges and their parameters: a word
 * followed by '=' and a value is a parameter of the challenge before it, any other word opens a new
 * one.
 */
#include "net/challenge.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct cursor {
	const char *p, *end;
};

static void challenge_fini(struct challenge *c)
{
	for (size_t i = 0; i < c->param_count; i++) {
		free(c->params[i].name);
		free(c->params[i].value);
	}
	free(c->params);
	free(c->scheme);
	free(c->token68);
}

void challenges_fini(struct challenges *c)
{
	for (size_t i = 0; i < c->count; i++)
		challenge_fini(&c->items[i]);
	free(c->items);
	*c = (struct challenges){ 0 };
}

/* --- words ----------------------------------------------------------------------------------- */

/* RFC 9110 section 5.6.2. */
static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token68_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-._~+/", c));
}

static bool at(const struct cursor *c, char want)
{
	return c->p < c->end && *c->p == want;
}

static void skip_space(struct cursor *c)
{
	while (at(c, ' ') || at(c, '\t'))
		c->p++;
}

static void skip_separators(struct cursor *c)
{
	while (at(c, ' ') || at(c, '\t') || at(c, ','))
		c->p++;
}

static size_t token_len(const struct cursor *c)
{
	size_t n = 0;

	while (c->p + n < c->end && is_token_char(c->p[n]))
		n++;
	return n;
}

static char *lowered(const char *s, size_t len)
{
	char *copy = xmemdupz(s, len);

	for (size_t i = 0; i < len; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	return copy;
}

/* At the opening quote. One that never closes takes the rest. */
static char *take_quoted(struct cursor *c)
{
	char *out = xmemdupz("", 0);
	size_t n = 0;

	out = xreallocarray(out, (size_t)(c->end - c->p) + 1, 1);
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++) {
		if (*c->p == '\\' && c->p + 1 < c->end)
			c->p++;
		out[n++] = *c->p;
	}
	if (c->p < c->end)
		c->p++;
	out[n] = '\0';
	return out;
}

/* A value without quotes: more than tokens occurs, so all up to a comma or a space. */
static char *take_bare(struct cursor *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p != ',' && *c->p != ' ' && *c->p != '\t')
		c->p++;
	return xmemdupz(from, (size_t)(c->p - from));
}

/* --- challenges ------------------------------------------------------------------------------ */

static void add_param(struct challenge *c, const char *name, size_t name_len, char *value)
{
	char *_free_ owned = value;

	if (!c || c->param_count == CHALLENGE_PARAMS_MAX)
		return;
	c->params = xreallocarray(c->params, c->param_count + 1, sizeof(*c->params));
	c->params[c->param_count++] =
		(struct challenge_param){ lowered(name, name_len), TAKE_PTR(owned) };
}

static struct challenge *add_challenge(struct challenges *list, const char *scheme, size_t len)
{
	if (list->count == CHALLENGE_COUNT_MAX)
		return NULL;
	list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	struct challenge *c = &list->items[list->count++];

	*c = (struct challenge){ .scheme = lowered(scheme, len) };
	return c;
}

/* After a scheme and a space: a token68 stands alone, up to a comma or the end. */
static void take_token68(struct cursor *c, struct challenge *into)
{
	struct cursor look = *c;

	while (look.p < look.end && is_token68_char(*look.p))
		look.p++;
	const char *body_end = look.p;

	while (at(&look, '='))
		look.p++;
	const char *end = look.p;

	skip_space(&look);
	if (body_end == c->p || (look.p < look.end && *look.p != ','))
		return;
	if (into)
		into->token68 = xmemdupz(c->p, (size_t)(end - c->p));
	c->p = look.p;
}

/* One scheme or parameter; `current` is the challenge that parameters belong to (NULL: to none). */
static struct challenge *take_word(struct challenges *list, struct challenge *current,
				   struct cursor *c)
{
	const char *word = c->p;
	const size_t len = token_len(c);

	if (!len) {
		/* Not a word: on to the next comma. */
		while (c->p < c->end && *c->p != ',')
			c->p++;
		return current;
	}
	c->p += len;
	const char *after = c->p;

	skip_space(c);
	if (at(c, '=')) {
		c->p++;
		skip_space(c);
		add_param(current, word, len, at(c, '"') ? take_quoted(c) : take_bare(c));
		return current;
	}
	current = add_challenge(list, word, len);
	if (c->p > after)
		take_token68(c, current);
	return current;
}

void challenges_add(struct challenges *list, const char *header)
{
	struct cursor c = { header, header + strnlen(header, CHALLENGE_BYTES_MAX + 1) };
	struct challenge *current = NULL;

	if ((size_t)(c.end - c.p) > CHALLENGE_BYTES_MAX)
		return;
	for (skip_separators(&c); c.p < c.end; skip_separators(&c))
		current = take_word(list, current, &c);
}

const struct challenge *challenges_find(const struct challenges *c, const char *scheme)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->items[i].scheme, scheme))
			return &c->items[i];
	return NULL;
}

const char *challenge_param(const struct challenge *c, const char *name)
{
	for (size_t i = 0; i < c->param_count; i++)
		if (!strcmp(c->params[i].name, name))
			return c->params[i].value;
	return NULL;
}
