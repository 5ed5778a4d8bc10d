/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull_image: make the plan, run its blobs as jobs, then commit documents and at last the name.
 * Until then the store holds nothing but verified, unnamed blobs.
 */
#include "pull/pull.h"

#include "base/jobs.h"
#include "base/mem.h"
#include "pull/blob_job.h"
#include "pull/plan.h"
#include "store/images.h"

#define JOBS_DEFAULT 4

void pull_result_fini(struct pull_result *r)
{
	descriptor_fini(&r->target);
}

/* Largest first: the longest job must not be the last to start. */
static int by_size_descending(const void *a, const void *b)
{
	const struct plan_blob *x = a, *y = b;

	return (x->descriptor.size < y->descriptor.size) -
	       (x->descriptor.size > y->descriptor.size);
}

static int run_blobs(struct op *op, struct blob_context *context, struct plan *plan, unsigned jobs,
		     struct err *err)
{
	struct blob_job *list = xcalloc(plan->blob_count, sizeof(list[0]));
	struct jobs *pool = jobs_new(op, jobs ? jobs : JOBS_DEFAULT);
	int rc;

	if (plan->blob_count)
		qsort(plan->blobs, plan->blob_count, sizeof(plan->blobs[0]), by_size_descending);
	for (size_t i = 0; i < plan->blob_count; i++) {
		list[i] = (struct blob_job){ context, &plan->blobs[i].descriptor,
					     plan->blobs[i].diffid };
		jobs_add(pool, blob_job_run, &list[i]);
	}
	rc = jobs_wait(pool, err);
	jobs_free(pool);
	free(list);
	return rc;
}

static int commit_documents(struct store *to, const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->document_count; i++) {
		const struct plan_document *doc = &plan->documents[i];

		if (!doc->stored)
			TRY(blobs_put(to->blobs, NULL, &doc->descriptor.digest, &doc->bytes, err));
	}
	return 0;
}

static int commit_name(struct store *to, const struct reference *ref, const struct plan *plan,
		       struct err *err)
{
	_free_ struct descriptor *children = xcalloc(plan->document_count, sizeof(children[0]));
	size_t count = 0;

	/* Shallow copies: images_put only reads them. The target is the last document. */
	for (size_t i = 0; i + 1 < plan->document_count; i++)
		if (!plan->documents[i].is_config)
			children[count++] = plan->documents[i].descriptor;
	return images_put(to, ref, &plan->target, &(struct descriptors){ children, count }, err);
}

static bool all_stored(const struct plan *plan)
{
	for (size_t i = 0; i < plan->document_count; i++)
		if (!plan->documents[i].stored)
			return false;
	return true;
}

int pull_image(struct op *op, const struct pull_request *req, struct pull_result *ret,
	       struct err *err)
{
	struct blob_context context = { .from = req->from,
					.to = req->to,
					.max_ratio = req->max_ratio };
	_reference_ struct reference named = { 0 };
	struct pull_request full = *req;
	struct plan plan = { 0 };
	int rc;

	reference_copy(req->ref, &named);
	reference_add_latest(&named);
	full.ref = &named;
	TRY(plan_make(op, &full, &plan, err));
	rc = run_blobs(op, &context, &plan, req->jobs, err);
	if (rc == 0)
		rc = op_check(op, err);
	if (rc == 0)
		rc = commit_documents(req->to, &plan, err);
	if (rc == 0)
		rc = commit_name(req->to, &named, &plan, err);
	if (rc == 0) {
		*ret = (struct pull_result){
			.was_current = context.fetched_bytes == 0 && all_stored(&plan),
			.fetched_bytes = context.fetched_bytes,
			.blob_count = plan.blob_count,
		};
		descriptor_copy(&plan.target, &ret->target);
	}
	plan_fini(&plan);
	return rc;
}
