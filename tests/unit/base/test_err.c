/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: set once, prefixed, classified. */
#include "base/err.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

void test_err__set_fills_all(void)
{
	struct err err = { .hint = "old" };

	CU_ASSERT_EQUAL(err_set(&err, ERR_DAMAGED, "%s: %d", "layer", 7), -EBADMSG);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_EQUAL(err.errnum, EBADMSG);
	CU_ASSERT_STRING_EQUAL(err.msg, "layer: 7");
	CU_ASSERT_STRING_EQUAL(err.hint, "");
}

void test_err__null_is_allowed_everywhere(void)
{
	CU_ASSERT_EQUAL(err_set(NULL, ERR_LIMIT, "x"), -E2BIG);
	CU_ASSERT_EQUAL(err_sys(NULL, ENOENT, "x"), -ENOENT);
	CU_ASSERT_EQUAL(err_prefix(NULL, "x"), -EIO);
	err_hint(NULL, "x");
	err_clear(NULL);
	err_keep_first(NULL, NULL);
}

void test_err__sys_derives_the_kind(void)
{
	static const struct {
		int errnum;
		enum err_kind kind;
	} rows[] = {
		{ ENOENT, ERR_NOT_FOUND }, { EACCES, ERR_DENIED },     { EPERM, ERR_DENIED },
		{ ENOSPC, ERR_NO_SPACE },  { EDQUOT, ERR_NO_SPACE },   { EROFS, ERR_READ_ONLY },
		{ EEXIST, ERR_EXISTS },	   { ETIMEDOUT, ERR_TIMEOUT }, { ECANCELED, ERR_CANCELLED },
		{ EIO, ERR_FAILED },	   { ENOMEM, ERR_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };

		CU_ASSERT_EQUAL(err_sys(&err, rows[i].errnum, "w"), -rows[i].errnum);
		CU_ASSERT_EQUAL(err.kind, rows[i].kind);
		CU_ASSERT_EQUAL(err.errnum, rows[i].errnum);
		CU_ASSERT_EQUAL(strncmp(err.msg, "w: ", 3), 0);
		CU_ASSERT_TRUE(strlen(err.msg) > 3);
	}
}

void test_err__sys_without_errno_is_still_an_error(void)
{
	struct err err = { 0 };

	CU_ASSERT_EQUAL(err_sys(&err, 0, "w"), -EIO);
	CU_ASSERT_EQUAL(err_sys(&err, -5, "w"), -EIO);
	CU_ASSERT_EQUAL(err.kind, ERR_FAILED);
}

void test_err__prefix_keeps_kind_and_errno(void)
{
	struct err err = { 0 };

	err_set(&err, ERR_TIMEOUT, "slow");
	err_hint(&err, "wait %d", 3);
	CU_ASSERT_EQUAL(err_prefix(&err, "blob %d", 1), -ETIMEDOUT);
	CU_ASSERT_EQUAL(err_prefix(&err, "pull"), -ETIMEDOUT);
	CU_ASSERT_STRING_EQUAL(err.msg, "pull: blob 1: slow");
	CU_ASSERT_STRING_EQUAL(err.hint, "wait 3");
	CU_ASSERT_EQUAL(err.kind, ERR_TIMEOUT);
}

void test_err__long_messages_are_cut(void)
{
	char text[2000];
	struct err err = { 0 };

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_FAILED, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.msg), sizeof(err.msg) - 1);
	err_prefix(&err, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.msg), sizeof(err.msg) - 1);
	err_sys(&err, ENOENT, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.msg), sizeof(err.msg) - 1);
	err_hint(&err, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.hint), sizeof(err.hint) - 1);
}

void test_err__the_first_is_kept(void)
{
	struct err into = { 0 }, a = { 0 }, b = { 0 };

	err_set(&a, ERR_LIMIT, "a");
	err_set(&b, ERR_FAILED, "b");
	err_keep_first(&into, &a);
	err_keep_first(&into, &b);
	CU_ASSERT_EQUAL(into.kind, ERR_LIMIT);
	CU_ASSERT_STRING_EQUAL(into.msg, "a");
	err_clear(&into);
	CU_ASSERT_EQUAL(into.kind, ERR_NONE);
	CU_ASSERT_STRING_EQUAL(into.msg, "");
}

/* Exit codes are a promise of the command line. */
void test_err__each_kind_has_its_class(void)
{
	static const struct {
		enum err_kind kind;
		int exit_code;
	} rows[] = {
		{ ERR_NONE, 0 },      { ERR_FAILED, 1 },      { ERR_USAGE, 2 },
		{ ERR_NOT_FOUND, 3 }, { ERR_EXISTS, 1 },      { ERR_CHANGED, 1 },
		{ ERR_AUTH, 4 },      { ERR_DENIED, 4 },      { ERR_DAMAGED, 5 },
		{ ERR_LIMIT, 5 },     { ERR_UNSUPPORTED, 1 }, { ERR_NO_SPACE, 1 },
		{ ERR_READ_ONLY, 1 }, { ERR_NETWORK, 1 },     { ERR_TIMEOUT, 1 },
		{ ERR_BUSY, 1 },      { ERR_SERVER, 1 },      { ERR_CANCELLED, 130 },
	};

	CU_ASSERT_EQUAL(ARRAY_SIZE(rows), ERR_KIND_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct err_class *c = err_class(rows[i].kind);

		CU_ASSERT_EQUAL(c->exit_code, rows[i].exit_code);
		CU_ASSERT_TRUE(c->name && *c->name);
		CU_ASSERT_TRUE(c->http_status >= 200 && c->http_status < 600);
		CU_ASSERT_EQUAL(c->errnum > 0, rows[i].kind != ERR_NONE);
	}
	CU_ASSERT_PTR_EQUAL(err_class((enum err_kind)999), err_class(ERR_FAILED));
	CU_ASSERT_TRUE(err_class(ERR_NETWORK)->retryable && !err_class(ERR_AUTH)->retryable);
}

static int counts_calls(int rc, int *calls)
{
	(*calls)++;
	return rc;
}

static int tries(int rc, int *calls)
{
	TRY(counts_calls(rc, calls));
	return 100;
}

void test_err__try_returns_only_failures(void)
{
	int calls = 0;

	CU_ASSERT_EQUAL(tries(-7, &calls), -7);
	CU_ASSERT_EQUAL(tries(0, &calls), 100);
	CU_ASSERT_EQUAL(tries(3, &calls), 100);
	CU_ASSERT_EQUAL(calls, 3);
}
