/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Understands text, newline, carriage return, ESC [ n A (up), ESC [ K (clear the rest of the line),
 * ESC [ J (clear below). Anything else aborts.
 */
#include "tests/unit/cli/screen.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/width.h"

#include <pthread.h>
#include <pty.h>
#include <termios.h>

#define LINES_MAX 2000
#define LINE_MAX_ 512

struct screen {
	int master, slave;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct buf raw;	    /* under lock while the thread runs */
	size_t seen_frames; /* carriage returns in it; the same */
	char (*lines)[LINE_MAX_];
	size_t y, x, bottom, frames, widest;
	char *text;
	bool is_read;
};

static void *read_all(void *arg)
{
	struct screen *s = arg;
	char chunk[4096];

	for (;;) {
		const ssize_t n = read(s->master, chunk, sizeof(chunk));

		if (n <= 0)
			return NULL;
		pthread_mutex_lock(&s->lock);
		if (buf_append(&s->raw, chunk, (size_t)n, NULL) < 0)
			abort();
		for (ssize_t i = 0; i < n; i++)
			s->seen_frames += chunk[i] == '\r';
		pthread_cond_signal(&s->more);
		pthread_mutex_unlock(&s->lock);
	}
}

struct screen *screen_new(unsigned columns, unsigned rows)
{
	struct screen *s = NEW(struct screen);
	struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
	struct termios raw = { 0 };

	raw.c_cflag = CS8 | CREAD;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	s->raw = BUF_INIT((size_t)64 << 20);
	s->lines = xcalloc(LINES_MAX, LINE_MAX_);
	if (openpty(&s->master, &s->slave, NULL, &raw, &size) < 0 ||
	    pthread_create(&s->thread, NULL, read_all, s) != 0)
		abort();
	return s;
}

int screen_fd(const struct screen *s)
{
	return s->slave;
}

void screen_wait_frames(struct screen *s, size_t frames)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&s->lock);
	while (s->seen_frames < frames)
		if (pthread_cond_timedwait(&s->more, &s->lock, &until) != 0)
			abort();
	pthread_mutex_unlock(&s->lock);
}

/* A character of `n` bytes; a line is kept as bytes, since nothing overwrites half of one here. */
static void put_char(struct screen *s, const char *at, size_t n)
{
	char *line = s->lines[s->y];

	if (s->x + n >= LINE_MAX_)
		abort();
	if (strlen(line) < s->x)
		abort();
	const bool extends = strlen(line) <= s->x + n;

	memcpy(line + s->x, at, n);
	s->x += n;
	if (extends)
		line[s->x] = '\0';
	const size_t columns = width_of(line, strlen(line));

	if (columns > s->widest)
		s->widest = columns;
}

static void escape(struct screen *s, const char **at)
{
	const size_t digits = strspn(*at + 1, "0123456789");
	uint64_t n = 1;

	if (**at != '[')
		abort();
	if (digits && text_parse_u64(*at + 1, digits, 10, &n) < 0)
		abort();
	const char letter = (*at)[1 + digits];

	if (letter == 'A') {
		if (n > s->y)
			abort();
		s->y -= n;
	} else if (letter == 'K') {
		s->lines[s->y][s->x] = '\0';
	} else if (letter == 'J') {
		s->lines[s->y][s->x] = '\0';
		for (size_t i = s->y + 1; i <= s->bottom; i++)
			s->lines[i][0] = '\0';
		s->bottom = s->y;
	} else {
		abort();
	}
	*at += 2 + digits;
}

static void step(struct screen *s, const char **at)
{
	const char c = *(*at)++;

	if (c == '\033') {
		escape(s, at);
	} else if (c == '\r') {
		s->x = 0;
		s->frames++;
	} else if (c == '\n') {
		s->x = 0;
		if (++s->y >= LINES_MAX)
			abort();
		if (s->y > s->bottom)
			s->bottom = s->y;
	} else if ((unsigned char)c < 0x20) {
		abort();
	} else {
		put_char(s, *at - 1, 1);
	}
}

static char *join(const struct screen *s)
{
	_buf_ struct buf all = BUF_INIT((size_t)16 << 20);

	for (size_t i = 0; i <= s->bottom; i++) {
		size_t len = strlen(s->lines[i]);

		while (len && s->lines[i][len - 1] == ' ')
			len--;
		if (buf_printf(&all, NULL, "%s%.*s", i ? "\n" : "", (int)len, s->lines[i]) < 0)
			abort();
	}
	return buf_take(&all);
}

const char *screen_text(struct screen *s)
{
	if (!s->is_read) {
		close(s->slave);
		pthread_join(s->thread, NULL);
		for (const char *at = buf_str(&s->raw); *at;)
			step(s, &at);
		s->text = join(s);
		s->is_read = true;
	}
	return s->text;
}

size_t screen_frames(const struct screen *s)
{
	return s->frames;
}

size_t screen_widest(const struct screen *s)
{
	return s->widest;
}

void screen_free(struct screen *s)
{
	(void)screen_text(s);
	close(s->master);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	buf_fini(&s->raw);
	free(s->lines);
	free(s->text);
	free(s);
}
