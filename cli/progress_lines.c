/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress as plain lines, for logs and pipes: "LABEL: STATE" when an item changes its state, how
 * far it is every ten seconds, how it ended. With `notes_only` just the notes.
 */
#include "cli/progress_view.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/progress_items.h"

#include <pthread.h>

/* A long item says how far it is so often. */
#define REPEAT_MS 10000

#define AMOUNT(item, member) progress_amount((char[24]){ 0 }, (item)->member, (item)->is_count)

struct lines {
	struct progress_view view;
	int fd;
	bool quiet, notes_only;
	pthread_mutex_t lock;
	struct progress_items items; /* under lock */
};

static void put_line(const struct lines *l, const char *text)
{
	_free_ char *line = xasprintf("%s\n", text);

	progress_write(l->fd, line, strlen(line));
}

static void put_end(const struct lines *l, const struct progress_item *item)
{
	const uint64_t ms = progress_now_ms() - item->begin_ms;
	_free_ char *line = NULL;

	if (item->bytes && strcmp(item->state, "exists") != 0)
		line = xasprintf("%s: %s, %s in %" PRIu64 ".%" PRIu64 " s", item->label,
				 item->state, AMOUNT(item, bytes), ms / 1000, ms % 1000 / 100);
	else
		line = xasprintf("%s: %s", item->label, item->state);
	put_line(l, line);
}

static void put_state(const struct lines *l, const struct progress_item *item)
{
	_free_ char *line = NULL;

	if (item->total_bytes)
		line = xasprintf("%s: %s %s", item->label, item->state, AMOUNT(item, total_bytes));
	else
		line = xasprintf("%s: %s", item->label, item->state);
	put_line(l, line);
}

static void put_bytes(const struct lines *l, const struct progress_item *item)
{
	_free_ char *line = NULL;

	if (item->total_bytes)
		line = xasprintf("%s: %s of %s", item->label, AMOUNT(item, bytes),
				 AMOUNT(item, total_bytes));
	else
		line = xasprintf("%s: %s", item->label, AMOUNT(item, bytes));
	put_line(l, line);
}

/* What waits has not begun; what exists says so when it ends, at once. */
static bool says_something(const char *state)
{
	return *state && strcmp(state, "waiting") != 0 && strcmp(state, "exists") != 0;
}

static void show(struct lines *l, struct progress_item *item, enum progress_kind kind)
{
	const uint64_t now = progress_now_ms();

	if (kind == PROGRESS_END) {
		put_end(l, item);
		progress_items_drop(&l->items, item);
		return;
	}
	if (!item->shown_ms)
		item->shown_ms = now;
	if (kind == PROGRESS_BYTES) {
		if (now - item->shown_ms < REPEAT_MS)
			return;
		put_bytes(l, item);
	} else if (says_something(item->state)) {
		put_state(l, item);
	}
	item->shown_ms = now;
}

static void lines_print(struct progress_view *view, const char *text)
{
	struct lines *l = container_of(view, struct lines, view);

	pthread_mutex_lock(&l->lock);
	put_line(l, text);
	pthread_mutex_unlock(&l->lock);
}

static void lines_note(struct lines *l, const char *text)
{
	_free_ char *line = xasprintf("img: note: %s", text);

	if (!l->quiet)
		lines_print(&l->view, line);
}

static void lines_report(struct progress *sink, const struct progress_event *event)
{
	struct lines *l = container_of(sink, struct lines, view.sink);

	if (event->kind == PROGRESS_NOTE) {
		lines_note(l, event->label);
		return;
	}
	if (l->notes_only)
		return;
	pthread_mutex_lock(&l->lock);
	struct progress_item *item = progress_items_take(&l->items, event);

	if (item)
		show(l, item, event->kind);
	pthread_mutex_unlock(&l->lock);
}

static void lines_close(struct progress_view *view)
{
	struct lines *l = container_of(view, struct lines, view);

	progress_items_fini(&l->items);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct progress_view *progress_lines_new(int fd, bool quiet, bool notes_only)
{
	struct lines *l = NEW(struct lines);

	l->view = (struct progress_view){ { lines_report }, lines_print, lines_close };
	l->fd = fd;
	l->quiet = quiet;
	l->notes_only = notes_only;
	pthread_mutex_init(&l->lock, NULL);
	return &l->view;
}
