/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps things from the collector: keep_manifest and pins. */
#include "store/keep.h"

#include "base/mem.h"
#include "store/condemned.h"
#include "store/pin.h"
#include "tests/unit/store/garden.h"

#include <signal.h>
#include <sys/wait.h>

static int count_one(void *arg, const struct digest *d, uint64_t generation, struct err *err)
{
	(void)d;
	(void)err;
	CU_ASSERT_TRUE(generation > 0);
	(*(int *)arg)++;
	return 0;
}

static int count_condemned(struct store *s)
{
	int count = 0;

	for (unsigned kind = 0; kind < REACH_KIND_COUNT; kind++)
		CU_ASSERT_EQUAL(condemned_list(s->records, kind, count_one, &count, NULL), 0);
	return count;
}

static void condemn_plant(struct store *s, const struct plant *p)
{
	struct records *r = s->records;

	CU_ASSERT_EQUAL(condemned_add(r, REACH_BLOB, &p->manifest, NULL), 0);
	CU_ASSERT_EQUAL(condemned_add(r, REACH_BLOB, &p->config, NULL), 0);
	for (size_t i = 0; i < PLANT_LAYERS; i++) {
		CU_ASSERT_EQUAL(condemned_add(r, REACH_BLOB, &p->blobs[i], NULL), 0);
		CU_ASSERT_EQUAL(condemned_add(r, REACH_LAYER, &p->diffids[i], NULL), 0);
	}
	CU_ASSERT_EQUAL(condemned_add(r, REACH_TREE, &p->chain, NULL), 0);
}

void test_keep__takes_back_what_is_condemned(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		const struct digest other = put_blob(f.store, "somebody else's");

		condemn_plant(f.store, &p);
		CU_ASSERT_EQUAL(condemned_add(f.store->records, REACH_BLOB, &other, NULL), 0);
		CU_ASSERT_EQUAL(count_condemned(f.store), PLANT_PARTS + 1);
		/* Twice is once. */
		condemn_plant(f.store, &p);
		CU_ASSERT_EQUAL(count_condemned(f.store), PLANT_PARTS + 1);
		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x", &p, NULL), 0);
		CU_ASSERT_EQUAL(count_condemned(f.store), 1);
		/* A root does the same. */
		condemn_plant(f.store, &p);
		CU_ASSERT_EQUAL(plant_root(f.store, "r1", &p.manifest, NULL), 0);
		CU_ASSERT_EQUAL(count_condemned(f.store), 1);
	}
}

/* Takes away one blob after the other; each must be missed, and nothing recorded. */
void test_keep__misses_each_blob(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		const struct digest all[] = { p.manifest, p.config, p.blobs[0], p.blobs[1] };

		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
			struct err err = { 0 };

			CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &all[i], NULL), 0);
			CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x", &p, &err), -ENOENT);
			CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
			CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, DIGEST_HEX(&all[i])));
			CU_ASSERT_EQUAL(count_records(f.store), 0);
			(void)plant_image(f.store, 1);
		}
		/* Layers are no blobs: they can be made again. */
		CU_ASSERT_EQUAL(layerfiles_remove(f.store->layers, &p.diffids[1], NULL), 0);
		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x", &p, NULL), 0);
	}
}

/* Without the check the manifest alone must be there, whatever is condemned. */
void test_keep__a_root_needs_its_manifest(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		const struct digest other = put_blob(f.store, "somebody else's");

		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &p.blobs[0], NULL), 0);
		CU_ASSERT_EQUAL(plant_root(f.store, "r1", &p.manifest, NULL), 0);
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &p.manifest, NULL), 0);
		CU_ASSERT_EQUAL(plant_root(f.store, "r2", &p.manifest, NULL), -ENOENT);
		CU_ASSERT_EQUAL(condemned_add(f.store->records, REACH_BLOB, &other, NULL), 0);
		CU_ASSERT_EQUAL(plant_root(f.store, "r2", &p.manifest, NULL), -ENOENT);
		CU_ASSERT_EQUAL(count_records(f.store), 2);
	}
}

/* --- pins --- */

