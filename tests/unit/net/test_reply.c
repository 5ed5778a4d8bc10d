/* SPDX-License-Identifier: Apache-2.0 */
/* Error bodies: distribution-spec, "Error Codes". */
#include "base/buf.h"
#include "base/mem.h"
#include "net/reply.h"

#include <CUnit/CUnit.h>

void test_reply__texts(void)
{
	static const struct {
		const char *type, *body, *want;
	} rows[] = {
		{ "application/json",
		  "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\",\"detail\":{\"Tag\":\"x\"}}]}",
		  "MANIFEST_UNKNOWN: manifest unknown" },
		{ NULL,
		  " {\"errors\":[{\"code\":\"A\"},{\"message\":\"b\"},{\"code\":\"C\",\"message\":\"c\"},{\"code\":\"D\"}]}",
		  "A; b; C: c" },
		{ NULL,
		  "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\",\"detail\":\"ask the owner\"}]}",
		  "DENIED: no (ask the owner)" },
		{ NULL, "{\"errors\":[{\"code\":\"X\",\"message\":\"same\",\"detail\":\"same\"}]}",
		  "X: same" },
		{ NULL, "{\"errors\":[]}", "" },
		{ NULL, "{\"errors\":{\"code\":\"X\"}}", "" },
		{ NULL, "{\"errors\":[1,null,\"x\",{}]}", "" },
		{ NULL, "{\"errors\":[{\"code\":1,\"message\":[]}]}", "" },
		{ NULL, "{\"message\":\"rate limited\"}", "rate limited" },
		{ NULL, "{\"details\":\"incorrect username or password\"}",
		  "incorrect username or password" },
		{ NULL, "{\"errors\":[{\"message\":\"unfinished", "" },
		/* A terminal obeys none of it. */
		{ NULL, "{\"errors\":[{\"message\":\"\\u001b[31mred\\nline\"}]}",
		  "\\x1b[31mred\\nline" },
		/* Signatures stay out of logs. */
		{ NULL,
		  "{\"errors\":[{\"message\":\"GET https://s3.example/b?X-Amz-Signature=abc failed? (http://h/?x)\"}]}",
		  "GET https://s3.example/b?... failed? (http://h/?...)" },
		{ "text/plain; charset=utf-8", "404 page not found\nmore\n", "404 page not found" },
		{ "text/html", "<html>not for a terminal</html>", "" },
		{ NULL, "plain", "" },
		{ NULL, "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply reply = { rows[i].body, strlen(rows[i].body), rows[i].type };
		char text[320];

		reply_text(text, sizeof(text), &reply);
		if (strcmp(text, rows[i].want) != 0)
			printf("# row %zu: '%s'\n", i, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].want);
	}
}

void test_reply__long_texts_are_cut(void)
{
	_buf_ struct buf body = BUF_INIT(REPLY_BODY_BYTES_MAX);
	char text[320];

	(void)buf_append_str(&body, "{\"errors\":[{\"message\":\"", NULL);
	while (body.len < 60000)
		(void)buf_append_str(&body, "long ", NULL);
	(void)buf_append_str(&body, "\"}]}", NULL);
	const struct reply reply = { buf_str(&body), body.len, NULL };

	reply_text(text, sizeof(text), &reply);
	CU_ASSERT_TRUE(strlen(text) > 100 && strlen(text) < 300);
	CU_ASSERT_STRING_EQUAL(text + strlen(text) - 3, "...");
}

void test_reply__rates(void)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{ "100;w=21600", "100 in 6 h" },
		{ "76;w=90", "76 in 90 s" },
		{ "5", "5" },
		{ "0;w=0", "0 in 0 s" },
		{ "odd\x1b", "odd\\x1b" },
		{ "", "" },
		{ "1;w=", "1;w=" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[64];

		CU_ASSERT_STRING_EQUAL(reply_rate(text, sizeof(text), rows[i].value), rows[i].want);
	}
}

void test_reply__kinds(void)
{
	static const struct {
		unsigned status;
		enum err_kind kind;
	} rows[] = {
		{ 400, ERR_FAILED },	{ 401, ERR_AUTH },    { 403, ERR_DENIED },
		{ 404, ERR_NOT_FOUND }, { 418, ERR_FAILED },  { 429, ERR_BUSY },
		{ 500, ERR_SERVER },	{ 503, ERR_BUSY },    { 599, ERR_SERVER },
		{ 304, ERR_FAILED },	{ 408, ERR_TIMEOUT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_EQUAL(reply_kind(rows[i].status), rows[i].kind);
	CU_ASSERT_STRING_EQUAL(reply_status_name(404), "not found");
	CU_ASSERT_STRING_EQUAL(reply_status_name(999), "");
}
