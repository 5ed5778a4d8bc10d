/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing the shape of progress. */
#include "cli/progress_view.h"

#include <stddef.h>

static bool is_terminal(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

struct progress_view *progress_view_new(enum progress_mode mode, int fd, bool quiet)
{
	if (mode == PROGRESS_AUTO)
		mode = is_terminal(fd) ? PROGRESS_TTY : PROGRESS_PLAIN;
	if (mode == PROGRESS_JSON)
		return progress_json_new(fd, quiet);
	if (quiet)
		mode = PROGRESS_NONE;
	if (mode == PROGRESS_TTY)
		return progress_tty_new(fd, quiet);
	return progress_lines_new(fd, quiet, mode == PROGRESS_NONE);
}

void progress_view_free(struct progress_view *v)
{
	if (v)
		v->close(v);
}
