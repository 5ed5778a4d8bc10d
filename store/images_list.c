/* SPDX-License-Identifier: Apache-2.0 */
/* Listing and forgetting names, which both need a repository as a whole: what reaches what. */
#include "base/mem.h"
#include "base/text.h"
#include "store/image_records.h"
#include "store/images.h"

/* --- list --- */

struct listing {
	struct records *records;
	images_fn *fn;
	void *arg;
};

/* Marks all that a tag reaches; below what is left, the roots of that are without is_below. */
static void mark_tagged(struct repository *repo)
{
	for (size_t i = 0; i < repo->tag_count; i++)
		repository_mark(repo, &repo->tags[i].target.digest, false);
}

static void mark_below_untagged(struct repository *repo)
{
	for (size_t i = 0; i < repo->manifest_count; i++) {
		const struct manifest_record *m = &repo->manifests[i];
		struct digest d;

		for (size_t n = 0; !m->is_reached && n < m->manifests.count; n++)
			if (digest_parse(m->manifests.items[n], strlen(m->manifests.items[n]), &d,
					 NULL) == 0)
				repository_mark(repo, &d, true);
	}
}

static void name_of_manifest(const char *repository, const struct manifest_record *m,
			     struct image_name *ret)
{
	*ret = (struct image_name){ .repository = xstrdup(repository), .stored_at = m->stored_at };
	descriptor_init(&ret->target, m->media_type, &m->digest, m->size);
}

static void name_of_tag(const char *repository, const struct tag_record *t, struct image_name *ret)
{
	*ret = (struct image_name){ .repository = xstrdup(repository),
				    .tag = xstrdup(t->tag),
				    .stored_at = t->stored_at };
	descriptor_copy(&t->target, &ret->target);
}

/* Hands a name to the caller and releases it. */
static int tell(const struct listing *l, struct image_name *name, struct err *err)
{
	const int rc = l->fn(l->arg, name, err);

	image_name_fini(name);
	return rc;
}

static int list_repository(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const struct listing *l = arg;
	const char *name = key + strlen("cat/");
	_repository_ struct repository repo = { 0 };
	struct image_name told;
	int rc = 0;

	(void)rec;
	TRY(repository_load(l->records, name, &repo, err));
	mark_tagged(&repo);
	mark_below_untagged(&repo);
	for (size_t i = 0; i < repo.manifest_count && rc == 0; i++) {
		if (repo.manifests[i].is_reached || repo.manifests[i].is_below)
			continue;
		name_of_manifest(name, &repo.manifests[i], &told);
		rc = tell(l, &told, err);
	}
	for (size_t i = 0; i < repo.tag_count && rc == 0; i++) {
		name_of_tag(name, &repo.tags[i], &told);
		rc = tell(l, &told, err);
	}
	return rc;
}

static int list_all(struct records *r, void *arg, struct err *err)
{
	const struct records_range range = { .prefix = "cat/" };

	return records_list(r, &range, list_repository, arg, err);
}

int images_list(struct store *store, images_fn *fn, void *arg, struct err *err)
{
	struct listing l = { .records = store->records, .fn = fn, .arg = arg };

	return records_snapshot(store->records, list_all, &l, err);
}

/* --- remove --- */

struct removal {
	const struct reference *ref;
	const char *name;
	struct image_name *gone; /* owned; what to tell the caller after the commit */
	size_t gone_count;
};

static struct image_name *add_gone(struct removal *x)
{
	x->gone = xreallocarray(x->gone, x->gone_count + 1, sizeof(struct image_name));
	return &x->gone[x->gone_count++];
}

static int drop_tag(struct records *r, struct removal *x, const struct tag_record *t,
		    struct err *err)
{
	struct record_key key;

	TRY(tag_key(x->name, t->tag, &key, err));
	TRY(records_remove(r, key.text, t->generation, err));
	name_of_tag(x->name, t, add_gone(x));
	return 0;
}

static int drop_manifest(struct records *r, const struct removal *x, struct manifest_record *m,
			 struct err *err)
{
	struct record_key key;

	TRY(manifest_key(x->name, &m->digest, &key, err));
	TRY(records_remove(r, key.text, m->generation, err));
	m->is_gone = true;
	return 0;
}

