/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting while the system fails, and killed at each call. */
#include "base/mem.h"
#include "store/condemned.h"
#include "store/gc.h"
#include "store/images.h"
#include "tests/fault/place.h"

#include <CUnit/CUnit.h>

/* An image that keeps its name and shares its lowest layer with one that has lost it. */
struct world {
	struct picture picture;
	struct place place;
	struct descriptor kept;
	bool reopens; /* each run opens the store by itself */
};

static void prepare(void *arg)
{
	struct world *w = arg;
	const struct maker_image kept = { w->picture.layers, 1, NULL };

	place_init(&w->place);
	place_open(&w->place);
	place_fill(&w->place, &w->picture, false);
	maker_image(w->place.store, &kept, &w->kept);
	maker_name(w->place.store, "example.com/kept:1", &w->kept, NULL);
	if (images_remove(w->place.store, &w->picture.ref, NULL, NULL, NULL) < 0)
		abort();
	if (w->reopens)
		place_close(&w->place);
}

static int run(void *arg, struct err *err)
{
	struct world *w = arg;
	const struct gc_request request = { 0 };
	_store_ struct store *own = NULL;
	struct gc_result r;

	if (w->reopens)
		TRY(store_open(w->place.path, 0, &own, err));
	return gc_collect(NULL, own ? own : w->place.store, &request, &r, err);
}

static const char *check_freed(const struct world *w, struct store *s)
{
	bool condemned = true;

	if (!layerfiles_has(s->layers, &w->picture.layers[0].diffid) ||
	    blobs_stat(s->blobs, &w->kept.digest, NULL, NULL) < 0)
		return "what has a name was freed";
	for (size_t i = 1; i < PICTURE_LAYERS; i++)
		if (layerfiles_has(s->layers, &w->picture.layers[i].diffid) ||
		    blobs_stat(s->blobs, &w->picture.layers[i].descriptor.digest, NULL, NULL) == 0)
			return "something was not freed";
	if (blobs_stat(s->blobs, &w->picture.target.digest, NULL, NULL) == 0)
		return "the manifest was not freed";
	if (condemned_any(s->records, &condemned, NULL) < 0 || condemned)
		return "something is condemned still";
	return NULL;
}

static const char *check(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	struct store *s = w->place.store;
	const char *wrong = place_check(&w->place, state);

	if (!wrong && !s && store_open(w->place.path, 0, &s, NULL) < 0)
		return "the store cannot be opened";
	if (!wrong && !layerfiles_has(s->layers, &w->picture.layers[0].diffid))
		wrong = "what has a name was freed";
	if (!wrong && state.end == SWEEP_DONE)
		wrong = check_freed(w, s);
	if (s != w->place.store)
		store_close(s);
	return wrong;
}

static const char *cleanup(void *arg)
{
	struct world *w = arg;

	descriptor_fini(&w->kept);
	return place_end(&w->place, false);
}

void test_gc_faults__collect(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "collect",
				     .arg = &w,
				     .prepare = prepare,
				     .run = run,
				     .check = check,
				     .cleanup = cleanup };

	picture_init(&w.picture);
	sweep_faults(&op);
	picture_fini(&w.picture);
}

void test_gc_faults__killed_collect(void)
{
	struct world w = { .reopens = true };
	const struct sweep_op op = { .name = "killed collect",
				     .arg = &w,
				     .prepare = prepare,
				     .run = run,
				     .check = check,
				     .cleanup = cleanup };

	picture_init(&w.picture);
	sweep_kills(&op);
	picture_fini(&w.picture);
}
