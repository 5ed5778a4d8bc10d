/* SPDX-License-Identifier: Apache-2.0 */
/* Copying from places that lie, lose and break off, to places that forget; never a tag too early. */
#include "base/mem.h"
#include "tests/unit/transport/memplace.h"
#include "transport/copy.h"
#include "transport/copy_int.h"

#include <CUnit/CUnit.h>

struct pair {
	struct memplace from, to;
	struct op op;
};

static void pair_init(struct pair *p)
{
	*p = (struct pair){ 0 };
	memplace_init(&p->from);
	memplace_init(&p->to);
}

static void pair_fini(struct pair *p)
{
	memplace_fini(&p->from);
	memplace_fini(&p->to);
}
#define _pair_ __attribute__((cleanup(pair_fini)))

static int copy_all(struct pair *p, struct err *err)
{
	static const char *const names[] = { "new" };
	_cleanup_(copy_result_fini) struct copy_result r = { 0 };
	const struct copy_request req = {
		.from = &p->from.base,
		.to = &p->to.base,
		.from_name = "v1",
		.to_names = names,
		.to_count = 1,
		.platforms = COPY_ALL,
		.referrers = true,
	};

	return copy_image(&p->op, &req, &r, err);
}

/* "" when it works; what the error says otherwise. */
static enum err_kind result(struct pair *p)
{
	struct err err = { 0 };
	const int rc = copy_all(p, &err);

	CU_ASSERT_EQUAL(rc < 0, err.kind != ERR_NONE);
	if (rc < 0)
		CU_ASSERT_EQUAL(p->to.tag_count, 0);
	return err.kind;
}

/* A manifest over one layer descriptor of any text. */
static void tag_manifest(struct pair *p, const char *layer)
{
	_descriptor_ struct descriptor config = { 0 }, d = { 0 };

	mem_text(&p->from, MEDIA_TYPE_OCI_CONFIG, "{}", &config);
	_free_ char *text = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":"
				      "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":2},"
				      "\"layers\":[%s]}",
				      MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG,
				      config.digest_text, layer);

	mem_document(&p->from, MEDIA_TYPE_OCI_MANIFEST, text, &d);
	mem_tag(&p->from, "v1", &d);
}

#define ABSENT "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LAYER(type, more) \
	"{\"mediaType\":\"" type "\",\"digest\":\"" ABSENT "\",\"size\":5" more "}"

#define EMBEDDED(data)                                                                   \
	"{\"mediaType\":\"text/plain\",\"digest\":\"sha256:2cf24dba5fb0a30e26e83b2ac5b9" \
	"e29e1b161e5c1fa7425e73043362938b9824\",\"size\":5,\"data\":\"" data "\"}"

void test_copy_trouble__blobs_that_are_not_there(void)
{
	static const struct {
		const char *row, *layer;
		enum err_kind kind;
	} rows[] = {
		{ "a layer", LAYER(MEDIA_TYPE_OCI_LAYER, ""), ERR_NOT_FOUND },
		/* image-spec layer.md "Non-Distributable Layers" */
		{ "a foreign layer",
		  LAYER("application/vnd.oci.image.layer.nondistributable.v1.tar", ""), ERR_NONE },
		{ "docker's",
		  LAYER("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
			",\"urls\":[\"https://example.com/l\"]"),
		  ERR_NONE },
		/* image-spec descriptor.md "data": "hello", and a lie */
		{ "embedded", EMBEDDED("aGVsbG8="), ERR_NONE },
		{ "embedded lie", EMBEDDED("aGVsbG9v"), ERR_DAMAGED },
		{ "embedded lie of that size", EMBEDDED("aGVsbGE="), ERR_DAMAGED },
		{ "unknown digest",
		  "{\"mediaType\":\"text/plain\",\"digest\":\"blake3:ab\",\"size\":1}",
		  ERR_UNSUPPORTED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_pair_ struct pair p;

		pair_init(&p);
		tag_manifest(&p, rows[i].layer);
		CU_ASSERT_EQUAL(result(&p), rows[i].kind);
	}
}

/* One that the place has after all comes along. */
void test_copy_trouble__foreign_layer_that_is_there(void)
{
	_pair_ struct pair p;
	_descriptor_ struct descriptor d = { 0 };

	pair_init(&p);
	mem_text(&p.from, "application/vnd.oci.image.layer.nondistributable.v1.tar", "hello", &d);
	_free_ char *layer = xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":5,"
				       "\"urls\":[\"https://example.com\"]}",
				       d.media_type, d.digest_text);

	tag_manifest(&p, layer);
	CU_ASSERT_EQUAL(result(&p), ERR_NONE);
	CU_ASSERT(mem_has(&p.to, &d));
}

