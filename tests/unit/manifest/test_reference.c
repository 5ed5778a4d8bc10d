/* SPDX-License-Identifier: Apache-2.0 */
/* References: the house's table row by row, and what is built on the parser. */
#include "base/mem.h"
#include "tests/unit/manifest/check.h"
#include "tests/unit/manifest/reference_table.h"

#include <CUnit/CUnit.h>

#define F64 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static bool outcome_is(const struct reference_row *row, enum reference_mode mode)
{
	const bool is_raw = mode == REFERENCE_RAW;
	const struct reference_outcome *want = is_raw ? &row->raw : &row->normalized;
	struct reference _reference_ ref = { 0 };
	char name[64];

	snprintf(name, sizeof(name), "#%d %s", row->number, is_raw ? "raw" : "normalized");
	const enum reference_fault fault = reference_scan(row->input, mode, &ref);

	if (!check_int(name, "fault", want->fault, fault))
		return false;
	if (fault)
		return check_int(name, "written on failure", 0,
				 ref.domain || ref.path || ref.tag || ref.digest.alg);
	return check_text(name, "domain", want->domain, or_empty(ref.domain)) &
	       check_text(name, "path", want->path, or_empty(ref.path)) &
	       check_text(name, "tag", want->tag, or_empty(ref.tag)) &
	       check_text(name, "digest", want->digest,
			  ref.digest.alg ? DIGEST_TEXT(&ref.digest) : "");
}

void test_reference__raw_rows(void)
{
	CU_ASSERT_EQUAL_FATAL(reference_row_count, 114);
	for (size_t i = 0; i < reference_row_count; i++) {
		CU_ASSERT_EQUAL(reference_rows[i].number, (int)i + 1);
		CU_ASSERT(outcome_is(&reference_rows[i], REFERENCE_RAW));
	}
}

void test_reference__normalized_rows(void)
{
	for (size_t i = 0; i < reference_row_count; i++)
		CU_ASSERT(outcome_is(&reference_rows[i], REFERENCE_NORMALIZED));
}

static bool forms_are(const struct reference_row *row)
{
	struct reference _reference_ ref = { 0 }, _reference_ again = { 0 };
	struct err err = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "#%d", row->number);
	if (reference_parse(row->input, &ref, &err) < 0)
		return check_text(name, "parses", row->canonical, NULL) &
		       check_err(name, &err, ERR_USAGE, "");
	char *_free_ canonical = reference_canonical(&ref);
	char *_free_ familiar = reference_familiar(&ref);
	bool ok = check_text(name, "canonical", row->canonical, canonical) &
		  check_text(name, "familiar", row->familiar, familiar);

	/* Both forms mean the same reference again; a bare 64-hex name is the one that cannot. */
	if (reference_parse(canonical, &again, &err) < 0)
		return false;
	char *_free_ twice = reference_canonical(&again);

	ok &= check_text(name, "canonical again", canonical, twice);
	reference_fini(&again);
	if (row->number == 79)
		return ok & check_int(name, "fault", REFERENCE_IDENTIFIER,
				      reference_scan(familiar, REFERENCE_NORMALIZED, &again));
	if (reference_parse(familiar, &again, &err) < 0)
		return check_text(name, "familiar parses", familiar, err.msg);
	char *_free_ from_familiar = reference_canonical(&again);

	return ok & check_text(name, "familiar again", canonical, from_familiar);
}

void test_reference__canonical_and_familiar_forms(void)
{
	for (size_t i = 0; i < reference_row_count; i++)
		CU_ASSERT(forms_are(&reference_rows[i]));
}

/* Our one deviation: docker makes a reference without a registry of these. */
void test_reference__a_host_that_is_none_is_refused(void)
{
	static const char *const texts[] = { "a_b.c/d", "foo_bar.com/x:1", "a__b.c/d/e" };
	struct reference ref;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CU_ASSERT_EQUAL(reference_scan(texts[i], REFERENCE_NORMALIZED, &ref),
				REFERENCE_INVALID_FORMAT);
}

