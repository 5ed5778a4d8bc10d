/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulling from one memory store into another: what gets there, what never does, what is not fetched
 * again.
 */
#include "tests/unit/pull/world.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

void test_pull__image_arrives_whole_and_is_not_fetched_twice(void)
{
	struct world w;
	struct maker_layer layers[2];
	_descriptor_ struct descriptor image = { 0 };

	world_setup(&w, "example.com/a:1");
	world_two_layers(&w, layers, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_FALSE(world_pull_ok(&w, NULL));
	CU_ASSERT_EQUAL(w.middle.blobs, 3); /* two layers, one config */
	CU_ASSERT_TRUE(world_is_named(&w));
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[0].diffid));
	world_assert_tree(&w, &image);

	w.middle.blobs = w.middle.documents = 0;
	CU_ASSERT_TRUE(world_pull_ok(&w, NULL));
	CU_ASSERT_EQUAL(w.middle.blobs, 0);
	CU_ASSERT_EQUAL(w.middle.documents, 0);
	CU_ASSERT_EQUAL(w.middle.resolves, 1);
	world_free_layers(layers, 2);
	world_teardown(&w);
}

void test_pull__no_unpack_keeps_blobs_only_and_layers_come_later(void)
{
	struct world w;
	struct maker_layer layers[2];
	_descriptor_ struct descriptor image = { 0 };

	world_setup(&w, "example.com/a:1");
	world_two_layers(&w, layers, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	world_pull_ok(&w, &(struct pull_request){ .no_unpack = true });
	CU_ASSERT_EQUAL(blobs_stat(w.here->blobs, &layers[0].descriptor.digest, NULL, NULL), 0);
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	world_assert_tree(&w, &image);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[0].diffid));
	world_free_layers(layers, 2);
	world_teardown(&w);
}

void test_pull__wrong_diffid_names_nothing(void)
{
	struct world w;
	struct maker_layer layers[2];
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layers[0]);
	layers[0].diffid.bytes[0] ^= 1;
	maker_image(w.there, &(struct maker_image){ layers, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_TRUE(world_pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "DiffID"));
	CU_ASSERT_FALSE(world_is_named(&w));
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	CU_ASSERT_TRUE(blobs_stat(w.here->blobs, &image.digest, NULL, NULL) < 0);
	world_free_layers(layers, 1);
	world_teardown(&w);
}

/* The DiffID of a compressed layer must not be taken on trust when it equals the blob's digest. */
void test_pull__diffid_that_is_the_blobs_digest_needs_a_plain_layer(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layer);
	layer.diffid = layer.descriptor.digest;
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_TRUE(world_pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	world_free_layers(&layer, 1);
	world_teardown(&w);
}

void test_pull__broken_connection_resumes_where_it_was(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, false, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	w.middle.cut_at = 1000;
	CU_ASSERT_TRUE(world_pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NETWORK);
	CU_ASSERT_FALSE(world_is_named(&w));
	w.middle.cut_at = 0;
	world_pull_ok(&w, NULL);
	CU_ASSERT_EQUAL(w.middle.last_offset, 1000);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layer.diffid));
	world_free_layers(&layer, 1);
	world_teardown(&w);
}

void test_pull__place_that_cannot_seek_starts_again(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, false, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	w.middle.cut_at = 1000;
	CU_ASSERT_TRUE(world_pull(&w, NULL, &result, &err) < 0);
	w.middle.cut_at = 0;
	w.middle.no_seek = true;
	world_pull_ok(&w, NULL);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layer.diffid));
	world_free_layers(&layer, 1);
	world_teardown(&w);
}

/* What an earlier process left may be rotten: fetched again from the start, once. */
void test_pull__damaged_prefix_is_thrown_away(void)
{
	static const char rot[100];
	struct world w;
	struct maker_layer layer;
	struct blob_writer *writer = NULL;
	_descriptor_ struct descriptor image = { 0 };
	struct err err = { 0 };

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, false, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	const struct blob_want want = { layer.descriptor.digest, layer.descriptor.size, false };

	CU_ASSERT_EQUAL_FATAL(blobs_begin(w.here->blobs, NULL, &want, &writer, &err), 0);
	CU_ASSERT_EQUAL_FATAL(blob_writer_append(writer, rot, sizeof(rot), &err), 0);
	blob_writer_abort(writer, true);
	world_pull_ok(&w, NULL);
	CU_ASSERT_EQUAL(w.middle.last_offset, 0);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layer.diffid));
	world_free_layers(&layer, 1);
	world_teardown(&w);
}

void test_pull__same_layer_twice_is_one_blob(void)
{
	struct world w;
	struct maker_layer layers[3];
	_descriptor_ struct descriptor image = { 0 };

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layers[0]);
	layers[1] = layers[2] = layers[0];
	maker_image(w.there, &(struct maker_image){ layers, 3, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	world_pull_ok(&w, NULL);
	CU_ASSERT_EQUAL(w.middle.blobs, 2);
	world_free_layers(layers, 1);
	world_teardown(&w);
}

void test_pull__image_without_layers_is_an_empty_root(void)
{
	struct world w;
	_descriptor_ struct descriptor image = { 0 };
	_document_ struct document doc = { 0 };
	_image_config_ struct image_config config = { 0 };
	struct local_tree t;
	struct err err = { 0 };

	world_setup(&w, "example.com/a:1");
	maker_image(w.there, &(struct maker_image){ NULL, 0, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	world_pull_ok(&w, NULL);
	world_read_image(&w, &image, &doc, &config);
	CU_ASSERT_EQUAL_FATAL(local_tree_open(&w.op, w.here, &config, &t, &err), 0);
	CU_ASSERT_EQUAL(tree_node_count(t.tree), 1);
	local_tree_fini(&t);
	world_teardown(&w);
}

void test_pull__interrupted_operation_names_nothing(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	op_cancel(&w.op);
	CU_ASSERT_EQUAL(world_pull(&w, NULL, &result, &err), -ECANCELED);
	CU_ASSERT_FALSE(world_is_named(&w));
	world_free_layers(&layer, 1);
	world_teardown(&w);
}
