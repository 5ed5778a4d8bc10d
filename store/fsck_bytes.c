/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte: blobs are hashed here, layers and trees handed to the hooks, a job each, largest
 * first. Memory is bounded: what is read goes through buffers of a chunk.
 */
#include "base/jobs.h"
#include "base/mem.h"
#include "store/fsck_parts.h"
#include "store/reach.h"
#include "stream/hash.h"
#include "stream/source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define JOBS_DEFAULT 2
/* Chunks read ahead of the hash. */
#define AHEAD_CHUNKS 4

/* One thing to be looked at. */
struct thing {
	struct fsck *f;
	enum reach_kind kind;
	struct digest digest;
	uint64_t bytes;
};
struct things {
	struct fsck *f;
	struct thing *items;
	size_t count, alloc;
	enum reach_kind listing;
};

static int add(void *arg, const struct digest *d, uint64_t bytes, struct err *err)
{
	struct things *t = arg;

	(void)err;
	if (t->count == t->alloc) {
		t->alloc = t->alloc ? 2 * t->alloc : 64;
		t->items = xreallocarray(t->items, t->alloc, sizeof(t->items[0]));
	}
	t->items[t->count++] = (struct thing){ t->f, t->listing, *d, bytes };
	t->f->total_bytes += bytes;
	return 0;
}

static void tell(const struct thing *t, enum fsck_thing thing, enum fsck_problem problem,
		 const char *what)
{
	fsck_tell(t->f,
		  &(struct fsck_finding){
			  .thing = thing, .problem = problem, .digest = t->digest, .what = what });
}

/* What was published can only be read; whoever made it writable may have written. */
static void check_mode(const struct thing *t, enum fsck_thing thing, int fd)
{
	struct stat st;

	if (store_path(t->f->store) && fstat(fd, &st) == 0 && (st.st_mode & 07777) != 0444)
		tell(t, thing, FSCK_MODE, "can be written to");
}

/*
 * What is gone by now went by a collector's hand: nothing to be said. What can't be read is
 * damaged.
 */
static int cannot_open(const struct thing *t, enum fsck_thing thing, const struct err *why,
		       struct err *err)
{
	if (why->kind == ERR_NOT_FOUND)
		return 0;
	if (why->errnum == EMFILE || why->errnum == ENFILE || why->errnum == ENOMEM ||
	    why->kind == ERR_DENIED) {
		err_keep_first(err, why);
		return -why->errnum;
	}
	tell(t, thing, FSCK_DAMAGED, why->msg);
	return 0;
}

static int count(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct thing *t = arg;

	(void)data;
	TRY(op_check(t->f->op, err));
	fsck_progress(t->f, len);
	return 0;
}

/* Whether reading failed for what is on the disk; else it is this run's failure. */
static bool is_about_bytes(const struct err *why)
{
	return why->kind == ERR_DAMAGED || why->errnum == EIO;
}

