/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every place shares: documents and blobs fetched by descriptor are checked against it,
 * whatever the place says. The place here is a shelf in memory that can be told to lie.
 */
#include "transport/transport.h"

#include "base/mem.h"
#include "manifest/document.h"
#include "stream/hash.h"

#include <CUnit/CUnit.h>

#define CONTENT "{\"schemaVersion\":2}"

/* Has one thing, gives it for any name. */
struct shelf {
	struct transport base;
	const char *content;	/* of documents and blobs */
	const char *media_type; /* NULL: it says none */
	unsigned asked;
	char last_name[200];
	bool closed;
};

static int shelf_get_document(struct transport *t, struct op *op, const char *name,
			      struct transport_document *ret, struct err *err)
{
	struct shelf *s = container_of(t, struct shelf, base);
	struct digest d;

	(void)op;
	s->asked++;
	snprintf(s->last_name, sizeof(s->last_name), "%s", name);
	if (!s->content)
		return err_set(err, ERR_NOT_FOUND, "nothing there");
	*ret = (struct transport_document){ .bytes = BUF_INIT(DOCUMENT_BYTES_MAX) };
	TRY(buf_append_str(&ret->bytes, s->content, err));
	hash_bytes(DIGEST_SHA256, s->content, strlen(s->content), &d);
	if (s->media_type)
		descriptor_init(&ret->descriptor, s->media_type, &d, strlen(s->content));
	return 0;
}

static int shelf_resolve(struct transport *t, struct op *op, const char *name,
			 struct descriptor *ret, struct err *err)
{
	struct transport_document doc = { 0 };

	TRY(shelf_get_document(t, op, name, &doc, err));
	descriptor_copy(&doc.descriptor, ret);
	transport_document_fini(&doc);
	return 0;
}

static int shelf_open_blob(struct transport *t, struct op *op, struct transport_range *range,
			   struct source **ret, struct err *err)
{
	struct shelf *s = container_of(t, struct shelf, base);

	(void)op;
	s->asked++;
	if (!s->content)
		return err_set(err, ERR_NOT_FOUND, "nothing there");
	range->ret_offset = 0;
	*ret = source_mem(s->content, strlen(s->content));
	return 0;
}

static void shelf_close(struct transport *t)
{
	container_of(t, struct shelf, base)->closed = true;
}

static const struct transport_ops shelf_ops = {
	.get_document = shelf_get_document,
	.resolve = shelf_resolve,
	.open_blob = shelf_open_blob,
	.close = shelf_close,
};

static struct descriptor describe(const char *content, const char *media_type)
{
	struct descriptor d;
	struct digest digest;

	hash_bytes(DIGEST_SHA256, content, strlen(content), &digest);
	descriptor_init(&d, media_type, &digest, strlen(content));
	return d;
}

void test_transport__described_documents(void)
{
	static const struct {
		const char *row, *content, *type; /* what the shelf gives */
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ "good", CONTENT, MEDIA_TYPE_OCI_MANIFEST, ERR_NONE, NULL },
		{ "parameters", CONTENT, "Application/vnd.oci.image.manifest.v1+JSON; x=y",
		  ERR_NONE, NULL },
		{ "generic", CONTENT, "application/json", ERR_NONE, NULL },
		{ "says nothing", CONTENT, NULL, ERR_NONE, NULL },
		{ "other type", CONTENT, MEDIA_TYPE_OCI_INDEX, ERR_DAMAGED, "expected " },
		{ "html", CONTENT, "text/html", ERR_DAMAGED, "sent as text/html" },
		{ "hostile type", CONTENT, "a/\x1b[m", ERR_DAMAGED, "a/\\x1b[m" },
		{ "same size", "{\"schemaVersion\":3}", MEDIA_TYPE_OCI_MANIFEST, ERR_DAMAGED,
		  "its content is sha256:" },
		{ "short", "{}", MEDIA_TYPE_OCI_MANIFEST, ERR_DAMAGED, "2 bytes, expected 19" },
		{ "absent", NULL, NULL, ERR_NOT_FOUND, "nothing there" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct shelf s = { { &shelf_ops }, rows[i].content, rows[i].type, 0, "", false };
		struct descriptor _descriptor_ d = describe(CONTENT, MEDIA_TYPE_OCI_MANIFEST);
		struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
		struct err err = { 0 };
		const int rc = transport_get_described(&s.base, NULL, &d, &doc, &err);

		CU_ASSERT_EQUAL(rc < 0, rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(err.kind, rows[i].kind);
		CU_ASSERT_STRING_EQUAL(s.last_name, d.digest_text);
		if (rc < 0) {
			CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].message));
			continue;
		}
		CU_ASSERT_STRING_EQUAL(buf_str(&doc.bytes), CONTENT);
		CU_ASSERT_STRING_EQUAL(doc.descriptor.media_type, MEDIA_TYPE_OCI_MANIFEST);
		CU_ASSERT(digest_equal(&doc.descriptor.digest, &d.digest));
	}
}

