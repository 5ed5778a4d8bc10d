/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: the vectors of RFC 4648 section 10, and what is not base64. */
#include "base/base64.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

void test_base64__vectors(void)
{
	static const struct {
		const char *plain, *text;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "{}", "e30=" },
		{ "\xfb\xff\xbf", "+/+/" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t bytes = 99;
		uint8_t *_free_ data = base64_decode(rows[i].text, strlen(rows[i].text), &bytes);
		char *_free_ text =
			base64_encode((const uint8_t *)rows[i].plain, strlen(rows[i].plain));

		CU_ASSERT_PTR_NOT_NULL_FATAL(data);
		CU_ASSERT_EQUAL(bytes, strlen(rows[i].plain));
		CU_ASSERT_STRING_EQUAL((const char *)data, rows[i].plain);
		CU_ASSERT_STRING_EQUAL(text, rows[i].text);
	}
}

void test_base64__refuses_what_is_not(void)
{
	static const char *const texts[] = {
		"Z",	 "Zg",	  "Zg=",  "Zm8",   "=",	   "====", "Z===", "Zg==Zg==",
		"Zm 9v", "Zm9\n", "Zm-_", "Zm9v=", "Zh==", "Zm9=", "Zm=v", "\xff\xff\xff\xff",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t bytes;
		uint8_t *_free_ data = base64_decode(texts[i], strlen(texts[i]), &bytes);

		CU_ASSERT_PTR_NULL(data);
	}
}
