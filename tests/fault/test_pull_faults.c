/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling into a store of files while the system fails, and what is read from such a store. */
#include "base/mem.h"
#include "pull/local.h"
#include "tests/fault/place.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>

/* What a sweep works on. */
struct world {
	struct picture picture;
	struct place place;
	enum { INDEX_ABSENT, INDEX_GARBAGE, INDEX_CUT } damage;
};

static void prepare_empty(void *arg)
{
	struct world *w = arg;

	place_init(&w->place);
	place_open(&w->place);
}

static int run_pull(void *arg, struct err *err)
{
	struct world *w = arg;

	return place_pull(&w->place, &w->picture, false, err);
}

static const char *check_pull(void *arg, struct sweep_state state)
{
	struct world *w = arg;

	return state.end == SWEEP_DONE ? place_check_picture(&w->place, &w->picture, state)
				       : place_check(&w->place, state);
}

static const char *cleanup(void *arg)
{
	struct world *w = arg;

	return place_end(&w->place, false);
}

static void sweep_pull(const char *name, void (*prepare)(void *))
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = name,
				     .arg = &w,
				     .prepare = prepare,
				     .run = run_pull,
				     .check = check_pull,
				     .cleanup = cleanup };

	picture_init(&w.picture);
	sweep_faults(&op);
	picture_fini(&w.picture);
}

void test_pull_faults__pull(void)
{
	sweep_pull("pull", prepare_empty);
}

/* An earlier process left the first half of the largest layer. */
static void prepare_half(void *arg)
{
	struct world *w = arg;
	const struct descriptor *d = &w->picture.layers[2].descriptor;
	const struct blob_want want = { d->digest, d->size, false };
	_buf_ struct buf bytes = BUF_INIT(1 << 24);
	struct blob_writer *writer = NULL;
	struct err err = { 0 };

	prepare_empty(w);
	if (blobs_read(w->picture.there->blobs, &d->digest, &bytes, &err) < 0 ||
	    blobs_begin(w->place.store->blobs, NULL, &want, &writer, &err) < 0 ||
	    blob_writer_append(writer, bytes.data, bytes.len / 2, &err) < 0)
		abort();
	blob_writer_abort(writer, true);
}

void test_pull_faults__resumed_pull(void)
{
	sweep_pull("resumed pull", prepare_half);
}

static void prepare_full(void *arg)
{
	struct world *w = arg;

	prepare_empty(w);
	place_fill(&w->place, &w->picture, false);
}

void test_pull_faults__pull_of_what_is_there(void)
{
	sweep_pull("pull of what is there", prepare_full);
}

/* --- layers from blobs --- */

static void prepare_blobs(void *arg)
{
	struct world *w = arg;

	prepare_empty(w);
	place_fill(&w->place, &w->picture, true);
}

static int run_layers(void *arg, struct err *err)
{
	struct world *w = arg;
	struct op op = { 0 };

	return local_prepare_layers(&op, w->place.store, &w->picture.document.manifest,
				    &w->picture.config, err);
}

void test_pull_faults__layers_from_blobs(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "layers from blobs",
				     .arg = &w,
				     .prepare = prepare_blobs,
				     .run = run_layers,
				     .check = check_pull,
				     .cleanup = cleanup };

	picture_init(&w.picture);
	sweep_faults(&op);
	picture_fini(&w.picture);
}

/* --- the tree, its indexes lost --- */

static void damage_index(struct world *w, const struct digest *diffid)
{
	_free_ char *name = xasprintf("store/layers/sha256/%s.idx", DIGEST_HEX(diffid));

	if (w->damage == INDEX_ABSENT) {
		(void)unlinkat(w->place.tmp.fd, name, 0);
		return;
	}
	const int chmoded = fchmodat(w->place.tmp.fd, name, 0600, 0);
	_close_ int fd = openat(w->place.tmp.fd, name, O_WRONLY | O_CLOEXEC);

	if (chmoded < 0 || fd < 0 ||
	    (w->damage == INDEX_CUT ? ftruncate(fd, 100) : pwrite(fd, "rot", 3, 200)) < 0 ||
	    fchmod(fd, 0444) < 0)
		abort();
}

static void prepare_damaged(void *arg)
{
	struct world *w = arg;

	prepare_full(w);
	for (size_t i = 0; i < 2; i++)
		damage_index(w, &w->picture.layers[i].diffid);
}

static int run_tree(void *arg, struct err *err)
{
	struct world *w = arg;
	struct op op = { 0 };
	struct local_tree t;

	TRY(local_tree_open(&op, w->place.store, &w->picture.config, &t, err));
	const bool right = tree_node_count(t.tree) == w->picture.node_count;

	local_tree_fini(&t);
	return right ? 0 : err_set(err, ERR_FAILED, "the tree is another");
}

/* The damage is ours; it is gone once the tree was opened with nothing in the way. */
static const char *check_tree_faults(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	struct err err = { 0 };

	if (state.end != SWEEP_DONE)
		return NULL;
	if (run_tree(w, &err) < 0)
		return "the tree cannot be opened again";
	return place_check_picture(&w->place, &w->picture, state);
}

static void sweep_tree(const char *name, int damage)
{
	struct world w = { .damage = damage };
	const struct sweep_op op = { .name = name,
				     .arg = &w,
				     .prepare = prepare_damaged,
				     .run = run_tree,
				     .check = check_tree_faults,
				     .cleanup = cleanup };

	picture_init(&w.picture);
	sweep_faults(&op);
	picture_fini(&w.picture);
}

void test_pull_faults__tree_without_indexes(void)
{
	sweep_tree("tree without indexes", INDEX_ABSENT);
}

void test_pull_faults__tree_with_rotten_indexes(void)
{
	sweep_tree("tree with rotten indexes", INDEX_GARBAGE);
}

void test_pull_faults__tree_with_cut_indexes(void)
{
	sweep_tree("tree with cut indexes", INDEX_CUT);
}

/* --- killed --- */

static void prepare_nothing(void *arg)
{
	struct world *w = arg;

	place_init(&w->place);
}

static int run_all(void *arg, struct err *err)
{
	struct world *w = arg;

	TRY(store_open(w->place.path, STORE_CREATE, &w->place.store, err));
	const int rc = place_pull(&w->place, &w->picture, false, err);

	place_close(&w->place);
	return rc;
}

void test_pull_faults__killed_pull(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "killed pull",
				     .arg = &w,
				     .prepare = prepare_nothing,
				     .run = run_all,
				     .check = check_pull,
				     .cleanup = cleanup };

	picture_init(&w.picture);
	sweep_kills(&op);
	picture_fini(&w.picture);
}