/* Not in the table: digests by their algorithm's rules, in upper case, in pieces. */
void test_reference__digest_faults(void)
{
	static const struct {
		const char *text;
		enum reference_fault raw, normalized;
	} rows[] = {
		{ "repo@SHA256:" F64, REFERENCE_DIGEST_UNSUPPORTED, REFERENCE_MUST_BE_LOWERCASE },
		{ "repo@sha384:" F64 "ffffffffffffffffffffffffffffffff",
		  REFERENCE_DIGEST_UNSUPPORTED, REFERENCE_DIGEST_UNSUPPORTED },
		{ "repo@sha512:" F64, REFERENCE_DIGEST_INVALID_LENGTH,
		  REFERENCE_DIGEST_INVALID_LENGTH },
		{ "repo@sha256:" F64 "ff", REFERENCE_DIGEST_INVALID_LENGTH,
		  REFERENCE_DIGEST_INVALID_LENGTH },
		{ "repo@multihash+base58:" F64, REFERENCE_DIGEST_UNSUPPORTED,
		  REFERENCE_DIGEST_UNSUPPORTED },
		{ "repo@a..b:" F64, REFERENCE_INVALID_FORMAT, REFERENCE_INVALID_FORMAT },
		{ "repo@256:" F64, REFERENCE_INVALID_FORMAT, REFERENCE_INVALID_FORMAT },
		{ "repo@sha256:" F64 "/x", REFERENCE_INVALID_FORMAT, REFERENCE_INVALID_FORMAT },
		{ "repo@sha256", REFERENCE_INVALID_FORMAT, REFERENCE_INVALID_FORMAT },
		{ "repo:@sha256:" F64, REFERENCE_INVALID_FORMAT, REFERENCE_INVALID_FORMAT },
	};
	struct reference ref;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CU_ASSERT(check_int(rows[i].text, "raw", rows[i].raw,
				    reference_scan(rows[i].text, REFERENCE_RAW, &ref)));
		CU_ASSERT(check_int(rows[i].text, "normalized", rows[i].normalized,
				    reference_scan(rows[i].text, REFERENCE_NORMALIZED, &ref)));
	}
}

void test_reference__any_takes_ids_and_digests(void)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ F64, "sha256:" F64 },
		{ "sha256:" F64, "sha256:" F64 },
		{ "sha512:" F64 F64, "sha512:" F64 F64 },
		{ "debian", "docker.io/library/debian" },
		/* Not a digest, so a name with a tag. */
		{ "sha256:ffff", "docker.io/library/sha256:ffff" },
		{ "docker.io/" F64, "docker.io/library/" F64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reference _reference_ ref = { 0 };
		struct err err = { 0 };

		CU_ASSERT_EQUAL(reference_parse_any(rows[i].text, &ref, &err), 0);
		char *_free_ canonical = reference_canonical(&ref);
		char *_free_ familiar = reference_familiar(&ref);

		CU_ASSERT(check_text(rows[i].text, "canonical", rows[i].canonical, canonical));
		if (!ref.path)
			CU_ASSERT(
				check_text(rows[i].text, "familiar", rows[i].canonical, familiar));
	}
}

