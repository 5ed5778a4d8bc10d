/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, cleaning, listing and recording in a store of files while the system fails. */
#include "base/mem.h"
#include "store/images.h"
#include "tests/fault/place.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>

/* What a sweep works on. */
struct world {
	struct picture picture;
	struct place place;
	const char *wrong; /* seen while it ran */
};

static const char *check_place(void *arg, struct sweep_state state)
{
	struct world *w = arg;

	return w->wrong ? w->wrong : place_check(&w->place, state);
}

static const char *cleanup(void *arg)
{
	struct world *w = arg;

	w->wrong = NULL;
	return place_end(&w->place, false);
}

static void prepare_nothing(void *arg)
{
	struct world *w = arg;

	place_init(&w->place);
}

static void prepare_full(void *arg)
{
	struct world *w = arg;

	place_init(&w->place);
	place_open(&w->place);
	place_fill(&w->place, &w->picture, false);
}

/* Runs a sweep with the picture there. */
static void sweep(struct world *w, const struct sweep_op *op, bool kill)
{
	picture_init(&w->picture);
	if (kill)
		sweep_kills(op);
	else
		sweep_faults(op);
	picture_fini(&w->picture);
}

/* --- opening --- */

static int run_create(void *arg, struct err *err)
{
	struct world *w = arg;
	struct store *s = NULL;

	TRY(store_open(w->place.path, STORE_CREATE, &s, err));
	store_close(s);
	return 0;
}

static void sweep_create(const char *name, bool kill)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = name,
				     .arg = &w,
				     .prepare = prepare_nothing,
				     .run = run_create,
				     .check = check_place,
				     .cleanup = cleanup };

	sweep(&w, &op, kill);
}

void test_store_faults__create(void)
{
	sweep_create("create", false);
}

void test_store_faults__killed_create(void)
{
	sweep_create("killed create", true);
}

static void prepare_closed(void *arg)
{
	struct world *w = arg;

	prepare_full(w);
	place_close(&w->place);
}

static int run_read_only(void *arg, struct err *err)
{
	struct world *w = arg;
	_descriptor_ struct descriptor d = { 0 };
	_store_ struct store *s = NULL;

	TRY(store_open(w->place.path, STORE_READ_ONLY, &s, err));
	return images_resolve(s, &w->picture.ref, &d, err);
}

void test_store_faults__read_only(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "read only",
				     .arg = &w,
				     .prepare = prepare_closed,
				     .run = run_read_only,
				     .check = check_place,
				     .cleanup = cleanup };

	sweep(&w, &op, false);
}

/*
 * Left by a process that died: worthless files, one that is worth keeping, one of a blob that is
 * there.
 */
static void prepare_litter(void *arg)
{
	struct world *w = arg;
	static const char worth[] = "sha256-"
				    "0123456789abcdef0123456789abcdef"
				    "0123456789abcdef0123456789abcdef";
	const char *there = DIGEST_HEX(&w->picture.layers[0].descriptor.digest);
	_free_ char *tar = xasprintf("store/staging/%s.tar", worth);
	_free_ char *idx = xasprintf("store/staging/%s.idx", worth);
	_free_ char *part = xasprintf("store/staging/%s.part", worth);
	_free_ char *done = xasprintf("store/staging/sha256-%s.part", there);

	prepare_closed(w);
	tmp_write_str(&w->place.tmp, tar, "rest");
	tmp_write_str(&w->place.tmp, idx, "");
	tmp_write_str(&w->place.tmp, part, "worth keeping");
	tmp_write_str(&w->place.tmp, done, "too late");
	tmp_write_str(&w->place.tmp, "store/staging/records.db.new", "half");
}

static const char *check_litter(void *arg, struct sweep_state state)
{
	struct world *w = arg;

	state.untidy = true; /* what it could not remove it leaves, and says nothing */
	return place_check(&w->place, state);
}

static const char *cleanup_litter(void *arg)
{
	struct world *w = arg;

	return place_end(&w->place, true);
}

