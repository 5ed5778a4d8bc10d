/* SPDX-License-Identifier: Apache-2.0 */
/* How one entry of a layer is shown. */
#include "base/mem.h"
#include "cli/layer_list.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

void test_layer_list__mode(void)
{
	static const struct {
		char type;
		uint32_t mode;
		const char *text;
	} rows[] = {
		{ '0', 0644, "-rw-r--r--" },  { '1', 0755, "hrwxr-xr-x" },
		{ '2', 0777, "lrwxrwxrwx" },  { '3', 0600, "crw-------" },
		{ '4', 0660, "brw-rw----" },  { '5', 01777, "drwxrwxrwt" },
		{ '6', 0, "p---------" },     { '0', 04755, "-rwsr-xr-x" },
		{ '0', 04644, "-rwSr--r--" }, { '0', 02755, "-rwxr-sr-x" },
		{ '0', 02644, "-rw-r-Sr--" }, { '5', 01776, "drwxrwxrwT" },
		{ 'V', 0644, "?rw-r--r--" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct tar_entry entry = { .type = rows[i].type, .mode = rows[i].mode };
		char dst[11];

		CU_ASSERT(check_text("mode", rows[i].text, layer_list_mode(dst, &entry)));
	}
}

void test_layer_list__whiteouts(void)
{
	static const struct {
		const char *name, *hides; /* NULL: ordinary */
	} rows[] = {
		{ "etc/passwd", NULL }, { "etc/.wh.passwd", "passwd" },
		{ ".wh.etc", "etc" },	{ "etc/.wh..wh..opq", "" },
		{ "etc/.wh.", "" },	{ ".wh.d/file", NULL },
		{ "a.wh.b", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = layer_list_whiteout(rows[i].name);

		CU_ASSERT_EQUAL(got == NULL, rows[i].hides == NULL);
		CU_ASSERT(check_text(rows[i].name, rows[i].hides ? rows[i].hides : "",
				     got ? got : ""));
	}
}
