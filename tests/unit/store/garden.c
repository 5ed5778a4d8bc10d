/* SPDX-License-Identifier: Apache-2.0 */
/* Images for tests; see garden.h. */
#include "tests/unit/store/garden.h"

#include "base/mem.h"
#include "store/keep.h"
#include "stream/chain.h"
#include "sys/file.h"

static void put_layer(struct store *s, const char *text)
{
	const struct digest d = digest_of_str(text);
	struct layer_writer *w = NULL;

	if (layerfiles_begin(s->layers, NULL, &d, &w, NULL) != 0)
		return;
	CU_ASSERT_EQUAL(file_pwrite_all(w->tar_fd, text, strlen(text), 0, NULL), 0);
	CU_ASSERT_EQUAL(file_pwrite_all(w->idx_fd, "index", 5, 0, NULL), 0);
	CU_ASSERT_EQUAL(layer_writer_commit(w, &d, NULL), 0);
}

static void put_tree(struct store *s, const struct digest *chain)
{
	struct tree_writer *w = NULL;

	if (treefiles_begin(s->trees, NULL, chain, &w, NULL) != 0)
		return;
	CU_ASSERT_EQUAL(file_pwrite_all(w->fd, "tree", 4, 0, NULL), 0);
	CU_ASSERT_EQUAL(tree_writer_commit(w, NULL), 0);
}

static void put_config(struct store *s, struct plant *p)
{
	_free_ char *text = xasprintf("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{"
				      "\"type\":\"layers\",\"diff_ids\":[\"%s\",\"%s\"]}}",
				      DIGEST_TEXT(&p->diffids[0]), DIGEST_TEXT(&p->diffids[1]));

	p->config = put_blob(s, text);
}

static void put_manifest(struct store *s, struct plant *p, const size_t sizes[PLANT_LAYERS])
{
	_free_ char *text = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\","
		"\"config\":{\"mediaType\":\"" MEDIA_TYPE_OCI_CONFIG "\",\"digest\":\"%s\","
		"\"size\":1},\"layers\":["
		"{\"mediaType\":\"" MEDIA_TYPE_OCI_LAYER "\",\"digest\":\"%s\",\"size\":%zu},"
		"{\"mediaType\":\"" MEDIA_TYPE_OCI_LAYER "\",\"digest\":\"%s\",\"size\":%zu}]}",
		DIGEST_TEXT(&p->config), DIGEST_TEXT(&p->blobs[0]), sizes[0],
		DIGEST_TEXT(&p->blobs[1]), sizes[1]);

	p->manifest_bytes = strlen(text);
	p->manifest = put_blob(s, text);
}

static struct plant make(struct store *s, unsigned number, bool with_layers)
{
	struct plant p = { 0 };
	size_t sizes[PLANT_LAYERS];

	for (unsigned i = 0; i < PLANT_LAYERS; i++) {
		_free_ char *raw = xasprintf("raw layer %u", i ? number + 1 : 0);
		_free_ char *packed = xasprintf("packed %s", raw);

		sizes[i] = strlen(packed);
		p.blobs[i] = put_blob(s, packed);
		p.diffids[i] = digest_of_str(raw);
		if (with_layers)
			put_layer(s, raw);
	}
	chain_id(&p.diffids[0], &p.diffids[1], &p.chain);
	if (with_layers)
		put_tree(s, &p.chain);
	put_config(s, &p);
	put_manifest(s, &p, sizes);
	return p;
}

struct plant plant_image(struct store *s, unsigned number)
{
	return make(s, number, true);
}

struct plant plant_blobs(struct store *s, unsigned number)
{
	return make(s, number, false);
}

int plant_name(struct store *s, const char *name, const struct plant *p, struct err *err)
{
	_reference_ struct reference ref = parse_name(name);
	_descriptor_ struct descriptor target = { 0 };

	descriptor_init(&target, MEDIA_TYPE_OCI_MANIFEST, &p->manifest, p->manifest_bytes);
	return images_put(s, &ref, &target, NULL, err);
}

struct digest plant_index(struct store *s, const char *name, const struct plant *child)
{
	_free_ char *text = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX "\",\"manifests\":["
		"{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%llu}]}",
		DIGEST_TEXT(&child->manifest), (unsigned long long)child->manifest_bytes);
	const struct digest d = put_blob(s, text);
	_reference_ struct reference ref = parse_name(name);
	_descriptor_ struct descriptor target = { 0 }, below = { 0 };

	descriptor_init(&target, MEDIA_TYPE_OCI_INDEX, &d, strlen(text));
	descriptor_init(&below, MEDIA_TYPE_OCI_MANIFEST, &child->manifest, child->manifest_bytes);
	CU_ASSERT_EQUAL(images_put(s, &ref, &target, &(struct descriptors){ &below, 1 }, NULL), 0);
	return d;
}

int plant_count(struct store *s, const struct plant *p)
{
	int count = 0, fd = -1;

	count += blobs_stat(s->blobs, &p->manifest, NULL, NULL) == 0;
	count += blobs_stat(s->blobs, &p->config, NULL, NULL) == 0;
	for (size_t i = 0; i < PLANT_LAYERS; i++) {
		count += blobs_stat(s->blobs, &p->blobs[i], NULL, NULL) == 0;
		count += layerfiles_has(s->layers, &p->diffids[i]);
	}
	if (treefiles_open(s->trees, &p->chain, &fd, NULL) == 0) {
		(void)close(fd);
		count++;
	}
	return count;
}

struct root {
	struct store *store;
	const char *id;
	const struct digest *manifest;
};

static int put_root(struct records *r, void *arg, struct err *err)
{
	const struct root *root = arg;
	_free_ char *key = xasprintf("root/%s", root->id);
	_free_ char *value = xasprintf("{\"manifest\":\"%s\"}", DIGEST_TEXT(root->manifest));

	TRY(records_put(r, key, (struct record_value){ value, strlen(value) }, err));
	return keep_manifest(root->store, root->manifest, false, err);
}

int plant_root(struct store *s, const char *id, const struct digest *manifest, struct err *err)
{
	struct root root = { s, id, manifest };

	return records_transaction(s->records, put_root, &root, err);
}