void test_copy_trouble__index_entries_of_unknown_types(void)
{
	_pair_ struct pair p;
	_descriptor_ struct descriptor blob = { 0 }, absent = { 0 }, image = { 0 }, index = { 0 };

	pair_init(&p);
	p.to.takes_any_order = true;
	mem_text(&p.from, "application/x-what", "what", &blob);
	mem_text(&p.from, "application/x-gone", "gone", &absent);
	mem_lose(&p.from, &absent);
	mem_image(&p.from, NULL, "x", &image);
	mem_index(&p.from,
		  (struct mem_entry[]){ { &blob, NULL, NULL },
					{ &absent, NULL, NULL },
					{ &image, "local", NULL } },
		  3, &index);
	mem_tag(&p.from, "v1", &index);
	CU_ASSERT_EQUAL(result(&p), ERR_NONE);
	CU_ASSERT(mem_has(&p.to, &blob));
}

void test_copy_trouble__lies(void)
{
	_pair_ struct pair p;
	_descriptor_ struct descriptor image = { 0 }, layer = { 0 };

	pair_init(&p);
	mem_image(&p.from, NULL, "the layer", &image);
	mem_tag(&p.from, "v1", &image);
	mem_text(&p.from, MEDIA_TYPE_OCI_LAYER, "the layer", &layer);
	p.from.lies = layer.digest;
	CU_ASSERT_EQUAL(result(&p), ERR_DAMAGED);
	CU_ASSERT_FALSE(mem_has(&p.to, &layer));
	p.from.lies = (struct digest){ 0 };
	CU_ASSERT_EQUAL(result(&p), ERR_NONE);
	CU_ASSERT(mem_is_tagged(&p.to, "new", &image));
}

void test_copy_trouble__lying_sizes(void)
{
	static const unsigned sizes[] = { 8, 10, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_pair_ struct pair p;
		_descriptor_ struct descriptor layer = { 0 };

		pair_init(&p);
		mem_text(&p.from, MEDIA_TYPE_OCI_LAYER, "the layer", &layer);
		_free_ char *text =
			xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%u}",
				  layer.media_type, layer.digest_text, sizes[i]);

		tag_manifest(&p, text);
		CU_ASSERT_EQUAL(result(&p), ERR_DAMAGED);
		CU_ASSERT_FALSE(mem_has(&p.to, &layer));
	}
}

/* Seen there, and gone when the manifest comes: it is sent again. */
void test_copy_trouble__target_loses_a_blob(void)
{
	_pair_ struct pair p;
	_descriptor_ struct descriptor image = { 0 }, layer = { 0 };

	pair_init(&p);
	mem_image(&p.from, NULL, "the layer", &image);
	mem_tag(&p.from, "v1", &image);
	mem_text(&p.from, MEDIA_TYPE_OCI_LAYER, "the layer", &layer);
	p.to.lost = layer.digest;
	CU_ASSERT_EQUAL(result(&p), ERR_NONE);
	CU_ASSERT(mem_is_tagged(&p.to, "new", &image));
	CU_ASSERT(mem_has(&p.to, &layer));
	CU_ASSERT_EQUAL(p.to.blob_puts, 3);
}

