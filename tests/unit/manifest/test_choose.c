/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing from an index: image-spec image-index.md. */
#include "base/buf.h"
#include "base/mem.h"
#include "manifest/choose.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

#define ENTRIES_MAX 8

/* "TYPE[@ARTIFACT] [PLATFORM]"; entry i has the size i. */
static void add_entry(struct index *index, const char *text)
{
	static const struct {
		const char *word, *type;
	} types[] = {
		{ "image", MEDIA_TYPE_OCI_MANIFEST },
		{ "docker", MEDIA_TYPE_DOCKER_MANIFEST },
		{ "index", MEDIA_TYPE_OCI_INDEX },
		{ "other", "application/x" },
	};
	struct descriptor *d = &index->manifests.items[index->manifests.count];
	const struct digest digest = { .alg = DIGEST_SHA256 };
	const char *space = strchr(text, ' '), *at = strchr(text, '@');

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strncmp(text, types[i].word, strlen(types[i].word)))
			descriptor_init(d, types[i].type, &digest, index->manifests.count);
	if (at && strcmp(at, "@attestation") != 0)
		d->artifact_type = xmemdupz(at + 1, strcspn(at + 1, " "));
	if (at && !strcmp(at, "@attestation"))
		annotations_set(&d->annotations, ANNOTATION_DOCKER_REFERENCE_TYPE,
				"attestation-manifest");
	if (space) {
		d->platform = NEW(struct platform);
		CU_ASSERT_EQUAL_FATAL(platform_parse(space + 1, d->platform, NULL), 0);
	}
	index->manifests.count++;
}

static void make_index(struct index *ret, const char *const *entries)
{
	*ret = (struct index){ 0 };
	ret->manifests.items = xcalloc(ENTRIES_MAX, sizeof(struct descriptor));
	for (size_t i = 0; i < ENTRIES_MAX && entries[i]; i++)
		add_entry(ret, entries[i]);
}

struct choose_row {
	const char *want;
	const char *entries[ENTRIES_MAX];
	int rc;	    /* 0, 1 or -1 for not found */
	int chosen; /* number of the entry */
	const char *msg;
};

static bool chooses(const struct choose_row *row)
{
	struct index index;
	struct platform _platform_ want = { 0 };
	const struct descriptor *chosen = NULL;
	struct err err = { 0 };

	make_index(&index, row->entries);
	CU_ASSERT_EQUAL_FATAL(platform_parse(row->want, &want, NULL), 0);
	const int rc = index_choose(&index, &want, &chosen, &err);
	bool ok = check_int(row->want, "rc", row->rc, rc < 0 ? -1 : rc) &
		  check_err(row->want, &err, rc < 0 ? ERR_NOT_FOUND : ERR_NONE, row->msg);

	if (rc >= 0 && ok)
		ok &= check_int(row->want, "entry", row->chosen, (int)chosen->size);
	descriptors_fini(&index.manifests);
	return ok;
}

