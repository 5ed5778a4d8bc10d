/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of tar headers and pax records, read as Go's archive/tar reads them: POSIX pax "ustar
 * Interchange Format" and "pax Header Keywords", GNU tar's base-256. Trusts nothing; what overflows
 * is an error.
 */
#include "layers/tar_parts.h"

#include "base/text.h"

#include <errno.h>

/* GNU: the first bit says binary, the second is the sign of a two's complement number. */
static int parse_base256(const uint8_t *p, size_t len, int64_t *ret)
{
	const uint8_t flip = p[0] & 0x40 ? 0xff : 0;
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		const uint8_t byte = (uint8_t)((p[i] ^ flip) & (i ? 0xff : 0x7f));

		if (value >> 56)
			return -EINVAL;
		value = value << 8 | byte;
	}
	if (value >> 63)
		return -EINVAL;
	*ret = flip ? -(int64_t)value - 1 : (int64_t)value;
	return 0;
}

static bool is_padding(uint8_t c)
{
	return c == ' ' || c == '\0';
}

int tar_parse_octal(const uint8_t *p, size_t len, int64_t *ret)
{
	uint64_t value = 0;

	while (len && is_padding(p[0]))
		p++, len--;
	while (len && is_padding(p[len - 1]))
		len--;
	for (size_t i = 0; i < len && p[i]; i++) {
		if (p[i] < '0' || p[i] > '7' || value >> 60)
			return -EINVAL;
		value = value << 3 | (uint64_t)(p[i] - '0');
	}
	*ret = (int64_t)value;
	return 0;
}

int tar_parse_numeric(const uint8_t *p, size_t len, int64_t *ret)
{
	return p[0] & 0x80 ? parse_base256(p, len, ret) : tar_parse_octal(p, len, ret);
}

int tar_parse_decimal(const char *s, size_t len, int64_t *ret)
{
	if (!len)
		return -EINVAL;
	if (s[0] == '+') {
		if (len > 1 && s[1] == '-')
			return -EINVAL;
		s++, len--;
	}
	return text_parse_i64(s, len, ret) < 0 ? -EINVAL : 0;
}

/* The digits after the point as nanoseconds. */
static int parse_fraction(const char *s, size_t len, uint32_t *ret)
{
	uint32_t nsec = 0;

	for (size_t i = 0; i < len || i < 9; i++) {
		const int digit = i < len ? s[i] - '0' : 0;

		if (digit < 0 || digit > 9)
			return -EINVAL;
		if (i < 9)
			nsec = nsec * 10 + (uint32_t)digit;
	}
	*ret = nsec;
	return 0;
}

int tar_parse_time(const char *s, size_t len, int64_t *ret_sec, uint32_t *ret_nsec)
{
	const char *point = memchr(s, '.', len);
	const size_t whole = point ? (size_t)(point - s) : len;
	uint32_t nsec = 0;
	int64_t sec;

	TRY(tar_parse_decimal(s, whole, &sec));
	if (point)
		TRY(parse_fraction(point + 1, len - whole - 1, &nsec));
	/* -1.25 is a quarter of a second before -1: nanoseconds count forwards. */
	if (s[0] == '-' && nsec) {
		nsec = sec == INT64_MIN ? 0 : 1000000000 - nsec;
		sec -= sec != INT64_MIN;
	}
	*ret_sec = sec;
	*ret_nsec = nsec;
	return 0;
}