/*
 * Forgets what is marked below and reached by nothing that stays: tags, what was put by digest, and
 * the untagged beside it. At last the repository.
 */
static int drop_unreached(struct records *r, const struct removal *x, struct repository *repo,
			  struct err *err)
{
	size_t left = 0;

	for (size_t i = 0; i < repo->manifest_count; i++)
		if (repo->manifests[i].by_digest || !repo->manifests[i].is_below)
			repository_mark(repo, &repo->manifests[i].digest, false);
	mark_tagged(repo);
	for (size_t i = 0; i < repo->manifest_count; i++) {
		struct manifest_record *m = &repo->manifests[i];

		if (m->is_below && !m->is_reached && !m->is_gone)
			TRY(drop_manifest(r, x, m, err));
		left += !m->is_gone;
	}
	if (left + repo->tag_count)
		return 0;
	_record_ struct record catalog = { 0 };
	struct record_key key;

	TRY(catalog_key(x->name, &key, err));
	TRY(records_get(r, key.text, &catalog, err));
	return records_remove(r, key.text, catalog.generation, err);
}

static int remove_tag(struct records *r, struct removal *x, const char *tag, struct err *err)
{
	_tag_record_ struct tag_record t = { 0 };
	_repository_ struct repository repo = { 0 };

	TRY(tag_record_get(r, x->name, tag, &t, err));
	if (x->ref->digest.alg != DIGEST_NONE && !digest_equal(&x->ref->digest, &t.target.digest))
		return err_set(err, ERR_NOT_FOUND, "the tag means %s",
			       DIGEST_TEXT(&t.target.digest));
	TRY(drop_tag(r, x, &t, err));
	TRY(repository_load(r, x->name, &repo, err));
	repository_mark(&repo, &t.target.digest, true);
	return drop_unreached(r, x, &repo, err);
}

/* Takes the tags that mean the digest out of the store and out of `repo`. */
static int drop_tags_of(struct records *r, struct removal *x, struct repository *repo,
			struct err *err)
{
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < repo->tag_count; i++) {
		struct tag_record *t = &repo->tags[i];

		if (rc < 0 || !digest_equal(&t->target.digest, &x->ref->digest)) {
			repo->tags[kept++] = *t;
			continue;
		}
		rc = drop_tag(r, x, t, err);
		tag_record_fini(t);
	}
	repo->tag_count = kept;
	return rc;
}

static int remove_digest(struct records *r, struct removal *x, struct err *err)
{
	_repository_ struct repository repo = { 0 };
	const struct digest *d = &x->ref->digest;

	TRY(repository_load(r, x->name, &repo, err));
	struct manifest_record *m = repository_find(&repo, d);

	if (!m)
		return err_set(err, ERR_NOT_FOUND, "no such manifest");
	TRY(drop_tags_of(r, x, &repo, err));
	repository_mark(&repo, d, true);
	TRY(drop_manifest(r, x, m, err));
	name_of_manifest(x->name, m, add_gone(x));
	return drop_unreached(r, x, &repo, err);
}

static int remove_name(struct records *r, void *arg, struct err *err)
{
	struct removal *x = arg;
	const char *tag = reference_tag_or_latest(x->ref);

	return tag ? remove_tag(r, x, tag, err) : remove_digest(r, x, err);
}

static int run_removal(struct store *store, struct removal *x, struct err *err)
{
	struct err why = { 0 };
	const int rc = records_transaction(store->records, remove_name, x, &why);

	if (rc >= 0)
		return 0;
	if (why.kind == ERR_NOT_FOUND) {
		_free_ char *familiar = reference_familiar(x->ref);

		return err_set(err, ERR_NOT_FOUND, "%s: not in the store", familiar);
	}
	err_keep_first(err, &why);
	return rc;
}

int images_remove(struct store *store, const struct reference *ref, images_fn *fn, void *arg,
		  struct err *err)
{
	_free_ char *name = reference_repository(ref);
	struct removal x = { .ref = ref, .name = name };
	int rc = run_removal(store, &x, err);

	for (size_t i = 0; i < x.gone_count; i++) {
		if (rc == 0 && fn)
			rc = fn(arg, &x.gone[i], err);
		image_name_fini(&x.gone[i]);
	}
	free(x.gone);
	return rc;
}
