/* SPDX-License-Identifier: Apache-2.0 */
/* The items of an operation as the views keep them: what reports said so far. Not thread-safe. */
#ifndef IMG_CLI_PROGRESS_ITEMS_H
#define IMG_CLI_PROGRESS_ITEMS_H

#include "base/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_item {
	uint64_t id;
	char label[64]; /* escaped */
	char state[24]; /* escaped; "" before the first */
	uint64_t bytes, total_bytes;
	bool is_count;	   /* those are things, not bytes */
	uint64_t begin_ms; /* of the clock */
	uint64_t shown_ms; /* the view's: when it last showed the item */
	bool is_done;
};

struct progress_items {
	struct progress_item *items; /* owned; in order of appearance */
	size_t count, alloc;
};

void progress_items_fini(struct progress_items *items);
/*
 * Takes a report in; the item it is about, NULL for notes and unknown items. Valid until the next
 * call.
 */
struct progress_item *progress_items_take(struct progress_items *items,
					  const struct progress_event *event);
/* Removes it, keeping the order of the others. */
void progress_items_drop(struct progress_items *items, struct progress_item *item);
/* "131 MB", or "131" when it counts things. Returns dst. */
char *progress_amount(char dst[24], uint64_t n, bool is_count);
/* Milliseconds of the monotonic clock. */
uint64_t progress_now_ms(void);
/* Writes all of it and forgets about errors: progress never fails an operation. */
void progress_write(int fd, const char *text, size_t len);

#endif
