/* SPDX-License-Identifier: Apache-2.0 */
/* Copying between two places in memory: what comes along, in which order, how often. */
#include "base/mem.h"
#include "tests/unit/transport/memplace.h"
#include "transport/copy.h"
#include "transport/copy_int.h"

#include <CUnit/CUnit.h>

/* A source with an index of many kinds of entries, and an empty target that is strict. */
struct world {
	struct memplace from, to;
	struct descriptor host, other, nested_image, attestation, nested, index;
};

static void world_init(struct world *w)
{
	*w = (struct world){ 0 };
	memplace_init(&w->from);
	memplace_init(&w->to);
	mem_image(&w->from, NULL, "host's layer", &w->host);
	mem_image(&w->from, "linux/s390x", "other layer", &w->other);
	mem_image(&w->from, "linux/mips64le", "host's layer", &w->nested_image);
	mem_artifact(&w->from, "provenance", NULL, &w->attestation);
	mem_index(&w->from,
		  (struct mem_entry[]){ { &w->nested_image, "linux/mips64le", NULL },
					{ &w->other, "linux/s390x", NULL } },
		  2, &w->nested);
	mem_index(
		&w->from,
		(struct mem_entry[]){ { &w->nested, NULL, NULL },
				      { &w->host, "local", NULL },
				      { &w->other, "linux/s390x", NULL },
				      { &w->host, "local", NULL },
				      { &w->attestation, "unknown/unknown", w->host.digest_text } },
		5, &w->index);
	mem_tag(&w->from, "v1", &w->index);
	mem_tag(&w->from, "single", &w->host);
}

static void world_fini(struct world *w)
{
	struct descriptor *const all[] = { &w->host,	    &w->other,	&w->nested_image,
					   &w->attestation, &w->nested, &w->index };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		descriptor_fini(all[i]);
	memplace_fini(&w->from);
	memplace_fini(&w->to);
}
#define _world_ __attribute__((cleanup(world_fini)))

static const char *const new_tag[] = { "new" };

/* Copies what `request` says, its places and names filled in where empty. */
static int copy(struct world *w, const struct copy_request *request, struct copy_result *ret,
		struct err *err)
{
	struct copy_request req = *request;
	struct copy_result result = { 0 };
	struct op op = { 0 };

	req.from = &w->from.base;
	req.to = &w->to.base;
	if (!req.from_name)
		req.from_name = "v1";
	if (!req.to_names) {
		req.to_names = new_tag;
		req.to_count = 1;
	}
	const int rc = copy_image(&op, &req, &result, err);

	if (rc >= 0 && ret)
		*ret = result;
	else
		copy_result_fini(&result);
	return rc;
}

static bool copies(struct world *w, const struct copy_request *request, struct copy_result *ret)
{
	struct err err = { 0 };
	const int rc = copy(w, request, ret, &err);

	if (rc < 0)
		fprintf(stderr, "# %s\n", err.msg);
	return rc >= 0;
}

