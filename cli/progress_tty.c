/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress as bars: the items at work, one line each, then a total; what is done moves up and
 * stays. A thread of its own redraws at most ten times a second, from the first item on, so reports
 * cost a lock and no output. The cursor stays visible and always rests below the block: whatever
 * ends the process leaves a usable terminal.
 */
#include "cli/progress_view.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/progress_draw.h"
#include "cli/progress_items.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#define REDRAW_MS     100
#define RATE_MS	      1000 /* the rate is of the last second or so */
#define FRAME_BYTES   ((size_t)4 << 20)
#define COLUMNS_OTHER 80
#define ROWS_OTHER    24

struct tty {
	struct progress_view view;
	int fd;
	bool quiet;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	bool is_dirty, stop;
	bool is_idle; /* the thread waits for a change */
	struct progress_items items;
	size_t seen, done;   /* items ever, items ended */
	uint64_t done_bytes; /* of ended items */
	size_t drawn;	     /* lines of the block on the screen */
	uint64_t rate;	     /* bytes a second */
	uint64_t rate_ms;    /* when it was computed */
	uint64_t rate_bytes; /* how far we were then */
	struct buf talk;     /* lines to go above the block */
};

static void window(int fd, size_t *ret_columns, size_t *ret_rows)
{
	struct winsize size = { 0 };

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){ 0 };
	*ret_columns = size.ws_col ? size.ws_col : COLUMNS_OTHER;
	*ret_rows = size.ws_row ? size.ws_row : ROWS_OTHER;
}

static void draw_line(struct buf *frame, const struct progress_line *line, size_t columns)
{
	/* One column stays free, or some terminals wrap. */
	progress_draw(frame, line, columns > 1 ? columns - 1 : 1);
	(void)buf_append_str(frame, "\033[K\n", NULL);
}

static void draw_item(struct buf *frame, const struct progress_item *item, size_t columns)
{
	const struct progress_line line = { .label = item->label,
					    .state = item->state,
					    .bytes = item->bytes,
					    .total_bytes = item->is_done ? 0 : item->total_bytes,
					    .is_count = item->is_count };

	draw_line(frame, &line, columns);
}

/* What has ended is drawn once more, above the block, and forgotten. */
static void draw_done(struct tty *t, struct buf *frame, size_t columns)
{
	for (size_t i = 0; i < t->items.count;) {
		struct progress_item *item = &t->items.items[i];

		if (!item->is_done) {
			i++;
			continue;
		}
		draw_item(frame, item, columns);
		t->done++;
		/* What it moved; an item that was there already moved nothing. */
		if (!item->is_count)
			t->done_bytes += item->bytes;
		progress_items_drop(&t->items, item);
	}
}

static void sum(const struct tty *t, uint64_t *ret_bytes, uint64_t *ret_total)
{
	*ret_bytes = t->done_bytes;
	*ret_total = t->done_bytes;
	for (size_t i = 0; i < t->items.count; i++) {
		if (t->items.items[i].is_count)
			continue;
		*ret_bytes += t->items.items[i].bytes;
		*ret_total += t->items.items[i].total_bytes;
	}
}

static void update_rate(struct tty *t, uint64_t bytes)
{
	const uint64_t now = progress_now_ms();

	if (!t->rate_ms || bytes < t->rate_bytes) {
		t->rate_ms = now;
		t->rate_bytes = bytes;
		return;
	}
	if (now - t->rate_ms < RATE_MS)
		return;
	t->rate = (bytes - t->rate_bytes) * 1000 / (now - t->rate_ms);
	t->rate_ms = now;
	t->rate_bytes = bytes;
}

static void draw_total(struct tty *t, struct buf *frame, size_t columns)
{
	char label[64];
	struct progress_line line = { .label = label };

	snprintf(label, sizeof(label), "total %zu/%zu", t->done, t->seen);
	sum(t, &line.bytes, &line.total_bytes);
	update_rate(t, line.bytes);
	if (t->items.count) {
		line.rate = t->rate;
		if (t->rate && line.total_bytes > line.bytes)
			line.left_s = (line.total_bytes - line.bytes) / t->rate;
	}
	draw_line(frame, &line, columns);
}

