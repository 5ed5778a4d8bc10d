/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal as small as the progress bars need: a pty whose other end is read by a thread that
 * keeps what would be on the screen.
 */
#ifndef TESTS_UNIT_CLI_SCREEN_H
#define TESTS_UNIT_CLI_SCREEN_H

#include <stddef.h>

struct screen;
/* Aborts when there is no pty. */
struct screen *screen_new(unsigned columns, unsigned rows);
/* The terminal's fd for the program under test. */
int screen_fd(const struct screen *s);
/*
 * Ends the output and gives the lines of the screen joined by newlines, blanks at line ends
 * dropped. Borrowed until screen_free.
 */
const char *screen_text(struct screen *s);
/* Waits until that many frames have come. Aborts when they don't come within a minute. */
void screen_wait_frames(struct screen *s, size_t frames);
/*
 * After screen_text: how often the block was drawn (carriage returns that begin a frame), and the
 * widest line ever.
 */
size_t screen_frames(const struct screen *s);
size_t screen_widest(const struct screen *s);
void screen_free(struct screen *s);

#endif