void test_reference__latest_only_for_a_bare_name(void)
{
	static const struct {
		const char *text, *tag, *canonical;
	} rows[] = {
		{ "debian", "latest", "docker.io/library/debian:latest" },
		{ "debian:12", "12", "docker.io/library/debian:12" },
		{ "debian@sha256:" F64, NULL, "docker.io/library/debian@sha256:" F64 },
		{ "debian:12@sha256:" F64, "12", "docker.io/library/debian:12@sha256:" F64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reference _reference_ ref = { 0 }, _reference_ copy = { 0 };

		CU_ASSERT_EQUAL_FATAL(reference_parse(rows[i].text, &ref, NULL), 0);
		CU_ASSERT(check_text(rows[i].text, "tag", rows[i].tag,
				     reference_tag_or_latest(&ref)));
		reference_add_latest(&ref);
		reference_add_latest(&ref);
		reference_copy(&ref, &copy);
		char *_free_ canonical = reference_canonical(&copy);

		CU_ASSERT(check_text(rows[i].text, "canonical", rows[i].canonical, canonical));
	}
}

void test_reference__where_to_connect(void)
{
	static const struct {
		const char *text, *repository, *host, *key;
		int port; /* -1: refused */
	} rows[] = {
		{ "debian", "docker.io/library/debian", "registry-1.docker.io",
		  "https://index.docker.io/v1/", 0 },
		{ "index.docker.io/a/b", "docker.io/a/b", "registry-1.docker.io",
		  "https://index.docker.io/v1/", 0 },
		{ "quay.io/a/b", "quay.io/a/b", "quay.io", "quay.io", 0 },
		{ "docker.io:443/foo", "docker.io:443/foo", "docker.io:443", "docker.io:443", 443 },
		{ "localhost:5000/a", "localhost:5000/a", "localhost:5000", "localhost:5000",
		  5000 },
		{ "[::1]/a", "[::1]/a", "[::1]", "[::1]", 0 },
		{ "[::1]:1/a", "[::1]:1/a", "[::1]:1", "[::1]:1", 1 },
		{ "h:65535/a", "h:65535/a", "h:65535", "h:65535", 65535 },
		{ "h:65536/a", "h:65536/a", "h:65536", "h:65536", -1 },
		{ "h:0/a", "h:0/a", "h:0", "h:0", -1 },
		{ "192.168.1.1:750050/foo", "192.168.1.1:750050/foo", "192.168.1.1:750050",
		  "192.168.1.1:750050", -1 },
		{ "h:99999999999999999999999/a", "h:99999999999999999999999/a",
		  "h:99999999999999999999999", "h:99999999999999999999999", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reference _reference_ ref = { 0 };
		struct err err = { 0 };
		unsigned port = 7;

		CU_ASSERT_EQUAL_FATAL(reference_parse(rows[i].text, &ref, &err), 0);
		char *_free_ repository = reference_repository(&ref);
		const int rc = reference_port(&ref, &port, &err);

		CU_ASSERT(check_text(rows[i].text, "repository", rows[i].repository, repository));
		CU_ASSERT(check_text(rows[i].text, "host", rows[i].host, reference_api_host(&ref)));
		CU_ASSERT(check_text(rows[i].text, "key", rows[i].key, reference_auth_key(&ref)));
		CU_ASSERT(check_int(rows[i].text, "port", rows[i].port, rc < 0 ? -1 : (int)port));
		CU_ASSERT(check_err(rows[i].text, &err, rc < 0 ? ERR_USAGE : ERR_NONE,
				    rc < 0 ? "port" : ""));
	}
}

/* Notes to the table: #3, #33, #53. */
void test_reference__host_port_trap(void)
{
	static const char *const traps[] = { "test.com:5000",
					     "192.168.1.1:5000",
					     "localhost:8080",
					     "LOCALHOST:80",
					     "[::1]:5000",
					     ("localhost:8080@sha256:" F64),
					     "Registry.example.com:443" };
	static const char *const names[] = { "debian:12", "registry:5000",    "foo_bar.com:8080",
					     "test.com",  "test.com:tag",     "test.com:5000/x",
					     "localhost", "test.com:1234567", "",
					     ":5000",	  "redis:7.2",	      "localhost:" };

	for (size_t i = 0; i < ARRAY_SIZE(traps); i++)
		CU_ASSERT(check_int(traps[i], "trap", 1, reference_looks_like_host_port(traps[i])));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CU_ASSERT(check_int(names[i], "trap", 0, reference_looks_like_host_port(names[i])));
}

void test_reference__errors_say_what_and_help(void)
{
	static const struct {
		const char *text, *msg, *hint;
	} rows[] = {
		{ "", "reference '': not a valid image reference", "REGISTRY" },
		{ "foo\n", "reference 'foo\\n': not", "REGISTRY" },
		{ "\x1b[2jx", "\\x1b[2jx", "REGISTRY" },
		{ "https://quay.io/a", "not a valid", "'://'" },
		{ "[::1]:5000", "not a valid", "[::1]:5000/REPO" },
		{ "quay.io/A/b", "lower case", "" },
		{ F64, "image ID", "" },
		{ "a@md5:ffffffffffffffffffffffffffffffff", "sha256 and sha512", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reference ref;
		struct err err = { 0 };

		CU_ASSERT(reference_parse(rows[i].text, &ref, &err) < 0);
		CU_ASSERT(check_err(rows[i].text, &err, ERR_USAGE, rows[i].msg));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, rows[i].hint));
		if (!*rows[i].hint)
			CU_ASSERT_STRING_EQUAL(err.hint, "");
	}
}

void test_reference__text_is_bounded(void)
{
	struct reference ref;
	char text[REFERENCE_TEXT_MAX + 8];

	/* A domain is as long as it likes, up to our own bound. */
	memset(text, 'a', sizeof(text));
	memcpy(text, "a.", 2);
	memcpy(text + REFERENCE_TEXT_MAX - 2, "/b", 3);
	CU_ASSERT_EQUAL(reference_scan(text, REFERENCE_NORMALIZED, &ref), REFERENCE_OK);
	CU_ASSERT_EQUAL(strlen(ref.domain), REFERENCE_TEXT_MAX - 2);
	reference_fini(&ref);
	memcpy(text + REFERENCE_TEXT_MAX - 2, "a/b", 4);
	CU_ASSERT_EQUAL(reference_scan(text, REFERENCE_NORMALIZED, &ref), REFERENCE_NAME_TOO_LONG);
	CU_ASSERT_EQUAL(reference_scan(text, REFERENCE_RAW, &ref), REFERENCE_NAME_TOO_LONG);
}

void test_reference__tags_alone(void)
{
	CU_ASSERT(reference_is_tag("latest"));
	CU_ASSERT(reference_is_tag("_"));
	CU_ASSERT(reference_is_tag("A.b-c_1"));
	CU_ASSERT_FALSE(reference_is_tag(""));
	CU_ASSERT_FALSE(reference_is_tag(".a"));
	CU_ASSERT_FALSE(reference_is_tag("-a"));
	CU_ASSERT_FALSE(reference_is_tag("a/b"));
	CU_ASSERT_FALSE(reference_is_tag("a b"));
	CU_ASSERT_FALSE(reference_is_tag("../a"));
}
