/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: image-spec descriptor.md, and lies in each field. */
#include "base/mem.h"
#include "manifest/descriptor.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

#define M "'mediaType':'application/vnd.oci.image.manifest.v1+json'"
#define D "'digest':'" DIGEST_A "'"

static int parse(const char *text, struct descriptor *ret, struct err *err)
{
	char *_free_ json = json_text(text);
	struct json _json_ *root = NULL;

	TRY(json_parse(json, strlen(json), &root, err));
	return descriptor_parse(root, "d", ret, err);
}

void test_descriptor__what_is_read_is_what_is_written(void)
{
	static const char *const texts[] = {
		"{" M "," D ",'size':0}",
		"{" M "," D ",'size':9223372036854775807}",
		"{" M "," D
		",'size':2,'urls':['http://a/','https://b/'],'annotations':{'k':'v','l':"
		"''},'data':'e30=','artifactType':'a/b','platform':{'architecture':'arm64',"
		"'os':'linux','variant':'v8'}}",
		"{'mediaType':'','digest':'multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9K"
		"v46HmX4Gx8','size':1}",
		"{" M ",'digest':'sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564','size':1"
		"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct descriptor _descriptor_ d = { 0 }, _descriptor_ copy = { 0 };
		struct buf _buf_ out = BUF_INIT(4096);
		struct err err = { 0 };
		char *_free_ want = json_text(texts[i]);

		CU_ASSERT_EQUAL(parse(texts[i], &d, &err), 0);
		CU_ASSERT(check_err(texts[i], &err, ERR_NONE, ""));
		descriptor_copy(&d, &copy);
		descriptor_fini(&d);
		struct json _json_ *object = descriptor_json(&copy);

		CU_ASSERT_EQUAL(json_print(object, 0, &out, NULL), 0);
		CU_ASSERT(check_text(texts[i], "json", want, buf_str(&out)));
	}
}

void test_descriptor__fields_are_understood(void)
{
	struct descriptor _descriptor_ d = { 0 };

	CU_ASSERT_EQUAL_FATAL(parse("{" M "," D ",'size':2,'data':'e30=','unknown':[1],'urls':null,"
				    "'platform':{'os':'linux','architecture':'amd64'}}",
				    &d, NULL),
			      0);
	CU_ASSERT_EQUAL(d.media.kind, MEDIA_MANIFEST);
	CU_ASSERT_EQUAL(d.digest.alg, DIGEST_SHA256);
	CU_ASSERT_EQUAL(d.digest.bytes[31], 0xaa);
	CU_ASSERT_EQUAL(d.size, 2);
	CU_ASSERT_EQUAL(memcmp(d.data, "{}", 3), 0);
	CU_ASSERT_EQUAL(d.urls.count, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d.platform);
	CU_ASSERT_STRING_EQUAL(d.platform->arch, "amd64");
	CU_ASSERT_EQUAL(descriptor_need_digest(&d, NULL), 0);
}

void test_descriptor__data_of_nothing_is_there(void)
{
	struct descriptor _descriptor_ d = { 0 };

	CU_ASSERT_EQUAL_FATAL(parse("{" M "," D ",'size':0,'data':''}", &d, NULL), 0);
	CU_ASSERT_PTR_NOT_NULL(d.data);
}

