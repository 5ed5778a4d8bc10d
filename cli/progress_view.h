/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on stderr, in one of four shapes: bars on a terminal, plain lines, JSON lines, none. A
 * view is the sink of an operation's reports (base/op.h) and the door for all other talk while it
 * lives, so that lines and bars don't overwrite each other.
 */
#ifndef IMG_CLI_PROGRESS_VIEW_H
#define IMG_CLI_PROGRESS_VIEW_H

#include "base/op.h"

#include <stdbool.h>

enum progress_mode { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_NONE };

struct progress_view {
	struct progress sink; /* for op.progress */
	/* Prints one line (without newline) of other talk. From any thread. */
	void (*print)(struct progress_view *v, const char *line);
	/* Draws the last state and frees. No report may come any more. */
	void (*close)(struct progress_view *v);
};

/*
 * Writes to `fd`, borrowed. PROGRESS_AUTO: bars on a terminal that knows how to move its cursor,
 * plain lines elsewhere. `quiet` drops notes.
 */
struct progress_view *progress_view_new(enum progress_mode mode, int fd, bool quiet);
/* NULL is fine. */
void progress_view_free(struct progress_view *v);

/* The shapes. */
struct progress_view *progress_tty_new(int fd, bool quiet);
struct progress_view *progress_lines_new(int fd, bool quiet, bool notes_only);
struct progress_view *progress_json_new(int fd, bool quiet);

#endif
