/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers: made again from their blobs, which are right by now. A tar is removed only once it is
 * known what it can be made of, or that nobody needs it. Who has it mounted keeps what he has.
 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/fsck_repair.h"
#include "layers/layer.h"
#include "manifest/config.h"
#include "manifest/document.h"
#include "pull/blob_job.h"
#include "store/gc_mark.h"

/* What a damaged layer can be made of. */
struct search {
	const struct fsck_repair *r;
	struct digest diffid;
	bool is_needed;
	struct descriptor blob; /* with a digest when it was found */
};

static int read_document(struct store *store, const struct digest *d, struct buf *out)
{
	return blobs_read(store->blobs, d, out, NULL);
}

static void search_image(struct search *s, const struct document *doc)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_image_config_ struct image_config config = { 0 };
	const struct descriptors *layers = &doc->manifest.layers;

	if (doc->manifest.config.media.kind != MEDIA_CONFIG ||
	    read_document(s->r->store, &doc->manifest.config.digest, &bytes) < 0 ||
	    image_config_parse(buf_str(&bytes), bytes.len, &config, NULL) < 0)
		return;
	for (size_t i = 0; i < config.diff_id_count; i++) {
		if (!digest_equal(&config.diff_ids[i], &s->diffid))
			continue;
		s->is_needed = true;
		if (s->blob.digest_text || i >= layers->count ||
		    config.diff_id_count != layers->count ||
		    fsck_repair_is_bad(s->r, &layers->items[i].digest) ||
		    blobs_stat(s->r->store->blobs, &layers->items[i].digest, NULL, NULL) < 0)
			continue;
		descriptor_copy(&layers->items[i], &s->blob);
	}
}

static int search_root(void *arg, const char *key, const struct digest *manifest, struct err *err)
{
	struct search *s = arg;
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };

	(void)key;
	(void)err;
	if (read_document(s->r->store, manifest, &bytes) == 0 &&
	    document_parse(buf_str(&bytes), bytes.len, NULL, &doc, NULL) == 0 &&
	    doc.kind == DOCUMENT_MANIFEST)
		search_image(s, &doc);
	return 0;
}

static int make_layer(const struct fsck_repair *r, const struct search *s, struct err *err)
{
	struct blob_context context = { .to = r->store };
	struct blob_job job = { &context, &s->blob, s->diffid };

	TRY(layerfiles_remove(r->store->layers, &s->diffid, err));
	return blob_job_run(&r->cli->op, &job, err);
}

static void mend_layer(const struct fsck_repair *r, struct fsck_item *item)
{
	struct search s = { .r = r, .diffid = item->finding.digest };
	struct err why = { 0 };
	/* With a root that can't be read nobody knows what it needs. */
	const bool all_known = roots_list(r->store, search_root, &s, NULL) == 0;
	int rc;

	if (s.blob.digest_text) {
		rc = make_layer(r, &s, &why);
		fsck_item_end(item, rc, &why, FSCK_REPAIRED);
	} else if (s.is_needed || !all_known) {
		rc = err_set(&why, ERR_DAMAGED, "no blob is there to make it of");
		fsck_item_end(item, rc, &why, FSCK_FAILED);
	} else {
		rc = layerfiles_remove(r->store->layers, &s.diffid, &why);
		fsck_item_end(item, rc == -ENOENT ? 0 : rc, &why, FSCK_REMOVED);
	}
	descriptor_fini(&s.blob);
}

static void mend_index(const struct fsck_repair *r, struct fsck_item *item)
{
	const struct digest *diffid = &item->finding.digest;
	struct layer *layer = NULL;
	struct err why = { 0 };
	int tar = -1, idx = -1;
	int rc = layerfiles_open(r->store->layers, diffid, &tar, &idx, &why);

	/* It may look right and be wrong: it is made anew in any case. */
	if (idx >= 0)
		(void)close(idx);
	if (rc == 0)
		rc = layer_open(&r->cli->op, (struct layer_files){ tar, -1, true }, &layer, &why);
	if (rc == 0) {
		size_t len = 0;
		const void *bytes = layer_index_bytes(layer, &len);

		rc = layerfiles_replace_index(r->store->layers, diffid, bytes, len, &why);
		layer_free(layer);
	}
	/* Gone by now. */
	fsck_item_end(item, rc == -ENOENT ? 0 : rc, &why, FSCK_REPAIRED);
}

typedef void mend_fn(const struct fsck_repair *r, struct fsck_item *item);

static int mend_all(struct fsck_repair *r, enum fsck_thing thing, mend_fn *fn, struct err *err)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct fsck_finding *f = &r->items[i].finding;

		TRY(op_check(&r->cli->op, err));
		if (f->thing == thing && fsck_is_damage(f->problem))
			fn(r, &r->items[i]);
	}
	return 0;
}

/* An index is made of a tar that is right by then. */
int fsck_repair_layers(struct fsck_repair *r, struct err *err)
{
	TRY(mend_all(r, FSCK_LAYER, mend_layer, err));
	return mend_all(r, FSCK_INDEX, mend_index, err);
}
