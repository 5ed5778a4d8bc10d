/* SPDX-License-Identifier: Apache-2.0 */
/* Digest values, by image-spec descriptor.md "Digests" and docs/LAYER-CASES.md #77. */
#include "base/digest.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

#define HEX64  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX128 HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

void test_digest__good_ones_come_back(void)
{
	static const char *const rows[] = { "sha256:" HEX64, "sha512:" HEX128 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct digest d;
		struct err err = { 0 };

		CU_ASSERT_EQUAL_FATAL(digest_parse(rows[i], strlen(rows[i]), &d, &err), 0);
		CU_ASSERT_STRING_EQUAL(DIGEST_TEXT(&d), rows[i]);
		CU_ASSERT_STRING_EQUAL(DIGEST_HEX(&d), rows[i] + 7);
		CU_ASSERT_EQUAL(d.alg, i ? DIGEST_SHA512 : DIGEST_SHA256);
	}
}

void test_digest__bad_ones(void)
{
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *why;
	} rows[] = {
		{ "", ERR_DAMAGED, "not of the form" },
		{ "sha256", ERR_DAMAGED, "not of the form" },
		{ "sha256:", ERR_DAMAGED, "not of the form" },
		{ ":" HEX64, ERR_DAMAGED, "not of the form" },
		{ HEX64, ERR_DAMAGED, "not of the form" },
		/* #77 */
		{ "sha256:../../../../etc/x", ERR_DAMAGED, "needs 64 hex digits" },
		{ "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
		  ERR_DAMAGED, "lower-case" },
		{ "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
		  ERR_DAMAGED, "needs 64 hex digits, not 63" },
		{ "sha256:" HEX64 "0", ERR_DAMAGED, "not 65" },
		{ "sha256:" HEX64 " ", ERR_DAMAGED, "not 65" },
		{ " sha256:" HEX64, ERR_DAMAGED, "not of the form" },
		{ "sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		  ERR_DAMAGED, "lower-case" },
		{ "sha256:../0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		  ERR_DAMAGED, "lower-case" },
		{ "sha512:" HEX64, ERR_DAMAGED, "needs 128" },
		{ "sha256:" HEX128, ERR_DAMAGED, "needs 64" },
		{ "SHA256:" HEX64, ERR_DAMAGED, "not of the form" },
		{ "sha256+:" HEX64, ERR_DAMAGED, "not of the form" },
		{ "+sha256:" HEX64, ERR_DAMAGED, "not of the form" },
		{ "../etc:" HEX64, ERR_DAMAGED, "not of the form" },
		/* Well-formed, but nothing we can compute. */
		{ "sha384:" HEX64, ERR_UNSUPPORTED, "only sha256 and sha512" },
		{ "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
		  ERR_UNSUPPORTED, "only sha256" },
		{ "md5:d41d8cd98f00b204e9800998ecf8427e", ERR_UNSUPPORTED, "only sha256" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct digest d = { .alg = DIGEST_NONE };
		struct err err = { 0 };

		CU_ASSERT_TRUE(digest_parse(rows[i].text, strlen(rows[i].text), &d, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, rows[i].kind);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].why));
		CU_ASSERT_EQUAL(d.alg, DIGEST_NONE);
	}
}

void test_digest__nul_inside_is_refused(void)
{
	static const char text[] =
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b785\0b855";
	static const char alg[] = "sha\0256:" HEX64;
	struct digest d;

	CU_ASSERT_TRUE(digest_parse(text, sizeof(text) - 1, &d, NULL) < 0);
	CU_ASSERT_TRUE(digest_parse(alg, sizeof(alg) - 1, &d, NULL) < 0);
}

void test_digest__hostile_text_is_escaped_in_the_error(void)
{
	struct err err = { 0 };
	struct digest d;

	CU_ASSERT_TRUE(digest_parse("\033[2J\n:x", 7, &d, &err) < 0);
	CU_ASSERT_PTR_NULL(strchr(err.msg, '\033'));
	CU_ASSERT_PTR_NULL(strchr(err.msg, '\n'));
}

void test_digest__equality_looks_at_algorithm_and_bytes(void)
{
	struct digest a, b, c;

	CU_ASSERT_EQUAL_FATAL(digest_parse("sha256:" HEX64, 71, &a, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(digest_parse("sha512:" HEX128, 135, &b, NULL), 0);
	c = a;
	CU_ASSERT_TRUE(digest_equal(&a, &c));
	CU_ASSERT_FALSE(digest_equal(&a, &b));
	c.bytes[31] ^= 1;
	CU_ASSERT_FALSE(digest_equal(&a, &c));
	c = a;
	c.bytes[40] = 1; /* beyond the algorithm's bytes */
	CU_ASSERT_TRUE(digest_equal(&a, &c));
	CU_ASSERT_TRUE(digest_equal(&(struct digest){ 0 }, &(struct digest){ 0 }));
}

void test_digest__names(void)
{
	CU_ASSERT_STRING_EQUAL(digest_alg_name(DIGEST_SHA256), "sha256");
	CU_ASSERT_STRING_EQUAL(digest_alg_name(DIGEST_NONE), "");
	CU_ASSERT_EQUAL(digest_alg_bytes(DIGEST_SHA512), 64);
	CU_ASSERT_EQUAL(digest_alg_bytes(DIGEST_NONE), 0);
	CU_ASSERT_STRING_EQUAL(DIGEST_HEX(&(struct digest){ 0 }), "");
}