void test_store_faults__open_with_litter(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "open with litter",
				     .arg = &w,
				     .prepare = prepare_litter,
				     .run = run_create,
				     .check = check_litter,
				     .cleanup = cleanup_litter };

	sweep(&w, &op, false);
}

static void prepare_foreign(void *arg)
{
	struct world *w = arg;

	place_init(&w->place);
	if (mkdirat(w->place.tmp.fd, "store", 0700) < 0)
		abort();
	tmp_write_str(&w->place.tmp, "store/thesis.tex", "precious");
}

/* Works when it is refused. */
static int run_among_foreign(void *arg, struct err *err)
{
	struct world *w = arg;
	struct store *s = NULL;
	const int rc = store_open(w->place.path, STORE_CREATE, &s, err);

	if (rc == 0) {
		w->wrong = "a store was made among somebody's files";
		store_close(s);
	}
	if (rc < 0 && err->kind == ERR_USAGE) {
		err_clear(err);
		return 0;
	}
	return rc;
}

static const char *cleanup_foreign(void *arg)
{
	struct world *w = arg;

	w->wrong = NULL;
	place_fini(&w->place);
	return NULL;
}

void test_store_faults__folder_of_somebody_else(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "folder of somebody else",
				     .arg = &w,
				     .prepare = prepare_foreign,
				     .run = run_among_foreign,
				     .check = check_place,
				     .cleanup = cleanup_foreign };

	sweep(&w, &op, false);
}

/* --- lists --- */

static int count_one(void *arg, const struct digest *d, uint64_t bytes, struct err *err)
{
	(void)d;
	(void)bytes;
	(void)err;
	++*(unsigned *)arg;
	return 0;
}

static int count_name(void *arg, const struct image_name *name, struct err *err)
{
	(void)name;
	(void)err;
	++*(unsigned *)arg;
	return 0;
}

/* All, or an error: who removes what is in no list must not be told half. */
static int run_lists(void *arg, struct err *err)
{
	struct world *w = arg;
	unsigned blobs = 0, layers = 0, names = 0;

	TRY(blobs_list(w->place.store->blobs, count_one, &blobs, err));
	TRY(layerfiles_list(w->place.store->layers, count_one, &layers, err));
	TRY(images_list(w->place.store, count_name, &names, err));
	if (blobs != PICTURE_LAYERS + 2 || layers != PICTURE_LAYERS || names != 1)
		w->wrong = "a list is not whole, and does not say so";
	return 0;
}

void test_store_faults__lists(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "lists",
				     .arg = &w,
				     .prepare = prepare_full,
				     .run = run_lists,
				     .check = check_place,
				     .cleanup = cleanup };

	sweep(&w, &op, false);
}

/* --- records: all of a transaction or nothing --- */

static struct record_value value_of(const char *text)
{
	return (struct record_value){ text, strlen(text) };
}

static void prepare_records(void *arg)
{
	struct world *w = arg;
	struct records *r;

	place_init(&w->place);
	place_open(&w->place);
	r = w->place.store->records;
	if (records_put(r, "test/changed", value_of("old"), NULL) < 0 ||
	    records_put(r, "test/removed", value_of("old"), NULL) < 0)
		abort();
}

static int change_records(struct records *r, void *arg, struct err *err)
{
	_record_ struct record rec = { 0 };
	struct err why = { 0 };

	(void)arg;
	TRY(records_put(r, "test/changed", value_of("new"), err));
	const int rc = records_get(r, "test/removed", &rec, &why);

	if (rc == 0)
		TRY(records_remove(r, "test/removed", rec.generation, err));
	else if (rc != -ENOENT) {
		err_keep_first(err, &why);
		return rc;
	}
	return records_put(r, "test/created", value_of("new"), err);
}

static int run_records(void *arg, struct err *err)
{
	struct world *w = arg;

	return records_transaction(w->place.store->records, change_records, NULL, err);
}

static bool record_is(struct records *r, const char *key, const char *text)
{
	_record_ struct record rec = { 0 };
	const int rc = records_get(r, key, &rec, NULL);

	return text ? rc == 0 && !strcmp(buf_str(&rec.value), text) : rc == -ENOENT;
}

