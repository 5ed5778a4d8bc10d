/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for rows of tables, printed as notes of the running test. */
#include "tests/unit/manifest/check.h"

#include "base/mem.h"

int check_text(const char *row, const char *what, const char *want, const char *got)
{
	if (want && got ? !strcmp(want, got) : want == got)
		return true;
	printf("# %s: %s: expected %s, got %s\n", row, what, want ? want : "(none)",
	       got ? got : "(none)");
	return false;
}

int check_int(const char *row, const char *what, long long want, long long got)
{
	if (want == got)
		return true;
	printf("# %s: %s: expected %lld, got %lld\n", row, what, want, got);
	return false;
}

int check_err(const char *row, const struct err *err, enum err_kind kind, const char *text)
{
	if (err->kind == kind && strstr(err->msg, text) && (!kind || err->errnum > 0))
		return true;
	printf("# %s: expected %s with '%s', got %s '%s'\n", row, err_class(kind)->name, text,
	       err_class(err->kind)->name, err->msg);
	return false;
}

char *json_text(const char *with_single_quotes)
{
	char *text = xstrdup(with_single_quotes);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	return text;
}
