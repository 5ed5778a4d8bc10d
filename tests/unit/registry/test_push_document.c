/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests into a registry (distribution-spec "Pushing Manifests", "Pushing Manifests with
 * Subject", "Referrers Tag Schema").
 */
#include "manifest/document.h"
#include "stream/hash.h"
#include "tests/unit/registry/pushing.h"

#include <CUnit/CUnit.h>

#define ZEROS	"0000000000000000000000000000000000000000000000000000000000000000"
#define SUBJECT "sha256:" ZEROS
#define PLAIN	"{\"schemaVersion\":2,\"manifests\":[]}"
#define EMPTY_BLOB                                                         \
	"{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":" \
	"\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2}"
#define SUBJECT_MEMBER                                                                     \
	"\"subject\":{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"digest\":\"" SUBJECT \
	"\",\"size\":7}"
#define SIGNATURE                                                                              \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"artifactType\":" \
	"\"a/signature\",\"config\":" EMPTY_BLOB ",\"layers\":[]," SUBJECT_MEMBER              \
	",\"annotations\":{\"k\":\"v\"}}"
#define OLD_SIGNATURE                                                   \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST \
	"\",\"config\":" EMPTY_BLOB ",\"layers\":[]," SUBJECT_MEMBER "}"
#define INDEX_OF_SUBJECT                                             \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX \
	"\",\"manifests\":[]," SUBJECT_MEMBER "}"
#define TAG_LINE "/v2/ns/repo/manifests/sha256-" ZEROS

/* A document of these bytes. Release with transport_document_fini. */
static struct transport_document document(const char *bytes, const char *type)
{
	struct transport_document doc = { .bytes = BUF_INIT(DOCUMENT_BYTES_MAX) };
	struct digest digest;

	CU_ASSERT_EQUAL_FATAL(buf_append_str(&doc.bytes, bytes, NULL), 0);
	hash_bytes(DIGEST_SHA256, bytes, strlen(bytes), &digest);
	descriptor_init(&doc.descriptor, type, &digest, strlen(bytes));
	return doc;
}

static int put(struct asking *a, const char *name, const char *bytes, const char *type)
{
	struct transport_document _cleanup_(transport_document_fini) doc = document(bytes, type);

	return transport_put_document(a->t, &a->op, name, &doc, &a->err);
}

void test_push_document__names(void)
{
	char *_free_ digest = asking_digest(PLAIN);
	const struct {
		const char *name, *asked;
		enum err_kind kind;
	} rows[] = {
		{ "v1", "v1", ERR_NONE },     { NULL, digest, ERR_NONE },
		{ digest, digest, ERR_NONE }, { SUBJECT, NULL, ERR_DAMAGED },
		{ "../x", NULL, ERR_USAGE },  { "", NULL, ERR_USAGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = CREATED };
		struct asking _asking_ a;

		asking_init(&a, &step, 1);
		CU_ASSERT_EQUAL(put(&a, rows[i].name, PLAIN, MEDIA_TYPE_OCI_INDEX) < 0,
				rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT_EQUAL(server_request_count(a.server), rows[i].asked ? 1 : 0);
		if (!rows[i].asked)
			continue;
		char *_free_ line = xasprintf("PUT /v2/ns/repo/manifests/%s", rows[i].asked);
		const char *request = server_request(a.server, 0);

		CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), line);
		CU_ASSERT_STRING_EQUAL(strstr(request, "\r\n\r\n") + 4, PLAIN);
		CU_ASSERT(
			asking_has("type", request, "Content-Type: " MEDIA_TYPE_OCI_INDEX "\r\n"));
	}
}

void test_push_document__answers(void)
{
	char *_free_ digest = asking_digest(PLAIN);
	char *_free_ right =
		xasprintf("HTTP/1.1 201 X\r\nDocker-Content-Digest: %s\r\n" EMPTY, digest);
	const struct {
		const char *answer, *message;
		enum err_kind kind;
	} rows[] = {
		{ right, "", ERR_NONE },
		{ "HTTP/1.1 202 X\r\n" EMPTY, "", ERR_NONE },
		{ "HTTP/1.1 201 X\r\nDocker-Content-Digest: " SUBJECT "\r\n" EMPTY,
		  "the registry says it has got " SUBJECT, ERR_DAMAGED },
		{ "HTTP/1.1 201 X\r\nDocker-Content-Digest: nothing\r\n" EMPTY, "", ERR_NONE },
		{ "HTTP/1.1 413 X\r\n" EMPTY, "34 bytes: PUT", ERR_LIMIT },
		{ "HTTP/1.1 416 X\r\n" EMPTY, "status 416", ERR_DAMAGED },
		{ "HTTP/1.1 400 X\r\n" EMPTY, "manifest v1 of 127.0.0.1", ERR_FAILED },
		{ "HTTP/1.1 404 X\r\n" EMPTY, "not found", ERR_NOT_FOUND },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = rows[i].answer };
		struct asking _asking_ a;

		asking_init(&a, &step, 1);
		CU_ASSERT_EQUAL(put(&a, "v1", PLAIN, MEDIA_TYPE_OCI_INDEX) < 0,
				rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has(rows[i].answer, a.err.msg, rows[i].message));
	}
}

