/* SPDX-License-Identifier: Apache-2.0 */
/* copy_image: make the plan, tell it, carry it out. */
#include "transport/copy.h"

#include "base/mem.h"
#include "transport/copy_int.h"

void copy_result_fini(struct copy_result *r)
{
	descriptor_fini(&r->target);
	*r = (struct copy_result){ 0 };
}

static void copy_fini(struct copy *c)
{
	for (size_t i = 0; i < c->tag_count; i++)
		free(c->tags[i]);
	free(c->tags);
	platform_fini(&c->want);
	copy_plan_fini(&c->plan);
}

static uint64_t count_referrers(const struct copy_plan *p)
{
	uint64_t count = 0;

	for (size_t i = 0; i < p->document_count; i++)
		count += p->documents[i].is_referrer;
	return count;
}

static void fill_result(struct copy *c, struct copy_result *ret)
{
	*ret = (struct copy_result){
		.target = c->plan.target,
		.blobs = c->blobs,
		.blob_bytes = c->blob_bytes,
		.mounted = c->mounted,
		.existed = c->existed,
		.documents = c->documents,
		.referrers = count_referrers(&c->plan),
		.is_of_index = c->is_narrowed,
	};
	c->plan.target = (struct descriptor){ 0 };
}

int copy_image(struct op *op, const struct copy_request *request, struct copy_result *ret,
	       struct err *err)
{
	_cleanup_(copy_fini) struct copy c = { .op = op, .req = request };

	copy_plan_init(&c.plan);
	if (request->platform)
		platform_copy(request->platform, &c.want);
	else
		platform_host(&c.want);
	TRY(copy_walk(&c, err));
	if (request->dry_run || request->plan)
		TRY(copy_tell_plan(&c, err));
	if (!request->dry_run)
		TRY(copy_run(&c, err));
	fill_result(&c, ret);
	return 0;
}
