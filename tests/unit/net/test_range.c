/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Range: RFC 9110 section 14.4. */
#include "base/mem.h"
#include "net/range.h"

#include <CUnit/CUnit.h>
#include <string.h>

void test_range__parsed(void)
{
	static const struct {
		const char *text;
		struct content_range want;
	} rows[] = {
		{ "bytes 0-0/1", { 0, 0, 1 } },
		{ "bytes 42-1233/1234", { 42, 1233, 1234 } },
		{ "Bytes 42-1233/*", { 42, 1233, UINT64_MAX } },
		{ "bytes 0-18446744073709551613/18446744073709551614",
		  { 0, UINT64_MAX - 2, UINT64_MAX - 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct content_range r = { 0 };

		CU_ASSERT_TRUE(content_range_parse(rows[i].text, &r));
		CU_ASSERT_EQUAL(memcmp(&r, &rows[i].want, sizeof(r)), 0);
	}
}

void test_range__refused(void)
{
	static const char *const rows[] = {
		"",
		"bytes",
		"bytes ",
		"bytes */1234",
		"bytes 1-0/5",
		"bytes 0-5/5",
		"bytes 0-4/5 ",
		"bytes 0-4/",
		"bytes 0-/5",
		"bytes -4/5",
		"bytes 0 - 4/5",
		"bytes=0-4/5",
		"items 0-4/5",
		"bytes 0-4/5x",
		"bytes +0-4/5",
		"bytes 0-4",
		"bytes 0x0-4/5",
		"bytes 0-4/**",
		"bytes 0-99999999999999999999/*",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct content_range r;

		if (content_range_parse(rows[i], &r))
			printf("# taken: %s\n", rows[i]);
		CU_ASSERT_FALSE(content_range_parse(rows[i], &r));
	}
	CU_ASSERT_FALSE(content_range_parse(NULL, NULL));
}
