/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector among others: a writer that comes in at each of its steps in turn, and threads that
 * collect, name and forget at once.
 */
#include "base/mem.h"
#include "store/gc.h"
#include "store/keep.h"
#include "store/recordops.h"
#include "tests/unit/store/garden.h"

#include <pthread.h>

/* --- one step at a time --- */

/*
 * Records and blobs that call the writer before the n-th time they are asked anything outside a
 * transaction.
 */
struct shim {
	struct records base;
	struct blobs blobs;
	struct records *real;
	struct blobs *real_blobs;
	unsigned depth, seen, at;
	void (*fn)(void *arg);
	void *arg;
};

static void count_step(struct shim *s)
{
	if (s->depth == 0 && ++s->seen == s->at)
		s->fn(s->arg);
}

static struct records *step(struct records *r)
{
	struct shim *s = container_of(r, struct shim, base);

	count_step(s);
	return s->real;
}

static struct blobs *blob_step(struct blobs *b)
{
	struct shim *s = container_of(b, struct shim, blobs);

	count_step(s);
	return s->real_blobs;
}

static int shim_stat(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err)
{
	return blobs_stat(blob_step(b), d, ret_size, err);
}

static int shim_open(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
		     struct err *err)
{
	return blobs_open(blob_step(b), d, ret_fd, ret_size, err);
}

static int shim_remove_blob(struct blobs *b, const struct digest *d, struct err *err)
{
	return blobs_remove(blob_step(b), d, err);
}

static int shim_list_blobs(struct blobs *b, blobs_fn *fn, void *arg, struct err *err)
{
	return blobs_list(blob_step(b), fn, arg, err);
}

static const struct blobs_ops shim_blobs_ops = {
	.stat = shim_stat,
	.open = shim_open,
	.remove = shim_remove_blob,
	.list = shim_list_blobs,
};

static int shim_get(struct records *r, const char *key, struct record *ret, struct err *err)
{
	struct records *real = step(r);

	return real->ops->get(real, key, ret, err);
}

static int shim_create(struct records *r, const char *key, struct record_value value,
		       struct err *err)
{
	struct records *real = step(r);

	return real->ops->create(real, key, value, err);
}

static int shim_swap(struct records *r, const char *key, uint64_t generation,
		     struct record_value value, struct err *err)
{
	struct records *real = step(r);

	return real->ops->swap(real, key, generation, value, err);
}

static int shim_remove(struct records *r, const char *key, uint64_t generation, struct err *err)
{
	struct records *real = step(r);

	return real->ops->remove(real, key, generation, err);
}

static int shim_list(struct records *r, const struct records_range *range, records_fn *fn,
		     void *arg, struct err *err)
{
	struct records *real = step(r);

	return real->ops->list(real, range, fn, arg, err);
}

static int shim_begin(struct records *r, enum records_tx tx, struct err *err)
{
	struct records *real = step(r);

	container_of(r, struct shim, base)->depth++;
	return real->ops->begin(real, tx, err);
}

static int shim_end(struct records *r, bool commit, struct err *err)
{
	struct shim *s = container_of(r, struct shim, base);

	s->depth--;
	return s->real->ops->end(s->real, commit, err);
}

static const struct records_ops shim_ops = {
	.get = shim_get,
	.create = shim_create,
	.swap = shim_swap,
	.remove = shim_remove,
	.list = shim_list,
	.begin = shim_begin,
	.end = shim_end,
};

/* Somebody else at work on the same store. */
struct intruder {
	struct store *store;
	struct plant plant;
	enum { NAMES, MAKES_A_ROOT, FORGETS, FORGETS_AND_NAMES, COLLECTS, WRITES_AND_NAMES } does;
	bool came;
	int rc;
};

static void intrude(void *arg)
{
	struct intruder *x = arg;
	struct gc_result r;

	x->came = true;
	x->rc = 0;
	if (x->does == WRITES_AND_NAMES)
		(void)plant_image(x->store, 1);
	if (x->does == FORGETS || x->does == FORGETS_AND_NAMES)
		x->rc = remove_name(x->store, "h.test/x", NULL, NULL, NULL);
	if (x->does == NAMES || x->does == FORGETS_AND_NAMES || x->does == WRITES_AND_NAMES)
		x->rc = plant_name(x->store, "h.test/x", &x->plant, NULL);
	if (x->does == MAKES_A_ROOT)
		x->rc = plant_root(x->store, "r1", &x->plant.manifest, NULL);
	if (x->does == COLLECTS)
		x->rc = gc_collect(NULL, x->store, &(struct gc_request){ 0 }, &r, NULL);
}

