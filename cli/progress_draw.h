/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the bars, as text: pure, so that tests can look at it. */
#ifndef IMG_CLI_PROGRESS_DRAW_H
#define IMG_CLI_PROGRESS_DRAW_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_line {
	const char *label;
	const char *state;
	uint64_t bytes, total_bytes; /* 0: unknown */
	bool is_count;		     /* those are things, not bytes */
	uint64_t rate;		     /* bytes a second; 0: not shown */
	uint64_t left_s;	     /* seconds to go; 0: not shown */
};

/*
 * Appends the line, at most `columns` wide, without newline. Parts that find no room are left out,
 * the bar first.
 */
void progress_draw(struct buf *out, const struct progress_line *line, size_t columns);

#endif
