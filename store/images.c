/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images: put, resolve, list, remove. Every change is one transaction over all records of
 * the repository it touches, so what runs at the same time sees a name with its manifests or not at
 * all.
 */
#include "store/images.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/image_records.h"
#include "store/keep.h"

#include <time.h>

void image_name_fini(struct image_name *name)
{
	free(name->repository);
	free(name->tag);
	descriptor_fini(&name->target);
	*name = (struct image_name){ 0 };
}

/* --- put --- */

struct put {
	struct store *store;
	const struct reference *ref;
	const struct descriptor *target;
	const struct descriptors *children;
	const char *name;
	int64_t now;
};

static int check_present(const struct put *put, const struct descriptor *d, struct err *err)
{
	TRY(descriptor_need_digest(d, err));
	return blobs_stat(put->store->blobs, &d->digest, NULL, err);
}

/* The record of a manifest: what is there, or a new one. */
static int get_or_make(const struct put *put, const struct descriptor *d,
		       struct manifest_record *ret, struct err *err)
{
	struct err why = { 0 };
	const int rc = manifest_record_get(put->store->records, put->name, &d->digest, ret, &why);

	if (rc == 0)
		return 0;
	if (why.kind != ERR_NOT_FOUND) {
		err_keep_first(err, &why);
		return rc;
	}
	*ret = (struct manifest_record){
		.digest = d->digest,
		.media_type = xstrdup(d->media_type),
		.size = d->size,
		.stored_at = put->now,
	};
	return 0;
}

static int put_manifest(const struct put *put, const struct descriptor *d, bool is_target,
			struct err *err)
{
	_manifest_record_ struct manifest_record m = { 0 };
	const bool by_digest = is_target && !reference_tag_or_latest(put->ref);

	TRY(get_or_make(put, d, &m, err));
	bool changed = m.generation == 0 || (by_digest && !m.by_digest);

	m.by_digest |= by_digest;
	for (size_t i = 0; is_target && put->children && i < put->children->count; i++)
		changed |= manifest_record_add(&m, &put->children->items[i].digest);
	return changed ? manifest_record_put(put->store->records, put->name, &m, err) : 0;
}

static int put_tag(const struct put *put, const char *tag, struct err *err)
{
	_tag_record_ struct tag_record t = { 0 };
	struct err why = { 0 };
	const int rc = tag_record_get(put->store->records, put->name, tag, &t, &why);

	if (rc < 0 && why.kind != ERR_NOT_FOUND) {
		err_keep_first(err, &why);
		return rc;
	}
	if (rc == 0 && digest_equal(&t.target.digest, &put->target->digest))
		return 0;
	if (!t.tag)
		t.tag = xstrdup(tag);
	descriptor_fini(&t.target);
	descriptor_init(&t.target, put->target->media_type, &put->target->digest,
			put->target->size);
	t.stored_at = put->now;
	return tag_record_put(put->store->records, put->name, &t, err);
}

static int put_catalog(const struct put *put, struct err *err)
{
	struct err why = { 0 };
	struct record_key key;

	TRY(catalog_key(put->name, &key, err));
	const int rc =
		records_create(put->store->records, key.text, (struct record_value){ 0 }, &why);

	if (rc < 0 && why.kind != ERR_EXISTS) {
		err_keep_first(err, &why);
		return rc;
	}
	return 0;
}

/* From here on the collector leaves all of it alone; what it was faster with is not found. */
static int keep_all(const struct put *put, struct err *err)
{
	for (size_t i = 0; put->children && i < put->children->count; i++)
		TRY(keep_manifest(put->store, &put->children->items[i].digest, true, err));
	return keep_manifest(put->store, &put->target->digest, true, err);
}

static int put_all(struct records *r, void *arg, struct err *err)
{
	const struct put *put = arg;
	const char *tag = reference_tag_or_latest(put->ref);

	(void)r;
	for (size_t i = 0; put->children && i < put->children->count; i++)
		TRY(put_manifest(put, &put->children->items[i], false, err));
	TRY(put_manifest(put, put->target, true, err));
	TRY(put_catalog(put, err));
	if (tag)
		TRY(put_tag(put, tag, err));
	return keep_all(put, err);
}

int images_put(struct store *store, const struct reference *ref, const struct descriptor *target,
	       const struct descriptors *children, struct err *err)
{
	_free_ char *name = reference_repository(ref);
	struct put put = {
		.store = store,
		.ref = ref,
		.target = target,
		.children = children,
		.name = name,
		.now = (int64_t)time(NULL),
	};

	TRY(check_present(&put, target, err));
	for (size_t i = 0; children && i < children->count; i++)
		TRY(check_present(&put, &children->items[i], err));
	if (ref->digest.alg != DIGEST_NONE && !digest_equal(&ref->digest, &target->digest))
		return err_set(err, ERR_USAGE, "%s: asked for %s, not %s", name,
			       DIGEST_TEXT(&ref->digest), DIGEST_TEXT(&target->digest));
	return records_transaction(store->records, put_all, &put, err);
}

/* --- resolve --- */

static int not_here(const struct reference *ref, struct err *err)
{
	_free_ char *familiar = reference_familiar(ref);
	const int rc = err_set(err, ERR_NOT_FOUND, "%s: not in the store", familiar);

	if (ref->path)
		err_hint(err, "img pull %s", familiar);
	return rc;
}

static int resolve_digest(struct records *r, const char *name, const struct digest *d,
			  struct descriptor *ret, struct err *err)
{
	_manifest_record_ struct manifest_record m = { 0 };

	TRY(manifest_record_get(r, name, d, &m, err));
	descriptor_init(ret, m.media_type, d, m.size);
	return 0;
}

static int resolve_tag(struct records *r, const char *name, const char *tag, struct descriptor *ret,
		       struct err *err)
{
	_tag_record_ struct tag_record t = { 0 };

	TRY(tag_record_get(r, name, tag, &t, err));
	*ret = t.target;
	t.target = (struct descriptor){ 0 };
	return 0;
}

struct search {
	struct records *records;
	const struct digest *digest;
	struct descriptor *ret;
};

/* Returns 1 when that repository has the manifest. */
static int search_in(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const struct search *s = arg;
	struct err why = { 0 };
	const int rc = resolve_digest(s->records, key + strlen("cat/"), s->digest, s->ret, &why);

	(void)rec;
	if (rc == 0)
		return 1;
	if (why.kind == ERR_NOT_FOUND)
		return 0;
	err_keep_first(err, &why);
	return rc;
}

static int resolve_anywhere(struct records *r, const struct digest *d, struct descriptor *ret,
			    struct err *err)
{
	const struct records_range range = { .prefix = "cat/" };
	struct search s = { .records = r, .digest = d, .ret = ret };
	const int rc = records_list(r, &range, search_in, &s, err);

	return rc == 0 ? err_set(err, ERR_NOT_FOUND, "no repository has it") : rc;
}

int images_resolve(struct store *store, const struct reference *ref, struct descriptor *ret,
		   struct err *err)
{
	_free_ char *name = reference_repository(ref);
	struct err why = { 0 };
	int rc;

	if (ref->digest.alg == DIGEST_NONE)
		rc = resolve_tag(store->records, name, reference_tag_or_latest(ref), ret, &why);
	else if (ref->path)
		rc = resolve_digest(store->records, name, &ref->digest, ret, &why);
	else
		rc = resolve_anywhere(store->records, &ref->digest, ret, &why);
	if (rc >= 0)
		return 0;
	if (why.kind == ERR_NOT_FOUND)
		return not_here(ref, err);
	err_keep_first(err, &why);
	return rc;
}