/* --- subjects -------------------------------------------------------------------------------- */

#define NOTED	 "HTTP/1.1 201 X\r\nOCI-Subject: " SUBJECT "\r\n" EMPTY
#define MISNOTED "HTTP/1.1 201 X\r\nOCI-Subject: sha256:1111\r\n" EMPTY

/* Who took note of the subject is left alone; so is what has none, or is no manifest at all. */
void test_push_document__without_a_tag(void)
{
	static const struct {
		const char *answer, *bytes;
	} rows[] = {
		{ NOTED, SIGNATURE },
		{ CREATED, PLAIN },
		{ CREATED, "no JSON, " SUBJECT_MEMBER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = rows[i].answer };
		struct asking _asking_ a;

		asking_init(&a, &step, 1);
		CU_ASSERT_EQUAL(put(&a, "v1", rows[i].bytes, "application/json"), 0);
		CU_ASSERT_EQUAL(server_request_count(a.server), 1);
	}
}

/* The body of the n-th request. */
static const char *body_of(struct asking *a, size_t n)
{
	const char *request = server_request(a->server, n), *end = strstr(request, "\r\n\r\n");

	return end ? end + 4 : "";
}

/* The entry as an index of referrers holds it. */
static char *entry_of(const char *bytes, const char *type, const char *rest)
{
	char *_free_ digest = asking_digest(bytes);

	return xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", type, digest,
			 strlen(bytes), rest);
}

static char *index_of(const char *entries)
{
	return xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
			 "\",\"manifests\":[%s]}",
			 entries);
}

/* No answer says that the registry took note: the tag is made. */
void test_push_document__a_tag_is_made(void)
{
	static const struct {
		const char *answer, *bytes, *type, *rest;
	} rows[] = {
		{ CREATED, SIGNATURE, MEDIA_TYPE_OCI_MANIFEST,
		  ",\"artifactType\":\"a/signature\",\"annotations\":{\"k\":\"v\"}" },
		{ MISNOTED, SIGNATURE, MEDIA_TYPE_OCI_MANIFEST,
		  ",\"artifactType\":\"a/signature\",\"annotations\":{\"k\":\"v\"}" },
		/* an image's type is its config's, an index has none */
		{ CREATED, OLD_SIGNATURE, MEDIA_TYPE_OCI_MANIFEST,
		  ",\"artifactType\":\"" MEDIA_TYPE_OCI_EMPTY "\"" },
		{ CREATED, INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *_free_ entry = entry_of(rows[i].bytes, rows[i].type, rows[i].rest);
		char *_free_ index = index_of(entry);
		char *_free_ found = asking_answer("200 X", "ETag: \"1\"\r\n", index);
		const struct server_step steps[] = { { .text = rows[i].answer },
						     { .text = ABSENT },
						     { .text = CREATED },
						     { .text = found } };
		struct asking _asking_ a;

		asking_init(&a, steps, ARRAY_SIZE(steps));
		CU_ASSERT_EQUAL(put(&a, NULL, rows[i].bytes, rows[i].type), 0);
		CU_ASSERT_EQUAL(server_request_count(a.server), 4);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 1), "GET " TAG_LINE);
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 2), "PUT " TAG_LINE);
		CU_ASSERT_STRING_EQUAL(body_of(&a, 2), index);
		CU_ASSERT(asking_has("condition", server_request(a.server, 2),
				     "If-None-Match: *\r\n"));
		CU_ASSERT_STRING_EQUAL(ASKED(&a, 3), "GET " TAG_LINE);
	}
}

#define OTHERS                                        \
	"{\"mediaType\":\"x/y\",\"digest\":\"sha256:" \
	"1111111111111111111111111111111111111111111111111111111111111111\",\"size\":5,\"more\":1.5}"

