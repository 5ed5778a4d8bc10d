/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests from a registry (distribution-spec "Pulling manifests"): what is asked, what is
 * believed. The registry is a script, byte for byte.
 */
#include "registry/client.h"

#include "manifest/document.h"
#include "tests/unit/registry/asking.h"

#include <CUnit/CUnit.h>

#define BODY   "{\"schemaVersion\":2}"
#define TYPE   "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"
#define DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

/* The digest of BODY in place of "%D". */
static char *with_digest(const char *text)
{
	char *_free_ digest = asking_digest(BODY);
	const char *at = strstr(text, "%D");

	if (!at)
		return xstrdup(text);
	return xasprintf("%.*s%s%s", (int)(at - text), text, digest, at + 2);
}

void test_client__get_document(void)
{
	static const struct {
		const char *name, *headers, *type; /* %D: the digest of the body */
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ "latest", TYPE "Docker-Content-Digest: %D\r\n", MEDIA_TYPE_OCI_MANIFEST, ERR_NONE,
		  NULL },
		{ "%D", TYPE "Docker-Content-Digest: %D\r\n", MEDIA_TYPE_OCI_MANIFEST, ERR_NONE,
		  NULL },
		{ "latest", TYPE, MEDIA_TYPE_OCI_MANIFEST, ERR_NONE, NULL },
		{ "latest", "Content-Type: a/B ; charset=utf-8\r\n", "a/B", ERR_NONE, NULL },
		{ "latest", "", "application/octet-stream", ERR_NONE, NULL },
		/* by digest only the content counts */
		{ "%D", TYPE "Docker-Content-Digest: " DIGEST "\r\n", MEDIA_TYPE_OCI_MANIFEST,
		  ERR_NONE, NULL },
		{ DIGEST, TYPE "Docker-Content-Digest: " DIGEST "\r\n", NULL, ERR_DAMAGED,
		  "the content is " },
		/* by tag nobody may say something else about it */
		{ "latest", TYPE "Docker-Content-Digest: " DIGEST "\r\n", NULL, ERR_DAMAGED,
		  "the registry says " DIGEST },
		{ "latest", TYPE "Docker-Content-Digest: sha256:../../x\r\n", NULL, ERR_DAMAGED,
		  "Docker-Content-Digest" },
		{ "latest", TYPE "Docker-Content-Digest: \r\n", NULL, ERR_DAMAGED,
		  "Docker-Content-Digest" },
		/* what cannot be checked says nothing */
		{ "latest", TYPE "Docker-Content-Digest: md5:00000000000000000000000000000000\r\n",
		  MEDIA_TYPE_OCI_MANIFEST, ERR_NONE, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
		char *_free_ name = with_digest(rows[i].name);
		char *_free_ headers = with_digest(rows[i].headers);
		char *_free_ answer = asking_answer("200 OK", headers, BODY);
		char *_free_ line = xasprintf("GET /v2/ns/repo/manifests/%s", name);
		const struct server_step step = { .text = answer };

		asking_init(&a, &step, 1);
		const int rc = transport_get_document(a.t, &a.op, name, &doc, &a.err);

		CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), line);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT_EQUAL(rc < 0, rows[i].kind != ERR_NONE);
		if (rc < 0 || rows[i].kind != ERR_NONE) {
			CU_ASSERT(asking_has(rows[i].headers, a.err.msg, rows[i].message));
			continue;
		}
		CU_ASSERT_STRING_EQUAL(buf_str(&doc.bytes), BODY);
		CU_ASSERT_STRING_EQUAL(doc.descriptor.media_type, rows[i].type);
		CU_ASSERT_EQUAL(doc.descriptor.size, strlen(BODY));
		char *_free_ want = asking_digest(BODY);

		CU_ASSERT_STRING_EQUAL(doc.descriptor.digest_text, want);
	}
}

void test_client__says_what_it_takes(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	char *_free_ answer = asking_answer("200 OK", TYPE, BODY);
	const struct server_step step = { .text = answer };

	asking_init(&a, &step, 1);
	CU_ASSERT_EQUAL(transport_get_document(a.t, &a.op, "latest", &doc, &a.err), 0);
	const char *request = server_request(a.server, 0);

	CU_ASSERT(asking_has("accept", request, MEDIA_TYPE_OCI_INDEX));
	CU_ASSERT(asking_has("accept", request, MEDIA_TYPE_OCI_MANIFEST));
	CU_ASSERT(asking_has("accept", request, MEDIA_TYPE_DOCKER_INDEX));
	CU_ASSERT(asking_has("accept", request, MEDIA_TYPE_DOCKER_MANIFEST));
	CU_ASSERT_PTR_NULL(strstr(request, "prettyjws"));
	CU_ASSERT_PTR_NULL(strstr(request, "Authorization"));
}

/* Nothing that is not a name gets into a path. */
void test_client__names_are_checked_first(void)
{
	static const char *const names[] = { "",	  "../x",	"a/b",	     "a b",
					     "a?x",	  "sha256:abc", "sha256:..", "-x",
					     "a\r\nX: y", "sha256:" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct asking _asking_ a;
		struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
		struct descriptor _descriptor_ d = { 0 };
		const struct server_step step = {
			.text = "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"
		};

		asking_init(&a, &step, 1);
		CU_ASSERT(transport_get_document(a.t, &a.op, names[i], &doc, &a.err) < 0);
		CU_ASSERT_EQUAL(a.err.kind, ERR_USAGE);
		err_clear(&a.err);
		CU_ASSERT(transport_resolve(a.t, &a.op, names[i], &d, &a.err) < 0);
		CU_ASSERT_EQUAL(a.err.kind, ERR_USAGE);
		CU_ASSERT_EQUAL(server_request_count(a.server), 0);
	}
}

