/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes: what each of the three witnesses may say, limits, and lies. */
#include "base/buf.h"
#include "base/mem.h"
#include "manifest/document.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

#define OCI_M	 "application/vnd.oci.image.manifest.v1+json"
#define OCI_I	 "application/vnd.oci.image.index.v1+json"
#define DOCKER_M "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_I "application/vnd.docker.distribution.manifest.list.v2+json"
#define V2	 "'schemaVersion':2"
#define TYPE(t)	 "'mediaType':'" t "'"
#define CONFIG                                                                                 \
	"'config':{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'" DIGEST_A \
	"','size':7}"
#define LAYER                                                                            \
	"{'mediaType':'application/vnd.oci.image.layer.v1.tar+gzip','digest':'" DIGEST_B \
	"','size':8}"
#define LAYERS	  "'layers':[" LAYER "]"
#define MANIFEST  CONFIG "," LAYERS
#define ENTRY	  "{'mediaType':'" OCI_M "','digest':'" DIGEST_C "','size':9}"
#define MANIFESTS "'manifests':[" ENTRY "]"

static int parse(const char *text, const char *content_type, struct document *ret, struct err *err)
{
	char *_free_ json = json_text(text);

	return document_parse(json, strlen(json), content_type, ret, err);
}

struct good_row {
	const char *json;
	const char *content_type;
	enum document_kind kind;
	const char *media_type;
};

static bool is_good(const struct good_row *row)
{
	struct document _document_ d = { 0 };
	struct err err = { 0 };

	if (parse(row->json, row->content_type, &d, &err) < 0)
		return check_text(row->json, "parses", row->media_type, err.msg);
	return check_int(row->json, "kind", row->kind, d.kind) &
	       check_text(row->json, "type", row->media_type, d.media_type) &
	       check_int(row->json, "class",
			 row->kind == DOCUMENT_INDEX ? MEDIA_INDEX : MEDIA_MANIFEST, d.media.kind);
}

/* What a document may not be (CVE-2021-41190 and its kin). */
void test_document__kind_by_type_and_members(void)
{
	static const struct good_row rows[] = {
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST "}", OCI_M, DOCUMENT_MANIFEST, OCI_M },
		{ "{" V2 "," TYPE(OCI_I) "," MANIFESTS "}", OCI_I, DOCUMENT_INDEX, OCI_I },
		{ "{" V2 "," TYPE(DOCKER_M) "," MANIFEST "}", DOCKER_M, DOCUMENT_MANIFEST,
		  DOCKER_M },
		{ "{" V2 "," TYPE(DOCKER_I) "," MANIFESTS "}", DOCKER_I, DOCUMENT_INDEX, DOCKER_I },
		/* The body says it alone. */
		{ "{" V2 "," TYPE(DOCKER_M) "," MANIFEST "}", NULL, DOCUMENT_MANIFEST, DOCKER_M },
		{ "{" V2 "," TYPE(DOCKER_I) "," MANIFESTS "}", "", DOCUMENT_INDEX, DOCKER_I },
		{ "{" V2 "," TYPE(OCI_I) "," MANIFESTS "}", "text/plain; charset=utf-8",
		  DOCUMENT_INDEX, OCI_I },
		{ "{" V2 "," TYPE(DOCKER_M) "," MANIFEST "}", "application/json", DOCUMENT_MANIFEST,
		  DOCKER_M },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST "}", "application/octet-stream",
		  DOCUMENT_MANIFEST, OCI_M },
		/* The sender says it alone. */
		{ "{" V2 "," MANIFEST "}", OCI_M, DOCUMENT_MANIFEST, OCI_M },
		{ "{" V2 "," MANIFESTS "}", OCI_I, DOCUMENT_INDEX, OCI_I },
		{ "{" V2 ",'mediaType':null," MANIFESTS "}", OCI_I, DOCUMENT_INDEX, OCI_I },
		{ "{" V2 ",'mediaType':''," MANIFESTS "}", OCI_I, DOCUMENT_INDEX, OCI_I },
		/* Case and parameters. */
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST "}",
		  " Application/Vnd.OCI.image.manifest.v1+JSON ; charset=utf-8", DOCUMENT_MANIFEST,
		  OCI_M },
		/* Nobody says it: by the members, OCI. */
		{ "{" V2 "," MANIFEST "}", NULL, DOCUMENT_MANIFEST, OCI_M },
		{ "{" V2 "," MANIFESTS "}", NULL, DOCUMENT_INDEX, OCI_I },
		{ "{" V2 "," MANIFESTS "}", "application/json", DOCUMENT_INDEX, OCI_I },
		/* Go writes null for an empty list, and for what is absent. */
		{ "{" V2 "," TYPE(OCI_I) ",'manifests':null}", OCI_I, DOCUMENT_INDEX, OCI_I },
		{ "{" V2 "," TYPE(OCI_I) ",'manifests':[]}", OCI_I, DOCUMENT_INDEX, OCI_I },
		{ "{" V2 "," TYPE(OCI_M) "," CONFIG ",'layers':null}", OCI_M, DOCUMENT_MANIFEST,
		  OCI_M },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST ",'manifests':null,'annotations':null,"
					 "'subject':null,'artifactType':null}",
		  OCI_M, DOCUMENT_MANIFEST, OCI_M },
		/* Unknown members and unknown types in an index are no errors. */
		{ "{" V2 "," MANIFESTS ",'x':{'manifests':1}}", NULL, DOCUMENT_INDEX, OCI_I },
		{ "{" V2 ",'manifests':[{'mediaType':'a/b','digest':'blake3:x','size':1,'y':2}]}",
		  NULL, DOCUMENT_INDEX, OCI_I },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(is_good(&rows[i]));
}

