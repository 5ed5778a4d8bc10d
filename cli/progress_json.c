/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress as JSON lines, for programs that run img: one object a report,
 *   {"event":"begin|bytes|state|end|note|log",
 *    "item":N,"label":"...","state":"...","bytes":N,"total":N}
 * where members without a value are left out, and "count" stands for "bytes" when things are
 * counted. The event "bytes" comes at most ten times a second an item.
 */
#include "cli/progress_view.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/progress_items.h"

#include <pthread.h>

#define REPEAT_MS      100
#define LINE_MAX_BYTES ((size_t)64 << 10)

struct json_lines {
	struct progress_view view;
	int fd;
	bool quiet;
	pthread_mutex_t lock;
	struct progress_items items; /* under lock */
};

static void put(struct json_lines *j, struct json *object)
{
	_json_ struct json *line = object;
	_buf_ struct buf text = BUF_INIT(LINE_MAX_BYTES);

	if (json_print(line, 0, &text, NULL) < 0 || buf_append_char(&text, '\n', NULL) < 0)
		return;
	progress_write(j->fd, text.data, text.len);
}

static struct json *event_new(const char *name)
{
	struct json *object = json_new_object();

	json_set_str(object, "event", name);
	return object;
}

static void put_text(struct json_lines *j, const char *event, const char *text)
{
	struct json *object = event_new(event);

	json_set_str(object, "label", text);
	pthread_mutex_lock(&j->lock);
	put(j, object);
	pthread_mutex_unlock(&j->lock);
}

static void put_item(struct json_lines *j, enum progress_kind kind,
		     const struct progress_item *item)
{
	static const char *const names[] = { [PROGRESS_BEGIN] = "begin",
					     [PROGRESS_BYTES] = "bytes",
					     [PROGRESS_STATE] = "state",
					     [PROGRESS_END] = "end" };
	struct json *object = event_new(names[kind]);

	json_set_int(object, "item", (int64_t)item->id);
	if (item->label[0])
		json_set_str(object, "label", item->label);
	if (item->state[0])
		json_set_str(object, "state", item->state);
	if (item->bytes || kind == PROGRESS_BYTES)
		json_set_int(object, item->is_count ? "count" : "bytes", (int64_t)item->bytes);
	if (item->total_bytes)
		json_set_int(object, "total", (int64_t)item->total_bytes);
	put(j, object);
}

static void show(struct json_lines *j, struct progress_item *item, enum progress_kind kind)
{
	const uint64_t now = progress_now_ms();

	if (kind == PROGRESS_BYTES) {
		if (now - item->shown_ms < REPEAT_MS)
			return;
		item->shown_ms = now;
	}
	put_item(j, kind, item);
	if (kind == PROGRESS_END)
		progress_items_drop(&j->items, item);
}

static void json_report(struct progress *sink, const struct progress_event *event)
{
	struct json_lines *j = container_of(sink, struct json_lines, view.sink);

	if (event->kind == PROGRESS_NOTE) {
		if (!j->quiet)
			put_text(j, "note", event->label);
		return;
	}
	pthread_mutex_lock(&j->lock);
	struct progress_item *item = progress_items_take(&j->items, event);

	if (item)
		show(j, item, event->kind);
	pthread_mutex_unlock(&j->lock);
}

static void json_print_line(struct progress_view *view, const char *line)
{
	put_text(container_of(view, struct json_lines, view), "log", line);
}

static void json_close(struct progress_view *view)
{
	struct json_lines *j = container_of(view, struct json_lines, view);

	progress_items_fini(&j->items);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

struct progress_view *progress_json_new(int fd, bool quiet)
{
	struct json_lines *j = NEW(struct json_lines);

	j->view = (struct progress_view){ { json_report }, json_print_line, json_close };
	j->fd = fd;
	j->quiet = quiet;
	pthread_mutex_init(&j->lock, NULL);
	return &j->view;
}
