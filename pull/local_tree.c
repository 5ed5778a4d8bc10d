/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of an image of the store, opened and merged; what is missing is made from the blobs first. */
#include "pull/local.h"

#include "base/jobs.h"
#include "base/mem.h"
#include "pull/blob_job.h"
#include "stream/source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

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

static int index_tar(struct op *op, int tar_fd, int idx_fd, struct err *err)
{
	struct layer_indexer *indexer = NULL;
	_source_ struct source *tar = NULL;
	const uint8_t *data;
	ssize_t n;
	int rc = 0;

	tar = source_op(source_fd(tar_fd, 0, UINT64_MAX), op);
	indexer = layer_indexer_new(idx_fd);
	while (rc == 0 && (n = source_next(tar, &data, err)) != 0)
		rc = n < 0 ? (int)n : layer_indexer_feed(indexer, data, (size_t)n, err);
	if (rc == 0)
		rc = layer_indexer_finish(indexer, err);
	layer_indexer_free(indexer);
	return rc;
}

/* Puts the index beside its tar for the next time. A store that can't be written is no reason to fail. */
static void keep_index(struct store *store, const struct digest *diffid, int idx_fd)
{
	struct stat st;
	void *map;

	if (fstat(idx_fd, &st) < 0 || st.st_size <= 0)
		return;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, idx_fd, 0);
	if (map == MAP_FAILED)
		return;
	(void)layerfiles_replace_index(store->layers, diffid, map, (size_t)st.st_size, NULL);
	munmap(map, (size_t)st.st_size);
}

/* The index made anew from the tar. Takes over nothing; returns an fd. */
static int rebuild_index(struct op *op, struct store *store, const struct digest *diffid,
			 int tar_fd, struct err *err)
{
	_close_ int idx = memfd_create("layer-index", MFD_CLOEXEC);
	const int tar = fcntl(tar_fd, F_DUPFD_CLOEXEC, 3);

	if (idx < 0 || tar < 0) {
		const int errnum = errno;

		if (tar >= 0)
			close(tar);
		return err_sys(err, errnum, "index of layer %s", DIGEST_TEXT(diffid));
	}
	TRY(index_tar(op, tar, idx, err));
	keep_index(store, diffid, idx);
	return TAKE_FD(idx);
}

static int open_layer(struct op *op, struct store *store, const struct digest *diffid,
		      struct layer **ret, struct err *err)
{
	_close_ int tar = -1, idx = -1;
	int copy, rc;

	TRY(layerfiles_open(store->layers, diffid, &tar, &idx, err));
	if (idx >= 0) {
		copy = fcntl(tar, F_DUPFD_CLOEXEC, 3);
		if (copy < 0)
			return err_sys(err, errno, "layer %s", DIGEST_TEXT(diffid));
		rc = layer_open(op, copy, TAKE_FD(idx), false, ret, err);
		if (rc == 0 || err->kind != ERR_DAMAGED)
			return rc;
		err_clear(err);
	}
	idx = rebuild_index(op, store, diffid, tar, err);
	TRY(idx);
	return layer_open(op, TAKE_FD(tar), TAKE_FD(idx), false, ret, err);
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
	struct local_tree t = { .layers = xcalloc(config->diff_id_count, sizeof(t.layers[0])) };
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
