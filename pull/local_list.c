/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of a repository of the store, and what refers to its images: by looking at all of them. */
#include "base/mem.h"
#include "pull/local_parts.h"

/* A walk over the names of one repository. */
struct listing {
	struct local *local;
	char *repository;
	transport_name_fn *fn;
	void *arg;
};

static void listing_fini(struct listing *l)
{
	free(l->repository);
}

static int list_tag(void *arg, const struct image_name *name, struct err *err)
{
	const struct listing *l = arg;

	if (!name->tag || strcmp(name->repository, l->repository) != 0)
		return 0;
	return l->fn(l->arg, name->tag, err);
}

int local_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
		    struct err *err)
{
	struct local *local = local_of(t);
	_cleanup_(listing_fini) struct listing l = { local,
						     reference_repository(&local->repository), fn,
						     arg };

	(void)op;
	return images_list(local->store, list_tag, &l, err);
}

static int look_at(void *arg, const struct image_name *name, struct err *err)
{
	const struct listing *l = arg;
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);

	(void)err;
	if (strcmp(name->repository, l->repository) == 0 &&
	    blobs_read_verified(l->local->store->blobs, &name->target.digest, &bytes, NULL) == 0)
		subjects_add(l->local->subjects, &name->target, &bytes);
	return 0;
}

/* The lock is held. */
static int find_subjects(struct local *local, struct err *err)
{
	_cleanup_(listing_fini) struct listing l = { local,
						     reference_repository(&local->repository), NULL,
						     NULL };

	if (local->subjects)
		return 0;
	local->subjects = subjects_new();
	return images_list(local->store, look_at, &l, err);
}

int local_get_referrers(struct transport *t, struct op *op, const struct transport_subject *subject,
			struct transport_document *ret, struct err *err)
{
	_cleanup_(transport_document_fini) struct transport_document listed = { 0 };
	struct local *local = local_of(t);
	char tag[SUBJECT_TAG_BYTES];
	struct err why = { 0 };

	pthread_mutex_lock(&local->lock);
	int rc = find_subjects(local, err);

	pthread_mutex_unlock(&local->lock);
	TRY(rc);
	rc = local_get_document(t, op, subject_tag(subject->digest, tag), &listed, &why);
	if (rc < 0 && why.kind != ERR_NOT_FOUND) {
		err_keep_first(err, &why);
		return rc;
	}
	return subjects_index_with(local->subjects, subject, rc < 0 ? NULL : &listed, ret, err);
}