static void assert_fails(struct world *w, const struct copy_request *request, enum err_kind kind)
{
	struct err err = { 0 };

	CU_ASSERT(copy(w, request, NULL, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, kind);
	if (err.kind != kind)
		fprintf(stderr, "# %s\n", err.msg);
	CU_ASSERT_FALSE(mem_is_tagged(&w->to, "new", &w->index));
	CU_ASSERT_EQUAL(w->to.tag_count, 0);
}

/* The place refuses parents before children, so that this works is the order. */
void test_copy__whole_index(void)
{
	_world_ struct world w;
	_cleanup_(copy_result_fini) struct copy_result r = { 0 };

	world_init(&w);
	CU_ASSERT(copies(&w, &(struct copy_request){ .platforms = COPY_ALL }, &r));
	CU_ASSERT(mem_is_tagged(&w.to, "new", &w.index));
	CU_ASSERT_STRING_EQUAL(w.to.last_put, "new");
	CU_ASSERT(digest_equal(&r.target.digest, &w.index.digest));
	CU_ASSERT_EQUAL(mem_blob_count(&w.to), mem_blob_count(&w.from));
	CU_ASSERT_EQUAL(r.documents, 6);
	/* Three configs, two layers (one is shared), the artifact's two. */
	CU_ASSERT_EQUAL(r.blobs, 7);
	CU_ASSERT_EQUAL(w.from.opens, 7);
	CU_ASSERT_EQUAL(r.existed, 0);
	CU_ASSERT_EQUAL(r.referrers, 0);
}

void test_copy__again_moves_nothing(void)
{
	_world_ struct world w;
	_cleanup_(copy_result_fini) struct copy_result r = { 0 };

	world_init(&w);
	CU_ASSERT(copies(&w, &(struct copy_request){ .platforms = COPY_ALL }, NULL));
	w.from.opens = 0;
	w.to.document_puts = 0;
	CU_ASSERT(copies(&w, &(struct copy_request){ .platforms = COPY_ALL }, &r));
	CU_ASSERT_EQUAL(w.from.opens, 0);
	CU_ASSERT_EQUAL(r.blobs, 0);
	CU_ASSERT_EQUAL(r.blob_bytes, 0);
	CU_ASSERT_EQUAL(r.existed, 7);
	CU_ASSERT_EQUAL(w.to.document_puts, 1); /* the tag */
}

void test_copy__many_names_or_none(void)
{
	static const char *const names[] = { "a", "b", "c" };
	_world_ struct world w;

	world_init(&w);
	CU_ASSERT(copies(&w,
			 &(struct copy_request){ .platforms = COPY_ALL,
						 .to_names = names,
						 .to_count = ARRAY_SIZE(names) },
			 NULL));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CU_ASSERT(mem_is_tagged(&w.to, names[i], &w.index));
	CU_ASSERT(copies(&w, &(struct copy_request){ .from_name = "single", .to_names = names },
			 NULL));
	CU_ASSERT_EQUAL(w.to.tag_count, 3);
	CU_ASSERT_STRING_EQUAL(w.to.last_put, w.host.digest_text);
}

void test_copy__one_platform(void)
{
	_world_ struct world w;
	_platform_ struct platform mips = { 0 }, riscv = { 0 };
	_cleanup_(copy_result_fini) struct copy_result r = { 0 };

	world_init(&w);
	CU_ASSERT_EQUAL(platform_parse("linux/mips64le", &mips, NULL), 0);
	CU_ASSERT_EQUAL(platform_parse("linux/riscv64", &riscv, NULL), 0);
	assert_fails(&w, &(struct copy_request){ .platform = &riscv }, ERR_NOT_FOUND);
	assert_fails(&w, &(struct copy_request){ .platform = &riscv, .from_name = "single" },
		     ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(mem_blob_count(&w.to), 0);
	CU_ASSERT(copies(&w, &(struct copy_request){ .platforms = COPY_ONE }, &r));
	CU_ASSERT(digest_equal(&r.target.digest, &w.host.digest));
	CU_ASSERT(r.is_of_index);
	CU_ASSERT_EQUAL(mem_blob_count(&w.to), 3);
	/* In the nested index, which says nothing about platforms: it is looked into. */
	CU_ASSERT(copies(&w, &(struct copy_request){ .platform = &mips }, NULL));
	CU_ASSERT(mem_is_tagged(&w.to, "new", &w.nested_image));
}

/* Entries without a platform: the config says it. */
void test_copy__platform_of_the_config(void)
{
	_world_ struct world w;
	_descriptor_ struct descriptor index = { 0 };

	world_init(&w);
	mem_index(&w.from,
		  (struct mem_entry[]){ { &w.other, NULL, NULL }, { &w.host, NULL, NULL } }, 2,
		  &index);
	mem_tag(&w.from, "v1", &index);
	CU_ASSERT(copies(&w, &(struct copy_request){ .platforms = COPY_ONE }, NULL));
	CU_ASSERT(mem_is_tagged(&w.to, "new", &w.host));
}

void test_copy__sparse(void)
{
	_world_ struct world w;
	_platform_ struct platform host = { 0 };

	world_init(&w);
	w.to.takes_any_order = true;
	platform_host(&host);
	CU_ASSERT(copies(&w, &(struct copy_request){ .platforms = COPY_SPARSE, .platform = &host },
			 NULL));
	CU_ASSERT(mem_is_tagged(&w.to, "new", &w.index));
	CU_ASSERT(mem_has(&w.to, &w.host));
	CU_ASSERT(mem_has(&w.to, &w.attestation));
	CU_ASSERT_FALSE(mem_has(&w.to, &w.other));
	CU_ASSERT_FALSE(mem_has(&w.to, &w.nested));
}

void test_copy__of_a_sparse_index(void)
{
	_world_ struct world w;
	struct err err = { 0 };

	world_init(&w);
	mem_lose(&w.from, &w.other);
	CU_ASSERT(copy(&w, &(struct copy_request){ .platforms = COPY_ALL }, NULL, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, w.other.digest_text));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "--sparse"));
	CU_ASSERT_EQUAL(mem_blob_count(&w.to), 0);
	w.to.takes_any_order = true;
	CU_ASSERT(copies(&w, &(struct copy_request){ .platforms = COPY_SPARSE }, NULL));
	CU_ASSERT(mem_is_tagged(&w.to, "new", &w.index));
	CU_ASSERT(mem_has(&w.to, &w.host));
	CU_ASSERT(mem_has(&w.to, &w.nested_image));
	CU_ASSERT_FALSE(mem_has(&w.to, &w.other));
}

