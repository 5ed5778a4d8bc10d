/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of an image of the store, opened and merged; what is missing is made from the blobs
 * first.
 */
#include "pull/local.h"

#include "base/jobs.h"
#include "base/mem.h"
#include "pull/blob_job.h"

int local_prepare_layers(struct op *op, struct store *store, const struct image_manifest *manifest,
			 const struct image_config *config, struct err *err)
{
	struct blob_context context = { .to = store };
	_free_ struct blob_job *list = NULL;
	struct jobs *pool;
	int rc;

	TRY(image_check(manifest, config, err));
	list = xcalloc(manifest->layers.count, sizeof(list[0]));
	pool = jobs_new(op, op && op->jobs ? op->jobs : 2);
	for (size_t i = 0; i < manifest->layers.count; i++) {
		if (layerfiles_has(store->layers, &config->diff_ids[i]))
			continue;
		list[i] = (struct blob_job){ &context, &manifest->layers.items[i],
					     config->diff_ids[i] };
		jobs_add(pool, blob_job_run, &list[i]);
	}
	rc = jobs_wait(pool, err);
	jobs_free(pool);
	return rc;
}

/*
 * Puts a rebuilt index beside its tar for the next time. A store that can't be written is no reason
 * to fail.
 */
static void keep_index(struct store *store, const struct digest *diffid, const struct layer *layer)
{
	size_t len = 0;
	const void *bytes = layer_index_bytes(layer, &len);

	(void)layerfiles_replace_index(store->layers, diffid, bytes, len, NULL);
}

static int open_layer(struct op *op, struct store *store, const struct digest *diffid,
		      struct layer **ret, struct err *err)
{
	int tar = -1, idx = -1;

	TRY(layerfiles_open(store->layers, diffid, &tar, &idx, err));
	TRY(layer_open(op, (struct layer_files){ tar, idx, true }, ret, err));
	if (layer_was_rebuilt(*ret))
		keep_index(store, diffid, *ret);
	return 0;
}

void local_tree_fini(struct local_tree *t)
{
	tree_free(t->tree);
	for (size_t i = 0; i < t->count; i++)
		layer_free(t->layers[i]);
	free(t->layers);
	*t = (struct local_tree){ 0 };
}

int local_tree_open(struct op *op, struct store *store, const struct image_config *config,
		    struct local_tree *ret, struct err *err)
{
	struct local_tree t = { .layers = xcalloc(config->diff_id_count, sizeof(struct layer *)) };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < config->diff_id_count; i++) {
		rc = open_layer(op, store, &config->diff_ids[i], &t.layers[i], err);
		if (rc < 0)
			err_prefix(err, "layer %zu", i + 1);
		else
			t.count++;
	}
	if (rc == 0)
		rc = tree_build(op, t.layers, t.count, &t.tree, err);
	if (rc < 0) {
		local_tree_fini(&t);
		return rc;
	}
	*ret = t;
	return 0;
}
