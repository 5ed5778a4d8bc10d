/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of a committed image. image-spec config.md, manifest.md. */
#include "base/mem.h"
#include "store/images.h"
#include "tests/unit/push/world.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <string.h>

static void has(struct world *w, const struct digest *d, const char *text)
{
	_buf_ struct buf out = BUF_INIT(100000);

	world_read(w, d, &out);
	if (!strstr(buf_str(&out), text))
		fprintf(stderr, "# no '%s' in %s\n", text, buf_str(&out));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), text));
}

void test_commit_image__config(void)
{
	static const struct world_base base = { .run = "{\"Env\":[\"A=1\"],\"X\":{\"y\":1.5}}",
						.history = "[{\"created_by\":\"base\"}]" };
	_world_ struct world w;

	world_init(&w, &base);
	tmp_write_str(&w.upper, "f", "");
	struct commit_request request = world_request(&w);

	request.author = "somebody";
	request.comment = "why";
	request.created_by = "how";
	request.changes = (const char *const[]){ "ENV B=$A", "CMD [\"x\"]" };
	request.change_count = 2;
	const struct commit_result r = world_commit(&w, &request);
	_free_ char *ids = xasprintf("\",\"%s\"]}", DIGEST_TEXT(&r.diff_id));

	has(&w, &r.config, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"x-own\":[1],");
	has(&w, &r.config, "\"Env\":[\"A=1\",\"B=1\"],\"X\":{\"y\":1.5},\"Cmd\":[\"x\"]}");
	has(&w, &r.config, ids);
	has(&w, &r.config, "\"last\":true");
	has(&w, &r.config, "\"created\":\"2033-05-18T03:33:20Z\",\"author\":\"somebody\"");
	has(&w, &r.config,
	    "\"history\":[{\"created_by\":\"base\"},{\"created\":\"2033-05-18T03:33:20Z\","
	    "\"created_by\":\"how\",\"author\":\"somebody\",\"comment\":\"why\"}]");
}

void test_commit_image__types(void)
{
	static const struct {
		bool is_docker;
		enum codec codec;
		const char *manifest, *config, *old, *layer;
	} rows[] = {
		{ false, CODEC_GZIP, MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG,
		  MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER "+gzip" },
		{ false, CODEC_ZSTD, MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG,
		  MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER "+zstd" },
		{ false, CODEC_PLAIN, MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG,
		  MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER },
		{ true, CODEC_GZIP, MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_CONFIG,
		  MEDIA_TYPE_DOCKER_LAYER, MEDIA_TYPE_DOCKER_LAYER ".gzip" },
		{ true, CODEC_PLAIN, MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_CONFIG,
		  MEDIA_TYPE_DOCKER_LAYER, MEDIA_TYPE_DOCKER_LAYER },
		/* docker has no name for it: all becomes OCI. */
		{ true, CODEC_ZSTD, MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG,
		  MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER "+zstd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct world_base base = { .is_docker = rows[i].is_docker };
		_buf_ struct buf text = BUF_INIT(100000);
		_document_ struct document doc = { 0 };
		_image_config_ struct image_config config = { 0 };
		_world_ struct world w;
		struct err err = { 0 };

		world_init(&w, &base);
		tmp_write_str(&w.upper, "f", "");
		struct commit_request request = world_request(&w);

		request.codec = rows[i].codec;
		const struct commit_result r = world_commit(&w, &request);

		world_read(&w, &r.manifest, &text);
		CU_ASSERT_EQUAL(document_parse(text.data, text.len, rows[i].manifest, &doc, &err),
				0);
		CU_ASSERT_STRING_EQUAL(doc.media_type, rows[i].manifest);
		CU_ASSERT_EQUAL(doc.annotations.count, 1);
		CU_ASSERT_STRING_EQUAL(doc.manifest.config.media_type, rows[i].config);
		CU_ASSERT_EQUAL_FATAL(doc.manifest.layers.count, 2);
		CU_ASSERT_STRING_EQUAL(doc.manifest.layers.items[0].media_type, rows[i].old);
		CU_ASSERT_STRING_EQUAL(doc.manifest.layers.items[1].media_type, rows[i].layer);
		CU_ASSERT_TRUE(digest_equal(&doc.manifest.layers.items[1].digest, &r.blob));
		CU_ASSERT_EQUAL(doc.manifest.layers.items[1].size, r.blob_bytes);
		world_read(&w, &r.config, &text);
		CU_ASSERT_EQUAL(image_config_parse(text.data, text.len, &config, &err), 0);
		CU_ASSERT_EQUAL(image_check(&doc.manifest, &config, &err), 0);
		/* The base had no history: lines and layers agree all the same. */
		CU_ASSERT_EQUAL(config.history_count, 2);
		CU_ASSERT_TRUE(image_config_history_fits(&config));
	}
}

/* The name comes last; a second commit on top of the first works as on any image. */
void test_commit_image__named_and_built_upon(void)
{
	_world_ struct world w;
	_descriptor_ struct descriptor d = { 0 };
	struct err err = { 0 };

	world_init(&w, &(struct world_base){ 0 });
	tmp_write_str(&w.upper, "f", "");
	struct commit_request request = world_request(&w);
	const struct commit_result first = world_commit(&w, &request);

	CU_ASSERT_EQUAL(images_resolve(w.store, &w.ref, &d, &err), 0);
	CU_ASSERT_TRUE(digest_equal(&d.digest, &first.manifest));
	CU_ASSERT_STRING_EQUAL(d.media_type, MEDIA_TYPE_OCI_MANIFEST);
	request.base = first.manifest;
	tmp_write_str(&w.upper, "g", "");
	const struct commit_result second = world_commit(&w, &request);
	const struct commit_result again = world_commit(&w, &request);

	CU_ASSERT_FALSE(digest_equal(&first.manifest, &second.manifest));
	CU_ASSERT_TRUE(digest_equal(&again.manifest, &second.manifest));
	has(&w, &second.manifest, DIGEST_TEXT(&first.blob));
}