/* What others wrote stays, to the last member. */
void test_push_document__a_tag_grows(void)
{
	char *_free_ entry = entry_of(INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX, "");
	const char *before = "{\"schemaVersion\":2,\"manifests\":[" OTHERS
			     "],\"x\":{\"y\":[null]}}";
	char *_free_ after = xasprintf(
		"{\"schemaVersion\":2,\"manifests\":[" OTHERS ",%s],\"x\":{\"y\":[null]}}", entry);
	char *_free_ old = asking_answer("200 X", "ETag: \"e\"\r\n", before);
	char *_free_ found = asking_answer("200 X", "", after);
	const struct server_step steps[] = {
		{ .text = CREATED }, { .text = old }, { .text = CREATED }, { .text = found }
	};
	struct asking _asking_ a;

	asking_init(&a, steps, ARRAY_SIZE(steps));
	CU_ASSERT_EQUAL(put(&a, NULL, INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX), 0);
	CU_ASSERT_STRING_EQUAL(body_of(&a, 2), after);
	CU_ASSERT(asking_has("condition", server_request(a.server, 2), "If-Match: \"e\"\r\n"));
}

void test_push_document__a_tag_that_has_it(void)
{
	char *_free_ entry = entry_of(INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX, "");
	char *_free_ index = index_of(entry);
	char *_free_ found = asking_answer("200 X", "", index);
	const struct server_step steps[] = { { .text = CREATED }, { .text = found } };
	struct asking _asking_ a;

	asking_init(&a, steps, ARRAY_SIZE(steps));
	CU_ASSERT_EQUAL(put(&a, NULL, INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX), 0);
	CU_ASSERT_EQUAL(server_request_count(a.server), 2);
}

static const struct fetch_config patient = {
	.plain_http = true, .tls_verify = true, .retries = 2, .backoff_ms = 1
};

/* Somebody else writes between our reading and our writing: said by 412, or seen afterwards. */
void test_push_document__races(void)
{
	char *_free_ entry = entry_of(INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX, "");
	char *_free_ both = xasprintf(OTHERS ",%s", entry);
	char *_free_ after = index_of(both);
	char *_free_ theirs = index_of(OTHERS);
	char *_free_ lost = asking_answer("200 X", "ETag: \"2\"\r\n", theirs);
	char *_free_ won = asking_answer("200 X", "ETag: \"3\"\r\n", after);
	const struct {
		struct server_step steps[8];
		size_t count, last_put;
	} rows[] = {
		{ { { .text = CREATED },
		    { .text = ABSENT },
		    { .text = "HTTP/1.1 412 X\r\n" EMPTY },
		    { .text = lost },
		    { .text = CREATED },
		    { .text = won } },
		  6,
		  4 },
		{ { { .text = CREATED },
		    { .text = ABSENT },
		    { .text = CREATED },
		    { .text = lost },
		    { .text = lost },
		    { .text = CREATED },
		    { .text = won } },
		  7,
		  5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;

		asking_init_with(&a, rows[i].steps, rows[i].count, &patient);
		CU_ASSERT_EQUAL(put(&a, NULL, INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX), 0);
		CU_ASSERT_EQUAL(server_request_count(a.server), rows[i].count);
		CU_ASSERT_STRING_EQUAL(body_of(&a, rows[i].last_put), after);
		CU_ASSERT(asking_has("condition", server_request(a.server, rows[i].last_put),
				     "If-Match: \"2\"\r\n"));
	}
}

void test_push_document__tags_that_are_not_to_be_had(void)
{
	char *_free_ theirs = index_of(OTHERS);
	char *_free_ lost = asking_answer("200 X", "", theirs);
	char *_free_ image = asking_answer("200 X", "", OLD_SIGNATURE);
	char *_free_ junk = asking_answer("200 X", "", "\x1b[31m");
	const struct {
		struct server_step steps[3];
		enum err_kind kind;
	} rows[] = {
		{ { { .text = CREATED }, { .text = lost }, { .text = lost } }, ERR_CHANGED },
		{ { { .text = CREATED }, { .text = image }, { .text = CREATED } }, ERR_DAMAGED },
		{ { { .text = CREATED }, { .text = junk }, { .text = CREATED } }, ERR_DAMAGED },
		{ { { .text = CREATED },
		    { .text = "HTTP/1.1 403 X\r\n" EMPTY },
		    { .text = CREATED } },
		  ERR_DENIED },
		{ { { .text = CREATED },
		    { .text = ABSENT },
		    { .text = "HTTP/1.1 403 X\r\n" EMPTY } },
		  ERR_DENIED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;

		asking_init_with(&a, rows[i].steps, 3, &patient);
		CU_ASSERT(put(&a, NULL, INDEX_OF_SUBJECT, MEDIA_TYPE_OCI_INDEX) < 0);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has("subject", a.err.msg, "referrers of " SUBJECT));
		CU_ASSERT(server_request_count(a.server) < 30);
	}
}
