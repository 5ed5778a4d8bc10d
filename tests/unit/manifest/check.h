/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for rows of tables: they say which row it was, and what came instead. */
#ifndef TESTS_UNIT_MANIFEST_CHECK_H
#define TESTS_UNIT_MANIFEST_CHECK_H

#include "base/err.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* These return 1 or 0, to be joined with & so that every one of a row speaks. */
/* True when both are the same text; NULL is the same as NULL only. Prints what differs. */
int check_text(const char *row, const char *what, const char *want, const char *got);
int check_int(const char *row, const char *what, long long want, long long got);
/* True when the error is of this kind, its errno fits it, and its message has `text` in it. */
int check_err(const char *row, const struct err *err, enum err_kind kind, const char *text);
/* The text with ' for ", which JSON in C cannot be read with. Free with free(). */
char *json_text(const char *with_single_quotes);

#endif
