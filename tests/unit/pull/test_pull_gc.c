/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling while a collector is at work on the store that is pulled into. */
#include "base/mem.h"
#include "store/gc.h"
#include "tests/support/tmp.h"
#include "tests/unit/pull/world.h"

#include <CUnit/CUnit.h>

/* A place that has the collector run each time a blob is asked for. */
struct place {
	struct transport base;
	struct transport *real;
	struct store *collected;
	unsigned times, opened; /* so often; blobs that were asked for */
};

static int get_document(struct transport *t, struct op *op, const char *name,
			struct transport_document *ret, struct err *err)
{
	return transport_get_document(((struct place *)t)->real, op, name, ret, err);
}

static int resolve(struct transport *t, struct op *op, const char *name, struct descriptor *ret,
		   struct err *err)
{
	return transport_resolve(((struct place *)t)->real, op, name, ret, err);
}

static int open_blob(struct transport *t, struct op *op, struct transport_range *range,
		     struct source **ret, struct err *err)
{
	struct place *p = (struct place *)t;
	struct gc_result r;

	p->opened++;
	if (p->times) {
		p->times--;
		TRY(gc_collect(NULL, p->collected, &(struct gc_request){ 0 }, &r, err));
	}
	return transport_open_blob(p->real, op, range, ret, err);
}

static void nothing(struct transport *t)
{
	(void)t;
}

/* Pulls two layers one after the other; returns what the pull does, and *ret_opened. */
static int pull(struct store *here, unsigned times, unsigned *ret_opened, struct err *err)
{
	static const struct transport_ops ops = {
		.get_document = get_document,
		.resolve = resolve,
		.open_blob = open_blob,
		.close = nothing,
	};
	struct place place = { .base = { &ops }, .collected = here, .times = times };
	_descriptor_ struct descriptor image = { 0 };
	struct maker_layer layers[2];
	struct pull_result result = { 0 };
	struct world w;

	world_setup(&w, "example.com/a:1");
	world_two_layers(&w, layers, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	place.real = local_transport(w.there, &w.ref);
	const struct pull_request req = {
		.from = &place.base, .to = here, .ref = &w.ref, .jobs = 1
	};
	const int rc = pull_image(&w.op, &req, &result, err);

	*ret_opened = place.opened;
	if (rc == 0)
		for (size_t i = 0; i < 2; i++) {
			CU_ASSERT_TRUE(layerfiles_has(here->layers, &layers[i].diffid));
			CU_ASSERT_EQUAL(blobs_stat(here->blobs, &layers[i].descriptor.digest, NULL,
						   NULL),
					0);
		}
	pull_result_fini(&result);
	transport_close(place.real);
	world_free_layers(layers, 2);
	world_teardown(&w);
	return rc;
}

/* Config and two layers; what is pinned is fetched once, however often is collected. */
void test_pull_gc__pins_keep_what_was_fetched(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *path = xasprintf("%s/store", t.path);
	_store_ struct store *here = NULL;
	unsigned opened = 0;

	CU_ASSERT_EQUAL_FATAL(store_open(path, STORE_CREATE, &here, NULL), 0);
	CU_ASSERT_EQUAL(pull(here, 1000, &opened, NULL), 0);
	CU_ASSERT_EQUAL(opened, 3);
}

/* In memory nothing is pinned: what was collected is fetched once more, and not without end. */
void test_pull_gc__what_was_collected_is_fetched_again(void)
{
	_store_ struct store *here = store_new_memory();
	_store_ struct store *unlucky = store_new_memory();
	struct err err = { 0 };
	unsigned opened = 0;

	/* The third blob finds the second one gone, which is missed when the name is put. */
	CU_ASSERT_EQUAL(pull(here, 3, &opened, &err), 0);
	CU_ASSERT_EQUAL(opened, 4);
	CU_ASSERT_EQUAL(pull(unlucky, 1000, &opened, &err), -ENOENT);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	CU_ASSERT_TRUE(opened < 10);
}
