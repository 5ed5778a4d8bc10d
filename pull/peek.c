/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into a remote image: its layers as slots that are filled when asked for, the trees that
 * are made of them, and when to stop.
 */
#include "pull/peek.h"

#include "base/jobs.h"
#include "base/mem.h"
#include "pull/peek_parts.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define JOBS_DEFAULT	4
#define LOOK_LAYERS_MAX 16

struct slot {
	struct peek_job job;
	struct layer *layer; /* owned when it is the job's, else a known one's; NULL: not yet */
	size_t first; /* the lowest slot of the same blob and DiffID, which is streamed for all */
};

struct peek {
	struct peek_request request;
	struct slot *slots;
	size_t count;
	size_t streamed;
	struct layer *nothing; /* stands for layers that are not streamed */
	struct tree *all, *some;
};

/* The layer of that DiffID that the request brought along, or NULL. */
static struct layer *find_known(const struct peek_request *req, const struct digest *diffid)
{
	for (size_t i = 0; req->known && i < req->known_count; i++)
		if (digest_equal(&req->known_diffids[i], diffid))
			return (struct layer *)(uintptr_t)tree_layer(req->known, (uint16_t)i);
	return NULL;
}

static size_t find_first(const struct peek *p, size_t i)
{
	const struct peek_job *job = &p->slots[i].job;

	for (size_t k = 0; k < i; k++)
		if (digest_equal(&p->slots[k].job.descriptor->digest, &job->descriptor->digest) &&
		    digest_equal(p->slots[k].job.diffid, job->diffid))
			return k;
	return i;
}

struct peek *peek_new(const struct peek_request *request)
{
	struct peek *p = NEW(struct peek);

	p->request = *request;
	p->count = request->manifest->layers.count;
	p->slots = xcalloc(p->count, sizeof(p->slots[0]));
	for (size_t i = 0; i < p->count; i++) {
		p->slots[i].job = (struct peek_job){ &p->request,
						     &request->manifest->layers.items[i],
						     &request->config->diff_ids[i], NULL };
		p->slots[i].layer = find_known(request, &request->config->diff_ids[i]);
		p->slots[i].first = find_first(p, i);
	}
	return p;
}

void peek_free(struct peek *p)
{
	if (!p)
		return;
	tree_free(p->all);
	tree_free(p->some);
	for (size_t i = 0; i < p->count; i++)
		layer_free(p->slots[i].job.layer);
	layer_free(p->nothing);
	free(p->slots);
	free(p);
}

const struct tree *peek_whole(const struct peek *p)
{
	return p->all;
}

size_t peek_streamed(const struct peek *p)
{
	return p->streamed;
}

/* Takes what the job of a slot has brought. */
static void settle(struct peek *p, size_t i)
{
	struct slot *first = &p->slots[p->slots[i].first];

	if (!first->layer && first->job.layer) {
		first->layer = first->job.layer;
		p->streamed++;
	}
	p->slots[i].layer = first->layer;
}

static int need(struct op *op, struct peek *p, size_t i, struct err *err)
{
	if (p->slots[i].layer)
		return 0;
	if (!p->slots[p->slots[i].first].layer)
		TRY(peek_stream(op, &p->slots[p->slots[i].first].job, err));
	settle(p, i);
	return 0;
}

static int need_all(struct op *op, struct peek *p, struct err *err)
{
	struct jobs *pool = jobs_new(op, op && op->jobs ? op->jobs : JOBS_DEFAULT);
	int rc;

	for (size_t i = 0; i < p->count; i++)
		if (!p->slots[i].layer && p->slots[i].first == i)
			jobs_add(pool, peek_stream, &p->slots[i].job);
	rc = jobs_wait(pool, err);
	jobs_free(pool);
	for (size_t i = 0; i < p->count; i++)
		settle(p, i);
	return rc;
}

static int open_nothing(struct op *op, struct peek *p, struct err *err)
{
	if (p->nothing)
		return 0;
	const int fd = memfd_create("no-layer", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "memory file");
	return layer_open(op, (struct layer_files){ fd, -1, true }, &p->nothing, err);
}

/* The tree of the layers from `lowest` on. */
static int build(struct op *op, struct peek *p, size_t lowest, struct tree **ret, struct err *err)
{
	_free_ struct layer **layers = xcalloc(p->count, sizeof(struct layer *));

	if (lowest)
		TRY(open_nothing(op, p, err));
	for (size_t i = 0; i < p->count; i++)
		layers[i] = i < lowest ? p->nothing : p->slots[i].layer;
	return tree_build(op, layers, p->count, ret, err);
}

int peek_all(struct op *op, struct peek *p, const struct tree **ret, struct err *err)
{
	if (!p->all) {
		TRY(need_all(op, p, err));
		TRY(build(op, p, 0, &p->all, err));
	}
	*ret = p->all;
	return 0;
}

int peek_layer(struct op *op, struct peek *p, size_t layer, const struct layer **ret,
	       struct err *err)
{
	TRY(need(op, p, layer, err));
	*ret = p->slots[layer].layer;
	return 0;
}

/* Whether the path is there, in the layers from `lowest` on; the root only when one names it. */
static int look(struct op *op, struct peek *p, size_t lowest, struct peek_path path,
		struct err *err)
{
	struct tree_stat st;
	uint32_t node;

	tree_free(p->some);
	p->some = NULL;
	TRY(build(op, p, lowest, &p->some, err));
	if (tree_lookup(p->some, path.path, path.follow, &node, NULL) < 0)
		return 0;
	tree_stat(p->some, node, &st);
	return st.layer != UINT16_MAX;
}

/* 1 when upper layers decide what the path is: p->some is their tree. */
static int look_from_top(struct op *op, struct peek *p, struct peek_path path, struct err *err)
{
	int found = 0;

	/* Each step merges all layers from the top: only a few are worth it. */
	const size_t end = p->count > LOOK_LAYERS_MAX ? p->count - LOOK_LAYERS_MAX : 1;

	for (size_t lowest = p->count; !found && !p->all && lowest-- > end;) {
		TRY(need(op, p, lowest, err));
		if (!peek_is_closed(p->slots[lowest].layer))
			break;
		found = look(op, p, lowest, path, err);
		TRY(found);
	}
	return found;
}

int peek_file(struct op *op, struct peek *p, struct peek_path path, struct peek_found *ret,
	      struct err *err)
{
	struct peek_found found = { 0 };
	const int early = look_from_top(op, p, path, err);

	TRY(early);
	if (early)
		found.tree = p->some;
	else
		TRY(peek_all(op, p, &found.tree, err));
	TRY(tree_lookup(found.tree, path.path, path.follow, &found.node, err));
	*ret = found;
	return 0;
}
