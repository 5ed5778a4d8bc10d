/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Display width by ranges (Unicode 15, EastAsianWidth.txt and general categories Mn, Me, Cf; the
 * blocks that matter).
 */
#include "cli/width.h"

#include "base/mem.h"
#include "base/text.h"

struct range {
	uint32_t first, last;
};

static const struct range zero[] = {
	{ 0x0300, 0x036f },   { 0x0483, 0x0489 }, { 0x0591, 0x05bd },	{ 0x0610, 0x061a },
	{ 0x064b, 0x065f },   { 0x06d6, 0x06dc }, { 0x0730, 0x074a },	{ 0x0900, 0x0902 },
	{ 0x093c, 0x093c },   { 0x0941, 0x0948 }, { 0x0e31, 0x0e31 },	{ 0x0e34, 0x0e3a },
	{ 0x0e47, 0x0e4e },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },	{ 0x200b, 0x200f },
	{ 0x202a, 0x202e },   { 0x2060, 0x2064 }, { 0x20d0, 0x20ff },	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },   { 0xfeff, 0xfeff }, { 0xe0001, 0xe0001 }, { 0xe0020, 0xe007f },
	{ 0xe0100, 0xe01ef },
};

static const struct range wide[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },	  { 0x23e9, 0x23ec },
	{ 0x25fd, 0x25fe },   { 0x2614, 0x2615 },   { 0x2648, 0x2653 },	  { 0x26aa, 0x26ab },
	{ 0x26bd, 0x26be },   { 0x2705, 0x2705 },   { 0x270a, 0x270b },	  { 0x2728, 0x2728 },
	{ 0x274c, 0x274c },   { 0x2753, 0x2755 },   { 0x2795, 0x2797 },	  { 0x2b1b, 0x2b1c },
	{ 0x2b50, 0x2b50 },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },	  { 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xa960, 0xa97f },	  { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe10, 0xfe19 },   { 0xfe30, 0xfe6f },	  { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
	{ 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
};

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
	size_t low = 0, high = count;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (c > ranges[mid].last)
			low = mid + 1;
		else
			high = mid;
	}
	return low < count && c >= ranges[low].first;
}

static unsigned columns_of(uint32_t c)
{
	if (c < 0x300)
		return 1;
	if (is_in(zero, ARRAY_SIZE(zero), c))
		return 0;
	return is_in(wide, ARRAY_SIZE(wide), c) ? 2 : 1;
}

/* The code point at `s` and its bytes; a byte that is no UTF-8 counts as one column. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const unsigned char first_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const size_t n = text_utf8_len(s, len);

	if (!n) {
		*ret = '?';
		return 1;
	}
	uint32_t c = s[0] & first_mask[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	*ret = c;
	return n;
}

size_t width_fit(const char *text, size_t len, size_t columns)
{
	size_t at = 0, used = 0;

	while (at < len) {
		uint32_t c;
		const size_t n = decode((const unsigned char *)text + at, len - at, &c);

		used += columns_of(c);
		if (used > columns)
			break;
		at += n;
	}
	return at;
}

size_t width_of(const char *text, size_t len)
{
	size_t used = 0;

	for (size_t at = 0; at < len;) {
		uint32_t c;

		at += decode((const unsigned char *)text + at, len - at, &c);
		used += columns_of(c);
	}
	return used;
}
