/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a Dockerfile instruction (Dockerfile reference, "Environment replacement" and "ENV"):
 * quotes as in the shell, backslash as escape, variables. What the reference doesn't have is an
 * error, not passed through.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 8

struct expansion {
	const char *p; /* what is left */
	const struct json *env;
	struct buf *out;
	bool mute; /* the text goes nowhere: the branch that is not taken */
	unsigned depth;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Passes a quoted text; *p is behind its end. */
static int pass_quoted(const char **p, struct err *err)
{
	const char quote = *(*p)++;

	for (; **p && **p != quote; (*p)++)
		if (quote == '"' && **p == '\\' && (*p)[1])
			(*p)++;
	if (!**p)
		return err_set(err, ERR_USAGE, "a quote that is not closed");
	(*p)++;
	return 0;
}

int words_split(const char *text, struct buf *out, size_t *ret_count, struct err *err)
{
	size_t count = 0;

	for (const char *p = text; *p;) {
		const char *start = p;

		if (is_space(*p)) {
			p++;
			continue;
		}
		while (*p && !is_space(*p)) {
			if (*p == '"' || *p == '\'')
				TRY(pass_quoted(&p, err));
			else
				p += *p == '\\' && p[1] ? 2 : 1;
		}
		TRY(buf_append(out, start, (size_t)(p - start), err));
		TRY(buf_append(out, "", 1, err));
		count++;
	}
	*ret_count = count;
	return 0;
}

static int put(struct expansion *x, const char *s, size_t len, struct err *err)
{
	return x->mute ? 0 : buf_append(x->out, s, len, err);
}

/* Value of a variable, or NULL. */
static const char *find(const struct json *env, const char *name, size_t len)
{
	for (size_t i = 0; i < json_count(env); i++) {
		const char *s = json_str(json_at(env, i), "");

		if (!strncmp(s, name, len) && s[len] == '=')
			return s + len + 1;
	}
	return NULL;
}

static size_t name_len(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)*s))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

static int expand(struct expansion *x, char end, struct err *err);

/* ${NAME...}; x->p is behind the brace. */
static int braced(struct expansion *x, struct err *err)
{
	const size_t len = name_len(x->p);
	const char *value = find(x->env, x->p, len);
	const bool was_mute = x->mute;
	bool colon;
	char how;

	if (!len)
		return err_set(err, ERR_USAGE, "no name in ${...}");
	x->p += len;
	if (*x->p == '}') {
		x->p++;
		return value ? put(x, value, strlen(value), err) : 0;
	}
	colon = *x->p == ':';
	x->p += colon;
	how = *x->p;
	if (how != '-' && how != '+')
		return err_set(err, ERR_USAGE,
			       "only ${A}, ${A:-w}, ${A:+w}, ${A-w} and ${A+w} are "
			       "known");
	x->p++;
	const bool is_set = value && (!colon || *value);

	if (how == '-' && is_set)
		TRY(put(x, value, strlen(value), err));
	x->mute = was_mute || (how == '-') == is_set;
	TRY(expand(x, '}', err));
	x->mute = was_mute;
	return 0;
}

static int variable(struct expansion *x, struct err *err)
{
	const size_t len = name_len(++x->p);
	const char *value = find(x->env, x->p, len);

	if (*x->p == '{') {
		x->p++;
		return braced(x, err);
	}
	if (!len)
		return put(x, "$", 1, err);
	x->p += len;
	return value ? put(x, value, strlen(value), err) : 0;
}

static int single_quoted(struct expansion *x, struct err *err)
{
	const char *end = strchr(++x->p, '\'');

	if (!end)
		return err_set(err, ERR_USAGE, "a quote that is not closed");
	TRY(put(x, x->p, (size_t)(end - x->p), err));
	x->p = end + 1;
	return 0;
}

static int double_quoted(struct expansion *x, struct err *err)
{
	for (x->p++; *x->p && *x->p != '"';) {
		if (*x->p == '$') {
			TRY(variable(x, err));
			continue;
		}
		/* In here a backslash escapes only what else would be special. */
		if (*x->p == '\\' && x->p[1] && strchr("\"$\\", x->p[1]))
			x->p++;
		TRY(put(x, x->p++, 1, err));
	}
	if (!*x->p)
		return err_set(err, ERR_USAGE, "a quote that is not closed");
	x->p++;
	return 0;
}

/* One piece of text that belongs together. */
static int piece(struct expansion *x, struct err *err)
{
	switch (*x->p) {
	case '\'':
		return single_quoted(x, err);
	case '"':
		return double_quoted(x, err);
	case '$':
		return variable(x, err);
	case '\\':
		if (x->p[1])
			x->p++;
		/* fall through */
	default:
		return put(x, x->p++, 1, err);
	}
}

/* Up to `end`, which is passed. */
static int expand(struct expansion *x, char end, struct err *err)
{
	if (++x->depth > DEPTH_MAX)
		return err_set(err, ERR_USAGE, "variables in variables in variables");
	while (*x->p && *x->p != end)
		TRY(piece(x, err));
	if (end && !*x->p)
		return err_set(err, ERR_USAGE, "a '${' that is not closed");
	if (end)
		x->p++;
	x->depth--;
	return 0;
}

int words_expand(const char *text, const struct json *env, struct buf *out, struct err *err)
{
	struct expansion x = { .p = text, .env = env, .out = out };

	return expand(&x, '\0', err);
}
