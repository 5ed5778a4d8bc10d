/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, escaping, UTF-8, sizes and times. */
#include "base/text.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

void test_text__parse_u64(void)
{
	static const struct {
		const char *text;
		unsigned base;
		int rc;
		uint64_t value;
	} rows[] = {
		{ "0", 10, 0, 0 },
		{ "00012", 10, 0, 12 },
		{ "18446744073709551615", 10, 0, UINT64_MAX },
		{ "18446744073709551616", 10, -ERANGE, 0 },
		{ "99999999999999999999999", 10, -ERANGE, 0 },
		{ "", 10, -EINVAL, 0 },
		{ "+1", 10, -EINVAL, 0 },
		{ "-1", 10, -EINVAL, 0 },
		{ " 1", 10, -EINVAL, 0 },
		{ "1 ", 10, -EINVAL, 0 },
		{ "1a", 10, -EINVAL, 0 },
		{ "0x10", 16, -EINVAL, 0 },
		{ "fF", 16, 0, 255 },
		{ "ffffffffffffffff", 16, 0, UINT64_MAX },
		{ "10000000000000000", 16, -ERANGE, 0 },
		{ "g", 16, -EINVAL, 0 },
		{ "777", 8, 0, 511 },
		{ "8", 8, -EINVAL, 0 },
		{ "1777777777777777777777", 8, 0, UINT64_MAX },
		{ "2000000000000000000000", 8, -ERANGE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = 0;

		CU_ASSERT_EQUAL(text_parse_u64(rows[i].text, strlen(rows[i].text), rows[i].base,
					       &value),
				rows[i].rc);
		CU_ASSERT_EQUAL(value, rows[i].value);
	}
	uint64_t value;

	CU_ASSERT_EQUAL(text_parse_u64("123", 2, 10, &value), 0);
	CU_ASSERT_EQUAL(value, 12);
	CU_ASSERT_EQUAL(text_parse_u64("1\0", 2, 10, &value), -EINVAL);
}

void test_text__parse_i64(void)
{
	static const struct {
		const char *text;
		int rc;
		int64_t value;
	} rows[] = {
		{ "-1", 0, -1 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "-", -EINVAL, 0 },
		{ "--1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-0", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t value = 0;

		CU_ASSERT_EQUAL(text_parse_i64(rows[i].text, strlen(rows[i].text), &value),
				rows[i].rc);
		CU_ASSERT_EQUAL(value, rows[i].value);
	}
}

/* RFC 3629 section 4. */
static const struct {
	const char *bytes;
	bool valid;
} utf8_rows[] = {
	{ "", true },
	{ "abc", true },
	{ "\xc2\x80", true },
	{ "\xdf\xbf", true },
	{ "\xe0\xa0\x80", true },
	{ "\xed\x9f\xbf", true },
	{ "\xef\xbf\xbf", true },
	{ "\xf0\x90\x80\x80", true },
	{ "\xf4\x8f\xbf\xbf", true },
	{ "\x80", false },
	{ "\xbf", false },
	{ "\xc0\x80", false }, /* overlong NUL */
	{ "\xc1\xbf", false }, /* overlong */
	{ "\xc2", false },     /* cut */
	{ "\xc2"
	  "a",
	  false },
	{ "\xe0\x9f\xbf", false }, /* overlong */
	{ "\xe2\x82", false },
	{ "\xe2\x82"
	  "a",
	  false },
	{ "\xed\xa0\x80", false }, /* surrogate */
	{ "\xed\xbf\xbf", false },
	{ "\xf0\x8f\xbf\xbf", false }, /* overlong */
	{ "\xf0\x90\x80", false },
	{ "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
	{ "\xf5\x80\x80\x80", false },
	{ "\xff", false },
	{ "ok\xff", false },
};

void test_text__utf8(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(utf8_rows); i++)
		CU_ASSERT_EQUAL(text_is_utf8(utf8_rows[i].bytes, strlen(utf8_rows[i].bytes)),
				utf8_rows[i].valid);
	CU_ASSERT_EQUAL(text_utf8_len("\xf0\x90\x80\x80x", 5), 4);
	CU_ASSERT_EQUAL(text_utf8_len("\xf0\x90\x80\x80", 3), 0);
	CU_ASSERT_EQUAL(text_utf8_len("\0", 1), 1);
}

static const struct {
	const char *in, *out;
} escape_rows[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "a\nb\tc\rd", "a\\nb\\tc\\rd" },
	{ "back\\slash", "back\\\\slash" },
	{ "\033[2J", "\\x1b[2J" },
	{ "\x7f", "\\x7f" },
	{ "\xc2\x9b"
	  "31m",
	  "\\xc2\\x9b31m" }, /* CSI as a C1 control */
	{ "\xc2\xa0", "\xc2\xa0" },
	{ "\xe2\x80\xae"
	  "gpj",
	  "\\xe2\\x80\\xaegpj" }, /* right-to-left override */
	{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },
	{ "\xe2\x80\x8d", "\xe2\x80\x8d" }, /* zero-width joiner: emoji have it */
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
};

void test_text__escape(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(escape_rows); i++) {
		char out[100];
		_buf_ struct buf b = BUF_INIT(100);
		const size_t len = strlen(escape_rows[i].in);

		CU_ASSERT_STRING_EQUAL(text_escape(out, sizeof(out), escape_rows[i].in, len),
				       escape_rows[i].out);
		CU_ASSERT_EQUAL(text_escape_buf(&b, escape_rows[i].in, len, NULL), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&b), escape_rows[i].out);
	}
	CU_ASSERT_STRING_EQUAL(text_escape((char[20]){ 0 }, 20, "a\0b", 3), "a\\x00b");
	CU_ASSERT_STRING_EQUAL(TEXT_ESCAPED("x\n"), "x\\n");
}

