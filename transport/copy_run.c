/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying the plan out: all blobs, several at a time; then documents by their height, children
 * before parents, those with a subject one after the other (places without the referrers API keep a
 * list of them that each changes); then the names.
 */
#include "base/jobs.h"
#include "base/mem.h"
#include "transport/copy_int.h"

struct blob_job {
	struct copy *copy;
	const struct copy_blob *blob;
	bool is_there;
};

static unsigned jobs_of(const struct copy *c)
{
	return c->req->jobs ? c->req->jobs : COPY_JOBS_DEFAULT;
}

static void count(struct copy *c, const struct copy_blob *blob, enum copy_how how)
{
	if (how == COPY_MOUNTED)
		c->mounted++;
	if (how != COPY_SENT)
		return;
	c->blobs++;
	c->blob_bytes += blob->descriptor.size;
}

static int run_blob(struct op *op, void *arg, struct err *err)
{
	const struct blob_job *job = arg;
	enum copy_how how = COPY_EXISTED;

	TRY(copy_one_blob(job->copy, op, job->blob, &how, err));
	count(job->copy, job->blob, how);
	if (how == COPY_EXISTED)
		job->copy->existed++;
	return 0;
}

/* Largest first: the longest job must not be the last to start. */
static int by_size_descending(const void *a, const void *b)
{
	const struct blob_job *x = a, *y = b;

	return (x->blob->descriptor.size < y->blob->descriptor.size) -
	       (x->blob->descriptor.size > y->blob->descriptor.size);
}

static int each_blob(struct copy *c, struct blob_job *list, jobs_fn *fn, struct err *err)
{
	struct jobs *pool = jobs_new(c->op, jobs_of(c));

	for (size_t i = 0; i < c->plan.blob_count; i++)
		jobs_add(pool, fn, &list[i]);
	const int rc = jobs_wait(pool, err);

	jobs_free(pool);
	return rc;
}

static struct blob_job *list_blobs(struct copy *c)
{
	struct blob_job *list = xcalloc(c->plan.blob_count + 1, sizeof(list[0]));

	for (size_t i = 0; i < c->plan.blob_count; i++)
		list[i] = (struct blob_job){ .copy = c, .blob = &c->plan.blobs[i] };
	return list;
}

static int run_blobs(struct copy *c, struct err *err)
{
	_free_ struct blob_job *list = list_blobs(c);

	qsort(list, c->plan.blob_count, sizeof(list[0]), by_size_descending);
	return each_blob(c, list, run_blob, err);
}

/* --- documents ------------------------------------------------------------------------------- */

struct document_job {
	struct copy *copy;
	struct copy_document *document;
};

static bool is_there(struct copy *c, struct op *op, const struct copy_document *d)
{
	_descriptor_ struct descriptor found = { 0 };

	return transport_resolve(c->req->to, op, DIGEST_TEXT(&d->descriptor.digest), &found,
				 NULL) >= 0 &&
	       digest_equal(&found.digest, &d->descriptor.digest);
}

/* Puts it under a name; a digest when NULL. */
static int put(struct copy *c, struct op *op, const char *name, const struct copy_document *d,
	       struct err *err)
{
	/* Borrowed parts: the place only reads them. */
	const struct transport_document doc = { .descriptor = d->descriptor, .bytes = d->bytes };

	return transport_put_document(c->req->to, op, name, &doc, err);
}

/*
 * What the place may have lost since it was seen there: the blobs of a manifest; of an index all
 * that may be below it. *ret_again: there is reason to hope.
 */
static int put_below_again(struct copy *c, struct op *op, const struct copy_document *d,
			   bool *ret_again)
{
	const struct copy_plan *p = &c->plan;
	const size_t start = d->height ? 0 : d->blob_start;
	const size_t end = d->height ? p->blob_count : d->blob_end;

	for (size_t i = start; i < end; i++) {
		enum copy_how how = COPY_EXISTED;

		TRY(copy_one_blob(c, op, &p->blobs[i], &how, NULL));
		count(c, &p->blobs[i], how);
		*ret_again |= how == COPY_SENT || how == COPY_MOUNTED;
	}
	for (size_t i = 0; i < p->document_count; i++) {
		if (p->documents[i].height >= d->height || p->documents[i].is_left ||
		    is_there(c, op, &p->documents[i]))
			continue;
		TRY(put(c, op, NULL, &p->documents[i], NULL));
		*ret_again = true;
	}
	return 0;
}

static bool may_be_for_lost_blobs(const struct err *why)
{
	switch (why->kind) {
	case ERR_CANCELLED:
	case ERR_AUTH:
	case ERR_DENIED:
	case ERR_NO_SPACE:
	case ERR_READ_ONLY:
	case ERR_NETWORK:
	case ERR_TIMEOUT:
	case ERR_USAGE:
		return false;
	default:
		return true;
	}
}

/* Once more when the place refused it and lacks what it had before. */
static int put_surely(struct copy *c, struct op *op, const char *name,
		      const struct copy_document *d, struct err *err)
{
	struct err why = { 0 };
	bool again = false;
	const int rc = put(c, op, name, d, &why);

	if (rc >= 0)
		return 0;
	if (may_be_for_lost_blobs(&why) && put_below_again(c, op, d, &again) >= 0 && again)
		return put(c, op, name, d, err);
	err_keep_first(err, &why);
	return rc;
}

