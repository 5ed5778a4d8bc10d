/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over an image's documents in the store, which tolerates that some are not there: an index
 * is seldom pulled whole.
 */
#include "cli/image_facts.h"

#include "base/mem.h"
#include "manifest/config.h"
#include "manifest/document.h"

#define DEPTH_MAX 8

struct facts_walk {
	struct store *store;
	struct image_facts *facts;
	struct digest *seen; /* blobs that were counted */
	size_t seen_count, seen_alloc;
};

void image_facts_fini(struct image_facts *f)
{
	for (size_t i = 0; i < f->platform_count; i++)
		free(f->platforms[i]);
	free(f->platforms);
	free(f->created);
	*f = (struct image_facts){ 0 };
}

/* Counts a blob if it is there and new. Returns true when it is there. */
static bool count_blob(struct facts_walk *w, const struct descriptor *d)
{
	uint64_t size;

	if (d->digest.alg == DIGEST_NONE ||
	    blobs_stat(w->store->blobs, &d->digest, &size, NULL) < 0)
		return false;
	for (size_t i = 0; i < w->seen_count; i++)
		if (digest_equal(&w->seen[i], &d->digest))
			return true;
	if (w->seen_count == w->seen_alloc) {
		w->seen_alloc = w->seen_alloc ? 2 * w->seen_alloc : 32;
		w->seen = xreallocarray(w->seen, w->seen_alloc, sizeof(*w->seen));
	}
	w->seen[w->seen_count++] = d->digest;
	w->facts->bytes += size;
	return true;
}

static void add_platform(struct image_facts *f, const struct platform *p)
{
	f->platforms = xreallocarray(f->platforms, f->platform_count + 1, sizeof(*f->platforms));
	f->platforms[f->platform_count++] = platform_text(p);
}

static void read_config(struct facts_walk *w, const struct descriptor *d,
			const struct platform *stated)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_image_config_ struct image_config config = { 0 };
	const bool is_known = stated && w->facts->created;

	/* The config is only read for what nothing else says. */
	if (!is_known && d->media.kind == MEDIA_CONFIG &&
	    blobs_read(w->store->blobs, &d->digest, &bytes, NULL) >= 0 &&
	    image_config_parse(buf_str(&bytes), bytes.len, &config, NULL) >= 0) {
		if (!w->facts->created && config.created)
			w->facts->created = xstrdup(config.created);
		if (!stated)
			add_platform(w->facts, &config.platform);
	}
	if (stated)
		add_platform(w->facts, stated);
}

static void read_manifest(struct facts_walk *w, const struct document *doc,
			  const struct descriptor *d)
{
	const struct descriptors *layers = &doc->manifest.layers;
	bool is_whole = count_blob(w, &doc->manifest.config);

	for (size_t i = 0; i < layers->count; i++)
		is_whole &= count_blob(w, &layers->items[i]);
	if (is_whole && !descriptor_is_attestation(d))
		read_config(w, &doc->manifest.config, d->platform);
}

static void walk(struct facts_walk *w, const struct descriptor *d, unsigned depth)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };

	if (depth > DEPTH_MAX || !count_blob(w, d) ||
	    blobs_read(w->store->blobs, &d->digest, &bytes, NULL) < 0 ||
	    document_parse(buf_str(&bytes), bytes.len, d->media_type, &doc, NULL) < 0)
		return;
	if (doc.kind == DOCUMENT_MANIFEST) {
		read_manifest(w, &doc, d);
		return;
	}
	for (size_t i = 0; i < doc.index.manifests.count; i++) {
		const enum media_kind kind = doc.index.manifests.items[i].media.kind;

		if (kind == MEDIA_INDEX || kind == MEDIA_MANIFEST)
			walk(w, &doc.index.manifests.items[i], depth + 1);
	}
}

void image_facts_read(struct store *store, const struct descriptor *target, struct image_facts *ret)
{
	struct image_facts facts = { 0 };
	struct facts_walk w = { .store = store, .facts = &facts };

	walk(&w, target, 0);
	free(w.seen);
	*ret = facts;
}
