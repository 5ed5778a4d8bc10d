/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector. Its safety needs neither a lock nor a clock. A thing is swept only if its condemned
 * record R was seen before the second mark began, and is unchanged in the transaction that unlinks.
 * A writer that makes the thing reachable at time W takes R back in that very transaction
 * (store/keep.h). If W is before the mark, the mark sees what was written; if it is after it, R was
 * there at W, the writer took it back, and the sweep finds it gone. R never comes again: each write
 * has a generation of its own. So collectors may run side by side, and be killed anywhere.
 *
 * Blobs go before layers and trees: see keep.c for why.
 */
#include "store/gc.h"

#include "base/mem.h"
#include "store/condemned.h"
#include "store/gc_mark.h"
#include "store/gc_parts.h"

#include <sys/stat.h>
#include <time.h>

/* A transaction keeps other writers waiting: so many things, or so long. */
#define BATCH_COUNT   64
#define BATCH_NS      ((int64_t)50 * 1000 * 1000)
#define CONDEMN_COUNT 512

/* Something that may have to go. */
struct candidate {
	enum reach_kind kind;
	struct digest digest;
	uint64_t generation; /* of its condemned record */
	uint64_t bytes;
	bool is_freed;
};

struct gc {
	struct op *op;
	struct store *store;
	const struct gc_request *request;
	struct gc_result result;
	struct marks marks;
	struct candidate *items;
	size_t count, alloc;
	enum reach_kind listing;
};

static void add_candidate(struct gc *gc, const struct candidate *c)
{
	if (gc->count == gc->alloc) {
		gc->alloc = gc->alloc ? 2 * gc->alloc : BATCH_COUNT;
		gc->items = xreallocarray(gc->items, gc->alloc, sizeof(gc->items[0]));
	}
	gc->items[gc->count++] = *c;
}

static void gc_fini(struct gc *gc)
{
	marks_fini(&gc->marks);
	free(gc->items);
}

static void tell(const struct gc *gc, const char *kind, const char *name, uint64_t bytes)
{
	if (gc->request->fn)
		gc->request->fn(gc->request->arg, kind, name, bytes);
}

static void count_freed(struct gc *gc, const struct candidate *c)
{
	uint64_t *const counts[REACH_KIND_COUNT][2] = {
		[REACH_BLOB] = { &gc->result.blobs, &gc->result.blob_bytes },
		[REACH_LAYER] = { &gc->result.layers, &gc->result.layer_bytes },
		[REACH_TREE] = { &gc->result.trees, &gc->result.tree_bytes },
	};

	++*counts[c->kind][0];
	*counts[c->kind][1] += c->bytes;
	tell(gc, condemned_kind(c->kind), DIGEST_TEXT(&c->digest), c->bytes);
}

/* --- what is there and not reached --- */

