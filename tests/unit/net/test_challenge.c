/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate by RFC 9110 section 11, and as registries really write it. */
#include "net/challenge.h"

#include "base/buf.h"
#include "tests/unit/net/home.h"

#include <CUnit/CUnit.h>

/* "scheme{name=value|...}" or "scheme(token68)", joined by ';'. */
static char *shown(const struct challenges *list)
{
	struct buf out = BUF_INIT(1 << 20);

	for (size_t i = 0; i < list->count; i++) {
		const struct challenge *c = &list->items[i];

		buf_printf(&out, NULL, "%s%s", i ? ";" : "", c->scheme);
		if (c->token68)
			buf_printf(&out, NULL, "(%s)", c->token68);
		for (size_t k = 0; k < c->param_count; k++)
			buf_printf(&out, NULL, "%s%s=%s%s", k ? "|" : "{", c->params[k].name,
				   c->params[k].value, k + 1 == c->param_count ? "}" : "");
	}
	return buf_take(&out);
}

void test_challenge__parses(void)
{
	static const struct {
		const char *header, *want;
	} rows[] = {
		/* RFC 9110 section 11.6.1 */
		{ "Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\"",
		  "basic{realm=simple};newauth{realm=apps|type=1|title=Login to \"apps\"}" },
		/* distribution, docs/spec/auth/token.md */
		{ "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:samalba/my-app:pull,push\"",
		  "bearer{realm=https://auth.docker.io/token|service=registry.docker.io|scope=repository:samalba/my-app:pull,push}" },
		{ "Bearer realm=\"x\",error=\"insufficient_scope\",scope=\"a b\"",
		  "bearer{realm=x|error=insufficient_scope|scope=a b}" },
		/* Scheme and names in any case, order free, spaces around '=' (BWS). */
		{ "BEARER Service = \"s\" , REALM\t=\t\"r\"", "bearer{service=s|realm=r}" },
		/* Token values. */
		{ "Bearer realm=https://r/t,service=s", "bearer{realm=https://r/t|service=s}" },
		/* token68, alone and in company. */
		{ "Negotiate", "negotiate" },
		{ "Negotiate, Basic realm=\"x\"", "negotiate;basic{realm=x}" },
		{ "Negotiate YWJj==, Basic realm=\"x\"", "negotiate(YWJj==);basic{realm=x}" },
		{ "NTLM a-b._~+/c", "ntlm(a-b._~+/c)" },
		{ "Basic realm=\"a\",Bearer realm=\"b\"", "basic{realm=a};bearer{realm=b}" },
		{ "Negotiate Basic realm=\"x\"", "negotiate;basic{realm=x}" },
		/* Empty list elements. */
		{ ", ,Basic ,, realm=\"x\", ,", "basic{realm=x}" },
		{ "Basic", "basic" },
		{ "Basic realm=\"\"", "basic{realm=}" },
		{ "Basic realm=\"a,b=c\\\\\"", "basic{realm=a,b=c\\}" },
		/* Repeated: both are kept, the first is the one that counts. */
		{ "Basic realm=\"a\", realm=\"b\"", "basic{realm=a|realm=b}" },
		/* Broken. */
		{ "", "" },
		{ "=", "" },
		{ "\"", "" },
		{ "realm=\"x\"", "" },
		{ "Basic realm=\"x", "basic{realm=x}" },
		{ "Basic realm=\"x\\", "basic{realm=x\\}" },
		{ "Basic realm=", "basic(realm=)" },
		{ "Basic @@@, Bearer realm=\"x\"", "basic;bearer{realm=x}" },
		{ "Basic \xff\xfe, Bearer realm=\"\xc3\xa9\"", "basic;bearer{realm=\xc3\xa9}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct challenges _challenges_ list = { 0 };

		challenges_add(&list, rows[i].header);
		char *_free_ got = shown(&list);

		CU_ASSERT(row_text(rows[i].header, "list", rows[i].want, got));
	}
}

void test_challenge__several_lines_and_lookup(void)
{
	struct challenges _challenges_ list = { 0 };

	challenges_add(&list, "Basic realm=\"one\"");
	challenges_add(&list, "realm=\"lost\"");
	challenges_add(&list, "Bearer realm=\"two\", realm=\"three\"");
	const struct challenge *bearer = challenges_find(&list, "bearer");

	CU_ASSERT_PTR_NOT_NULL_FATAL(bearer);
	CU_ASSERT_STRING_EQUAL(challenge_param(bearer, "realm"), "two");
	CU_ASSERT_PTR_NULL(challenge_param(bearer, "service"));
	CU_ASSERT_PTR_NULL(challenges_find(&list, "digest"));
	CU_ASSERT_EQUAL(challenges_find(&list, "basic")->param_count, 1);
}

void test_challenge__stays_within_its_bounds(void)
{
	struct challenges _challenges_ list = { 0 };
	struct buf _buf_ text = BUF_INIT(CHALLENGE_BYTES_MAX + 1);

	for (int i = 0; i < 100; i++)
		buf_printf(&text, NULL, "S%d a=b,", i);
	challenges_add(&list, buf_str(&text));
	CU_ASSERT_EQUAL(list.count, CHALLENGE_COUNT_MAX);
	CU_ASSERT_EQUAL(list.items[CHALLENGE_COUNT_MAX - 1].param_count, 1);
	challenges_fini(&list);

	buf_reset(&text);
	buf_printf(&text, NULL, "Bearer a=b");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, NULL, ",p%d=x", i);
	challenges_add(&list, buf_str(&text));
	CU_ASSERT_EQUAL(list.count, 1);
	CU_ASSERT_EQUAL(list.items[0].param_count, CHALLENGE_PARAMS_MAX);
	challenges_fini(&list);

	buf_reset(&text);
	while (text.len < CHALLENGE_BYTES_MAX + 1)
		buf_append_char(&text, 'a', NULL);
	challenges_add(&list, buf_str(&text));
	CU_ASSERT_EQUAL(list.count, 0);
}
