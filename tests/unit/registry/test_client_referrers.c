/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Referrers (distribution-spec "Listing Referrers"): the API, its pages and filter, the fallback
 * tag.
 */
#include "registry/client.h"

#include "base/json.h"
#include "tests/unit/registry/asking.h"

#include <CUnit/CUnit.h>

#define HEX	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TYPE	"Content-Type: application/vnd.oci.image.index.v1+json\r\n"
#define MISSING "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"

#define ENTRY(type, size)                                                                        \
	"{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:" HEX \
	"\",\"size\":" size ",\"artifactType\":\"" type "\",\"x-unknown\":[1]}"
#define INDEX(entries)                                                                     \
	"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\", " \
	"\"manifests\":[" entries "]}"

static int ask(struct asking *a, const char *artifact_type, struct transport_document *ret)
{
	struct digest subject;

	CU_ASSERT_EQUAL_FATAL(digest_parse("sha256:" HEX, 71, &subject, NULL), 0);
	return transport_get_referrers(
		a->t, &a->op, &(struct transport_subject){ &subject, artifact_type }, ret, &a->err);
}

/* "type size," of each entry. */
static char *entries_of(const struct transport_document *doc)
{
	struct json *_json_ root = NULL;
	struct buf out = BUF_INIT(1 << 20);

	CU_ASSERT_EQUAL_FATAL(json_parse(buf_str(&doc->bytes), doc->bytes.len, &root, NULL), 0);
	const struct json *list = json_get(root, "manifests");

	for (size_t i = 0; i < json_count(list); i++)
		buf_printf(&out, NULL, "%s %d,",
			   json_str(json_get(json_at(list, i), "artifactType"), ""),
			   (int)json_int(json_get(json_at(list, i), "size"), -1));
	return buf_take(&out);
}

void test_client_referrers__one_page_stays_as_it_came(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	char *_free_ answer = asking_answer("200 OK", TYPE, INDEX(ENTRY("a/b", "1")));
	char *_free_ digest = asking_digest(INDEX(ENTRY("a/b", "1")));
	const struct server_step step = { .text = answer };

	asking_init(&a, &step, 1);
	CU_ASSERT_EQUAL(ask(&a, NULL, &doc), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&doc.bytes), INDEX(ENTRY("a/b", "1")));
	CU_ASSERT_STRING_EQUAL(doc.descriptor.digest_text, digest);
	CU_ASSERT_STRING_EQUAL(doc.descriptor.media_type, MEDIA_TYPE_OCI_INDEX);
	CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), "GET /v2/ns/repo/referrers/sha256:" HEX);
}

void test_client_referrers__pages_and_filter(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	char *_free_ first = asking_answer("200 OK", TYPE "Link: </next>; rel=next\r\n",
					   INDEX(ENTRY("a/b+c", "1") "," ENTRY("x/y", "2")));
	char *_free_ last = asking_answer("200 OK", TYPE, INDEX(ENTRY("a/b+c", "3")));
	const struct server_step steps[] = { { .text = first }, { .text = last } };

	asking_init(&a, steps, ARRAY_SIZE(steps));
	/* A registry that does not filter, as many do not. */
	CU_ASSERT_EQUAL(ask(&a, "a/b+c", &doc), 0);
	char *_free_ got = entries_of(&doc);
	char *_free_ digest = asking_digest(buf_str(&doc.bytes));

	CU_ASSERT_STRING_EQUAL(got, "a/b+c 1,a/b+c 3,");
	CU_ASSERT(asking_has("unknown members stay", buf_str(&doc.bytes), "\"x-unknown\":[1]"));
	CU_ASSERT_STRING_EQUAL(doc.descriptor.digest_text, digest);
	CU_ASSERT_EQUAL(doc.descriptor.size, doc.bytes.len);
	CU_ASSERT_STRING_EQUAL(ASKED(&a, 0),
			       "GET /v2/ns/repo/referrers/sha256:" HEX "?artifactType=a%2Fb%2Bc");
	CU_ASSERT_STRING_EQUAL(ASKED(&a, 1), "GET /next");
}

void test_client_referrers__fallback_tag(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	char *_free_ tagged =
		asking_answer("200 OK", TYPE, INDEX(ENTRY("a/b", "1") "," ENTRY("x/y", "2")));
	const struct server_step steps[] = { { .text = MISSING }, { .text = tagged } };

	asking_init(&a, steps, ARRAY_SIZE(steps));
	CU_ASSERT_EQUAL(ask(&a, "x/y", &doc), 0);
	char *_free_ got = entries_of(&doc);

	CU_ASSERT_STRING_EQUAL(got, "x/y 2,");
	CU_ASSERT_STRING_EQUAL(ASKED(&a, 1), "GET /v2/ns/repo/manifests/sha256-" HEX);
}

void test_client_referrers__nobody(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	const struct server_step step = { .text = MISSING };

	asking_init(&a, &step, 1);
	CU_ASSERT_EQUAL(ask(&a, NULL, &doc), 0);
	CU_ASSERT_STRING_EQUAL(
		buf_str(&doc.bytes),
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
		"\"manifests\":[]}");
}

void test_client_referrers__what_is_refused(void)
{
	static const struct {
		const char *body;
		enum err_kind kind;
	} rows[] = {
		{ "{}", ERR_DAMAGED },
		{ "<html>", ERR_DAMAGED },
		{ "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"}",
		  ERR_DAMAGED },
		{ INDEX("{}"), ERR_DAMAGED },
		{ INDEX("{\"mediaType\":\"a/b\",\"digest\":\"sha256:../x\",\"size\":1}"),
		  ERR_DAMAGED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
		char *_free_ answer = asking_answer("200 OK", TYPE, rows[i].body);
		const struct server_step step = { .text = answer };

		asking_init(&a, &step, 1);
		CU_ASSERT(ask(&a, NULL, &doc) < 0);
		CU_ASSERT_EQUAL(a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has(rows[i].body, a.err.msg, "referrers of sha256:" HEX));
	}
}

void test_client_referrers__errors_are_not_taken_for_nobody(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	const struct server_step step = { .text = "HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n" };

	asking_init(&a, &step, 1);
	CU_ASSERT(ask(&a, NULL, &doc) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_DENIED);
	CU_ASSERT_EQUAL(server_request_count(a.server), 1);
}

/* A list that breaks off is not an absent one. */
void test_client_referrers__a_missing_page_is_an_error(void)
{
	struct asking _asking_ a;
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	char *_free_ first = asking_answer("200 OK", TYPE "Link: </next>; rel=next\r\n",
					   INDEX(ENTRY("a/b", "1")));
	const struct server_step steps[] = { { .text = first }, { .text = MISSING } };

	asking_init(&a, steps, ARRAY_SIZE(steps));
	CU_ASSERT(ask(&a, NULL, &doc) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(server_request_count(a.server), 2);
}