static uint64_t index_bytes(struct store *store, const struct digest *diffid)
{
	_close_ int tar = -1, idx = -1;
	struct stat st;

	if (layerfiles_open(store->layers, diffid, &tar, &idx, NULL) < 0 || idx < 0 ||
	    fstat(idx, &st) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

static int see(void *arg, const struct digest *d, uint64_t bytes, struct err *err)
{
	struct gc *gc = arg;

	if (gc->op)
		TRY(op_check(gc->op, err));
	if (marks_has(&gc->marks, gc->listing, d))
		return 0;
	if (gc->listing == REACH_LAYER)
		bytes += index_bytes(gc->store, d);
	add_candidate(gc, &(struct candidate){ gc->listing, *d, 0, bytes, false });
	return 0;
}

static int list_unreached(struct gc *gc, struct err *err)
{
	gc->count = 0;
	gc->listing = REACH_BLOB;
	TRY(blobs_list(gc->store->blobs, see, gc, err));
	gc->listing = REACH_LAYER;
	TRY(layerfiles_list(gc->store->layers, see, gc, err));
	gc->listing = REACH_TREE;
	return treefiles_list(gc->store->trees, see, gc, err);
}

/* --- condemn --- */

struct batch {
	struct gc *gc;
	size_t from, to;
	struct err failed; /* what ended it early; what was done before is kept */
};

static int condemn_some(struct records *r, void *arg, struct err *err)
{
	const struct batch *b = arg;

	for (size_t i = b->from; i < b->to; i++)
		TRY(condemned_add(r, b->gc->items[i].kind, &b->gc->items[i].digest, err));
	return 0;
}

static int condemn(struct gc *gc, struct err *err)
{
	struct batch b = { .gc = gc };

	for (; b.from < gc->count; b.from = b.to) {
		b.to = gc->count - b.from < CONDEMN_COUNT ? gc->count : b.from + CONDEMN_COUNT;
		TRY(records_transaction(gc->store->records, condemn_some, &b, err));
	}
	return 0;
}

static int take_up(void *arg, const struct digest *d, uint64_t generation, struct err *err)
{
	struct gc *gc = arg;

	(void)err;
	add_candidate(gc, &(struct candidate){ gc->listing, *d, generation, 0, false });
	return 0;
}

/* All that is condemned by now, by us, by others at work, and by the dead. */
static int list_condemned(struct gc *gc, struct err *err)
{
	gc->count = 0;
	for (gc->listing = 0; gc->listing < REACH_KIND_COUNT; gc->listing++)
		TRY(condemned_list(gc->store->records, gc->listing, take_up, gc, err));
	return 0;
}

/* --- sweep --- */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int size_of(struct store *store, struct candidate *c, struct err *err)
{
	_close_ int fd = -1, idx = -1;
	struct stat st;
	int rc;

	if (c->kind == REACH_BLOB)
		return blobs_stat(store->blobs, &c->digest, &c->bytes, err);
	rc = c->kind == REACH_TREE ? treefiles_open(store->trees, &c->digest, &fd, err)
				   : layerfiles_open(store->layers, &c->digest, &fd, &idx, err);
	if (rc == 0 && fstat(fd, &st) == 0)
		c->bytes = (uint64_t)st.st_size;
	if (rc == 0 && idx >= 0 && fstat(idx, &st) == 0)
		c->bytes += (uint64_t)st.st_size;
	return rc;
}

static int unlink_it(struct store *store, const struct candidate *c, struct err *err)
{
	switch (c->kind) {
	case REACH_BLOB:
		return blobs_remove(store->blobs, &c->digest, err);
	case REACH_LAYER:
		return layerfiles_remove(store->layers, &c->digest, err);
	default:
		return treefiles_remove(store->trees, &c->digest, err);
	}
}

/* Removes the file. One that is gone (the collector before us was killed here) is fine. */
static int free_file(struct store *store, struct candidate *c, struct err *err)
{
	struct err why = { 0 };

	if (size_of(store, c, NULL) == -ENOENT)
		return 0;
	if (unlink_it(store, c, &why) < 0 && why.kind != ERR_NOT_FOUND) {
		err_keep_first(err, &why);
		return -why.errnum;
	}
	c->is_freed = why.kind == ERR_NONE;
	return 0;
}

/* Whether it is still condemned by the record we saw. */
static int is_unchanged(struct records *r, const struct candidate *c, struct err *err)
{
	uint64_t found = 0;

	TRY(condemned_look(r, c->kind, &c->digest, &found, err));
	return found == c->generation;
}

static int sweep_one(struct records *r, struct batch *b, struct candidate *c, struct err *err)
{
	const int rc = is_unchanged(r, c, err);

	if (rc <= 0)
		return rc;
	if (!marks_has(&b->gc->marks, c->kind, &c->digest) &&
	    free_file(b->gc->store, c, &b->failed) < 0)
		return 1;
	return condemned_drop(r, c->kind, &c->digest, c->generation, err);
}

static int sweep_some(struct records *r, void *arg, struct err *err)
{
	struct batch *b = arg;
	const int64_t end = now_ns() + BATCH_NS;
	int rc = 0;

	/* What was pinned since the mark: a pull that found it would have to fetch it again. */
	TRY(marks_look_at_pins(b->gc->store, &b->gc->marks, err));
	while (b->to < b->gc->count && b->to - b->from < BATCH_COUNT && now_ns() < end && rc == 0) {
		rc = sweep_one(r, b, &b->gc->items[b->to], err);
		if (rc == 0)
			b->to++;
	}
	return rc < 0 ? rc : 0;
}

static int sweep(struct gc *gc, struct err *err)
{
	struct batch b = { .gc = gc };

	while (b.to < gc->count) {
		if (gc->op)
			TRY(op_check(gc->op, err));
		b.from = b.to;
		TRY(records_transaction(gc->store->records, sweep_some, &b, err));
		for (size_t i = b.from; i < b.to; i++)
			if (gc->items[i].is_freed)
				count_freed(gc, &gc->items[i]);
		if (b.failed.kind != ERR_NONE) {
			err_keep_first(err, &b.failed);
			return -b.failed.errnum;
		}
	}
	return 0;
}

/* --- all of it --- */

static int free_part(void *arg, const char *name, uint64_t bytes, struct err *err)
{
	struct gc *gc = arg;

	if (gc->op)
		TRY(op_check(gc->op, err));
	gc->result.parts++;
	gc->result.part_bytes += bytes;
	tell(gc, "part", name, bytes);
	return gc->request->dry_run ? 0 : 1;
}

static int rehearse(struct gc *gc, struct err *err)
{
	TRY(marks_look(gc->op, gc->store, &gc->marks, err));
	TRY(list_unreached(gc, err));
	for (size_t i = 0; i < gc->count; i++)
		count_freed(gc, &gc->items[i]);
	return 0;
}

static int collect(struct gc *gc, struct err *err)
{
	TRY(marks_look(gc->op, gc->store, &gc->marks, err));
	TRY(list_unreached(gc, err));
	TRY(condemn(gc, err));
	TRY(list_condemned(gc, err));
	TRY(marks_look(gc->op, gc->store, &gc->marks, err));
	return sweep(gc, err);
}

int gc_collect(struct op *op, struct store *store, const struct gc_request *request,
	       struct gc_result *ret, struct err *err)
{
	_cleanup_(gc_fini) struct gc gc = { .op = op, .store = store, .request = request };

	marks_init(&gc.marks);
	TRY(request->dry_run ? rehearse(&gc, err) : collect(&gc, err));
	TRY(parts_list(store, free_part, &gc, err));
	*ret = gc.result;
	return 0;
}
