/* SPDX-License-Identifier: Apache-2.0 */
/* The Warning header: distribution-spec, "Warnings"; RFC 7234 section 5.5. */
#include "base/mem.h"
#include "net/warning.h"

#include <CUnit/CUnit.h>

void test_warning__texts(void)
{
	static const struct {
		const char *header, *want; /* the texts, each followed by '|' */
	} rows[] = {
		{ "299 - \"deprecated\"", "deprecated|" },
		{ "299 - \"a \\\"b\\\" \\\\ c\"", "a \"b\" \\ c|" },
		{ "299 - \"one\", 299 - \"two\"", "one|two|" },
		{ "299 - \"one, 299 - \" , 299 - \"two\"", "one, 299 - |two|" },
		{ "299 - \"dated\" \"Sat, 01 Jan 2028 00:00:00 GMT\", 299 - \"next\"",
		  "dated|next|" },
		{ "110 anderson/1.3.37 \"Response is stale\"", "" },
		{ "110 - \"stale, 299 - x\", 299 - \"mine\"", "mine|" },
		{ "299 host \"agent is not -\"", "" },
		{ "299 -  \"two blanks\"", "" },
		{ "299 - unquoted", "" },
		{ "299 - \"unfinished", "unfinished|" },
		{ "299 - \"ends with \\", "ends with \\|" },
		{ "299 - \"\"", "|" },
		{ "", "" },
		{ ",,,", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf all = BUF_INIT(1000);
		const char *at = rows[i].header;

		for (;;) {
			_buf_ struct buf text = BUF_INIT(1000);

			if (warning_next(&at, &text, NULL) <= 0)
				break;
			(void)buf_printf(&all, NULL, "%s|", buf_str(&text));
		}
		if (strcmp(buf_str(&all), rows[i].want) != 0)
			printf("# %s: '%s'\n", rows[i].header, buf_str(&all));
		CU_ASSERT_STRING_EQUAL(buf_str(&all), rows[i].want);
	}
}
