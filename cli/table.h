/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns as wide as their widest cell, two spaces between, titles on top. */
#ifndef IMG_CLI_TABLE_H
#define IMG_CLI_TABLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table_column {
	const char *title;
	bool right; /* numbers */
	size_t max; /* columns after which a cell is cut with "...", 0: never */
};

/* Cells are filled row by row, left to right. */
struct table;
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *t);
/* Adds the next cell. Control characters are escaped; NULL and "" show as "-". */
void table_add(struct table *t, const char *text);
/* The same in printf form; for text of bounded length. */
void table_addf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Prints titles (unless all are NULL) and rows, each line after `indent` spaces; the last column is
 * not padded.
 */
void table_print(const struct table *t, unsigned indent, FILE *out);

static inline void table_free_p(struct table **t)
{
	table_free(*t);
}
#define _table_ __attribute__((cleanup(table_free_p)))

#endif
