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
#include "store/keep.h"

#define JOBS_DEFAULT 4
/* How often a collector may be faster than a pull. */
#define ATTEMPTS_MAX 3

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

/* Those of the store too: it may have lost one since the plan was made. */
static int commit_documents(struct store *to, const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->document_count; i++) {
		const struct plan_document *doc = &plan->documents[i];

		TRY((doc->replace ? blobs_replace : blobs_put)(
			to->blobs, NULL, &doc->descriptor.digest, &doc->bytes, err));
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

/* Asks the collector to leave alone what is there of the plan, and what will be. */
static int pin_plan(struct pin *pin, const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->document_count; i++)
		TRY(pin_blob(pin, &plan->documents[i].descriptor.digest, err));
	for (size_t i = 0; i < plan->blob_count; i++) {
		TRY(pin_blob(pin, &plan->blobs[i].descriptor.digest, err));
		if (plan->blobs[i].diffid.alg != DIGEST_NONE)
			TRY(pin_layer(pin, &plan->blobs[i].diffid, err));
	}
	return 0;
}

/* Layers that went between the look at them and the name; from now on they stay. */
static bool has_layers(struct store *to, const struct plan *plan)
{
	for (size_t i = 0; i < plan->blob_count; i++)
		if (plan->blobs[i].diffid.alg != DIGEST_NONE &&
		    !layerfiles_has(to->layers, &plan->blobs[i].diffid))
			return false;
	return true;
}

static int fetch(struct op *op, const struct pull_request *req, struct blob_context *context,
		 struct plan *plan, struct err *err)
{
	TRY(run_blobs(op, context, plan, req->jobs, err));
	TRY(op_check(op, err));
	return commit_documents(req->to, plan, err);
}

/*
 * What the plan says, done. A collector that was at work before our pins may free some of it up to
 * the moment of the name. What the name does not find then is fetched again; now it is pinned.
 */
static int carry_out(struct op *op, const struct pull_request *req, struct blob_context *context,
		     struct plan *plan, struct err *err)
{
	for (unsigned attempt = 1;; attempt++) {
		struct err why = { 0 };

		TRY(fetch(op, req, context, plan, err));
		const int rc = req->unnamed ? 0 : commit_name(req->to, req->ref, plan, &why);

		if (rc == 0)
			break;
		if (why.kind != ERR_NOT_FOUND || attempt == ATTEMPTS_MAX) {
			err_keep_first(err, &why);
			return rc;
		}
	}
	return has_layers(req->to, plan) ? 0 : run_blobs(op, context, plan, req->jobs, err);
}

static void fill_result(const struct plan *plan, const struct blob_context *context,
			struct pull_result *ret)
{
	*ret = (struct pull_result){
		.was_current = context->fetched_bytes == 0 && all_stored(plan),
		.fetched_bytes = context->fetched_bytes,
		.blob_count = plan->blob_count,
	};
	descriptor_copy(&plan->target, &ret->target);
}

static int pull_planned(struct op *op, const struct pull_request *req, struct blob_context *context,
			struct pull_result *ret, struct err *err)
{
	_pin_ struct pin *pin = NULL;
	struct plan plan = { 0 };
	int rc;

	TRY(plan_make(op, req, &plan, err));
	rc = pin_new(req->to, &pin, err);
	if (rc == 0)
		rc = pin_plan(pin, &plan, err);
	if (rc == 0)
		rc = carry_out(op, req, context, &plan, err);
	if (rc == 0)
		fill_result(&plan, context, ret);
	plan_fini(&plan);
	return rc;
}

int pull_image(struct op *op, const struct pull_request *req, struct pull_result *ret,
	       struct err *err)
{
	struct blob_context context = { .from = req->from,
					.to = req->to,
					.distrusted = req->distrusted,
					.max_ratio = req->max_ratio };
	_reference_ struct reference named = { 0 };
	struct pull_request full = *req;

	reference_copy(req->ref, &named);
	reference_add_latest(&named);
	full.ref = &named;
	return pull_planned(op, &full, &context, ret, err);
}