void test_choose__best_first(void)
{
	static const struct choose_row rows[] = {
		{ "linux/amd64", { "image linux/arm64", "image linux/amd64" }, 0, 1, "" },
		/* The first among equals. */
		{ "linux/amd64", { "image linux/amd64", "image linux/amd64" }, 0, 0, "" },
		{ "linux/arm64/v8", { "image linux/arm64", "image linux/arm64/v8" }, 0, 0, "" },
		{ "linux/amd64/v3",
		  { "image linux/386", "image linux/amd64", "image linux/amd64/v2",
		    "image linux/amd64/v4" },
		  0,
		  2,
		  "" },
		{ "linux/amd64", { "image linux/amd64/v2", "image linux/386" }, 0, 1, "" },
		{ "linux/arm64", { "image linux/arm/v6", "image linux/arm/v7" }, 0, 1, "" },
		{ "linux/arm/v6", { "image linux/arm/v7", "image linux/arm/v5" }, 0, 1, "" },
		/* docker's list, and nested indexes. */
		{ "linux/amd64", { "docker linux/amd64" }, 0, 0, "" },
		{ "linux/amd64", { "index linux/386", "index linux/amd64" }, 0, 1, "" },
		/* A stated match is better than an entry that says nothing, wherever it stands. */
		{ "linux/amd64", { "image", "image linux/386" }, 0, 1, "" },
		{ "linux/amd64", { "image linux/arm64", "image", "image" }, 1, 1, "" },
		{ "linux/amd64", { "index" }, 1, 0, "" },
		/* Not images. */
		{ "linux/amd64",
		  { "other linux/amd64", "image@attestation", "image@a/b linux/amd64",
		    "image linux/386" },
		  0,
		  3,
		  "" },
		{ "linux/amd64",
		  { "image unknown/unknown", "image@a/b", "other", "image" },
		  1,
		  3,
		  "" },
		{ "unknown/unknown",
		  { "image unknown/unknown", "image linux/arm64" },
		  -1,
		  0,
		  "no image for unknown/unknown (available: linux/arm64)" },
		/*
		 * An artifact type that is the config's type is what referrers lists make of an
		 * image.
		 */
		{ "linux/amd64",
		  { "image@application/vnd.oci.image.config.v1+json linux/amd64" },
		  0,
		  0,
		  "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(chooses(&rows[i]));
}

void test_choose__nothing_fits_says_what_is_there(void)
{
	static const struct choose_row rows[] = {
		{ "linux/s390x",
		  { "image linux/amd64", "image linux/arm64/v8", "image linux/amd64",
		    "image unknown/unknown", "image@a/b linux/386", "other linux/ppc64le",
		    "index windows(10.0.17763)/amd64" },
		  -1,
		  0,
		  "no image for linux/s390x (available: linux/amd64, linux/arm64/v8, "
		  "windows(10.0.17763)/amd64)" },
		{ "linux/amd64",
		  { NULL },
		  -1,
		  0,
		  "no image for linux/amd64 (the index offers none)" },
		{ "linux/amd64", { "image unknown/unknown" }, -1, 0, "(the index offers none)" },
		/* Parts of others are not the same. */
		{ "linux/amd64",
		  { "image linux/arm/v6", "image linux/arm", "image nux/arm", "image linux/arm" },
		  -1,
		  0,
		  "(available: linux/arm/v6, linux/arm, nux/arm)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(chooses(&rows[i]));
}

void test_choose__unstated_ones_in_order(void)
{
	static const char *const entries[ENTRIES_MAX] = {
		"image linux/amd64", "image", "other", "image@attestation",
		"image@a/b",	     "index", "image",
	};
	struct index index, empty = { 0 };
	const struct descriptor *d = NULL;

	make_index(&index, entries);
	for (uint64_t i = 1; i <= 6; i = i == 1 ? 5 : i + 1) {
		d = index_next_unstated(&index, d);
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT_EQUAL(d->size, i);
	}
	CU_ASSERT_PTR_NULL(index_next_unstated(&index, d));
	CU_ASSERT_PTR_NULL(index_next_unstated(&empty, NULL));
	descriptors_fini(&index.manifests);
}

void test_choose__a_long_list_is_cut(void)
{
	static const char *const none[ENTRIES_MAX] = { NULL };
	struct index index;
	struct platform _platform_ want = { 0 };
	struct err err = { 0 };

	make_index(&index, none);
	index.manifests.items =
		xreallocarray(index.manifests.items, 1000, sizeof(struct descriptor));
	for (unsigned i = 0; i < 1000; i++) {
		char text[64];

		snprintf(text, sizeof(text), "image linux/mmix%u", i);
		index.manifests.items[i] = (struct descriptor){ 0 };
		add_entry(&index, text);
	}
	CU_ASSERT_EQUAL(platform_parse("linux/amd64", &want, NULL), 0);
	CU_ASSERT(index_no_match(&index, &want, &err) < 0);
	CU_ASSERT(check_err("long", &err, ERR_NOT_FOUND, "linux/mmix0, linux/mmix1, "));
	CU_ASSERT(strlen(err.msg) < sizeof(err.msg) - 1);
	CU_ASSERT_STRING_EQUAL(err.msg + strlen(err.msg) - 6, ", ...)");
	CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "--platform"));
	descriptors_fini(&index.manifests);
}

void test_choose__peer_text_is_escaped(void)
{
	static const char *const entries[ENTRIES_MAX] = { "image linux/amd64" };
	struct index index;
	struct platform _platform_ want = { 0 };
	struct err err = { 0 };

	make_index(&index, entries);
	free(index.manifests.items[0].platform->os);
	index.manifests.items[0].platform->os = xstrdup("\x1b[2J\n");
	CU_ASSERT_EQUAL(platform_parse("linux/amd64", &want, NULL), 0);
	CU_ASSERT(index_no_match(&index, &want, &err) < 0);
	CU_ASSERT(check_err("escape", &err, ERR_NOT_FOUND, "\\x1b[2J\\n/amd64"));
	descriptors_fini(&index.manifests);
}