void test_client__statuses(void)
{
	static const struct {
		const char *status;
		enum err_kind kind;
	} rows[] = {
		{ "404 Not Found", ERR_NOT_FOUND }, { "401 Unauthorized", ERR_AUTH },
		{ "403 Forbidden", ERR_DENIED },    { "429 Too Many", ERR_BUSY },
		{ "500 Oops", ERR_SERVER },	    { "400 Bad", ERR_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
		char *_free_ answer = asking_answer(
			rows[i].status, "Content-Type: application/json\r\n",
			"{\"errors\":[{\"code\":\"X\",\"message\":\"because \\u001b[m\"}]}");
		const struct server_step step = { .text = answer };

		asking_init(&a, &step, 1);
		CU_ASSERT(transport_get_document(a.t, &a.op, "latest", &doc, &a.err) < 0);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has(rows[i].status, a.err.msg, "because \\x1b[m"));
	}
}

void test_client__document_is_bounded(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	const struct server_step step = {
		.text = "HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n",
		.fill_bytes = 4194305,
		.end = SERVER_CLOSE,
	};

	asking_init(&a, &step, 1);
	CU_ASSERT(transport_get_document(a.t, &a.op, "latest", &doc, &a.err) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_LIMIT);
	CU_ASSERT(asking_has("limit", a.err.msg, "manifest latest of "));
}

/* --- resolving ------------------------------------------------------------------------------- */

void test_client__resolve(void)
{
	static const struct {
		const char *row, *name, *head; /* the answer to HEAD; %D the digest of the body */
		bool falls_back;
	} rows[] = {
		{ "all told", "latest",
		  "HTTP/1.1 200 OK\r\n" TYPE
		  "Docker-Content-Digest: %D\r\nContent-Length: 19\r\n\r\n",
		  false },
		{ "no digest", "latest", "HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 19\r\n\r\n",
		  true },
		{ "no length", "latest",
		  "HTTP/1.1 200 OK\r\n" TYPE "Docker-Content-Digest: %D\r\n\r\n", true },
		{ "no type", "latest",
		  "HTTP/1.1 200 OK\r\nDocker-Content-Digest: %D\r\nContent-Length: 19\r\n\r\n",
		  true },
		{ "ill-formed digest", "latest",
		  "HTTP/1.1 200 OK\r\n" TYPE
		  "Docker-Content-Digest: x\r\nContent-Length: 19\r\n\r\n",
		  true },
		{ "by digest without it", "%D",
		  "HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 19\r\n\r\n", false },
		{ "by digest, another", "%D",
		  "HTTP/1.1 200 OK\r\n" TYPE "Docker-Content-Digest: " DIGEST
		  "\r\nContent-Length: 19\r\n\r\n",
		  true },
		{ "404", "latest", "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", true },
		{ "405", "latest", "HTTP/1.1 405 X\r\nContent-Length: 0\r\n\r\n", true },
		{ "403", "latest", "HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n", true },
		{ "500", "latest", "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		struct descriptor _descriptor_ d = { 0 };
		char *_free_ name = with_digest(rows[i].name);
		char *_free_ head = with_digest(rows[i].head);
		char *_free_ get = asking_answer("200 OK", TYPE, BODY);
		char *_free_ want = asking_digest(BODY);
		const struct server_step steps[] = { { .text = head }, { .text = get } };

		asking_init(&a, steps, ARRAY_SIZE(steps));
		CU_ASSERT_EQUAL(transport_resolve(a.t, &a.op, name, &d, &a.err), 0);
		CU_ASSERT(asking_has(rows[i].row, ASKED(&a, 0), "HEAD /v2/ns/repo/manifests/"));
		CU_ASSERT_EQUAL(server_request_count(a.server), rows[i].falls_back ? 2 : 1);
		if (!d.digest_text)
			continue;
		CU_ASSERT_STRING_EQUAL(d.digest_text, want);
		CU_ASSERT_EQUAL(d.size, strlen(BODY));
		CU_ASSERT_STRING_EQUAL(d.media_type, MEDIA_TYPE_OCI_MANIFEST);
	}
}

void test_client__resolve_gives_up_where_get_would(void)
{
	struct asking _asking_ a;
	struct descriptor _descriptor_ d = { 0 };
	const struct server_step step = {
		.text = "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
	};

	asking_init(&a, &step, 1);
	CU_ASSERT(transport_resolve(a.t, &a.op, "latest", &d, &a.err) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_AUTH);
	CU_ASSERT_EQUAL(server_request_count(a.server), 1);
}

/* --- login ----------------------------------------------------------------------------------- */

void test_client__check_login(void)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ERR_NONE },
		{ "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
		  ERR_AUTH },
		{ "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", ERR_UNSUPPORTED },
		{ "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", ERR_SERVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		const struct server_step step = { .text = rows[i].answer };

		asking_init(&a, &step, 1);
		(void)registry_check_login(a.fetch, &a.op, server_host(a.server), &a.err);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), "GET /v2/");
	}
}
