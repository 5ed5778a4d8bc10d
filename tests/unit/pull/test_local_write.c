/* SPDX-License-Identifier: Apache-2.0 */
/* The store as a place to copy to: what is named, what is listed, what a collector leaves. */
#include "base/mem.h"
#include "store/gc.h"
#include "store/image_records.h"
#include "stream/hash.h"
#include "tests/support/tmp.h"
#include "tests/unit/pull/world.h"
#include "transport/copy.h"

#include <CUnit/CUnit.h>

/* An index of two images in the one store, and the other to copy to. */
struct pair {
	struct world w;
	struct maker_layer layers[2];
	struct descriptor images[2], index, sbom;
};

static void pair_init(struct pair *p)
{
	static const char *const platforms[] = { "linux/s390x", "linux/riscv64" };

	*p = (struct pair){ 0 };
	world_setup(&p->w, "example.com/a:1");
	maker_layer(p->w.there, world_base_files, 3, true, &p->layers[0]);
	maker_layer(p->w.there, world_top_files, 2, true, &p->layers[1]);
	maker_image(p->w.there, &(struct maker_image){ &p->layers[0], 1, "s390x" }, &p->images[0]);
	maker_image(p->w.there, &(struct maker_image){ &p->layers[1], 1, "riscv64" },
		    &p->images[1]);
	maker_index(p->w.there, p->images, platforms, 2, &p->index);
	maker_name(p->w.there, "example.com/a:1", &p->index, &(struct descriptors){ p->images, 2 });
	_free_ char *text = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"artifactType\":\"a/b\",\"config\":"
		"{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" PRIu64 "},\"layers\":[],"
		"\"subject\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" PRIu64 "}}",
		MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_LAYER, p->layers[0].descriptor.digest_text,
		p->layers[0].descriptor.size, MEDIA_TYPE_OCI_MANIFEST, p->images[0].digest_text,
		p->images[0].size);

	maker_text_blob(p->w.there, MEDIA_TYPE_OCI_MANIFEST, text, &p->sbom);
	_free_ char *name = xasprintf("example.com/a@%s", p->sbom.digest_text);

	maker_name(p->w.there, name, &p->sbom, NULL);
}

static void pair_fini(struct pair *p)
{
	world_free_layers(p->layers, 2);
	descriptor_fini(&p->images[0]);
	descriptor_fini(&p->images[1]);
	descriptor_fini(&p->index);
	descriptor_fini(&p->sbom);
	world_teardown(&p->w);
}
#define _pair_ __attribute__((cleanup(pair_fini)))

/* Into `to`, as example.com/b:TAG. */
static int copy(struct pair *p, struct store *to, const struct copy_request *request,
		struct err *err)
{
	static const char *const tags[] = { "2" };
	_cleanup_(copy_result_fini) struct copy_result r = { 0 };
	_reference_ struct reference b = { 0 };
	struct copy_request req = *request;

	if (reference_parse("example.com/b", &b, NULL) < 0)
		abort();
	req.from = local_transport(p->w.there, &p->w.ref);
	req.to = local_transport(to, &b);
	req.from_name = req.from_name ? req.from_name : "1";
	if (!req.to_names) {
		req.to_names = tags;
		req.to_count = 1;
	}
	int rc = copy_image(&p->w.op, &req, &r, err);

	if (rc >= 0)
		rc = transport_finish(req.to, &p->w.op, err);
	transport_close(req.from);
	transport_close(req.to);
	return rc;
}

static bool resolves(struct store *store, const char *name, const struct descriptor *d)
{
	_reference_ struct reference ref = { 0 };
	_descriptor_ struct descriptor found = { 0 };

	return reference_parse(name, &ref, NULL) >= 0 &&
	       images_resolve(store, &ref, &found, NULL) >= 0 &&
	       digest_equal(&found.digest, &d->digest);
}

static bool resolves_digest(struct store *store, const struct descriptor *d)
{
	_free_ char *name = xasprintf("example.com/b@%s", d->digest_text);

	return resolves(store, name, d);
}

void test_local_write__index_with_its_children(void)
{
	_pair_ struct pair p;
	_manifest_record_ struct manifest_record record = { 0 };

	pair_init(&p);
	CU_ASSERT_EQUAL(copy(&p, p.w.here, &(struct copy_request){ .platforms = COPY_ALL }, NULL),
			0);
	CU_ASSERT(resolves(p.w.here, "example.com/b:2", &p.index));
	CU_ASSERT(resolves_digest(p.w.here, &p.images[0]));
	CU_ASSERT(resolves_digest(p.w.here, &p.images[1]));
	CU_ASSERT_FALSE(resolves_digest(p.w.here, &p.sbom));
	CU_ASSERT_EQUAL(manifest_record_get(p.w.here->records, "example.com/b", &p.index.digest,
					    &record, NULL),
			0);
	/* Blobs only: layers are made when they are needed. */
	CU_ASSERT_FALSE(layerfiles_has(p.w.here->layers, &p.layers[0].diffid));
}