static int check_blob(struct thing *t, struct err *err)
{
	struct err why = { 0 };
	uint64_t bytes = 0;
	int fd = -1;

	if (blobs_open(t->f->store->blobs, &t->digest, &fd, &t->bytes, &why) < 0)
		return cannot_open(t, FSCK_BLOB, &why, err);
	check_mode(t, FSCK_BLOB, fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	_source_ struct source *raw = source_tee(source_fd(fd, 0, t->bytes), count, t);

	/* A thread for what takes longer to read than to make the thread. */
	if (t->bytes > AHEAD_CHUNKS * SOURCE_CHUNK_BYTES)
		raw = source_prefetch(raw, AHEAD_CHUNKS);
	raw = source_verify(raw, &t->digest, UINT64_MAX, "blob");
	if (source_drain(raw, &bytes, &why) == 0)
		return 0;
	if (!is_about_bytes(&why)) {
		err_keep_first(err, &why);
		return -why.errnum;
	}
	tell(t, FSCK_BLOB, FSCK_DAMAGED, why.msg);
	return 0;
}

static void progress(void *arg, uint64_t bytes)
{
	fsck_progress(arg, bytes);
}

static int look_into_layer(struct thing *t, int tar, int idx, struct err *err)
{
	const struct fsck_hooks *hooks = t->f->request->hooks;
	const struct fsck_layer layer = { t->f->op, &t->digest, tar, idx, progress, t->f };
	struct err bad_tar = { 0 }, bad_idx = { 0 };

	TRY(hooks->layer(hooks->arg, &layer, &bad_tar, &bad_idx, err));
	if (bad_tar.kind != ERR_NONE)
		tell(t, FSCK_LAYER, FSCK_DAMAGED, bad_tar.msg);
	else if (idx >= 0 && bad_idx.kind != ERR_NONE)
		tell(t, FSCK_INDEX, FSCK_DAMAGED, bad_idx.msg);
	return 0;
}

static int check_layer(struct thing *t, struct err *err)
{
	_close_ int tar = -1, idx = -1;
	struct err why = { 0 };

	if (layerfiles_open(t->f->store->layers, &t->digest, &tar, &idx, &why) < 0)
		return cannot_open(t, FSCK_LAYER, &why, err);
	check_mode(t, FSCK_LAYER, tar);
	if (idx >= 0)
		check_mode(t, FSCK_INDEX, idx);
	else
		tell(t, FSCK_INDEX, FSCK_MISSING, "the layer has no index");
	return t->f->request->hooks ? look_into_layer(t, tar, idx, err) : 0;
}

static int check_tree(struct thing *t, struct err *err)
{
	const struct fsck_hooks *hooks = t->f->request->hooks;
	struct err why = { 0 }, bad = { 0 };
	_close_ int fd = -1;

	if (treefiles_open(t->f->store->trees, &t->digest, &fd, &why) < 0)
		return cannot_open(t, FSCK_TREE, &why, err);
	check_mode(t, FSCK_TREE, fd);
	if (!hooks || !hooks->tree)
		return 0;
	TRY(hooks->tree(hooks->arg, &(struct fsck_tree){ t->f->op, &t->digest, fd }, &bad, err));
	fsck_progress(t->f, t->bytes);
	if (bad.kind != ERR_NONE)
		tell(t, FSCK_TREE, FSCK_DAMAGED, bad.msg);
	return 0;
}

static int check_one(struct op *op, void *arg, struct err *err)
{
	struct thing *t = arg;

	TRY(op_check(op, err));
	switch (t->kind) {
	case REACH_BLOB:
		return check_blob(t, err);
	case REACH_LAYER:
		return check_layer(t, err);
	default:
		return check_tree(t, err);
	}
}

/* Trees are small, and need layers to be read besides: they come last. */
static int by_size(const void *a, const void *b)
{
	const struct thing *x = a, *y = b;

	if ((x->kind == REACH_TREE) != (y->kind == REACH_TREE))
		return x->kind == REACH_TREE ? 1 : -1;
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static int list(struct things *t, struct err *err)
{
	t->listing = REACH_BLOB;
	TRY(blobs_list(t->f->store->blobs, add, t, err));
	t->f->result.blobs = t->count;
	t->listing = REACH_LAYER;
	TRY(layerfiles_list(t->f->store->layers, add, t, err));
	t->f->result.layers = t->count - t->f->result.blobs;
	t->listing = REACH_TREE;
	TRY(treefiles_list(t->f->store->trees, add, t, err));
	t->f->result.trees = t->count - t->f->result.blobs - t->f->result.layers;
	t->f->result.bytes = t->f->total_bytes;
	return 0;
}

static int run(struct things *t, struct err *err)
{
	const unsigned threads = t->f->request->jobs ? t->f->request->jobs : JOBS_DEFAULT;
	struct jobs *jobs = jobs_new(t->f->op, threads);

	for (size_t i = 0; i < t->count; i++)
		jobs_add(jobs, check_one, &t->items[i]);
	const int rc = jobs_wait(jobs, err);

	jobs_free(jobs);
	return rc;
}

static void report(struct fsck *f, enum progress_kind kind, const char *state)
{
	op_report(f->op, &(struct progress_event){ .kind = kind,
						   .item = f->item,
						   .label = "store",
						   .state = state,
						   .bytes = f->done_bytes,
						   .total_bytes = f->total_bytes });
}

int fsck_bytes(struct fsck *f, struct err *err)
{
	struct things t = { .f = f };
	int rc = list(&t, err);

	if (rc == 0) {
		if (t.count)
			qsort(t.items, t.count, sizeof(t.items[0]), by_size);
		f->item = op_item();
		report(f, PROGRESS_BEGIN, "waiting");
		report(f, PROGRESS_STATE, "verifying");
		rc = run(&t, err);
		report(f, PROGRESS_END, rc == 0 ? "done" : "failed");
	}
	free(t.items);
	return rc;
}
