/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling what an index leads to: platforms, entries without one, nesting. */
#include "tests/unit/pull/world.h"

#include "base/mem.h"
#include "store/image_records.h"

#include <CUnit/CUnit.h>

void test_pull_index__index_gives_the_platform_asked_for(void)
{
	static const char *const platforms[] = { "linux/s390x", "linux/riscv64" };
	struct world w;
	struct maker_layer layers[2];
	struct descriptor images[2];
	_descriptor_ struct descriptor index = { 0 };
	_platform_ struct platform want = { 0 };
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layers[0]);
	maker_layer(w.there, world_top_files, 2, true, &layers[1]);
	maker_image(w.there, &(struct maker_image){ &layers[0], 1, "s390x" }, &images[0]);
	maker_image(w.there, &(struct maker_image){ &layers[1], 1, "riscv64" }, &images[1]);
	maker_index(w.there, images, platforms, 2, &index);
	maker_name(w.there, "example.com/a:1", &index, &(struct descriptors){ images, 2 });

	CU_ASSERT_EQUAL(world_pull(&w, NULL, &result, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "linux/riscv64"));
	CU_ASSERT_EQUAL_FATAL(platform_parse("linux/riscv64", &want, &err), 0);
	world_pull_ok(&w, &(struct pull_request){ .platform = &want });
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[1].diffid));
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	world_pull_ok(&w, &(struct pull_request){ .all_platforms = true });
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[0].diffid));
	descriptor_fini(&images[0]);
	descriptor_fini(&images[1]);
	world_free_layers(layers, 2);
	world_teardown(&w);
}

/* containerd and docker read the config of a lone child that states no platform. */
void test_pull_index__entry_without_platform_is_judged_by_its_config(void)
{
	static const char *const platforms[] = { NULL, NULL };
	struct world w;
	struct maker_layer layers[2];
	struct descriptor images[2];
	_descriptor_ struct descriptor index = { 0 };

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layers[0]);
	maker_layer(w.there, world_top_files, 2, true, &layers[1]);
	maker_image(w.there, &(struct maker_image){ &layers[0], 1, "s390x" }, &images[0]);
	maker_image(w.there, &(struct maker_image){ &layers[1], 1, NULL }, &images[1]);
	maker_index(w.there, images, platforms, 2, &index);
	maker_name(w.there, "example.com/a:1", &index, &(struct descriptors){ images, 2 });
	world_pull_ok(&w, NULL);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[1].diffid));
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	descriptor_fini(&images[0]);
	descriptor_fini(&images[1]);
	world_free_layers(layers, 2);
	world_teardown(&w);
}

void test_pull_index__indexes_nested_too_deep_are_refused(void)
{
	static const char *const platform[] = { NULL };
	struct world w;
	struct maker_layer layer;
	struct descriptor chain[13];
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &chain[0]);
	for (int i = 0; i < 12; i++)
		maker_index(w.there, &chain[i], platform, 1, &chain[i + 1]);
	maker_name(w.there, "example.com/a:1", &chain[12], &(struct descriptors){ chain, 12 });
	CU_ASSERT_TRUE(world_pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	for (int i = 0; i <= 12; i++)
		descriptor_fini(&chain[i]);
	world_free_layers(&layer, 1);
	world_teardown(&w);
}

void test_pull_index__image_of_another_platform_is_refused_only_when_one_was_asked_for(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	_platform_ struct platform want = { 0 };
	struct pull_result result;
	struct err err;

	world_setup(&w, "example.com/a:1");
	maker_layer(w.there, world_base_files, 3, true, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, "s390x" }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_EQUAL_FATAL(platform_parse("linux/riscv64", &want, &err), 0);
	CU_ASSERT_EQUAL(world_pull(&w, &(struct pull_request){ .platform = &want }, &result, &err),
			-ENOENT);
	world_pull_ok(&w, NULL);
	world_free_layers(&layer, 1);
	world_teardown(&w);
}

/* An index over manifests of artifacts: `layers` entries each, `padding` bytes of annotation. */
static void large_index(struct world *w, size_t manifests, size_t layers, size_t padding)
{
	_buf_ struct buf text = BUF_INIT((size_t)8 << 20);
	_free_ struct descriptor *list = xcalloc(manifests + 1, sizeof(*list));
	_free_ const char **platforms = xcalloc(manifests, sizeof(*platforms));
	_descriptor_ struct descriptor config = { 0 };

	maker_text_blob(w->there, "application/vnd.oci.empty.v1+json", "{}", &config);
	for (size_t i = 0; i < manifests; i++) {
		buf_reset(&text);
		buf_printf(
			&text, NULL,
			"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\","
			"\"size\":2},\"annotations\":{\"p\":\"%zu%*s\"},\"layers\":[",
			config.media_type, config.digest_text, i, (int)padding, "");
		for (size_t k = 0; k < layers; k++)
			buf_printf(
				&text, NULL,
				"%s{\"mediaType\":\"a/b\",\"digest\":\"sha256:%064zx\",\"size\":1}",
				k ? "," : "", i * layers + k);
		CU_ASSERT_EQUAL_FATAL(buf_append_str(&text, "]}", NULL), 0);
		maker_blob(w->there, MEDIA_TYPE_OCI_MANIFEST, &text, &list[i]);
	}
	maker_index(w->there, list, platforms, manifests, &list[manifests]);
	maker_name(w->there, "example.com/a:1", &list[manifests], NULL);
	for (size_t i = 0; i < manifests; i++) {
		/* Not by images_put: what the manifests name is nowhere. */
		const struct manifest_record m = { .digest = list[i].digest,
						   .media_type = list[i].media_type,
						   .size = list[i].size };

		CU_ASSERT_EQUAL_FATAL(
			manifest_record_put(w->there->records, "example.com/a", &m, NULL), 0);
	}
	for (size_t i = 0; i <= manifests; i++)
		descriptor_fini(&list[i]);
}

/* What one pull holds in memory is bounded, whatever an index names. */
void test_pull_index__large_plans_are_refused(void)
{
	static const struct {
		size_t manifests, layers, padding;
		const char *words;
	} rows[] = {
		{ 17, 0, 4000000, "documents or 67 MB of them" },
		{ 3, 7000, 0, "more than 20000 layers" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		struct pull_result result;
		struct err err = { 0 };

		world_setup(&w, "example.com/a:1");
		large_index(&w, rows[i].manifests, rows[i].layers, rows[i].padding);
		CU_ASSERT_TRUE(world_pull(&w, &(struct pull_request){ .all_platforms = true },
					  &result, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].words));
		world_teardown(&w);
	}
}