static bool is_pinned(struct store *s, const struct digest *d, bool as_layer)
{
	_digest_set_ struct digest_set *blobs = digest_set_new(), *layers = digest_set_new();

	CU_ASSERT_EQUAL(pins_read(s, blobs, layers, NULL), 0);
	return digest_set_has(as_layer ? layers : blobs, d);
}

void test_keep__pins_hold_while_they_are_there(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest a = digest_of_str("a"), b = digest512_of_str("b");
	struct store *other = NULL;
	struct pin *one = NULL, *two = NULL;

	CU_ASSERT_EQUAL_FATAL(store_open(f.path, 0, &other, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(pin_new(f.store, &one, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(pin_new(f.store, &two, NULL), 0);
	CU_ASSERT_FALSE(is_pinned(other, &a, false));
	CU_ASSERT_EQUAL(pin_blob(one, &a, NULL), 0);
	CU_ASSERT_EQUAL(pin_layer(two, &b, NULL), 0);
	CU_ASSERT_TRUE(is_pinned(other, &a, false));
	CU_ASSERT_FALSE(is_pinned(other, &a, true));
	CU_ASSERT_TRUE(is_pinned(other, &b, true));
	/* Opening cleans staging; these have their makers. */
	store_close(other);
	CU_ASSERT_EQUAL_FATAL(store_open(f.path, 0, &other, NULL), 0);
	CU_ASSERT_TRUE(is_pinned(other, &a, false));
	pin_free(one);
	CU_ASSERT_FALSE(is_pinned(other, &a, false));
	CU_ASSERT_TRUE(is_pinned(other, &b, true));
	pin_free(two);
	pin_free(NULL);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
	store_close(other);
}

/* Half a line says nothing, and what was said before it still counts. */
void test_keep__half_a_pin_is_none(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest a = digest_of_str("a"), b = digest_of_str("b");
	struct pin *pin = NULL;

	CU_ASSERT_EQUAL_FATAL(pin_new(f.store, &pin, NULL), 0);
	CU_ASSERT_EQUAL(pin_blob(pin, &a, NULL), 0);
	CU_ASSERT_EQUAL(pin_blob(pin, &b, NULL), 0);
	_free_ char *find =
		xasprintf("cd '%s/staging' && f=$(ls) && truncate -s -1 \"$f\"", f.path);

	CU_ASSERT_EQUAL(system(find), 0);
	CU_ASSERT_TRUE(is_pinned(f.store, &a, false));
	CU_ASSERT_FALSE(is_pinned(f.store, &b, false));
	pin_free(pin);
}

static _Noreturn void pin_and_die(const char *path, const struct digest *d)
{
	struct store *s = NULL;
	struct pin *pin = NULL;

	if (store_open(path, 0, &s, NULL) < 0 || pin_new(s, &pin, NULL) < 0 ||
	    pin_blob(pin, d, NULL) < 0)
		_exit(1);
	(void)raise(SIGKILL);
	_exit(1);
}

void test_keep__pins_end_with_their_process(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest a = digest_of_str("a");
	struct store *other = NULL;
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0)
		pin_and_die(f.path, &a);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 1);
	CU_ASSERT_FALSE(is_pinned(f.store, &a, false));
	CU_ASSERT_EQUAL_FATAL(store_open(f.path, 0, &other, NULL), 0);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
	store_close(other);
}

void test_keep__pins_hold_nothing_where_nothing_is_written(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct store *stores[2] = { store_new_memory(), NULL };
	const struct digest a = digest_of_str("a");

	CU_ASSERT_EQUAL_FATAL(store_open(f.path, STORE_READ_ONLY, &stores[1], NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		struct pin *pin = NULL;

		CU_ASSERT_EQUAL_FATAL(pin_new(stores[i], &pin, NULL), 0);
		CU_ASSERT_EQUAL(pin_blob(pin, &a, NULL), 0);
		CU_ASSERT_EQUAL(pin_layer(pin, &a, NULL), 0);
		CU_ASSERT_FALSE(is_pinned(stores[i], &a, false));
		pin_free(pin);
		store_close(stores[i]);
	}
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
}