/* --- dry run --------------------------------------------------------------------------------- */

struct told {
	char *lines[32];
	size_t count;
};

static void tell(void *arg, const struct descriptor *d, bool is_there)
{
	struct told *t = arg;

	t->lines[t->count++] = xasprintf("%s %d", d->digest_text, is_there);
}

void test_copy__dry_run(void)
{
	_world_ struct world w;
	_cleanup_(copy_result_fini) struct copy_result r = { 0 }, half = { 0 };
	struct told told = { 0 };
	const struct copy_request dry = {
		.platforms = COPY_ALL, .dry_run = true, .plan = tell, .arg = &told
	};

	world_init(&w);
	CU_ASSERT(copies(&w, &dry, &r));
	CU_ASSERT_EQUAL(mem_blob_count(&w.to), 0);
	CU_ASSERT_EQUAL(w.to.tag_count, 0);
	CU_ASSERT_EQUAL(w.from.opens, 0);
	CU_ASSERT_EQUAL(r.blobs, 7);
	CU_ASSERT_EQUAL(r.documents, 6);
	CU_ASSERT_EQUAL(told.count, 13);
	CU_ASSERT_EQUAL_FATAL(told.count, 13);
	/* The target is the last. */
	CU_ASSERT_EQUAL(strncmp(told.lines[12], w.index.digest_text, 71), 0);
	for (size_t i = 0; i < told.count; i++)
		free(told.lines[i]);
	told.count = 0;
	CU_ASSERT(copies(&w, &(struct copy_request){ .from_name = "single" }, NULL));
	CU_ASSERT(copies(&w, &dry, &half));
	CU_ASSERT_EQUAL(half.blobs, 5);
	CU_ASSERT_EQUAL(half.existed, 2);
	CU_ASSERT_EQUAL(half.documents, 5);
	CU_ASSERT(half.blob_bytes < r.blob_bytes);
	for (size_t i = 0; i < told.count; i++)
		free(told.lines[i]);
}

/* --- referrers ------------------------------------------------------------------------------- */

struct referring {
	struct world w;
	struct descriptor sbom, signature, cosign, of_index;
	char tag[SUBJECT_TAG_BYTES + 8];
};

static void referring_init(struct referring *r)
{
	*r = (struct referring){ 0 };
	world_init(&r->w);
	mem_artifact(&r->w.from, "sbom", &r->w.host, &r->sbom);
	mem_artifact(&r->w.from, "signature of the sbom", &r->sbom, &r->signature);
	mem_artifact(&r->w.from, "of the index", &r->w.index, &r->of_index);
	mem_artifact(&r->w.from, "payload", NULL, &r->cosign);
	subject_tag(&r->w.host.digest, r->tag);
	snprintf(r->tag + strlen(r->tag), 8, ".sig");
	mem_tag(&r->w.from, r->tag, &r->cosign);
}

static void referring_fini(struct referring *r)
{
	world_fini(&r->w);
	descriptor_fini(&r->sbom);
	descriptor_fini(&r->signature);
	descriptor_fini(&r->cosign);
	descriptor_fini(&r->of_index);
}

