/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for rows of tables, printed as notes of the running test. */
#include "tests/unit/cli/check.h"

#include "base/mem.h"

int check_text(const char *row, const char *want, const char *got)
{
	if (got && !strcmp(want, got))
		return 1;
	printf("# %s: expected >%s<, got >%s<\n", row, want, got ? got : "(none)");
	return 0;
}

int check_has(const char *row, const char *part, const char *got)
{
	if (got && strstr(got, part))
		return 1;
	printf("# %s: expected something with >%s<, got >%s<\n", row, part, got ? got : "(none)");
	return 0;
}

int check_err(const char *row, const struct err *err, enum err_kind kind, const char *text)
{
	if (err->kind == kind && (strstr(err->msg, text) || strstr(err->hint, text)))
		return 1;
	printf("# %s: expected %s with >%s<, got %s >%s< (%s)\n", row, err_class(kind)->name, text,
	       err_class(err->kind)->name, err->msg, err->hint);
	return 0;
}

void check_begin(struct check_capture *c)
{
	*c = (struct check_capture){ 0 };
	c->f = open_memstream(&c->text, &c->len);
	if (!c->f)
		abort();
}

char *check_captured(struct check_capture *c)
{
	if (fclose(c->f) != 0)
		abort();
	return TAKE_PTR(c->text);
}

char *check_json(const char *with_single_quotes)
{
	char *text = xstrdup(with_single_quotes);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	return text;
}
