/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of scopes in their normal form (distribution, docs/spec/auth/scope.md). */
#include "net/auth_scope.h"

#include "base/buf.h"
#include "tests/unit/net/home.h"

#include <CUnit/CUnit.h>

void test_auth_scope__merges(void)
{
	static const struct {
		const char *a, *b, *want;
	} rows[] = {
		{ NULL, NULL, NULL },
		{ "", " ", NULL },
		{ "repository:a:pull", NULL, "repository:a:pull" },
		{ NULL, "repository:a:pull", "repository:a:pull" },
		{ "repository:a:pull", "repository:a:pull", "repository:a:pull" },
		{ "repository:a:pull", "repository:a:push,pull", "repository:a:pull,push" },
		{ "repository:a:push,delete,pull", NULL, "repository:a:delete,pull,push" },
		{ "repository:b:pull repository:a:pull", NULL,
		  "repository:a:pull repository:b:pull" },
		/* What is pushed to comes first. */
		{ "repository:a:pull", "repository:b:pull,push",
		  "repository:b:pull,push repository:a:pull" },
		{ "registry:catalog:*", "repository:a:pull",
		  "registry:catalog:* repository:a:pull" },
		/* A name with colons, a class. */
		{ "repository:host:5000/a:pull", "repository:host:5000/a:push",
		  "repository:host:5000/a:pull,push" },
		{ "repository(plugin):a:pull", NULL, "repository(plugin):a:pull" },
		/* What is no scope is kept as it is (Azure). */
		{ "aws", "aws", "aws" },
		{ "a:b", NULL, "a:b" },
		{ "https://x/.default", "repository:a:pull",
		  "https://x/.default repository:a:pull" },
		{ "repository:a:", NULL, NULL },
		{ "repository:a:,,pull,", NULL, "repository:a:pull" },
		{ "  repository:a:pull \t repository:a:pull ", NULL, "repository:a:pull" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *_free_ got = scope_merge(rows[i].a, rows[i].b);
		char *_free_ turned = scope_merge(rows[i].b, rows[i].a);
		char *_free_ again = scope_merge(got, NULL);

		CU_ASSERT(row_text(rows[i].a ? rows[i].a : "", "union", rows[i].want, got));
		CU_ASSERT(
			row_text(rows[i].a ? rows[i].a : "", "union turned", rows[i].want, turned));
		CU_ASSERT(row_text(rows[i].a ? rows[i].a : "", "again", rows[i].want, again));
	}
}

void test_auth_scope__is_bounded(void)
{
	struct buf _buf_ text = BUF_INIT(1 << 20);

	for (int i = 0; i < 600; i++)
		buf_printf(&text, NULL, "r:%d:a ", i);
	char *_free_ got = scope_merge(buf_str(&text), NULL);
	size_t spaces = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	for (const char *p = got; *p; p++)
		spaces += *p == ' ';
	CU_ASSERT_EQUAL(spaces, SCOPE_PAIRS_MAX - 1);

	while (text.len <= SCOPE_BYTES_MAX)
		buf_append_char(&text, 'x', NULL);
	char *_free_ kept = scope_merge("r:a:b", buf_str(&text));

	CU_ASSERT_STRING_EQUAL(kept, "r:a:b");
}