struct bad_row {
	const char *json;
	const char *content_type;
	enum err_kind kind;
	const char *msg;
};

static bool is_bad(const struct bad_row *row)
{
	struct document d = { 0 };
	struct err err = { 0 };
	const int rc = parse(row->json, row->content_type, &d, &err);

	return check_int(row->json, "accepted", 0, rc >= 0) &
	       check_err(row->json, &err, row->kind, row->msg) &
	       check_int(row->json, "written", 0, d.kind || d.media_type);
}

/* CVE-2021-41190: no document that two readers could take for two things. */
void test_document__ambiguous_ones_are_refused(void)
{
	static const struct bad_row rows[] = {
		{ "{" V2 "," TYPE(OCI_I) "," MANIFESTS "," LAYERS "}", OCI_I, ERR_DAMAGED,
		  "both an index" },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFESTS "," CONFIG "}", OCI_M, ERR_DAMAGED,
		  "both an index" },
		{ "{" V2 "," MANIFESTS "," MANIFEST "}", NULL, ERR_DAMAGED, "both an index" },
		{ "{" V2 ",'manifests':[],'layers':[]}", NULL, ERR_DAMAGED, "both an index" },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST "}", OCI_I, ERR_DAMAGED,
		  "sent as '" OCI_I "', but its mediaType is '" OCI_M "'" },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST "}", DOCKER_M, ERR_DAMAGED, "sent as" },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST "}", "text/html", ERR_DAMAGED, "sent as" },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFESTS "}", OCI_M, ERR_DAMAGED,
		  "an image manifest by its type" },
		{ "{" V2 "," TYPE(OCI_I) "," MANIFEST "}", OCI_I, ERR_DAMAGED,
		  "an index by its type" },
		{ "{" V2 "," MANIFEST "}", OCI_I, ERR_DAMAGED, "an index by its type" },
		{ "{" V2 "," MANIFESTS "}", OCI_M, ERR_DAMAGED, "an image manifest by its type" },
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST ",'fsLayers':[]}", OCI_M, ERR_DAMAGED,
		  "members of schema 1" },
		/* Duplicate keys. */
		{ "{" V2 "," TYPE(OCI_M) "," MANIFEST "," LAYERS "}", OCI_M, ERR_DAMAGED, "" },
		{ "{" V2 "," V2 "," MANIFEST "}", OCI_M, ERR_DAMAGED, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(is_bad(&rows[i]));
}

