/* SPDX-License-Identifier: Apache-2.0 */
/* Placing inodes and blocks. Pure arithmetic; sizes are bounded by who asks. */
#include "overlay/erofs_layout.h"

#include "overlay/erofs_format.h"

#include <stdbool.h>
#include <string.h>

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static void drop_gap(struct erofs_layout *l, unsigned i)
{
	l->gap_count--;
	memmove(&l->gaps[i], &l->gaps[i + 1], (l->gap_count - i) * sizeof(l->gaps[0]));
}

/* Puts a gap at its place in the list; what no inode fits in is none. */
static void add_gap(struct erofs_layout *l, unsigned at, uint64_t start, uint64_t end)
{
	start = round_up(start, EROFS_SLOT_BYTES);
	if (end < start + sizeof(struct erofs_inode))
		return;
	if (l->gap_count == EROFS_GAPS_MAX) {
		drop_gap(l, 0);
		at -= at > 0;
	}
	memmove(&l->gaps[at + 1], &l->gaps[at], (l->gap_count - at) * sizeof(l->gaps[0]));
	l->gaps[at] = (struct erofs_gap){ start, end };
	l->gap_count++;
}

static void forget_far_gaps(struct erofs_layout *l)
{
	while (l->gap_count && l->gaps[0].start + EROFS_GAP_REACH < l->end)
		drop_gap(l, 0);
}

/* The first slot from `at` on where the bytes that belong together cross no block. */
static uint64_t first_fit(uint64_t at, struct erofs_extent extent)
{
	const uint64_t before = extent.bytes - extent.together;
	uint64_t first;

	at = round_up(at, EROFS_SLOT_BYTES);
	if (!extent.together)
		return at;
	first = at + before;
	if (first % EROFS_BLOCK_BYTES + extent.together <= EROFS_BLOCK_BYTES)
		return at;
	first = round_up(first, EROFS_BLOCK_BYTES);
	return round_up(first - before, EROFS_SLOT_BYTES);
}

static bool fill_gap(struct erofs_layout *l, struct erofs_extent extent, uint64_t *ret)
{
	for (unsigned i = 0; i < l->gap_count; i++) {
		const struct erofs_gap gap = l->gaps[i];
		const uint64_t at = first_fit(gap.start, extent);

		if (at + extent.bytes > gap.end)
			continue;
		drop_gap(l, i);
		add_gap(l, i, at + extent.bytes, gap.end);
		add_gap(l, i, gap.start, at);
		*ret = at;
		return true;
	}
	return false;
}

uint64_t erofs_layout_blocks(struct erofs_layout *l, uint64_t count)
{
	const uint64_t start = round_up(l->end, EROFS_BLOCK_BYTES);

	add_gap(l, l->gap_count, l->end, start);
	l->end = start + count * EROFS_BLOCK_BYTES;
	forget_far_gaps(l);
	return start / EROFS_BLOCK_BYTES;
}

uint64_t erofs_layout_inode(struct erofs_layout *l, struct erofs_extent extent)
{
	uint64_t at;

	if (fill_gap(l, extent, &at))
		return at;
	at = first_fit(l->end, extent);
	add_gap(l, l->gap_count, l->end, at);
	l->end = at + extent.bytes;
	forget_far_gaps(l);
	return at;
}

uint64_t erofs_layout_settled(const struct erofs_layout *l)
{
	return l->gap_count ? l->gaps[0].start : l->end;
}
