/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backoff, and the header by which a server sets it. Dates come from peers and are read strictly:
 * fixed places, English names, four-digit years from 1970.
 */
#include "net/backoff.h"

#include "base/mem.h"
#include "base/text.h"

#include <sys/random.h>

#define SLICE_MS 50

void backoff_init(struct backoff *b, unsigned retries, unsigned first_ms)
{
	*b = (struct backoff){ .retries = retries, .first_ms = first_ms ? first_ms : 500 };
	backoff_reset(b);
}

void backoff_reset(struct backoff *b)
{
	b->left = b->retries;
	b->wait_ms = b->first_ms;
}

/* Between 3/4 and 5/4 of the time. */
static uint64_t with_jitter(uint64_t ms)
{
	uint32_t dice = 0;

	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != sizeof(dice))
		return ms;
	return ms - ms / 4 + dice % (ms / 2 + 1);
}

static int sleep_for(uint64_t ms, const struct op *op, struct err *err)
{
	while (ms) {
		const uint64_t slice = ms < SLICE_MS ? ms : SLICE_MS;
		const struct timespec t = { .tv_nsec = (long)slice * 1000000 };

		TRY(op_check(op, err));
		(void)nanosleep(&t, NULL);
		ms -= slice;
	}
	return op_check(op, err);
}

int backoff_wait(struct backoff *b, struct op *op, const struct err *why, int64_t asked_ms,
		 struct err *err)
{
	uint64_t ms;

	TRY(op_check(op, err));
	if (!b->left || asked_ms > BACKOFF_MAX_MS)
		return 0;
	b->left--;
	ms = asked_ms >= 0 ? (uint64_t)asked_ms : with_jitter(b->wait_ms);
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	b->wait_ms = b->wait_ms > BACKOFF_MAX_MS / 2 ? BACKOFF_MAX_MS : b->wait_ms * 2;
	op_note(op, "%s; trying again in %.1f s (%u of %u)", why->msg, (double)ms / 1000.0,
		b->retries - b->left, b->retries);
	TRY(sleep_for(ms, op, err));
	return 1;
}

bool backoff_is_status(unsigned status)
{
	static const unsigned worth[] = { 408, 429, 499, 500, 502, 503, 504, 522 };

	for (size_t i = 0; i < ARRAY_SIZE(worth); i++)
		if (worth[i] == status)
			return true;
	return false;
}

/*
 * --- dates
 * ----------------------------------------------------------------------------------------
 */

struct date {
	unsigned year, month, day, hour, minute, second;
};

static bool read_number(const char *s, size_t count, unsigned *ret)
{
	uint64_t value;

	if (strnlen(s, count) < count || text_parse_u64(s, count, 10, &value) < 0)
		return false;
	*ret = (unsigned)value;
	return true;
}

static bool read_month(const char *s, unsigned *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++)
		if (strncmp(s, names + (size_t)i * 3, 3) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

/*
 * One field of a pattern: D day, d day that may begin with a space, M month's name, Y year, y year
 * of two digits, h m s time, Z the zone. Returns its width, 0 when it doesn't fit.
 */
static size_t read_field(char field, const char *s, struct date *d)
{
	switch (field) {
	case 'D':
		return read_number(s, 2, &d->day) ? 2 : 0;
	case 'd':
		if (s[0] == ' ')
			return read_number(s + 1, 1, &d->day) ? 2 : 0;
		return read_number(s, 2, &d->day) ? 2 : 0;
	case 'M':
		return read_month(s, &d->month) ? 3 : 0;
	case 'Y':
		return read_number(s, 4, &d->year) ? 4 : 0;
	case 'y':
		/* A year that seems far ahead is the one of the century before. */
		if (!read_number(s, 2, &d->year))
			return 0;
		d->year += d->year < 70 ? 2000 : 1900;
		return 2;
	case 'h':
		return read_number(s, 2, &d->hour) ? 2 : 0;
	case 'm':
		return read_number(s, 2, &d->minute) ? 2 : 0;
	case 's':
		return read_number(s, 2, &d->second) ? 2 : 0;
	case 'Z':
		return strncmp(s, "GMT", 3) == 0 ? 3 : 0;
	default:
		return *s == field;
	}
}

/* Reads all of `s` by a pattern: a letter is a field, everything else must be there. */
static bool read_date(const char *pattern, const char *s, struct date *d)
{
	for (; *pattern; pattern++) {
		const size_t n = read_field(*pattern, s, d);

		if (!n)
			return false;
		s += n;
	}
	return !*s;
}

static bool is_valid(const struct date *d)
{
	static const unsigned char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return d->year >= 1970 && d->day >= 1 && d->day <= days[d->month] && d->hour < 24 &&
	       d->minute < 60 && d->second <= 60;
}

int backoff_parse_date(const char *text, int64_t *ret_sec)
{
	/* After the day's name, which is not looked at: IMF-fixdate, RFC 850, asctime. */
	static const char *const patterns[] = { ", D M Y h:m:s Z", ", D-M-y h:m:s Z",
						" M d h:m:s Y" };
	const size_t name = strspn(text, "MondayTuesdayWednesdayThursdayFridaySaturdaySunday");

	if (name < 3 || name > 9)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct date d = { 0 };

		if (!read_date(patterns[i], text + name, &d) || !is_valid(&d))
			continue;
		struct tm tm = { .tm_year = (int)d.year - 1900,
				 .tm_mon = (int)d.month,
				 .tm_mday = (int)d.day,
				 .tm_hour = (int)d.hour,
				 .tm_min = (int)d.minute,
				 .tm_sec = (int)d.second };

		*ret_sec = (int64_t)timegm(&tm);
		return 0;
	}
	return -EINVAL;
}

int64_t backoff_retry_after(const char *value, int64_t now_sec)
{
	uint64_t seconds;
	int64_t when;
	const int rc = text_parse_u64(value, strlen(value), 10, &seconds);

	if (rc == -ERANGE || (rc == 0 && seconds > INT64_MAX / 1000))
		return INT64_MAX;
	if (rc == 0)
		return (int64_t)seconds * 1000;
	if (backoff_parse_date(value, &when) < 0)
		return -1;
	return when > now_sec ? (when - now_sec) * 1000 : 0;
}
