/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as a place to write to: blobs and documents only; layers are made ready when they are
 * first needed. All that is written or found is pinned until the names are recorded.
 */
#include "base/mem.h"
#include "pull/local_parts.h"
#include "stream/hash.h"
#include "transport/receive.h"

/* Deepest nesting of indexes that is followed for names. */
#define NESTING_MAX 8

static int pin(struct local *local, const struct digest *d, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&local->lock);
	if (!local->pin)
		rc = pin_new(local->store, &local->pin, err);
	if (rc >= 0)
		rc = pin_blob(local->pin, d, err);
	pthread_mutex_unlock(&local->lock);
	return rc;
}

int local_has_blob(struct transport *t, struct op *op, const struct descriptor *d, struct err *err)
{
	const struct local *local = local_of(t);
	struct err why = { 0 };
	uint64_t size = 0;

	(void)op;
	TRY(descriptor_need_digest(d, err));
	const int rc = blobs_stat(local->store->blobs, &d->digest, &size, &why);

	if (rc < 0 && why.kind != ERR_NOT_FOUND) {
		err_keep_first(err, &why);
		return rc;
	}
	return rc >= 0 && size == d->size;
}

int local_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		   struct err *err)
{
	TRY(descriptor_need_digest(upload->descriptor, err));
	TRY(pin(local_of(t), &upload->descriptor->digest, err));
	return receive_blob(local_of(t)->store->blobs, op, upload, err);
}

/* --- names ----------------------------------------------------------------------------------- */

/* The manifests below an index that the repository has, or gets now. */
struct gathering {
	struct local *local;
	struct digest_set *seen;
	struct descriptor *items;
	size_t count;
};

static void gathering_fini(struct gathering *g)
{
	for (size_t i = 0; i < g->count; i++)
		descriptor_fini(&g->items[i]);
	free(g->items);
	digest_set_free(g->seen);
}

/* The lock is held. */
static bool is_unnamed(const struct local *local, const struct digest *d)
{
	for (size_t i = 0; i < local->unnamed_count; i++)
		if (digest_equal(&local->unnamed[i].digest, d))
			return true;
	return false;
}

static bool is_of_repository(const struct local *local, const struct digest *d)
{
	_descriptor_ struct descriptor known = { 0 };
	_reference_ struct reference ref = { 0 };

	return local_name(local, DIGEST_TEXT(d), &ref, NULL) >= 0 &&
	       images_resolve(local->store, &ref, &known, NULL) >= 0;
}

static int gather(struct gathering *g, const struct descriptor *d, unsigned depth, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };

	TRY(blobs_read(g->local->store->blobs, &d->digest, &bytes, err));
	TRY(document_parse(buf_str(&bytes), bytes.len, d->media_type, &doc, err));
	if (doc.kind != DOCUMENT_INDEX || depth > NESTING_MAX)
		return 0;
	for (size_t i = 0; i < doc.index.manifests.count; i++) {
		const struct descriptor *child = &doc.index.manifests.items[i];

		if (child->digest.alg == DIGEST_NONE ||
		    (!is_unnamed(g->local, &child->digest) &&
		     !is_of_repository(g->local, &child->digest)) ||
		    !digest_set_add(g->seen, &child->digest))
			continue;
		g->items = xreallocarray(g->items, g->count + 1, sizeof(g->items[0]));
		descriptor_copy(child, &g->items[g->count++]);
		TRY(gather(g, child, depth + 1, err));
	}
	return 0;
}

/* Those that are below something with a name are done. */
static void drop_unnamed(struct local *local, struct digest_set *named)
{
	size_t kept = 0;

	for (size_t i = 0; i < local->unnamed_count; i++) {
		if (digest_set_has(named, &local->unnamed[i].digest))
			descriptor_fini(&local->unnamed[i]);
		else
			local->unnamed[kept++] = local->unnamed[i];
	}
	local->unnamed_count = kept;
}

/* Records the name with all that is below it. The lock is held. */
static int record(struct local *local, const char *name, const struct descriptor *d,
		  struct err *err)
{
	_cleanup_(gathering_fini) struct gathering g = { .local = local, .seen = digest_set_new() };
	_reference_ struct reference ref = { 0 };

	TRY(local_name(local, name, &ref, err));
	TRY(gather(&g, d, 0, err));
	TRY(images_put(local->store, &ref, d, &(struct descriptors){ g.items, g.count }, err));
	digest_set_add(g.seen, &d->digest);
	drop_unnamed(local, g.seen);
	return 0;
}

static void remember(struct local *local, const struct descriptor *d)
{
	if (is_unnamed(local, &d->digest))
		return;
	local->unnamed =
		xreallocarray(local->unnamed, local->unnamed_count + 1, sizeof(local->unnamed[0]));
	descriptor_copy(d, &local->unnamed[local->unnamed_count++]);
}

int local_put_document(struct transport *t, struct op *op, const char *name,
		       const struct transport_document *doc, struct err *err)
{
	const struct descriptor *d = &doc->descriptor;
	struct local *local = local_of(t);
	struct digest computed;
	int rc = 0;

	TRY(descriptor_need_digest(d, err));
	hash_bytes(d->digest.alg, buf_str(&doc->bytes), doc->bytes.len, &computed);
	if (!digest_equal(&computed, &d->digest))
		return err_set(err, ERR_DAMAGED, "%s: its content is %s", DIGEST_TEXT(&d->digest),
			       DIGEST_TEXT(&computed));
	TRY(pin(local, &d->digest, err));
	TRY(blobs_put(local->store->blobs, op, &d->digest, &doc->bytes, err));
	pthread_mutex_lock(&local->lock);
	if (name)
		rc = record(local, name, d, err);
	else
		remember(local, d);
	pthread_mutex_unlock(&local->lock);
	return rc;
}

/* Last first: an index before its children, which then have their name. */
int local_finish(struct transport *t, struct op *op, struct err *err)
{
	struct local *local = local_of(t);
	int rc = 0;

	(void)op;
	pthread_mutex_lock(&local->lock);
	while (rc >= 0 && local->unnamed_count) {
		_descriptor_ struct descriptor d = { 0 };

		descriptor_copy(&local->unnamed[local->unnamed_count - 1], &d);
		rc = record(local, d.digest_text, &d, err);
	}
	subjects_free(local->subjects);
	local->subjects = NULL;
	pin_free(TAKE_PTR(local->pin));
	pthread_mutex_unlock(&local->lock);
	return rc;
}
