/* SPDX-License-Identifier: Apache-2.0 */
/* Taking tags, manifests and blobs out of a registry (distribution-spec "Content Management"). */
#include "manifest/document.h"
#include "tests/unit/registry/pushing.h"

#include <CUnit/CUnit.h>

#define ZEROS	 "0000000000000000000000000000000000000000000000000000000000000000"
#define ACCEPTED "HTTP/1.1 202 X\r\n" EMPTY
#define MANIFEST                                                                            \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX "\",\"manifests\":[]," \
	"\"subject\":{\"mediaType\":\"x/y\",\"digest\":\"sha256:" ZEROS "\",\"size\":7}}"
#define TAG_LINE "/v2/ns/repo/manifests/sha256-" ZEROS

void test_remove__tags(void)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
		const char *hint;
	} rows[] = {
		{ ACCEPTED, ERR_NONE, "" },
		{ "HTTP/1.1 204 X\r\n\r\n", ERR_NONE, "" },
		{ ABSENT, ERR_NOT_FOUND, "" },
		{ "HTTP/1.1 403 X\r\n" EMPTY, ERR_DENIED, "" },
		/* by the specification; distribution and Harbor; */
		{ "HTTP/1.1 405 X\r\n" EMPTY, ERR_UNSUPPORTED, "by its digest" },
		{ "HTTP/1.1 400 X\r\n" EMPTY, ERR_UNSUPPORTED, "by its digest" },
		{ "HTTP/1.1 501 X\r\n" EMPTY, ERR_UNSUPPORTED, "by its digest" },
		{ "HTTP/1.1 416 X\r\n" EMPTY, ERR_DAMAGED, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = rows[i].answer };
		struct asking _asking_ a;

		asking_init(&a, &step, 1);
		CU_ASSERT_EQUAL(transport_remove_document(a.t, &a.op, "v1", &a.err) < 0,
				rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has(rows[i].answer, a.err.hint, rows[i].hint));
		/* Never what the tag means. */
		CU_ASSERT_EQUAL(server_request_count(a.server), 1);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), "DELETE /v2/ns/repo/manifests/v1");
	}
}

void test_remove__names_are_checked(void)
{
	const struct server_step step = { .text = ACCEPTED };
	struct asking _asking_ a;

	asking_init(&a, &step, 1);
	CU_ASSERT(transport_remove_document(a.t, &a.op, "../blobs/x", &a.err) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_USAGE);
	CU_ASSERT_EQUAL(server_request_count(a.server), 0);
}

/* What a manifest refers to is told, where the registry does not see to it itself. */
void test_remove__manifests(void)
{
	char *_free_ digest = asking_digest(MANIFEST);
	char *_free_ there = asking_answer("200 X", "", MANIFEST);
	char *_free_ index = xasprintf(
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
		"\",\"digest\":\"%s\",\"size\":5}]}",
		digest);
	char *_free_ listed = asking_answer("200 X", "ETag: \"1\"\r\n", index);
	char *_free_ none = asking_answer("200 X", "", "{\"schemaVersion\":2,\"manifests\":[]}");
	char *_free_ line = xasprintf("DELETE /v2/ns/repo/manifests/%s", digest);
	const struct {
		struct server_step steps[6];
		size_t asked;
	} rows[] = {
		{ { { .text = there }, { .text = ACCEPTED }, { .text = none } }, 3 },
		{ { { .text = there },
		    { .text = ACCEPTED },
		    { .text = ABSENT },
		    { .text = listed },
		    { .text = CREATED },
		    { .text = none } },
		  6 },
		/* nobody ever noted it */
		{ { { .text = there },
		    { .text = ACCEPTED },
		    { .text = ABSENT },
		    { .text = ABSENT } },
		  4 },
		{ { { .text = none }, { .text = ACCEPTED } }, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;

		asking_init(&a, rows[i].steps, rows[i].asked);
		CU_ASSERT_EQUAL(transport_remove_document(a.t, &a.op, digest, &a.err), 0);
		CU_ASSERT_EQUAL(server_request_count(a.server), rows[i].asked);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 1), line);
		if (rows[i].asked < 6)
			continue;
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 2), "GET /v2/ns/repo/referrers/sha256:" ZEROS);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 3), "GET " TAG_LINE);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 4), "PUT " TAG_LINE);
		CU_ASSERT(asking_has("index", server_request(a.server, 4), "\"manifests\":[]}"));
	}
}

void test_remove__blobs(void)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
	} rows[] = {
		{ ACCEPTED, ERR_NONE },
		{ ABSENT, ERR_NOT_FOUND },
		{ "HTTP/1.1 405 X\r\n" EMPTY, ERR_UNSUPPORTED },
	};
	char *_free_ line = xasprintf("DELETE /v2/ns/repo/blobs/sha256:%s", ZEROS);
	struct digest d;

	CU_ASSERT_EQUAL_FATAL(digest_parse("sha256:" ZEROS, 71, &d, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = rows[i].answer };
		struct asking _asking_ a;

		asking_init(&a, &step, 1);
		CU_ASSERT_EQUAL(transport_remove_blob(a.t, &a.op, &d, &a.err) < 0,
				rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), line);
	}
}