/* The items at work, as many as the screen holds, and the total. Returns the lines. */
static size_t draw_block(struct tty *t, struct buf *frame, size_t columns, size_t rows)
{
	const size_t room = rows > 3 ? rows - 3 : 1;
	const size_t shown = t->items.count > room ? room : t->items.count;
	size_t lines = shown + 1;

	for (size_t i = 0; i < shown; i++)
		draw_item(frame, &t->items.items[i], columns);
	if (shown < t->items.count) {
		char label[64];

		snprintf(label, sizeof(label), "... and %zu more", t->items.count - shown);
		draw_line(frame, &(struct progress_line){ .label = label }, columns);
		lines++;
	}
	if (t->seen < 2)
		return lines - 1;
	draw_total(t, frame, columns);
	return lines;
}

static void draw(struct tty *t)
{
	_buf_ struct buf frame = BUF_INIT(FRAME_BYTES);
	size_t columns, rows;

	window(t->fd, &columns, &rows);
	if (t->drawn)
		(void)buf_printf(&frame, NULL, "\033[%zuA", t->drawn);
	(void)buf_append_str(&frame, "\r", NULL);
	if (t->talk.len)
		(void)buf_append(&frame, t->talk.data, t->talk.len, NULL);
	buf_reset(&t->talk);
	if (t->seen) {
		draw_done(t, &frame, columns);
		t->drawn = draw_block(t, &frame, columns, rows);
	}
	(void)buf_append_str(&frame, "\033[J", NULL);
	progress_write(t->fd, buf_str(&frame), frame.len);
	t->is_dirty = false;
}

static void after_ms(struct timespec *at, unsigned ms)
{
	clock_gettime(CLOCK_MONOTONIC, at);
	at->tv_nsec += (long)ms * 1000000;
	at->tv_sec += at->tv_nsec / 1000000000;
	at->tv_nsec %= 1000000000;
}

static void *redraw(void *arg)
{
	struct tty *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		struct timespec next;

		if (!t->is_dirty) {
			t->is_idle = true;
			pthread_cond_wait(&t->wake, &t->lock);
			t->is_idle = false;
			continue;
		}
		draw(t);
		after_ms(&next, REDRAW_MS);
		/* Wakes before the time only to stop. */
		while (!t->stop && pthread_cond_timedwait(&t->wake, &t->lock, &next) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Signals stay with the threads that were there before. */
static void start_thread(struct tty *t)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	t->has_thread = pthread_create(&t->thread, NULL, redraw, t) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void changed(struct tty *t)
{
	t->is_dirty = true;
	if (t->is_idle)
		pthread_cond_signal(&t->wake);
}

static void tty_print(struct progress_view *view, const char *line)
{
	struct tty *t = container_of(view, struct tty, view);

	pthread_mutex_lock(&t->lock);
	(void)buf_printf(&t->talk, NULL, "%s\033[K\n", line);
	/* Without a block there is nothing to go above, and nobody to draw. */
	if (t->has_thread)
		changed(t);
	else
		draw(t);
	pthread_mutex_unlock(&t->lock);
}

static void tty_note(struct tty *t, const char *text)
{
	_free_ char *line = xasprintf("img: note: %s", text);

	if (!t->quiet)
		tty_print(&t->view, line);
}

static void tty_report(struct progress *sink, const struct progress_event *event)
{
	struct tty *t = container_of(sink, struct tty, view.sink);

	if (event->kind == PROGRESS_NOTE) {
		tty_note(t, event->label);
		return;
	}
	pthread_mutex_lock(&t->lock);
	if (event->kind == PROGRESS_BEGIN && !t->has_thread)
		start_thread(t);
	if (event->kind == PROGRESS_BEGIN)
		t->seen++;
	if (progress_items_take(&t->items, event))
		changed(t);
	pthread_mutex_unlock(&t->lock);
}

static void tty_close(struct progress_view *view)
{
	struct tty *t = container_of(view, struct tty, view);

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	if (t->has_thread)
		pthread_join(t->thread, NULL);
	if (t->is_dirty)
		draw(t);
	progress_items_fini(&t->items);
	buf_fini(&t->talk);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct progress_view *progress_tty_new(int fd, bool quiet)
{
	struct tty *t = NEW(struct tty);
	pthread_condattr_t attr;

	t->view = (struct progress_view){ { tty_report }, tty_print, tty_close };
	t->fd = fd;
	t->quiet = quiet;
	t->talk = BUF_INIT(FRAME_BYTES);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	return &t->view;
}
