/* SPDX-License-Identifier: Apache-2.0 */
/* Tags and repositories in pages (distribution-spec "Listing Tags"), and pages that lead astray. */
#include "registry/client.h"

#include "tests/unit/registry/asking.h"

#include <CUnit/CUnit.h>

#define LINK(target) "Link: <" target ">; rel=\"next\"\r\n"

static char *page(const char *headers, const char *tags)
{
	char *_free_ body = xasprintf("{\"name\":\"ns/repo\",\"tags\":%s}", tags);

	return asking_answer("200 OK", headers, body);
}

void test_client_list__pages(void)
{
	static const struct {
		const char *link, *second; /* what is asked for next */
	} rows[] = {
		{ LINK("/v2/ns/repo/tags/list?n=2&last=b"),
		  "GET /v2/ns/repo/tags/list?n=2&last=b" },
		{ LINK("list?last=b"), "GET /v2/ns/repo/tags/list?last=b" },
		{ LINK("?last=b"), "GET /v2/ns/repo/tags/list?last=b" },
		{ LINK("http://127.0.0.1/v2/ns/repo/tags/list?last=b"),
		  "GET /v2/ns/repo/tags/list?last=b" },
		{ LINK("https://127.0.0.1:1/v2/ns/repo/tags/list?last=b"),
		  "GET /v2/ns/repo/tags/list?last=b" },
		{ "Link: </x>; rel=prev\r\n" LINK("/other"), "GET /other" },
		{ "Link: </x>; rel=\"first prev\", </y>; rel=\"last next\"\r\n", "GET /y" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		char *_free_ first = page(rows[i].link, "[\"a\",\"b\"]");
		char *_free_ last = page("", "[\"c\"]");
		const struct server_step steps[] = { { .text = first }, { .text = last } };

		asking_init(&a, steps, ARRAY_SIZE(steps));
		CU_ASSERT_EQUAL(transport_list_tags(a.t, &a.op, asking_take, &a, &a.err), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&a.names), "a b c ");
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), "GET /v2/ns/repo/tags/list?n=1000");
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 1), rows[i].second);
	}
}

void test_client_list__what_is_refused(void)
{
	static const struct {
		const char *link, *tags;
		enum err_kind kind; /* ERR_NONE: taken */
		const char *message;
	} rows[] = {
		{ "", "null", ERR_NONE, NULL },
		{ "", "[]", ERR_NONE, NULL },
		{ "", "{}", ERR_DAMAGED, "not a list" },
		{ "", "\"a\"", ERR_DAMAGED, "not a list" },
		{ "", "[1]", ERR_DAMAGED, "expected strings, found integer" },
		{ "", "[\"\"]", ERR_DAMAGED, "not a valid name" },
		{ "", "[\"a/b\"]", ERR_DAMAGED, "not a valid name" },
		{ "", "[\"\\u001b[m\"]", ERR_DAMAGED, "\"\\x1b[m\" is not" },
		{ "", "[", ERR_DAMAGED, "JSON" },
		{ LINK("http://evil.example/"), "[]", ERR_DAMAGED, "another host: evil.example" },
		{ LINK("//evil.example/"), "[]", ERR_DAMAGED, "another host" },
		{ LINK("file:///etc/passwd"), "[]", ERR_DAMAGED, "URL" },
		{ LINK("/v2/ns/repo/tags/list?n=1000"), "[]", ERR_DAMAGED, "in a circle" },
		{ LINK("?n=1000"), "[]", ERR_DAMAGED, "in a circle" },
		{ LINK("/a/../v2/ns/repo/tags/list?n=1000"), "[]", ERR_DAMAGED, "in a circle" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		char *_free_ answer = page(rows[i].link, rows[i].tags);
		const struct server_step step = { .text = answer };

		asking_init(&a, &step, 1);
		(void)transport_list_tags(a.t, &a.op, asking_take, &a, &a.err);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT_EQUAL(server_request_count(a.server), 1);
		if (rows[i].kind == ERR_NONE)
			continue;
		CU_ASSERT(asking_has(rows[i].tags, a.err.msg, rows[i].message));
		CU_ASSERT(asking_has(rows[i].tags, a.err.msg, "tags of 127.0.0.1:"));
	}
}

static int refuse(void *arg, const char *name, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_FAILED, "enough of %s", name);
}

void test_client_list__taker_may_end_it(void)
{
	struct asking _asking_ a;
	char *_free_ answer = page(LINK("/more"), "[\"a\",\"b\"]");
	const struct server_step step = { .text = answer };

	asking_init(&a, &step, 1);
	CU_ASSERT(transport_list_tags(a.t, &a.op, refuse, NULL, &a.err) < 0);
	CU_ASSERT(asking_has("taker", a.err.msg, "enough of a"));
	CU_ASSERT_EQUAL(server_request_count(a.server), 1);
}

void test_client_list__repositories(void)
{
	struct asking _asking_ a;
	char *_free_ first = asking_answer("200 OK", LINK("/v2/_catalog?n=1&last=ns/repo"),
					   "{\"repositories\":[\"ns/repo\",\"Old_Name\"]}");
	char *_free_ last = asking_answer("200 OK", "", "{\"repositories\":[\"z\"]}");
	const struct server_step steps[] = { { .text = first }, { .text = last } };

	asking_init(&a, steps, ARRAY_SIZE(steps));
	const struct registry_catalog catalog = { a.fetch, server_host(a.server) };

	CU_ASSERT_EQUAL(registry_list_repositories(&catalog, &a.op, asking_take, &a, &a.err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&a.names), "ns/repo Old_Name z ");
	CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), "GET /v2/_catalog?n=1000");
	CU_ASSERT_STRING_EQUAL(ASKED(&a, 1), "GET /v2/_catalog?n=1&last=ns/repo");
}

void test_client_list__repositories_with_hostile_names(void)
{
	static const char *const names[] = { "\"\"", "\"a b\"", "\"\\u001b[m\"", "\"\\u00e9\"",
					     "7" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct asking _asking_ a;
		char *_free_ body = xasprintf("{\"repositories\":[%s]}", names[i]);
		char *_free_ answer = asking_answer("200 OK", "", body);
		const struct server_step step = { .text = answer };

		asking_init(&a, &step, 1);
		const struct registry_catalog catalog = { a.fetch, server_host(a.server) };

		CU_ASSERT(registry_list_repositories(&catalog, &a.op, asking_take, &a, &a.err) < 0);
		CU_ASSERT_EQUAL(a.err.kind, ERR_DAMAGED);
		CU_ASSERT(asking_has(names[i], a.err.msg, "repositories of 127.0.0.1:"));
	}
}