void test_copy_trouble__cancelled(void)
{
	_pair_ struct pair p;
	_descriptor_ struct descriptor image = { 0 };

	pair_init(&p);
	mem_image(&p.from, NULL, "the layer", &image);
	mem_tag(&p.from, "v1", &image);
	p.from.cancels = &p.op;
	CU_ASSERT_EQUAL(result(&p), ERR_CANCELLED);
	CU_ASSERT_EQUAL(p.to.document_puts, 0);
}

void test_copy_trouble__broken_off(void)
{
	_pair_ struct pair p;
	_descriptor_ struct descriptor image = { 0 };

	pair_init(&p);
	mem_image(&p.from, NULL, "the layer", &image);
	mem_tag(&p.from, "v1", &image);
	p.from.cut_at = 4;
	CU_ASSERT_EQUAL(result(&p), ERR_NETWORK);
	p.from.cut_at = 0;
	CU_ASSERT_EQUAL(result(&p), ERR_NONE);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void tag_nested(struct pair *p, unsigned depth)
{
	struct descriptor d, next;

	mem_image(&p->from, NULL, "deep", &d);
	for (unsigned i = 0; i < depth; i++) {
		mem_index(&p->from, (struct mem_entry[]){ { &d, NULL, NULL } }, 1, &next);
		descriptor_fini(&d);
		d = next;
	}
	mem_tag(&p->from, "v1", &d);
	descriptor_fini(&d);
}

void test_copy_trouble__depth(void)
{
	_pair_ struct pair deep, deeper;

	pair_init(&deep);
	tag_nested(&deep, COPY_DEPTH_MAX);
	CU_ASSERT_EQUAL(result(&deep), ERR_NONE);
	pair_init(&deeper);
	tag_nested(&deeper, COPY_DEPTH_MAX + 1);
	CU_ASSERT_EQUAL(result(&deeper), ERR_LIMIT);
}

void test_copy_trouble__many_times_the_same(void)
{
	_pair_ struct pair p;
	_descriptor_ struct descriptor image = { 0 }, index = { 0 };
	_free_ struct mem_entry *entries = xcalloc(DOCUMENT_ENTRIES_MAX, sizeof(entries[0]));

	pair_init(&p);
	mem_image(&p.from, NULL, "x", &image);
	for (size_t i = 0; i < DOCUMENT_ENTRIES_MAX; i++)
		entries[i] = (struct mem_entry){ &image, NULL, NULL };
	mem_index(&p.from, entries, DOCUMENT_ENTRIES_MAX, &index);
	mem_tag(&p.from, "v1", &index);
	CU_ASSERT_EQUAL(result(&p), ERR_NONE);
	CU_ASSERT_EQUAL(p.from.opens, 2);
	CU_ASSERT_EQUAL(p.to.document_puts, 2);
}

void test_copy_trouble__too_many_documents(void)
{
	const size_t count = COPY_DOCUMENTS_MAX + 1;
	_pair_ struct pair p;
	_descriptor_ struct descriptor index = { 0 };
	_free_ struct descriptor *all = xcalloc(count, sizeof(all[0]));
	_free_ struct mem_entry *entries = xcalloc(count, sizeof(entries[0]));

	pair_init(&p);
	for (size_t i = 0; i < count; i++) {
		struct digest d = { .alg = DIGEST_SHA256,
				    .bytes = { (uint8_t)i, (uint8_t)(i >> 8) } };

		descriptor_init(&all[i], MEDIA_TYPE_OCI_MANIFEST, &d, 10);
		entries[i] = (struct mem_entry){ &all[i], NULL, NULL };
	}
	mem_index(&p.from, entries, count, &index);
	mem_tag(&p.from, "v1", &index);
	CU_ASSERT_EQUAL(result(&p), ERR_LIMIT);
	CU_ASSERT_EQUAL(mem_blob_count(&p.to), 0);
	for (size_t i = 0; i < count; i++)
		descriptor_fini(&all[i]);
}
