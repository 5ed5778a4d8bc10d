/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for people. Cells may hold what a peer wrote (a history line, a platform): they are
 * escaped when added. Their size is bounded by the documents they come from.
 */
#include "cli/table.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/width.h"

#include <stdarg.h>

/* Longest cell; what is beyond is cut. */
#define CELL_BYTES_MAX ((size_t)64 << 10)

struct table {
	struct table_column *columns;
	size_t column_count;
	char **cells;
	size_t cell_count, cell_alloc;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *t = NEW(struct table);

	t->columns = xcalloc(count, sizeof(*columns));
	memcpy(t->columns, columns, count * sizeof(*columns));
	t->column_count = count;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->cell_count; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->columns);
	free(t);
}

/* "beginning...": at most `max` columns. */
static void cut(char *text, size_t max)
{
	const size_t len = strlen(text);

	if (!max || width_of(text, len) <= max)
		return;
	const size_t fit = width_fit(text, len, max > 3 ? max - 3 : 0);

	/* What was cut off was longer than three columns, or at least three bytes. */
	if (len - fit >= 3)
		memcpy(text + fit, "...", 4);
}

void table_add(struct table *t, const char *text)
{
	const size_t column = t->cell_count % t->column_count;
	_buf_ struct buf cell = BUF_INIT(CELL_BYTES_MAX);
	char *done;

	if (!text || !*text)
		text = "-";
	/* Only a cell beyond the cap fails, and shows up to there. */
	(void)text_escape_buf(&cell, text, strlen(text), NULL);
	done = buf_take(&cell);
	cut(done, t->columns[column].max);
	if (t->cell_count == t->cell_alloc) {
		t->cell_alloc = t->cell_alloc ? 2 * t->cell_alloc : 64;
		t->cells = xreallocarray(t->cells, t->cell_alloc, sizeof(*t->cells));
	}
	t->cells[t->cell_count++] = done;
}

void table_addf(struct table *t, const char *fmt, ...)
{
	_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	table_add(t, text);
}

static size_t column_width(const struct table *t, size_t column)
{
	const char *title = t->columns[column].title;
	size_t widest = title ? strlen(title) : 0;

	for (size_t i = column; i < t->cell_count; i += t->column_count) {
		const size_t w = width_of(t->cells[i], strlen(t->cells[i]));

		if (w > widest)
			widest = w;
	}
	return widest;
}

static void pad(size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		fputc(' ', out);
}

static void print_row(const struct table *t, const size_t *widths, const char *const *row,
		      FILE *out)
{
	for (size_t c = 0; c < t->column_count; c++) {
		const size_t w = width_of(row[c], strlen(row[c]));

		if (t->columns[c].right)
			pad(widths[c] - w, out);
		fputs(row[c], out);
		if (c + 1 == t->column_count)
			break;
		pad((t->columns[c].right ? 0 : widths[c] - w) + 2, out);
	}
	fputc('\n', out);
}

void table_print(const struct table *t, unsigned indent, FILE *out)
{
	_free_ size_t *widths = xcalloc(t->column_count, sizeof(*widths));
	_free_ const char **titles = xcalloc(t->column_count, sizeof(*titles));
	bool has_titles = false;

	for (size_t c = 0; c < t->column_count; c++) {
		widths[c] = column_width(t, c);
		titles[c] = t->columns[c].title ? t->columns[c].title : "";
		has_titles |= t->columns[c].title != NULL;
	}
	if (has_titles) {
		pad(indent, out);
		print_row(t, widths, titles, out);
	}
	for (size_t i = 0; i + t->column_count <= t->cell_count; i += t->column_count) {
		pad(indent, out);
		print_row(t, widths, (const char *const *)t->cells + i, out);
	}
}