void test_text__escape_cuts_at_any_size(void)
{
	static const char text[] = "ab\n\xc3\xbc\xff"
				   "cd";
	_buf_ struct buf whole = BUF_INIT(100);

	CU_ASSERT_EQUAL(text_escape_buf(&whole, text, sizeof(text) - 1, NULL), 0);
	for (size_t bytes = 1; bytes < 40; bytes++) {
		_free_ char *out = xcalloc(bytes, 1);

		text_escape(out, bytes, text, sizeof(text) - 1);
		const size_t len = strlen(out);

		CU_ASSERT_TRUE(len < bytes);
		CU_ASSERT_TRUE(text_is_utf8(out, len));
		if (bytes > whole.len)
			CU_ASSERT_STRING_EQUAL(out, buf_str(&whole));
		if (bytes > 3 && bytes <= whole.len)
			CU_ASSERT_TRUE(text_ends_with(out, "..."));
	}
	CU_ASSERT_PTR_NULL(text_escape(NULL, 0, "x", 1));
}

void test_text__escape_buf_respects_the_cap(void)
{
	_buf_ struct buf b = BUF_INIT(5);

	CU_ASSERT_EQUAL(text_escape_buf(&b, "ab\xff", 3, NULL), -E2BIG);
}

void test_text__starts_and_ends(void)
{
	CU_ASSERT_TRUE(text_starts_with("abc", "ab") && text_starts_with("abc", ""));
	CU_ASSERT_FALSE(text_starts_with("a", "ab"));
	CU_ASSERT_TRUE(text_ends_with("abc", "bc") && text_ends_with("abc", ""));
	CU_ASSERT_FALSE(text_ends_with("c", "bc"));
}

void test_text__sizes(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 1500, "1.5 kB" },
		{ 9949, "9.9 kB" },
		{ 9950, "10 kB" },
		{ 131000000, "131 MB" },
		{ 999499, "999 kB" },
		{ 999500, "1.0 MB" },
		{ 999999999, "1.0 GB" },
		{ UINT64_MAX, "18 EB" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_STRING_EQUAL(TEXT_SIZE(rows[i].bytes), rows[i].text);
}

/* RFC 3339 section 5.6 and its examples in 5.8. */
void test_text__rfc3339(void)
{
	static const struct {
		const char *text;
		int64_t sec;
		uint32_t nsec;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "1969-12-31T23:59:59Z", -1, 0 },
		{ "1985-04-12T23:20:50.52Z", 482196050, 520000000 },
		{ "1996-12-19T16:39:57-08:00", 851042397, 0 },
		{ "1990-12-31T23:59:60Z", 662688000, 0 }, /* a leap second */
		{ "1937-01-01T12:00:27.87+00:20", -1041337173, 870000000 },
		{ "2026-01-02t03:04:05z", 1767323045, 0 },
		{ "2026-01-02 03:04:05Z", 1767323045, 0 },
		{ "2024-02-29T00:00:00Z", 1709164800, 0 },
		{ "2000-02-29T00:00:00Z", 951782400, 0 },
		{ "2026-01-02T03:04:05.123456789123Z", 1767323045, 123456789 },
		{ "0001-01-01T00:00:00Z", -62135596800, 0 },
		{ "9999-12-31T23:59:59Z", 253402300799, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t sec = 0;
		uint32_t nsec = 1;

		CU_ASSERT_EQUAL(text_parse_rfc3339(rows[i].text, &sec, &nsec), 0);
		CU_ASSERT_EQUAL(sec, rows[i].sec);
		CU_ASSERT_EQUAL(nsec, rows[i].nsec);
	}
}

void test_text__rfc3339_refuses(void)
{
	static const char *const rows[] = {
		"",
		"2026",
		"2026-01-02",
		"2026-01-02T03:04:05",
		"2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05Zx",
		"2026-13-02T03:04:05Z",
		"2026-00-02T03:04:05Z",
		"2026-01-32T03:04:05Z",
		"2026-01-00T03:04:05Z",
		"2026-01-02T24:04:05Z",
		"2026-01-02T03:60:05Z",
		"2026-01-02T03:04:61Z",
		"2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05+0100",
		"2026-01-02T03:04:05+01:60",
		"26-01-02T03:04:05Z",
		"2026-1-02T03:04:05Z",
		"-026-01-02T03:04:05Z",
		"2026-01-02X03:04:05Z",
		"2025-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		" 2026-01-02T03:04:05Z",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t sec = 77;
		uint32_t nsec = 78;

		CU_ASSERT_EQUAL(text_parse_rfc3339(rows[i], &sec, &nsec), -EINVAL);
		CU_ASSERT_TRUE(sec == 77 && nsec == 78);
	}
}

void test_text__rfc3339_back(void)
{
	char out[21];

	CU_ASSERT_STRING_EQUAL(text_rfc3339(out, sizeof(out), 1767323045), "2026-01-02T03:04:05Z");
	CU_ASSERT_STRING_EQUAL(text_rfc3339(out, sizeof(out), -62135596800),
			       "0001-01-01T00:00:00Z");
	CU_ASSERT_STRING_EQUAL(text_rfc3339(out, sizeof(out), 253402300800), "");
	CU_ASSERT_STRING_EQUAL(text_rfc3339(out, sizeof(out), INT64_MAX), "");
	CU_ASSERT_STRING_EQUAL(text_rfc3339(out, sizeof(out), INT64_MIN), "");
}