void test_descriptor__lies_are_refused_by_name(void)
{
	static const struct {
		const char *json, *msg;
	} rows[] = {
		{ "[]", "d: expected object, found array" },
		{ "null", "d: expected object" },
		{ "{}", "d.mediaType: missing" },
		{ "{" D ",'size':1}", "d.mediaType: missing" },
		{ "{" M ",'size':1}", "d.digest: missing" },
		{ "{" M "," D "}", "d.size: missing" },
		{ "{'mediaType':1," D ",'size':1}", "d.mediaType: expected string" },
		{ "{" M ",'digest':[],'size':1}", "d.digest: expected string" },
		{ "{" M "," D ",'size':-1}", "d.size: negative" },
		{ "{" M "," D ",'size':'1'}", "d.size: expected integer" },
		{ "{" M "," D ",'size':1.5}", "d.size: expected integer" },
		{ "{" M "," D ",'size':9223372036854775808}", "" },
		{ "{" M ",'digest':'','size':1}", "d.digest: " },
		{ "{" M ",'digest':'sha256:','size':1}", "d.digest: " },
		{ "{" M ",'digest':'sha256','size':1}", "d.digest: " },
		{ "{" M ",'digest':'sha256:aa','size':1}", "d.digest: " },
		{ "{" M ",'digest':'sha256:../../../etc/passwd','size':1}", "d.digest: " },
		{ "{" M ",'digest':'x:../../../etc/passwd','size':1}", "d.digest: " },
		{ "{" M ",'digest':'x:a b','size':1}", "is not a digest" },
		{ "{" M ",'digest':'../x:aa','size':1}", "d.digest: " },
		{ "{" M ",'digest':'SHA256:aa','size':1}", "d.digest: " },
		{ "{" M "," D ",'size':1,'urls':'x'}", "d.urls: expected array" },
		{ "{" M "," D ",'size':1,'urls':[1]}", "d.urls[0]: expected string" },
		{ "{" M "," D ",'size':1,'annotations':[]}", "d.annotations: expected object" },
		{ "{" M "," D ",'size':1,'annotations':{'a':1}}", "d.annotations.a: expected" },
		{ "{" M "," D ",'size':2,'data':'e3'}", "d.data: not base64" },
		{ "{" M "," D ",'size':2,'data':1}", "d.data: expected string" },
		{ "{" M "," D ",'size':3,'data':'e30='}", "d.data: 2 bytes, but size says 3" },
		{ "{" M "," D ",'size':1,'platform':[]}", "d.platform: expected object" },
		{ "{" M "," D ",'size':1,'platform':{'os':1}}", "d.platform.os: expected string" },
		{ "{" M "," D ",'size':1,'artifactType':{}}", "d.artifactType: expected string" },
		{ "{" M "," D ",'size':1,'size':2}", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct descriptor d = { 0 };
		struct err err = { 0 };

		CU_ASSERT(
			check_int(rows[i].json, "accepted", 0, parse(rows[i].json, &d, &err) >= 0));
		CU_ASSERT(check_err(rows[i].json, &err, ERR_DAMAGED, rows[i].msg));
		CU_ASSERT_PTR_NULL(d.media_type);
	}
}

/* descriptor.md: implementations SHOULD allow unsupported digests to pass validation. */
void test_descriptor__unknown_algorithm_fails_only_when_needed(void)
{
	struct descriptor _descriptor_ d = { 0 };
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(parse("{" M ",'digest':'blake3:Ab_-=','size':1}", &d, &err), 0);
	CU_ASSERT_EQUAL(d.digest.alg, DIGEST_NONE);
	CU_ASSERT_STRING_EQUAL(d.digest_text, "blake3:Ab_-=");
	CU_ASSERT(descriptor_need_digest(&d, &err) < 0);
	CU_ASSERT(check_err("blake3", &err, ERR_UNSUPPORTED, "'blake3:Ab_-='"));
}

void test_descriptor__platform_that_says_nothing_is_none(void)
{
	static const char *const platforms[] = { "{}", "null", "{'os':'','architecture':''}",
						 "{'variant':'v8'}" };

	for (size_t i = 0; i < ARRAY_SIZE(platforms); i++) {
		struct descriptor _descriptor_ d = { 0 };
		char *_free_ text = xasprintf("{" M "," D ",'size':1,'platform':%s}", platforms[i]);

		CU_ASSERT_EQUAL(parse(text, &d, NULL), 0);
		CU_ASSERT_PTR_NULL(d.platform);
	}
}

void test_descriptor__attestations(void)
{
	static const struct {
		const char *more;
		bool is_attestation;
	} rows[] = {
		{ "", false },
		{ ",'platform':{'os':'unknown','architecture':'unknown'}", true },
		{ ",'platform':{'os':'linux','architecture':'unknown'}", false },
		{ ",'annotations':{'vnd.docker.reference.type':'attestation-manifest'}", true },
		{ ",'annotations':{'x':'attestation-manifest'}", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct descriptor _descriptor_ d = { 0 };
		char *_free_ text = xasprintf("{" M "," D ",'size':1%s}", rows[i].more);

		CU_ASSERT_EQUAL(parse(text, &d, NULL), 0);
		CU_ASSERT(check_int(rows[i].more, "attestation", rows[i].is_attestation,
				    descriptor_is_attestation(&d)));
	}
}

void test_descriptor__made_from_parts(void)
{
	struct descriptor _descriptor_ d = { 0 };
	struct digest digest;

	CU_ASSERT_EQUAL_FATAL(digest_parse(DIGEST_B, strlen(DIGEST_B), &digest, NULL), 0);
	descriptor_init(&d, MEDIA_TYPE_OCI_LAYER "+zstd", &digest, 77);
	CU_ASSERT_EQUAL(d.media.kind, MEDIA_LAYER);
	CU_ASSERT_EQUAL(d.media.compression, MEDIA_ZSTD);
	CU_ASSERT_STRING_EQUAL(d.digest_text, DIGEST_B);
	CU_ASSERT_EQUAL(d.size, 77);
	descriptor_fini(&d);
	descriptor_fini(&d);
	descriptor_fini(NULL);
	descriptors_fini(NULL);
}
