/* SPDX-License-Identifier: Apache-2.0 */
/* Bookkeeping that all shapes of progress share. Labels may quote a peer and are escaped here. */
#include "cli/progress_items.h"

#include "base/mem.h"
#include "base/text.h"

void progress_items_fini(struct progress_items *items)
{
	free(items->items);
	*items = (struct progress_items){ 0 };
}

static struct progress_item *find(struct progress_items *items, uint64_t id)
{
	/* Backwards: what is reported about is mostly what came last. */
	for (size_t i = items->count; i-- > 0;)
		if (items->items[i].id == id)
			return &items->items[i];
	return NULL;
}

static struct progress_item *add(struct progress_items *items, const struct progress_event *event)
{
	if (items->count == items->alloc) {
		items->alloc = items->alloc ? 2 * items->alloc : 16;
		items->items = xreallocarray(items->items, items->alloc, sizeof(*items->items));
	}
	struct progress_item *item = &items->items[items->count++];

	*item = (struct progress_item){ .id = event->item, .begin_ms = progress_now_ms() };
	if (event->label)
		text_escape(item->label, sizeof(item->label), event->label, strlen(event->label));
	return item;
}

struct progress_item *progress_items_take(struct progress_items *items,
					  const struct progress_event *event)
{
	if (event->kind == PROGRESS_NOTE)
		return NULL;
	struct progress_item *item = event->kind == PROGRESS_BEGIN ? add(items, event)
								   : find(items, event->item);

	if (!item)
		return NULL;
	if (event->state)
		text_escape(item->state, sizeof(item->state), event->state, strlen(event->state));
	if (event->total_bytes)
		item->total_bytes = event->total_bytes;
	if (event->kind == PROGRESS_BYTES || event->bytes)
		item->bytes = event->bytes;
	item->is_count = event->is_count;
	if (event->kind == PROGRESS_END)
		item->is_done = true;
	return item;
}

void progress_items_drop(struct progress_items *items, struct progress_item *item)
{
	const size_t at = (size_t)(item - items->items);

	memmove(item, item + 1, (items->count - at - 1) * sizeof(*item));
	items->count--;
}

char *progress_amount(char dst[24], uint64_t n, bool is_count)
{
	if (is_count)
		snprintf(dst, 24, "%" PRIu64, n);
	else
		text_size(dst, 24, n);
	return dst;
}

uint64_t progress_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_write(int fd, const char *text, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}
