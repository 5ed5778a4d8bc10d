/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, escaping, sizes and times as text. Everything takes bytes from outside. */
#include "base/text.h"

#include <errno.h>

static int digit_of(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

int text_parse_u64(const char *s, size_t len, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;

	if (!len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		const unsigned digit = (unsigned)digit_of((unsigned char)s[i]);

		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

int text_parse_i64(const char *s, size_t len, int64_t *ret)
{
	const bool negative = len && s[0] == '-';
	uint64_t magnitude;

	TRY(text_parse_u64(s + negative, len - negative, 10, &magnitude));
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return 0;
}

/* Length of the valid UTF-8 sequence at s, or 0. RFC 3629 table 3-7. */
size_t text_utf8_len(const void *p, size_t len)
{
	const unsigned char *s = p;
	size_t want;
	unsigned char low = 0x80, high = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		want = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		want = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		want = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (len < want || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < want; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

bool text_is_utf8(const void *p, size_t len)
{
	const unsigned char *s = p;

	while (len) {
		const size_t n = text_utf8_len(s, len);

		if (!n)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/*
 * Turns the direction of writing, or breaks lines: U+200E-F, U+2028-E, U+2066-9 (CVE-2021-42574).
 */
bool text_is_bidi(const void *p, size_t n)
{
	const unsigned char *s = p;

	if (n == 2)
		return s[0] == 0xd8 && s[1] == 0x9c; /* U+061C */
	if (n != 3 || s[0] != 0xe2)
		return false;
	if (s[1] == 0x80)
		return s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae);
	return s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

/* One character of the source as it may be shown; returns the source bytes it stands for. */
static size_t escape_one(const unsigned char *s, size_t len, char out[8])
{
	static const char letters[256] = { ['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['\\'] = '\\' };
	const size_t n = text_utf8_len(s, len);
	const bool c1 = n == 2 && s[0] == 0xc2 && s[1] < 0xa0; /* C1 controls, U+0080..U+009F */

	if (letters[s[0]]) {
		snprintf(out, 8, "\\%c", letters[s[0]]);
		return 1;
	}
	if (!n || c1 || text_is_bidi(s, n) || s[0] < 0x20 || s[0] == 0x7f) {
		snprintf(out, 8, "\\x%02x", s[0]);
		return 1;
	}
	memcpy(out, s, n);
	out[n] = '\0';
	return n;
}

char *text_escape(char *dst, size_t dst_bytes, const void *src, size_t len)
{
	const unsigned char *s = src;
	size_t used = 0, cut = 0; /* cut: where "..." still fits */

	if (!dst_bytes)
		return dst;
	dst[0] = '\0';
	while (len) {
		char one[8];
		const size_t eaten = escape_one(s, len, one);
		const size_t n = strlen(one);

		if (used + n >= dst_bytes) {
			snprintf(dst + cut, dst_bytes - cut, "...");
			return dst;
		}
		memcpy(dst + used, one, n + 1);
		used += n;
		if (used + 3 < dst_bytes)
			cut = used;
		s += eaten;
		len -= eaten;
	}
	return dst;
}

int text_escape_buf(struct buf *dst, const void *src, size_t len, struct err *err)
{
	const unsigned char *s = src;

	while (len) {
		char one[8];
		const size_t eaten = escape_one(s, len, one);

		TRY(buf_append_str(dst, one, err));
		s += eaten;
		len -= eaten;
	}
	return 0;
}

bool text_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *s, const char *suffix)
{
	const size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

char *text_size(char *dst, size_t dst_bytes, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(dst, dst_bytes, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return dst;
}

/* Reads `count` digits at *s and moves on. */
static int digits(const char **s, size_t count, int *ret)
{
	uint64_t value;

	if (strnlen(*s, count) < count)
		return -EINVAL;
	TRY(text_parse_u64(*s, count, 10, &value));
	*ret = (int)value;
	*s += count;
	return 0;
}

/* "+HH:MM", "-HH:MM" or "Z" up to the end, as seconds east of UTC. */
static int zone(const char *s, int *ret_sec)
{
	int hours, minutes;
	const char sign = *s;

	if ((sign == 'Z' || sign == 'z') && !s[1]) {
		*ret_sec = 0;
		return 0;
	}
	if (sign != '+' && sign != '-')
		return -EINVAL;
	s++;
	TRY(digits(&s, 2, &hours));
	if (*s++ != ':')
		return -EINVAL;
	TRY(digits(&s, 2, &minutes));
	if (*s || hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_sec = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return 0;
}

static int fraction(const char **s, uint32_t *ret_nsec)
{
	uint32_t nsec = 0;
	uint32_t weight = 100000000;

	*ret_nsec = 0;
	if (**s != '.')
		return 0;
	if ((*s)[1] < '0' || (*s)[1] > '9')
		return -EINVAL;
	for ((*s)++; **s >= '0' && **s <= '9'; (*s)++) {
		nsec += (uint32_t)(**s - '0') * weight;
		weight /= 10;
	}
	*ret_nsec = nsec;
	return 0;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Before timegm, which would quietly make a date of what is none. */
static bool in_range(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (tm->tm_mon < 0 || tm->tm_mon > 11)
		return false;
	const int last = days[tm->tm_mon] + (tm->tm_mon == 1 && is_leap(tm->tm_year + 1900));

	return tm->tm_mday >= 1 && tm->tm_mday <= last && tm->tm_hour < 24 && tm->tm_min < 60 &&
	       tm->tm_sec <= 60;
}

int text_parse_rfc3339(const char *s, int64_t *ret_sec, uint32_t *ret_nsec)
{
	struct tm tm = { 0 };
	uint32_t nsec;
	int east;
	struct {
		int *field;
		size_t count;
		char after;
	} const parts[] = { { &tm.tm_year, 4, '-' }, { &tm.tm_mon, 2, '-' },
			    { &tm.tm_mday, 2, 'T' }, { &tm.tm_hour, 2, ':' },
			    { &tm.tm_min, 2, ':' },  { &tm.tm_sec, 2, '\0' } };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		TRY(digits(&s, parts[i].count, parts[i].field));
		if (!parts[i].after)
			continue;
		if (*s != parts[i].after && !(parts[i].after == 'T' && (*s == 't' || *s == ' ')))
			return -EINVAL;
		s++;
	}
	TRY(fraction(&s, &nsec));
	TRY(zone(s, &east));
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!in_range(&tm))
		return -EINVAL;
	*ret_sec = (int64_t)timegm(&tm) - east;
	*ret_nsec = nsec;
	return 0;
}

char *text_rfc3339(char *dst, size_t dst_bytes, int64_t sec)
{
	const time_t t = (time_t)sec;
	struct tm tm;

	if (!dst_bytes)
		return dst;
	dst[0] = '\0';
	/* RFC 3339 has four digits for the year. */
	if (gmtime_r(&t, &tm) && tm.tm_year >= -1900 && tm.tm_year <= 9999 - 1900)
		snprintf(dst, dst_bytes, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
			 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return dst;
}