/* Returns false when the collector was done before the step came. */
static bool collect_with(struct intruder *x, unsigned at)
{
	_fixture_ struct fixture f = fixture_files();
	struct shim shim = { .base = { &shim_ops },
			     .blobs = { &shim_blobs_ops },
			     .at = at,
			     .fn = intrude,
			     .arg = x };
	const bool named = x->does == FORGETS || x->does == FORGETS_AND_NAMES;
	struct gc_result r;
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(store_open(f.path, 0, &x->store, NULL), 0);
	const struct plant other = plant_image(f.store, 2);

	CU_ASSERT_EQUAL(plant_name(f.store, "h.test/other", &other, NULL), 0);
	x->plant = plant_image(f.store, 1);
	x->came = false;
	if (named)
		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x", &x->plant, NULL), 0);
	shim.real = f.store->records;
	shim.real_blobs = f.store->blobs;
	f.store->records = &shim.base;
	f.store->blobs = &shim.blobs;
	CU_ASSERT_EQUAL(gc_collect(NULL, f.store, &(struct gc_request){ 0 }, &r, &err), 0);
	f.store->records = shim.real;
	f.store->blobs = shim.real_blobs;
	if (err.kind != ERR_NONE)
		printf("# step %u: %s\n", at, err.msg);
	/* What was named is whole; a name that came too late was told so. */
	if (x->came && (x->rc == 0 || x->does == WRITES_AND_NAMES) && x->does != FORGETS &&
	    x->does != COLLECTS) {
		CU_ASSERT_EQUAL(x->rc, 0);
		CU_ASSERT_EQUAL(plant_count(f.store, &x->plant), PLANT_PARTS);
	} else if (x->came) {
		CU_ASSERT_TRUE(x->rc == 0 || x->rc == -ENOENT);
	}
	store_close(x->store);
	return x->came;
}

void test_gc_races__a_writer_at_each_step(void)
{
	for (int does = NAMES; does <= WRITES_AND_NAMES; does++) {
		struct intruder x = { .does = does };
		unsigned at = 1;

		while (collect_with(&x, at) && at < 500)
			at++;
		/* It makes several steps, and comes to an end. */
		CU_ASSERT_TRUE(at > 6 && at < 500);
	}
}

/* --- all at once --- */

#define ROUNDS	   60
#define WRITERS	   3
#define COLLECTORS 2

struct worker {
	struct store *store;
	unsigned number;
	pthread_t thread;
	unsigned failed, lost;
};

/* Until it is named: what a collector was faster with is written again. */
static void name_it(struct worker *w, const char *name, unsigned number)
{
	for (;;) {
		const struct plant p = plant_image(w->store, number);
		struct err err = { 0 };

		if (plant_name(w->store, name, &p, &err) == 0) {
			for (size_t i = 0; i < PLANT_LAYERS; i++)
				w->lost += blobs_stat(w->store->blobs, &p.blobs[i], NULL, NULL) < 0;
			return;
		}
		if (err.kind != ERR_NOT_FOUND) {
			printf("# writer: %s\n", err.msg);
			w->failed++;
			return;
		}
	}
}

static void *write_names(void *arg)
{
	struct worker *w = arg;
	char name[32];

	snprintf(name, sizeof(name), "h.test/x%u", w->number);
	for (unsigned i = 0; i < ROUNDS; i++) {
		name_it(w, name, i % 4);
		if (i + 1 < ROUNDS)
			w->failed += remove_name(w->store, name, NULL, NULL, NULL) < 0;
	}
	return NULL;
}

static void *collect_often(void *arg)
{
	struct worker *w = arg;
	struct gc_result r;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct err err = { 0 };

		if (gc_collect(NULL, w->store, &(struct gc_request){ 0 }, &r, &err) < 0) {
			printf("# collector: %s\n", err.msg);
			w->failed++;
		}
	}
	return NULL;
}

static void run_all(struct store *const stores[WRITERS + COLLECTORS])
{
	struct worker workers[WRITERS + COLLECTORS];

	for (unsigned i = 0; i < WRITERS + COLLECTORS; i++) {
		workers[i] = (struct worker){ .store = stores[i], .number = i };
		CU_ASSERT_EQUAL(pthread_create(&workers[i].thread, NULL,
					       i < WRITERS ? write_names : collect_often,
					       &workers[i]),
				0);
	}
	for (unsigned i = 0; i < WRITERS + COLLECTORS; i++) {
		pthread_join(workers[i].thread, NULL);
		CU_ASSERT_EQUAL(workers[i].failed, 0);
		CU_ASSERT_EQUAL(workers[i].lost, 0);
	}
}

/* Each of them by the same store, then by one of its own as processes have. */
void test_gc_races__threads_collect_and_write(void)
{
	FOR_EACH_BACKEND(f)
	{
		for (int own = 0; own <= f.is_files; own++) {
			struct store *stores[WRITERS + COLLECTORS];
			struct gc_result r;

			for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
				stores[i] = f.store;
				if (own)
					CU_ASSERT_EQUAL_FATAL(
						store_open(f.path, 0, &stores[i], NULL), 0);
			}
			run_all(stores);
			for (size_t i = 0; own && i < ARRAY_SIZE(stores); i++)
				store_close(stores[i]);
			CU_ASSERT_EQUAL(
				gc_collect(NULL, f.store, &(struct gc_request){ 0 }, &r, NULL), 0);
			/* Three names of one image: its records, and nothing condemned. */
			const struct plant p = plant_image(f.store, (ROUNDS - 1) % 4);

			CU_ASSERT_EQUAL(plant_count(f.store, &p), PLANT_PARTS);
			CU_ASSERT_EQUAL(count_records(f.store), 3 * WRITERS);
		}
	}
}
