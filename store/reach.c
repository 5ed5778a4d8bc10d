/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk from a manifest to what it needs (image-spec manifest.md, image-index.md, config.md).
 * Nothing is believed that does not hash to its name; each document is read once, so an index that
 * names the same child many times ends soon.
 */
#include "store/reach.h"

#include "base/mem.h"
#include "manifest/config.h"
#include "manifest/document.h"
#include "stream/chain.h"

/* A walk under way: documents still to be visited. */
struct walk {
	struct store *store;
	const struct reach *reach;
	struct digest_set *seen;
	struct digest *stack;
	size_t depth;
};

static int emit(const struct walk *w, enum reach_kind kind, const struct digest *d, uint64_t size,
		struct err *err)
{
	return w->reach->fn(w->reach->arg, kind, d, size, err);
}

static int tell_bad(const struct walk *w, const struct digest *d, const struct err *why,
		    struct err *err)
{
	if (w->reach->bad)
		return w->reach->bad(w->reach->arg, d, why, err);
	err_keep_first(err, why);
	return -why->errnum;
}

/* Whether that is the fault of the document itself, and not of this machine's memory. */
static bool is_unreadable(const struct err *why)
{
	return why->kind == ERR_DAMAGED || why->kind == ERR_UNSUPPORTED || why->kind == ERR_LIMIT;
}

static int emit_layers(const struct walk *w, const struct image_config *config, struct err *err)
{
	struct digest chain, parent;
	int rc = 0;

	for (size_t i = 0; i < config->diff_id_count && rc == 0; i++) {
		chain_id(i ? &parent : NULL, &config->diff_ids[i], &chain);
		parent = chain;
		rc = emit(w, REACH_LAYER, &config->diff_ids[i], 0, err);
	}
	return rc == 0 && config->diff_id_count ? emit(w, REACH_TREE, &chain, 0, err) : rc;
}

static int visit_config(const struct walk *w, const struct descriptor *d, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_image_config_ struct image_config config = { 0 };
	struct err why = { 0 };

	if (d->media.kind != MEDIA_CONFIG || d->digest.alg == DIGEST_NONE)
		return 0;
	if (blobs_read_verified(w->store->blobs, &d->digest, &bytes, &why) < 0)
		return tell_bad(w, &d->digest, &why, err);
	if (image_config_parse(buf_str(&bytes), bytes.len, &config, &why) < 0)
		return is_unreadable(&why) ? 0 : tell_bad(w, &d->digest, &why, err);
	return emit_layers(w, &config, err);
}

static int visit_blob(const struct walk *w, const struct descriptor *d, struct err *err)
{
	return d->digest.alg == DIGEST_NONE ? 0 : emit(w, REACH_BLOB, &d->digest, d->size, err);
}

static int visit_manifest(const struct walk *w, const struct image_manifest *m, struct err *err)
{
	int rc = visit_blob(w, &m->config, err);

	for (size_t i = 0; i < m->layers.count && rc == 0; i++)
		rc = visit_blob(w, &m->layers.items[i], err);
	return rc == 0 ? visit_config(w, &m->config, err) : rc;
}

static void push(struct walk *w, const struct digest *d)
{
	if (!digest_set_add(w->seen, d))
		return;
	w->stack = xreallocarray(w->stack, w->depth + 1, sizeof(w->stack[0]));
	w->stack[w->depth++] = *d;
}

static void push_children(struct walk *w, const struct index *index)
{
	for (size_t i = 0; !w->reach->alone && i < index->manifests.count; i++) {
		const struct descriptor *child = &index->manifests.items[i];
		const bool is_document = child->media.kind == MEDIA_INDEX ||
					 child->media.kind == MEDIA_MANIFEST;

		if (is_document && child->digest.alg != DIGEST_NONE &&
		    blobs_stat(w->store->blobs, &child->digest, NULL, NULL) == 0)
			push(w, &child->digest);
	}
}

static int visit(struct walk *w, const struct digest *d, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };
	struct err why = { 0 };
	int rc;

	if (blobs_read_verified(w->store->blobs, d, &bytes, &why) < 0)
		return tell_bad(w, d, &why, err);
	rc = emit(w, REACH_BLOB, d, bytes.len, err);
	if (rc != 0)
		return rc;
	if (document_parse(buf_str(&bytes), bytes.len, NULL, &doc, &why) < 0)
		return is_unreadable(&why) ? 0 : tell_bad(w, d, &why, err);
	if (doc.kind == DOCUMENT_MANIFEST)
		return visit_manifest(w, &doc.manifest, err);
	push_children(w, &doc.index);
	return 0;
}

int reach_walk(struct store *store, const struct digest *manifest, const struct reach *reach,
	       struct err *err)
{
	_digest_set_ struct digest_set *seen = digest_set_new();
	struct walk w = { .store = store, .reach = reach, .seen = seen };
	int rc = 0;

	push(&w, manifest);
	while (w.depth && rc == 0) {
		const struct digest next = w.stack[--w.depth];

		rc = visit(&w, &next, err);
	}
	free(w.stack);
	return rc;
}