void test_copy__referrers(void)
{
	for (int has_no_tags = 0; has_no_tags < 2; has_no_tags++) {
		_cleanup_(referring_fini) struct referring r;
		_cleanup_(copy_result_fini) struct copy_result result = { 0 };

		referring_init(&r);
		r.w.from.has_no_tags = has_no_tags;
		CU_ASSERT(copies(&r.w,
				 &(struct copy_request){ .platforms = COPY_ALL, .referrers = true },
				 &result));
		CU_ASSERT_EQUAL(result.referrers, 4);
		CU_ASSERT(mem_has(&r.w.to, &r.sbom));
		CU_ASSERT(mem_has(&r.w.to, &r.signature));
		CU_ASSERT(mem_has(&r.w.to, &r.of_index));
		CU_ASSERT(mem_is_tagged(&r.w.to, r.tag, &r.cosign));
		CU_ASSERT_STRING_EQUAL(r.w.to.last_put, "new");
		CU_ASSERT_EQUAL(mem_blob_count(&r.w.to), mem_blob_count(&r.w.from));
		CU_ASSERT(r.w.from.lists == 1);
	}
}

void test_copy__referrers_of_what_is_copied(void)
{
	_cleanup_(referring_fini) struct referring r;

	referring_init(&r);
	CU_ASSERT(copies(&r.w, &(struct copy_request){ .referrers = false }, NULL));
	CU_ASSERT_FALSE(mem_has(&r.w.to, &r.sbom));
	CU_ASSERT(copies(&r.w, &(struct copy_request){ .referrers = true }, NULL));
	CU_ASSERT(mem_has(&r.w.to, &r.signature));
	CU_ASSERT_FALSE(mem_has(&r.w.to, &r.of_index));
	CU_ASSERT(mem_is_tagged(&r.w.to, r.tag, &r.cosign));
}

/* Without the referrers API a tag holds the list; the target's own list is not overwritten. */
void test_copy__fallback_tag(void)
{
	_cleanup_(referring_fini) struct referring r;
	_descriptor_ struct descriptor list = { 0 }, mine = { 0 };
	char tag[SUBJECT_TAG_BYTES];

	referring_init(&r);
	subject_tag(&r.w.host.digest, tag);
	r.w.from.has_no_referrers = true;
	mem_index(&r.w.from, (struct mem_entry[]){ { &r.sbom, NULL, NULL } }, 1, &list);
	mem_tag(&r.w.from, tag, &list);
	CU_ASSERT(copies(&r.w, &(struct copy_request){ .referrers = true }, NULL));
	CU_ASSERT(mem_has(&r.w.to, &r.sbom));
	CU_ASSERT(mem_is_tagged(&r.w.to, tag, &list));
	mem_index(&r.w.to, (struct mem_entry[]){ { &r.sbom, NULL, NULL }, { &r.sbom, NULL, NULL } },
		  2, &mine);
	mem_tag(&r.w.to, tag, &mine);
	CU_ASSERT(copies(&r.w, &(struct copy_request){ .referrers = true }, NULL));
	CU_ASSERT(mem_is_tagged(&r.w.to, tag, &mine));
}

void test_copy__referrer_that_is_gone(void)
{
	_cleanup_(referring_fini) struct referring r;
	_descriptor_ struct descriptor list = { 0 };
	char tag[SUBJECT_TAG_BYTES];

	referring_init(&r);
	mem_index(&r.w.from,
		  (struct mem_entry[]){ { &r.sbom, NULL, NULL }, { &r.cosign, NULL, NULL } }, 2,
		  &list);
	mem_tag(&r.w.from, subject_tag(&r.w.host.digest, tag), &list);
	mem_lose(&r.w.from, &r.sbom);
	CU_ASSERT(copies(&r.w, &(struct copy_request){ .referrers = true }, NULL));
	CU_ASSERT(mem_is_tagged(&r.w.to, "new", &r.w.host));
	/* What the list has still comes along, the list itself does not. */
	CU_ASSERT(mem_has(&r.w.to, &r.cosign));
	CU_ASSERT_FALSE(mem_has(&r.w.to, &list));
}
