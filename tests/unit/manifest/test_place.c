/* SPDX-License-Identifier: Apache-2.0 */
/* Places: every form of the command line, and back. */
#include "base/mem.h"
#include "manifest/place.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

void test_place__forms(void)
{
	static const struct {
		const char *text;
		enum place_kind kind;
		const char *path, *name;
	} rows[] = {
		{ "debian", PLACE_IMAGE, NULL, "debian" },
		{ "localhost:5000/a:b", PLACE_IMAGE, NULL, "localhost:5000/a:b" },
		{ "docker://quay.io/a:b", PLACE_REGISTRY, NULL, "quay.io/a:b" },
		{ "docker://oci:latest", PLACE_REGISTRY, NULL, "oci:latest" },
		{ "oci:dir", PLACE_OCI, "dir", NULL },
		{ "oci:/a/b:name", PLACE_OCI, "/a/b", "name" },
		/* Splits at the first colon. */
		{ "oci:dir:h:5000/a:b", PLACE_OCI, "dir", "h:5000/a:b" },
		{ "oci:dir:@1", PLACE_OCI, "dir", "@1" },
		{ "oci-archive:f.tar:v1", PLACE_OCI_ARCHIVE, "f.tar", "v1" },
		{ "docker-archive:f.tar", PLACE_DOCKER_ARCHIVE, "f.tar", NULL },
		{ "docker-archive:f.tar:a/b:c", PLACE_DOCKER_ARCHIVE, "f.tar", "a/b:c" },
		{ "store:debian:12", PLACE_STORE, NULL, "debian:12" },
		{ "oci", PLACE_IMAGE, NULL, "oci" },
		{ "OCI:dir", PLACE_IMAGE, NULL, "OCI:dir" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct place _place_ p = { 0 };
		struct err err = { 0 };

		CU_ASSERT_EQUAL(place_parse(rows[i].text, &p, &err), 0);
		CU_ASSERT(check_int(rows[i].text, "kind", rows[i].kind, p.kind));
		CU_ASSERT(check_text(rows[i].text, "path", rows[i].path, p.path));
		CU_ASSERT(check_text(rows[i].text, "name", rows[i].name, p.name));
		char *_free_ text = place_text(&p);

		CU_ASSERT(check_text(rows[i].text, "text", rows[i].text, text));
	}
}

void test_place__empty_parts_are_refused(void)
{
	static const char *const texts[] = {
		"",	    "docker://", "oci:",	 "oci::",	    "oci::x",
		"oci:dir:", "store:",	 "oci-archive:", "docker-archive:", "docker-archive:f:"
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct place p;
		struct err err = { 0 };

		CU_ASSERT(place_parse(texts[i], &p, &err) < 0);
		CU_ASSERT(check_err(texts[i], &err, ERR_USAGE, "not of the form"));
	}
}