/* Other digests than the place's own. */
void test_transport__described_by_sha512(void)
{
	struct shelf s = { { &shelf_ops }, CONTENT, MEDIA_TYPE_OCI_MANIFEST, 0, "", false };
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	struct descriptor _descriptor_ d = { 0 };
	struct digest digest;

	hash_bytes(DIGEST_SHA512, CONTENT, strlen(CONTENT), &digest);
	descriptor_init(&d, MEDIA_TYPE_OCI_MANIFEST, &digest, strlen(CONTENT));
	CU_ASSERT_EQUAL(transport_get_described(&s.base, NULL, &d, &doc, NULL), 0);
	CU_ASSERT_EQUAL(doc.descriptor.digest.alg, DIGEST_SHA512);
}

void test_transport__embedded_data(void)
{
	static const struct {
		const char *data;
		unsigned asked;
	} rows[] = {
		{ CONTENT, 0 }, { "{\"schemaVersion\":3}", 1 }, /* it lies: the place is asked */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct shelf s = { { &shelf_ops }, CONTENT, NULL, 0, "", false };
		struct descriptor _descriptor_ d = describe(CONTENT, MEDIA_TYPE_OCI_MANIFEST);
		struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
		struct buf _buf_ blob = BUF_INIT(100);

		d.data = (uint8_t *)xstrdup(rows[i].data);
		CU_ASSERT_EQUAL(transport_get_described(&s.base, NULL, &d, &doc, NULL), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&doc.bytes), CONTENT);
		CU_ASSERT_EQUAL(s.asked, rows[i].asked);
		CU_ASSERT_EQUAL(transport_read_blob(&s.base, NULL, &d, &blob, NULL), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&blob), CONTENT);
		CU_ASSERT_EQUAL(s.asked, 2 * rows[i].asked);
	}
}

void test_transport__refuses_before_it_asks(void)
{
	struct shelf s = { { &shelf_ops }, CONTENT, NULL, 0, "", false };
	struct descriptor _descriptor_ large = describe(CONTENT, MEDIA_TYPE_OCI_MANIFEST);
	struct descriptor _descriptor_ unknown = describe(CONTENT, MEDIA_TYPE_OCI_MANIFEST);
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	struct buf _buf_ blob = BUF_INIT(100);
	struct err err = { 0 };

	large.size = DOCUMENT_BYTES_MAX + 1;
	CU_ASSERT(transport_get_described(&s.base, NULL, &large, &doc, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	err_clear(&err);
	large.size = 101;
	CU_ASSERT(transport_read_blob(&s.base, NULL, &large, &blob, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	err_clear(&err);
	unknown.digest.alg = DIGEST_NONE;
	CU_ASSERT(transport_get_described(&s.base, NULL, &unknown, &doc, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(s.asked, 0);
}

void test_transport__blobs_are_verified(void)
{
	static const char *const lies[] = { "{\"schemaVersion\":3}", "{}", CONTENT "x", "" };

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct shelf s = { { &shelf_ops }, lies[i], NULL, 0, "", false };
		struct descriptor _descriptor_ d = describe(CONTENT, MEDIA_TYPE_OCI_CONFIG);
		struct buf _buf_ blob = BUF_INIT(100);
		struct err err = { 0 };

		CU_ASSERT(transport_read_blob(&s.base, NULL, &d, &blob, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	}
}

void test_transport__optional_calls(void)
{
	struct shelf s = { { &shelf_ops }, CONTENT, MEDIA_TYPE_OCI_INDEX, 0, "", false };
	struct transport_document doc;
	struct descriptor _descriptor_ found = { 0 };
	struct err err = { 0 };

	CU_ASSERT(transport_list_tags(&s.base, NULL, NULL, NULL, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
	err_clear(&err);
	CU_ASSERT(transport_get_referrers(&s.base, NULL, NULL, &doc, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(transport_resolve(&s.base, NULL, "x", &found, NULL), 0);
	CU_ASSERT_EQUAL(found.size, strlen(CONTENT));
	transport_close(&s.base);
	CU_ASSERT(s.closed);
	transport_close(NULL);
}
