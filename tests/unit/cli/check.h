/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for rows of tables, and text that a function prints. */
#ifndef TESTS_UNIT_CLI_CHECK_H
#define TESTS_UNIT_CLI_CHECK_H

#include "base/err.h"

#include <stdio.h>

/* These return 1 or 0, to be joined with & so that every one of a row speaks. */
int check_text(const char *row, const char *want, const char *got);
int check_has(const char *row, const char *part, const char *got);
/* True when the error is of this kind and `text` is in its message or hint. */
int check_err(const char *row, const struct err *err, enum err_kind kind, const char *text);

/*
 * What is printed to `f` from check_begin until check_captured closes it and gives the text; free
 * with free().
 */
struct check_capture {
	FILE *f;
	char *text;
	size_t len;
};
void check_begin(struct check_capture *c);
char *check_captured(struct check_capture *c);
/* ' for ", which JSON in C can't be read with. Free with free(). */
char *check_json(const char *with_single_quotes);

#endif
