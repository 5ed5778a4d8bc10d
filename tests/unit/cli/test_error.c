/* SPDX-License-Identifier: Apache-2.0 */
/* Last words and exit statuses. */
#include "base/mem.h"
#include "cli/error.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

static char *printed(const struct err *err, bool color)
{
	struct check_capture c;

	check_begin(&c);
	error_print(c.f, err, color);
	return check_captured(&c);
}

void test_error__text(void)
{
	struct err err = { 0 };

	err_set(&err, ERR_NOT_FOUND, "thing: not there");
	_free_ char *plain = printed(&err, false);
	_free_ char *color = printed(&err, true);

	err_hint(&err, "look elsewhere");
	_free_ char *hint = printed(&err, false);

	CU_ASSERT(check_text("plain", "img: error: thing: not there\n", plain));
	CU_ASSERT(check_text("color", "img: \033[1;31merror:\033[0m thing: not there\n", color));
	CU_ASSERT(check_text("hint", "img: error: thing: not there\nimg: hint: look elsewhere\n",
			     hint));
}

void test_error__one_line_whatever_is_in_it(void)
{
	struct err err = { 0 };

	err_set(&err, ERR_FAILED, "a\nb\033[31mc\177");
	_free_ char *text = printed(&err, false);

	CU_ASSERT(check_text("line", "img: error: a b [31mc \n", text));
}

void test_error__statuses(void)
{
	static const struct {
		enum err_kind kind;
		int status;
	} rows[] = {
		{ ERR_FAILED, 1 },	{ ERR_USAGE, 2 },   { ERR_NOT_FOUND, 3 },
		{ ERR_EXISTS, 1 },	{ ERR_AUTH, 4 },    { ERR_DENIED, 4 },
		{ ERR_DAMAGED, 5 },	{ ERR_LIMIT, 5 },   { ERR_UNSUPPORTED, 1 },
		{ ERR_NO_SPACE, 1 },	{ ERR_NETWORK, 1 }, { ERR_TIMEOUT, 1 },
		{ ERR_CANCELLED, 130 }, { ERR_NONE, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct err err = { .kind = rows[i].kind };

		CU_ASSERT_EQUAL(error_status(&err), rows[i].status);
	}
}