/* One after the other: the index of the second names both. */
void test_local_write__sparse_then_whole(void)
{
	_pair_ struct pair p;
	_platform_ struct platform first = { 0 };

	pair_init(&p);
	CU_ASSERT_EQUAL(platform_parse("linux/s390x", &first, NULL), 0);
	CU_ASSERT_EQUAL(copy(&p, p.w.here,
			     &(struct copy_request){ .platforms = COPY_SPARSE, .platform = &first },
			     NULL),
			0);
	CU_ASSERT(resolves(p.w.here, "example.com/b:2", &p.index));
	CU_ASSERT(resolves_digest(p.w.here, &p.images[0]));
	CU_ASSERT_FALSE(resolves_digest(p.w.here, &p.images[1]));
	CU_ASSERT_EQUAL(copy(&p, p.w.here, &(struct copy_request){ .platforms = COPY_ALL }, NULL),
			0);
	CU_ASSERT(resolves_digest(p.w.here, &p.images[1]));
}

void test_local_write__without_a_name(void)
{
	_pair_ struct pair p;
	const char *const none[] = { NULL };

	pair_init(&p);
	CU_ASSERT_EQUAL(copy(&p, p.w.here,
			     &(struct copy_request){ .platforms = COPY_ALL, .to_names = none },
			     NULL),
			0);
	CU_ASSERT(resolves_digest(p.w.here, &p.index));
	CU_ASSERT(resolves_digest(p.w.here, &p.images[0]));
	CU_ASSERT_FALSE(resolves(p.w.here, "example.com/b:2", &p.index));
}

static int join(void *arg, const char *name, struct err *err)
{
	return buf_printf(arg, err, "%s,", name);
}

void test_local_write__referrers(void)
{
	_pair_ struct pair p;
	_reference_ struct reference b = { 0 };
	_cleanup_(transport_document_fini) struct transport_document doc = { 0 };
	_buf_ struct buf tags = BUF_INIT(100);

	pair_init(&p);
	CU_ASSERT_EQUAL(copy(&p, p.w.here,
			     &(struct copy_request){ .platforms = COPY_ALL, .referrers = true },
			     NULL),
			0);
	CU_ASSERT(resolves_digest(p.w.here, &p.sbom));
	CU_ASSERT_EQUAL(reference_parse("example.com/b", &b, NULL), 0);
	struct transport *t = local_transport(p.w.here, &b);
	const struct transport_subject of = { &p.images[0].digest, NULL };
	const struct transport_subject nothing = { &p.images[1].digest, NULL };

	CU_ASSERT_EQUAL(transport_get_referrers(t, &p.w.op, &of, &doc, NULL), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&doc.bytes), p.sbom.digest_text));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&doc.bytes), "a/b"));
	transport_document_fini(&doc);
	CU_ASSERT_EQUAL(transport_get_referrers(t, &p.w.op, &nothing, &doc, NULL), 0);
	CU_ASSERT_PTR_NULL(strstr(buf_str(&doc.bytes), "sha256:"));
	CU_ASSERT_EQUAL(transport_list_tags(t, &p.w.op, join, &tags, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&tags), "2,");
	transport_close(t);
}

void test_local_write__refuses(void)
{
	_pair_ struct pair p;
	_cleanup_(
		transport_document_fini) struct transport_document doc = { .bytes = BUF_INIT(100) };
	struct err err = { 0 };

	pair_init(&p);
	struct transport *t = local_transport(p.w.here, &p.w.ref);

	CU_ASSERT_EQUAL(buf_append_str(&doc.bytes, "something else", NULL), 0);
	descriptor_copy(&p.index, &doc.descriptor);
	CU_ASSERT(transport_put_document(t, &p.w.op, "1", &doc, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	err_clear(&err);
	/* What it refers to is not there. */
	buf_reset(&doc.bytes);
	_buf_ struct buf manifest = BUF_INIT(10000);

	CU_ASSERT_EQUAL(blobs_read(p.w.there->blobs, &p.images[0].digest, &manifest, NULL), 0);
	buf_fini(&doc.bytes);
	doc.bytes = manifest;
	manifest = BUF_INIT(0);
	descriptor_fini(&doc.descriptor);
	descriptor_copy(&p.images[0], &doc.descriptor);
	CU_ASSERT(transport_put_document(t, &p.w.op, "1", &doc, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	CU_ASSERT_FALSE(resolves(p.w.here, "example.com/a:1", &p.images[0]));
	err_clear(&err);
	CU_ASSERT(transport_put_document(t, &p.w.op, "no tag", &doc, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
	transport_close(t);
}

/* What was copied is not collected; what was given up is. */
void test_local_write__collector(void)
{
	_pair_ struct pair p;
	_tmp_ struct tmp tmp = tmp_make();
	_free_ char *path = xasprintf("%s/store", tmp.path);
	_store_ struct store *store = NULL;
	struct gc_result r = { 0 };

	pair_init(&p);
	CU_ASSERT_EQUAL_FATAL(store_open(path, STORE_CREATE, &store, NULL), 0);
	CU_ASSERT_EQUAL(copy(&p, store,
			     &(struct copy_request){ .platforms = COPY_ALL, .referrers = true },
			     NULL),
			0);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(gc_collect(NULL, store, &(struct gc_request){ 0 }, &r, NULL), 0);
	CU_ASSERT(resolves(store, "example.com/b:2", &p.index));
	CU_ASSERT_EQUAL(blobs_stat(store->blobs, &p.layers[1].descriptor.digest, NULL, NULL), 0);
	CU_ASSERT_EQUAL(blobs_stat(store->blobs, &p.sbom.digest, NULL, NULL), 0);
}
