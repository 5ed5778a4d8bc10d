/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and the width of text. */
#include "base/mem.h"
#include "cli/table.h"
#include "cli/width.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

void test_table__width(void)
{
	static const struct {
		const char *text;
		size_t columns;
	} rows[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "\xc3\xa9", 1 },		   /* e with acute, one code point */
		{ "e\xcc\x81", 1 },		   /* e and a combining acute (Mn) */
		{ "\xe4\xb8\xad\xe6\x96\x87", 4 }, /* two CJK ideographs (W) */
		{ "\xef\xbc\xa1", 2 },		   /* fullwidth A (F) */
		{ "\xea\xb0\x80", 2 },		   /* Hangul syllable (W) */
		{ "\xf0\x9f\x98\x80", 2 },	   /* emoji (W) */
		{ "a\xe2\x80\x8b", 1 },		   /* zero width space (Cf) */
		{ "\xe2\x94\x80\xe2\x94\x94", 2 }, /* box drawing: narrow */
		{ "\xff\xfe", 2 },		   /* not UTF-8: a column each */
		{ "\xe4\xb8", 2 },		   /* cut short */
		{ "\xcd\xaf\xcd\xb0", 1 },	   /* last of a range, first after it */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (width_of(rows[i].text, strlen(rows[i].text)) != rows[i].columns)
			printf("# row %zu: %s\n", i, rows[i].text);
		CU_ASSERT_EQUAL(width_of(rows[i].text, strlen(rows[i].text)), rows[i].columns);
	}
}

void test_table__fit(void)
{
	static const char cjk[] = "\xe4\xb8\xad\xe6\x96\x87";

	CU_ASSERT_EQUAL(width_fit("abcdef", 6, 4), 4);
	CU_ASSERT_EQUAL(width_fit("abc", 3, 4), 3);
	CU_ASSERT_EQUAL(width_fit("abc", 3, 0), 0);
	CU_ASSERT_EQUAL(width_fit(cjk, 6, 4), 6);
	/* Never half a character. */
	CU_ASSERT_EQUAL(width_fit(cjk, 6, 3), 3);
	CU_ASSERT_EQUAL(width_fit(cjk, 6, 1), 0);
	/* What combines stays with what it combines with. */
	CU_ASSERT_EQUAL(width_fit("e\xcc\x81x", 4, 1), 3);
}

static const struct table_column columns[] = {
	{ .title = "NAME" },
	{ .title = "SIZE", .right = true },
	{ .title = "TEXT", .max = 10 },
};

static char *printed(const struct table *t, unsigned indent)
{
	struct check_capture c;

	check_begin(&c);
	table_print(t, indent, c.f);
	return check_captured(&c);
}

void test_table__aligns(void)
{
	_table_ struct table *t = table_new(columns, 3);

	table_add(t, "a");
	table_addf(t, "%d", 7);
	table_add(t, "x");
	table_add(t, "longer-name");
	table_addf(t, "%d kB", 1000);
	table_add(t, "y");
	_free_ char *text = printed(t, 0);

	CU_ASSERT(check_text("table",
			     "NAME            SIZE  TEXT\n"
			     "a                  7  x\n"
			     "longer-name  1000 kB  y\n",
			     text));
}

void test_table__cuts_and_indents(void)
{
	_table_ struct table *t = table_new(columns, 3);

	table_add(t, "\xe4\xb8\xad");
	table_add(t, NULL);
	table_add(t, "0123456789");
	table_add(t, "ab");
	table_add(t, "");
	table_add(t, "0123456789a");
	_free_ char *text = printed(t, 2);

	CU_ASSERT(check_text("table",
			     "  NAME  SIZE  TEXT\n"
			     "  \xe4\xb8\xad       -  0123456789\n"
			     "  ab       -  0123456...\n",
			     text));
}

void test_table__escapes(void)
{
	_table_ struct table *t = table_new(columns, 3);

	table_add(t, "\033[2Jx\n");
	table_add(t, "1");
	table_add(t, "\xff");
	_free_ char *text = printed(t, 0);

	CU_ASSERT(check_has("table", "\\x1b[2Jx\\n     1  \\xff\n", text));
}

void test_table__huge_cell(void)
{
	_table_ struct table *t = table_new(columns, 1);
	_free_ char *huge = xcalloc(1, 200001);

	memset(huge, 'x', 200000);
	table_add(t, huge);
	_free_ char *text = printed(t, 0);

	CU_ASSERT(strlen(text) < 100000);
}

void test_table__empty(void)
{
	_table_ struct table *t = table_new(columns, 3);
	_free_ char *text = printed(t, 0);

	CU_ASSERT(check_text("empty", "NAME  SIZE  TEXT\n", text));
}
