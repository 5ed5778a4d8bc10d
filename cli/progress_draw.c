/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "layer 3/7 8c4f1a      [=======>      ]  12.3 MB / 131 MB  41.2 MB/s  downloading": laid out for
 * a width.
 */
#include "cli/progress_draw.h"

#include "base/text.h"
#include "cli/progress_items.h"
#include "cli/width.h"

#include <stdarg.h>

#define LABEL_COLUMNS 24
#define BAR_COLUMNS   30
#define BAR_MIN	      8
#define TAIL_BYTES    128

#define AMOUNT(line, member) progress_amount((char[24]){ 0 }, (line)->member, (line)->is_count)

static void put(struct buf *out, const char *text, size_t len)
{
	(void)buf_append(out, text, len, NULL); /* the cap is far beyond any terminal */
}

static void spaces(struct buf *out, size_t count)
{
	while (count-- > 0)
		put(out, " ", 1);
}

/* The text, cut or padded to exactly `columns`. */
static void put_fixed(struct buf *out, const char *text, size_t columns)
{
	const size_t len = width_fit(text, strlen(text), columns);

	put(out, text, len);
	spaces(out, columns - width_of(text, len));
}

static void put_bar(struct buf *out, uint64_t bytes, uint64_t total, size_t columns)
{
	const size_t inner = columns - 2;
	size_t filled = total ? (size_t)((double)bytes / (double)total * (double)inner) : 0;

	if (filled > inner)
		filled = inner;
	put(out, "[", 1);
	for (size_t i = 0; i < inner; i++)
		put(out, i < filled ? "=" : i == filled && bytes ? ">" : " ", 1);
	put(out, "]", 1);
}

static int append(char *dst, int at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int append(char *dst, int at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const int n = vsnprintf(dst + at, (size_t)(TAIL_BYTES - at), fmt, ap);
	va_end(ap);
	return n < 0 ? at : at + n >= TAIL_BYTES ? TAIL_BYTES - 1 : at + n;
}

/* What stands right of the bar; always the same width while bytes are running. */
static void tail_of(char dst[TAIL_BYTES], const struct progress_line *line)
{
	int at = 0;

	dst[0] = '\0';
	if (line->total_bytes)
		at = append(dst, at, "%8s / %-8s", AMOUNT(line, bytes), AMOUNT(line, total_bytes));
	else if (line->bytes)
		at = append(dst, at, "%8s", AMOUNT(line, bytes));
	if (line->rate)
		at = append(dst, at, "  %8s/s", TEXT_SIZE(line->rate));
	if (line->left_s)
		at = append(dst, at, "  %" PRIu64 ":%02" PRIu64, line->left_s / 60,
			    line->left_s % 60);
	if (line->state && *line->state)
		append(dst, at, "%s%s", at ? "  " : "", line->state);
}

void progress_draw(struct buf *out, const struct progress_line *line, size_t columns)
{
	char tail[TAIL_BYTES];
	const size_t label = columns < LABEL_COLUMNS ? columns : LABEL_COLUMNS;
	size_t left = columns - label;

	tail_of(tail, line);
	const size_t tail_columns = width_of(tail, strlen(tail));

	put_fixed(out, line->label, label);
	if (line->total_bytes && left >= tail_columns + 4 + BAR_MIN) {
		size_t bar = left - tail_columns - 4;

		if (bar > BAR_COLUMNS)
			bar = BAR_COLUMNS;
		spaces(out, 2);
		put_bar(out, line->bytes, line->total_bytes, bar);
		left -= bar + 2;
	}
	if (left > 2) {
		spaces(out, 2);
		put(out, tail, width_fit(tail, strlen(tail), left - 2));
	}
}
