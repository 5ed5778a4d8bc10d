/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Committing a writable root while the system fails, or while we are killed: there is the new image,
 * which is always the same, or there is none and the store is sound.
 */
#include "base/mem.h"
#include "push/commit.h"
#include "store/images.h"
#include "tests/fault/place.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct world {
	struct picture picture;
	struct place place;
	struct tmp upper;
	struct reference ref;
	struct digest want; /* the manifest; DIGEST_NONE: not known yet */
	struct digest got;
};

static void make_upper(struct world *w)
{
	_free_ char *data = xcalloc(1, 300000);
	const int up = w->upper.fd;

	for (size_t i = 0; i < 300000; i++)
		data[i] = (char)(i * i >> 5);
	if (mkdirat(up, "dir", 0755) < 0 || mkdirat(up, "opaque", 0755) < 0)
		abort();
	tmp_write(&w->upper, "dir/large", data, 300000);
	tmp_write_str(&w->upper, "small", "text");
	tmp_write_str(&w->upper, "sparse", "");
	_free_ char *opaque = xasprintf("%s/opaque", w->upper.path);
	_free_ char *small = xasprintf("%s/small", w->upper.path);

	if (linkat(up, "small", up, "dir/hard", 0) < 0 || symlinkat("small", up, "link") < 0 ||
	    mknodat(up, "gone", S_IFCHR, 0) < 0 || truncate(small, 4) < 0 ||
	    setxattr(small, "user.a", "1", 1, 0) < 0 ||
	    setxattr(opaque, "trusted.overlay.opaque", "y", 1, 0) < 0)
		abort();
	_close_ int sparse = openat(up, "sparse", O_WRONLY | O_CLOEXEC);

	if (ftruncate(sparse, 1000000) < 0)
		abort();
}

static void world_init(struct world *w)
{
	struct err err = { 0 };

	*w = (struct world){ .upper = tmp_make_in_memory() };
	picture_init(&w->picture);
	make_upper(w);
	if (reference_parse("localhost/committed:1", &w->ref, &err) < 0)
		abort();
}

static void world_fini(struct world *w)
{
	reference_fini(&w->ref);
	tmp_remove(&w->upper);
	picture_fini(&w->picture);
}

static void prepare(void *arg)
{
	struct world *w = arg;

	place_init(&w->place);
	place_open(&w->place);
	place_fill(&w->place, &w->picture, false);
}

static void prepare_closed(void *arg)
{
	struct world *w = arg;

	prepare(w);
	place_close(&w->place);
}

static int commit(struct world *w, struct store *store, struct err *err)
{
	struct op op = { 0 };
	struct commit_result result;
	const struct commit_request request = { .store = store,
						.upper_fd = w->upper.fd,
						.base = w->picture.target.digest,
						.ref = &w->ref,
						.codec = CODEC_GZIP,
						.threads = 2,
						.source_date_epoch = 1000 };

	TRY(commit_image(&op, &request, &result, err));
	w->got = result.manifest;
	return 0;
}

static int run(void *arg, struct err *err)
{
	struct world *w = arg;

	return commit(w, w->place.store, err);
}

/* For a child that is killed: the locks are its own. */
static int run_alone(void *arg, struct err *err)
{
	struct world *w = arg;
	_store_ struct store *store = NULL;

	TRY(store_open(w->place.path, STORE_CREATE, &store, err));
	return commit(w, store, err);
}

/* The name, when it is there, means the one image there can be. */
static const char *check_name(struct world *w, bool must_be)
{
	_descriptor_ struct descriptor d = { 0 };
	struct err err = { 0 };

	if (images_resolve(w->place.store, &w->ref, &d, &err) < 0)
		return must_be ? "the name is not there" : NULL;
	if (w->want.alg == DIGEST_NONE)
		w->want = d.digest;
	return digest_equal(&w->want, &d.digest) ? NULL : "another image than without faults";
}

static const char *check(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	const bool closed = !w->place.store;

	if (closed)
		place_open(&w->place);
	const char *wrong = check_name(w, state.end == SWEEP_DONE);

	if (!wrong)
		wrong = place_check(&w->place, state);
	if (closed)
		place_close(&w->place);
	return wrong;
}

static const char *cleanup(void *arg)
{
	struct world *w = arg;

	return place_end(&w->place, false);
}

static struct sweep_op sweep_of(struct world *w)
{
	return (struct sweep_op){ .name = "commit",
				  .arg = w,
				  .prepare = prepare,
				  .run = run,
				  .check = check,
				  .cleanup = cleanup };
}

void test_commit_faults__commit(void)
{
	struct world w;

	if (geteuid() != 0) {
		test_skip("needs root");
		return;
	}
	world_init(&w);
	const struct sweep_op op = sweep_of(&w);

	sweep_faults(&op);
	world_fini(&w);
}

void test_commit_faults__killed(void)
{
	struct world w;

	if (geteuid() != 0) {
		test_skip("needs root");
		return;
	}
	world_init(&w);
	struct sweep_op op = sweep_of(&w);

	op.prepare = prepare_closed;
	op.run = run_alone;
	sweep_kills(&op);
	world_fini(&w);
}
