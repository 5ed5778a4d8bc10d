/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link: <target>; param=value; param="value", <target>... (RFC 8288 section 3, appendix B). The
 * bytes come from a peer; reading is linear and never goes back.
 */
#include "net/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *skip_blank(const char *s)
{
	return s + strspn(s, " \t");
}

/* A span of the header. */
struct piece {
	const char *at;
	size_t len;
};

/* Token or quoted string; escapes stay as they are, no relation type has any. */
static const char *take_value(const char *s, struct piece *ret)
{
	if (*s != '"') {
		*ret = (struct piece){ s, strcspn(s, " \t,;") };
		return s + ret->len;
	}
	const char *start = ++s;

	while (*s && *s != '"')
		s += *s == '\\' && s[1] ? 2 : 1;
	*ret = (struct piece){ start, (size_t)(s - start) };
	return *s ? s + 1 : s;
}

static bool piece_is(const struct piece *p, const char *word)
{
	return p->len == strlen(word) && strncasecmp(p->at, word, p->len) == 0;
}

/* Is the word among those of the value ("prev next")? */
static bool has_word(const struct piece *value, const char *word)
{
	const char *s = value->at, *end = value->at + value->len;

	while (s < end) {
		struct piece one = { s, 0 };

		while (s < end && *s != ' ' && *s != '\t')
			s++;
		one.len = (size_t)(s - one.at);
		if (piece_is(&one, word))
			return true;
		s += s < end;
	}
	return false;
}

/* Reads ";name=value..." up to the comma that ends the link. Only the first `rel` counts. */
static const char *take_params(const char *s, bool *ret_is_next)
{
	bool seen = false;

	*ret_is_next = false;
	for (;;) {
		struct piece name, value = { s, 0 };

		s = skip_blank(s);
		if (*s != ';')
			return s;
		s = skip_blank(s + 1);
		name = (struct piece){ s, strcspn(s, " \t=,;") };
		s = skip_blank(s + name.len);
		if (*s == '=')
			s = take_value(skip_blank(s + 1), &value);
		if (piece_is(&name, "rel") && !seen) {
			seen = true;
			*ret_is_next = has_word(&value, "next");
		}
	}
}

int link_next(const char *s, struct buf *ret, struct err *err)
{
	while (*s) {
		struct piece target;
		bool is_next;

		s += strcspn(s, "<");
		if (!*s)
			break;
		target = (struct piece){ s + 1, strcspn(s + 1, ">") };
		s += 1 + target.len;
		if (!*s)
			break;
		s = take_params(s + 1, &is_next);
		if (is_next && target.len) {
			TRY(buf_append(ret, target.at, target.len, err));
			return 1;
		}
		s += strcspn(s, ",");
	}
	return 0;
}