void test_document__docker_types_must_be_in_the_body(void)
{
	static const struct bad_row rows[] = {
		{ "{" V2 "," MANIFEST "}", DOCKER_M, ERR_DAMAGED, "mediaType: missing" },
		{ "{" V2 "," MANIFESTS "}", DOCKER_I, ERR_DAMAGED, "mediaType: missing" },
		{ "{" V2 ",'mediaType':null," MANIFESTS "}", DOCKER_I, ERR_DAMAGED,
		  "mediaType: missing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(is_bad(&rows[i]));
}

#define SCHEMA1_BODY                                                                              \
	"{'schemaVersion':1,'name':'library/x','tag':'latest','architecture':'amd64','fsLayers':" \
	"[{'blobSum':'" DIGEST_A "'}],'history':[{'v1Compatibility':'{}'}],'signatures':[]}"

void test_document__schema_1_is_refused_with_a_way_out(void)
{
	static const char v1[] = "application/vnd.docker.distribution.manifest.v1+json";
	static const char jws[] = "application/vnd.docker.distribution.manifest.v1+prettyjws";
	const struct bad_row rows[] = {
		{ SCHEMA1_BODY, jws, ERR_UNSUPPORTED, "schema 1" },
		{ SCHEMA1_BODY, v1, ERR_UNSUPPORTED, "schema 1" },
		{ SCHEMA1_BODY, NULL, ERR_UNSUPPORTED, "schema 1" },
		{ SCHEMA1_BODY, "application/json", ERR_UNSUPPORTED, "schema 1" },
		{ SCHEMA1_BODY, OCI_M, ERR_UNSUPPORTED, "schema 1" },
		{ "{" V2 "," MANIFEST "}", jws, ERR_UNSUPPORTED, "schema 1" },
		{ "{" V2
		  ",'mediaType':'application/vnd.docker.distribution.manifest.v1+json'," MANIFEST
		  "}",
		  NULL, ERR_UNSUPPORTED, "schema 1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct document d;
		struct err err = { 0 };

		CU_ASSERT(is_bad(&rows[i]));
		CU_ASSERT(parse(rows[i].json, rows[i].content_type, &d, &err) < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "skopeo copy"));
	}
}

void test_document__wrong_ones_are_refused_by_name(void)
{
	static const struct bad_row rows[] = {
		{ "", NULL, ERR_DAMAGED, "" },
		{ "<html>", "text/html", ERR_DAMAGED, "" },
		{ "[]", OCI_M, ERR_DAMAGED, "document: expected object" },
		{ "null", OCI_M, ERR_DAMAGED, "document: expected object" },
		{ "{}", OCI_M, ERR_DAMAGED, "schemaVersion: missing" },
		{ "{" MANIFEST "}", OCI_M, ERR_DAMAGED, "schemaVersion: missing" },
		{ "{'schemaVersion':'2'," MANIFEST "}", OCI_M, ERR_DAMAGED,
		  "schemaVersion: expected integer" },
		{ "{'schemaVersion':3," MANIFEST "}", OCI_M, ERR_DAMAGED, "schemaVersion: 3" },
		{ "{" V2 "}", NULL, ERR_UNSUPPORTED, "neither an index" },
		{ "{" V2 "}", "application/json", ERR_UNSUPPORTED, "neither an index" },
		{ "{" V2 "}", OCI_M, ERR_DAMAGED, "config: missing" },
		{ "{" V2 "}", OCI_I, ERR_DAMAGED, "manifests: missing" },
		{ "{" V2 "," LAYERS "}", OCI_M, ERR_DAMAGED, "config: missing" },
		{ "{" V2 ",'config':null," LAYERS "}", OCI_M, ERR_DAMAGED, "config: missing" },
		{ "{" V2 "," CONFIG "}", OCI_M, ERR_DAMAGED, "layers: missing" },
		{ "{" V2 "," CONFIG ",'layers':{}}", OCI_M, ERR_DAMAGED, "layers: expected array" },
		{ "{" V2 ",'manifests':1}", OCI_I, ERR_DAMAGED, "manifests: expected array" },
		{ "{" V2 "," CONFIG ",'layers':[" LAYER ",{}]}", OCI_M, ERR_DAMAGED,
		  "layers[1].mediaType: missing" },
		{ "{" V2 "," CONFIG ",'layers':[null]}", OCI_M, ERR_DAMAGED,
		  "layers[0]: expected" },
		{ "{" V2 ",'manifests':[" ENTRY ",3]}", OCI_I, ERR_DAMAGED,
		  "manifests[1]: expected" },
		{ "{" V2 ",'config':[]," LAYERS "}", OCI_M, ERR_DAMAGED,
		  "config: expected object" },
		{ "{" V2 "," MANIFEST ",'subject':{}}", OCI_M, ERR_DAMAGED,
		  "subject.mediaType: missing" },
		{ "{" V2 "," MANIFEST ",'annotations':{'a':1}}", OCI_M, ERR_DAMAGED,
		  "annotations.a: expected string" },
		{ "{" V2 "," MANIFEST ",'artifactType':1}", OCI_M, ERR_DAMAGED,
		  "artifactType: expected string" },
		{ "{" V2 ",'mediaType':1," MANIFEST "}", OCI_M, ERR_DAMAGED,
		  "mediaType: expected string" },
		{ "{" V2 "," TYPE("a/b") "," MANIFEST "}", NULL, ERR_UNSUPPORTED,
		  "media type 'a/b' is neither" },
		{ "{" V2 "," MANIFEST "}", "text/html", ERR_UNSUPPORTED,
		  "media type 'text/html' is neither" },
		{ "{" V2 "," TYPE("application/vnd.oci.image.config.v1+json") "," MANIFEST "}",
		  NULL, ERR_UNSUPPORTED, "is neither" },
		{ "{" V2 "," MANIFEST "} x", OCI_M, ERR_DAMAGED, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(is_bad(&rows[i]));
}

void test_document__parts_of_a_manifest(void)
{
	struct document _document_ d = { 0 };
	static const char text[] = "{" V2 "," TYPE(OCI_M) ",'artifactType':'a/b'," CONFIG
							  ",'layers':[" LAYER
							  ",{'mediaType':'x/y','digest':'" DIGEST_C
							  "','size':1}],'annotations':{'k':'v'},"
							  "'subject':" ENTRY "}";

	CU_ASSERT_EQUAL_FATAL(parse(text, OCI_M, &d, NULL), 0);
	CU_ASSERT_STRING_EQUAL(d.artifact_type, "a/b");
	CU_ASSERT_STRING_EQUAL(d.manifest.config.digest_text, DIGEST_A);
	CU_ASSERT_EQUAL_FATAL(d.manifest.layers.count, 2);
	CU_ASSERT_EQUAL(d.manifest.layers.items[0].media.compression, MEDIA_GZIP);
	CU_ASSERT_STRING_EQUAL(d.manifest.layers.items[1].digest_text, DIGEST_C);
	CU_ASSERT_STRING_EQUAL(annotations_get(&d.annotations, "k"), "v");
	CU_ASSERT_PTR_NOT_NULL_FATAL(d.subject);
	CU_ASSERT_STRING_EQUAL(d.subject->digest_text, DIGEST_C);
	CU_ASSERT_EQUAL(d.index.manifests.count, 0);
	document_fini(&d);
	CU_ASSERT_EQUAL(d.kind, 0);
	document_fini(NULL);
}

void test_document__parts_of_an_index(void)
{
	struct document _document_ d = { 0 };
	static const char text[] =
		"{" V2 ",'manifests':[" ENTRY ",{'mediaType':'" OCI_I "','digest':'" DIGEST_A
		"','size':3,'platform':{'os':'linux','architecture':'arm64'}}],'subject':" ENTRY
		"}";

	CU_ASSERT_EQUAL_FATAL(parse(text, NULL, &d, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(d.index.manifests.count, 2);
	CU_ASSERT_EQUAL(d.index.manifests.items[1].media.kind, MEDIA_INDEX);
	CU_ASSERT_STRING_EQUAL(d.index.manifests.items[1].platform->arch, "arm64");
	CU_ASSERT_PTR_NOT_NULL(d.subject);
	CU_ASSERT_PTR_NULL(d.manifest.config.media_type);
}

/* An index of `count` entries, padded with spaces to `bytes`. */
static char *make_index(size_t count, size_t bytes, size_t *ret_len)
{
	struct buf b = BUF_INIT((size_t)16 << 20);
	char *_free_ entry = json_text("{'mediaType':'a/b','digest':'" DIGEST_A "','size':1}");
	char *_free_ head = json_text("{'schemaVersion':2,'manifests':[");

	CU_ASSERT_EQUAL_FATAL(buf_append_str(&b, head, NULL), 0);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL_FATAL(buf_printf(&b, NULL, "%s%s", i ? "," : "", entry), 0);
	while (b.len + 2 < bytes)
		CU_ASSERT_EQUAL_FATAL(buf_append_char(&b, ' ', NULL), 0);
	CU_ASSERT_EQUAL_FATAL(buf_append_str(&b, "]}", NULL), 0);
	*ret_len = b.len;
	return buf_take(&b);
}

void test_document__limits(void)
{
	static const struct {
		size_t count, bytes;
		const char *msg; /* NULL: fine */
	} rows[] = {
		{ DOCUMENT_ENTRIES_MAX, 0, NULL },
		{ DOCUMENT_ENTRIES_MAX + 1, 0, "manifests: 10001 entries, at most 10000" },
		{ 1, DOCUMENT_BYTES_MAX, NULL },
		{ 1, DOCUMENT_BYTES_MAX + 1, "document: 4194305 bytes, at most 4194304" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct document _document_ d = { 0 };
		struct err err = { 0 };
		size_t len;
		char *_free_ text = make_index(rows[i].count, rows[i].bytes, &len);
		const int rc = document_parse(text, len, NULL, &d, &err);

		CU_ASSERT(check_int("limit", "ok", !rows[i].msg, rc == 0));
		CU_ASSERT(check_err("limit", &err, rows[i].msg ? ERR_LIMIT : ERR_NONE,
				    rows[i].msg ? rows[i].msg : ""));
		CU_ASSERT_EQUAL(d.index.manifests.count, rows[i].msg ? 0 : rows[i].count);
	}
}

void test_document__nesting_is_bounded(void)
{
	struct buf _buf_ b = BUF_INIT(4096);
	struct document d;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(buf_append_str(&b, "{\"schemaVersion\":2,\"x\":", &err), 0);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(buf_append_char(&b, '[', &err), 0);
	CU_ASSERT(document_parse(buf_str(&b), b.len, OCI_M, &d, &err) < 0);
	CU_ASSERT(check_err("depth", &err, ERR_LIMIT, ""));
}

/* Every prefix of a document is an error, and nothing else. */
void test_document__cut_anywhere(void)
{
	char *_free_ text = json_text("{" V2 "," MANIFEST ",'subject':" ENTRY "}");

	for (size_t len = 0; len < strlen(text); len++) {
		struct document d;
		struct err err = { 0 };
		char *_free_ part = xmemdupz(text, len);

		CU_ASSERT(document_parse(part, len, OCI_M, &d, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	}
}

void test_document__peer_text_in_errors_is_escaped(void)
{
	struct document d;
	struct err err = { 0 };

	CU_ASSERT(parse("{" V2 ",'mediaType':'\\u001b[2J'," MANIFEST "}", "x/\x1b[1m", &d, &err) <
		  0);
	CU_ASSERT_PTR_NULL(strchr(err.msg, 0x1b));
	CU_ASSERT(check_err("escape", &err, ERR_DAMAGED, "\\x1b[2J"));
}