static const char *look_at_records(struct records *r, enum sweep_end end)
{
	const bool old = record_is(r, "test/changed", "old") &&
			 record_is(r, "test/removed", "old") && record_is(r, "test/created", NULL);
	const bool new = record_is(r, "test/changed", "new") &&
			 record_is(r, "test/removed", NULL) && record_is(r, "test/created", "new");

	if (end == SWEEP_DONE && !new)
		return "the transaction was lost";
	return old || new ? NULL : "half of a transaction is there";
}

static const char *check_transaction(void *arg, struct sweep_state state)
{
	struct world *w = arg;

	return look_at_records(w->place.store->records, state.end);
}

/* The next process sees no half either. */
static const char *cleanup_records(void *arg)
{
	struct world *w = arg;

	place_close(&w->place);
	place_open(&w->place);
	const char *wrong = look_at_records(w->place.store->records, SWEEP_FAILED);
	const char *at_end = place_end(&w->place, false);

	return wrong ? wrong : at_end;
}

void test_store_faults__transaction(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "transaction",
				     .arg = &w,
				     .prepare = prepare_records,
				     .run = run_records,
				     .check = check_transaction,
				     .cleanup = cleanup_records };

	sweep(&w, &op, false);
}

static void prepare_closed_records(void *arg)
{
	struct world *w = arg;

	prepare_records(w);
	place_close(&w->place);
}

static int run_opened_records(void *arg, struct err *err)
{
	struct world *w = arg;
	_store_ struct store *s = NULL;

	TRY(store_open(w->place.path, 0, &s, err));
	return records_transaction(s->records, change_records, NULL, err);
}

static const char *check_closed_records(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	_store_ struct store *s = NULL;

	if (store_open(w->place.path, 0, &s, NULL) < 0)
		return "the store cannot be opened";
	return look_at_records(s->records, state.end);
}

void test_store_faults__killed_transaction(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "killed transaction",
				     .arg = &w,
				     .prepare = prepare_closed_records,
				     .run = run_opened_records,
				     .check = check_closed_records,
				     .cleanup = cleanup_records };

	sweep(&w, &op, true);
}

/* --- names --- */

static int run_put(void *arg, struct err *err)
{
	struct world *w = arg;
	_reference_ struct reference ref = { 0 };

	TRY(reference_parse("example.com/b:2", &ref, err));
	return images_put(w->place.store, &ref, &w->picture.target, NULL, err);
}

static const char *check_put(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	_reference_ struct reference ref = { 0 };
	_descriptor_ struct descriptor d = { 0 };

	if (state.end == SWEEP_DONE && (reference_parse("example.com/b:2", &ref, NULL) < 0 ||
					images_resolve(w->place.store, &ref, &d, NULL) < 0))
		return "the new name is not there";
	return place_check(&w->place, state);
}

void test_store_faults__name(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "name",
				     .arg = &w,
				     .prepare = prepare_full,
				     .run = run_put,
				     .check = check_put,
				     .cleanup = cleanup };

	sweep(&w, &op, false);
}

static int run_remove(void *arg, struct err *err)
{
	struct world *w = arg;
	const int rc = images_remove(w->place.store, &w->picture.ref, NULL, NULL, err);

	/* The attempt before may have come as far as that; the check looks whether it is gone. */
	if (rc != -ENOENT)
		return rc;
	err_clear(err);
	return 0;
}

static const char *check_remove(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	_descriptor_ struct descriptor d = { 0 };

	if (state.end == SWEEP_DONE &&
	    images_resolve(w->place.store, &w->picture.ref, &d, NULL) != -ENOENT)
		return "the name is still there";
	return place_check(&w->place, state);
}

void test_store_faults__removed_name(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "removed name",
				     .arg = &w,
				     .prepare = prepare_full,
				     .run = run_remove,
				     .check = check_remove,
				     .cleanup = cleanup };

	sweep(&w, &op, false);
}
