/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warn-code SP warn-agent SP warn-text [SP warn-date], several separated by commas (RFC 7234
 * section 5.5, which RFC 9111 retired and the distribution-spec kept). The bytes come from a peer;
 * reading is linear.
 */
#include "net/warning.h"

#include <string.h>

static const char *skip_blank(const char *s)
{
	return s + strspn(s, " \t,");
}

/* Reads a quoted string at `s` into `text` (may be NULL). Returns what follows. */
static int take_quoted(const char **at, struct buf *text, struct err *err)
{
	const char *s = *at + 1;

	for (; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		if (text)
			TRY(buf_append_char(text, *s, err));
	}
	*at = *s ? s + 1 : s;
	return 0;
}

/* Goes behind the comma that ends this warning, past commas in quotes. */
static int skip_rest(const char **at, struct err *err)
{
	while (**at && **at != ',') {
		if (**at == '"')
			TRY(take_quoted(at, NULL, err));
		else
			(*at)++;
	}
	return 0;
}

int warning_next(const char **at, struct buf *text, struct err *err)
{
	for (;;) {
		const char *s = skip_blank(*at);
		bool found = false;

		*at = s;
		if (!*s)
			return 0;
		if (strncmp(s, "299 - \"", 7) == 0) {
			*at = s + 6;
			TRY(take_quoted(at, text, err));
			found = true;
		}
		TRY(skip_rest(at, err));
		if (found)
			return 1;
	}
}