static int run_document(struct op *op, void *arg, struct err *err)
{
	const struct document_job *job = arg;
	struct copy *c = job->copy;
	const struct copy_document *d = job->document;

	/*
	 * Asking first pays when it is likely to be there. What no index leads to is written in any
	 * case: a place may have its bytes and not list it.
	 */
	if (d->is_child && !c->blobs && !c->mounted && is_there(c, op, d))
		return 0;
	if (put_surely(c, op, NULL, d, err) < 0)
		return err_prefix(err, "%.19s", DIGEST_TEXT(&d->descriptor.digest));
	c->documents++;
	return 0;
}

static bool is_target(const struct copy *c, const struct copy_document *d)
{
	return digest_equal(&d->descriptor.digest, &c->plan.target.digest);
}

/* Those of one height: side by side, or those with a subject in turn. */
static int run_height(struct copy *c, unsigned height, bool with_subject, struct err *err)
{
	struct copy_plan *p = &c->plan;
	_free_ struct document_job *list = xcalloc(p->document_count, sizeof(list[0]));
	struct jobs *pool = jobs_new(c->op, with_subject ? 1 : jobs_of(c));

	for (size_t i = 0; i < p->document_count; i++) {
		struct copy_document *d = &p->documents[i];

		if (d->height != height || d->has_subject != with_subject || d->is_left ||
		    (is_target(c, d) && c->req->to_count))
			continue;
		list[i] = (struct document_job){ c, d };
		jobs_add(pool, run_document, &list[i]);
	}
	const int rc = jobs_wait(pool, err);

	jobs_free(pool);
	return rc;
}

static int run_documents(struct copy *c, struct err *err)
{
	unsigned highest = 0;

	for (size_t i = 0; i < c->plan.document_count; i++)
		if (c->plan.documents[i].height > highest)
			highest = c->plan.documents[i].height;
	for (unsigned height = 0; height <= highest; height++) {
		TRY(run_height(c, height, false, err));
		TRY(run_height(c, height, true, err));
	}
	return 0;
}

/* --- names ----------------------------------------------------------------------------------- */

/* The list by the fallback tag is the destination's own, once it has one. */
static bool is_kept(struct copy *c, const struct copy_tag *tag)
{
	_descriptor_ struct descriptor found = { 0 };

	return !strchr(tag->name, '.') &&
	       transport_resolve(c->req->to, c->op, tag->name, &found, NULL) >= 0;
}

static int put_tags(struct copy *c, struct err *err)
{
	for (size_t i = 0; i < c->plan.tag_count; i++) {
		const struct copy_tag *tag = &c->plan.tags[i];
		const struct copy_document *d = copy_plan_find(&c->plan, &tag->digest);

		if (!d || d->is_left || is_kept(c, tag))
			continue;
		if (put_surely(c, c->op, tag->name, d, err) < 0)
			return err_prefix(err, "%s", tag->name);
	}
	return 0;
}

static int put_names(struct copy *c, struct err *err)
{
	const struct copy_document *d = copy_plan_find(&c->plan, &c->plan.target.digest);

	for (size_t i = 0; i < c->req->to_count; i++)
		TRY(put_surely(c, c->op, c->req->to_names[i], d, err));
	if (c->req->to_count)
		c->documents++;
	return 0;
}

int copy_run(struct copy *c, struct err *err)
{
	TRY(run_blobs(c, err));
	TRY(op_check(c->op, err));
	TRY(run_documents(c, err));
	TRY(put_tags(c, err));
	TRY(op_check(c->op, err));
	return put_names(c, err);
}

/* --- the plan, told -------------------------------------------------------------------------- */

static int ask_blob(struct op *op, void *arg, struct err *err)
{
	struct blob_job *job = arg;
	const int rc = transport_has_blob(job->copy->req->to, op, &job->blob->descriptor, err);

	job->is_there = rc > 0;
	return rc < 0 ? rc : 0;
}

static void tell(struct copy *c, const struct descriptor *d, bool there)
{
	if (c->req->plan)
		c->req->plan(c->req->arg, d, there);
}

static void tell_blob(struct copy *c, const struct blob_job *job)
{
	const struct descriptor *d = &job->blob->descriptor;

	tell(c, d, job->is_there);
	if (!c->req->dry_run)
		return;
	if (job->is_there) {
		c->existed++;
		return;
	}
	c->blobs++;
	c->blob_bytes += d->size;
}

int copy_tell_plan(struct copy *c, struct err *err)
{
	_free_ struct blob_job *list = list_blobs(c);
	size_t told = 0;

	TRY(each_blob(c, list, ask_blob, err));
	for (size_t i = 0; i < c->plan.document_count; i++) {
		const struct copy_document *d = &c->plan.documents[i];
		const bool there = is_there(c, c->op, d);

		while (told < d->blob_end)
			tell_blob(c, &list[told++]);
		if (d->is_left)
			continue;
		tell(c, &d->descriptor, there);
		if (c->req->dry_run && !there)
			c->documents++;
	}
	return op_check(c->op, err);
}
