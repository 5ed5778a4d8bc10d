/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline of a commit, one pass:
 *
 *   upper folder -> tar -+-> hash (DiffID, a thread of its own)
 *                        +-> layer.tar and its entry index (staging)
 *                        +-> compressor (threads) -+-> hash (blob, a thread of its own)
 *                                                  +-> blob (staging)
 *
 * Both digests are known when all is written; then blob and layer are pinned and published.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "layers/layer.h"
#include "stream/hash.h"
#include "sys/file.h"

struct pipeline {
	struct op *op;
	const struct commit_request *request;
	struct tar_writer *tar;
	struct packer *packer;
	struct layer_writer *layer;
	struct layer_indexer *indexer;
	struct hash_thread *diff_hash, *blob_hash;
	struct compressor *compressor;
	struct blob_writer *blob;
	uint64_t tar_bytes;
	uint64_t item; /* for progress */
};

static void pipeline_fini(struct pipeline *p)
{
	packer_free(p->packer);
	tar_writer_free(p->tar);
	/* Its threads first: they feed what comes after. */
	compressor_free(p->compressor);
	layer_indexer_free(p->indexer);
	hash_thread_free(p->diff_hash);
	hash_thread_free(p->blob_hash);
	blob_writer_abort(p->blob, false);
	layer_writer_abort(p->layer);
}

/* Where the compressor puts its output. */
static int take_packed(void *arg, const void *data, size_t len, struct err *err)
{
	struct pipeline *p = arg;

	if (p->blob_hash)
		hash_thread_update(p->blob_hash, data, len);
	return blob_writer_append(p->blob, data, len, err);
}

/* Where the tar goes. */
static int take_raw(void *arg, const void *data, size_t len, struct err *err)
{
	struct pipeline *p = arg;

	TRY(op_check(p->op, err));
	p->tar_bytes += len;
	op_report(p->op, &(struct progress_event){
				 .kind = PROGRESS_BYTES, .item = p->item, .bytes = p->tar_bytes });
	hash_thread_update(p->diff_hash, data, len);
	TRY(compressor_write(p->compressor, data, len, err));
	TRY(file_write_all(p->layer->tar_fd, data, len, "layer tar", err));
	layer_writer_progress(p->layer, p->tar_bytes);
	return layer_indexer_feed(p->indexer, data, len, err);
}

static int open_pipeline(struct pipeline *p, struct err *err)
{
	const struct commit_request *r = p->request;
	const struct compress_options options = { .codec = r->codec,
						  .level = r->level,
						  .threads = r->threads,
						  .fn = take_packed,
						  .arg = p };
	const struct digest unknown = { .alg = DIGEST_NONE };
	const struct blob_want want = { .digest = unknown, .size_bytes = UINT64_MAX };

	TRY(compressor_new(&options, &p->compressor, err));
	TRY(blobs_begin(r->store->blobs, p->op, &want, &p->blob, err));
	TRY(layerfiles_begin(r->store->layers, p->op, &unknown, &p->layer, err));
	p->indexer = layer_indexer_new(p->layer->idx_fd);
	p->diff_hash = hash_thread_new(DIGEST_SHA256);
	/* What is stored as it is has the DiffID for its digest. */
	if (r->codec != CODEC_PLAIN)
		p->blob_hash = hash_thread_new(DIGEST_SHA256);
	p->tar = tar_writer_new_sink(take_raw, p);
	p->packer = packer_new(p->op, r, p->tar);
	return 0;
}

static int run_pipeline(struct pipeline *p, struct made_layer *made, struct err *err)
{
	const struct changes_request request = { .upper_fd = p->request->upper_fd,
						 .lower = p->request->lower,
						 .is_userxattr = p->request->is_userxattr,
						 .uids = p->request->uids,
						 .gids = p->request->gids };

	TRY(changes_walk(p->op, &request, packer_change, p->packer, err));
	made->entries = packer_entries(p->packer);
	if (!made->entries)
		return 0;
	TRY(tar_writer_finish(p->tar, &made->tar_bytes, err));
	TRY(compressor_finish(p->compressor, err));
	TRY(layer_indexer_finish(p->indexer, err));
	hash_thread_final(p->diff_hash, &made->diff_id);
	if (p->blob_hash)
		hash_thread_final(p->blob_hash, &made->blob);
	else
		made->blob = made->diff_id;
	made->blob_bytes = p->blob->offset_bytes;
	return 0;
}

/* Order as in a pull: blob, then layer. */
static int publish(struct pipeline *p, struct pin *pin, const struct made_layer *made,
		   struct err *err)
{
	TRY(pin_blob(pin, &made->blob, err));
	TRY(pin_layer(pin, &made->diff_id, err));
	TRY(blob_writer_commit(TAKE_PTR(p->blob), &made->blob, err));
	return layer_writer_commit(TAKE_PTR(p->layer), &made->diff_id, err);
}

static void report(const struct pipeline *p, enum progress_kind kind, const char *state)
{
	op_report(p->op, &(struct progress_event){ .kind = kind,
						   .item = p->item,
						   .label = "layer",
						   .state = state,
						   .bytes = p->tar_bytes });
}

int commit_layer(struct commit *c, struct err *err)
{
	_cleanup_(pipeline_fini) struct pipeline p = { .op = c->op,
						       .request = c->request,
						       .item = op_item() };
	struct made_layer made = { 0 };
	int rc = open_pipeline(&p, err);

	if (rc < 0)
		return rc;
	report(&p, PROGRESS_BEGIN, "committing");
	rc = run_pipeline(&p, &made, err);
	if (rc == 0 && made.entries)
		rc = publish(&p, c->pin, &made, err);
	report(&p, PROGRESS_END, rc < 0 ? "failed" : "done");
	if (rc == 0)
		c->layer = made;
	return rc;
}
