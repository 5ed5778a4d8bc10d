/* SPDX-License-Identifier: Apache-2.0 */
/* The collector: what it frees, what it leaves, and what it says. */
#include "store/gc.h"

#include "base/mem.h"
#include "store/condemned.h"
#include "store/keep.h"
#include "sys/file.h"
#include "tests/unit/store/garden.h"

#include <fcntl.h>

static int collect(struct store *s, struct gc_result *ret, struct err *err)
{
	const struct gc_request request = { 0 };
	struct op op = { 0 };

	return gc_collect(&op, s, &request, ret, err);
}

static bool result_is(const struct gc_result *r, uint64_t blobs, uint64_t layers, uint64_t trees)
{
	const bool same = r->blobs == blobs && r->layers == layers && r->trees == trees;

	if (!same)
		printf("# freed %d blobs, %d layers, %d trees\n", (int)r->blobs, (int)r->layers,
		       (int)r->trees);
	return same;
}

struct told {
	unsigned blobs, layers, trees, parts;
	uint64_t bytes;
};

static void tell(void *arg, const char *kind, const char *name, uint64_t bytes)
{
	struct told *t = arg;

	t->blobs += !strcmp(kind, "blob");
	t->layers += !strcmp(kind, "layer");
	t->trees += !strcmp(kind, "tree");
	t->parts += !strcmp(kind, "part");
	t->bytes += bytes;
	CU_ASSERT_TRUE(strlen(name) > 8);
}

void test_gc__frees_what_no_name_reaches(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant kept = plant_image(f.store, 1), gone = plant_image(f.store, 2);
		struct told told = { 0 };
		struct gc_result r, rehearsed;
		struct gc_request request = { .dry_run = true, .fn = tell, .arg = &told };

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/kept", &kept, NULL), 0);
		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/gone", &gone, NULL), 0);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 0, 0, 0));
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/gone", NULL, NULL, NULL), 0);
		const int records = count_records(f.store);

		CU_ASSERT_EQUAL(gc_collect(NULL, f.store, &request, &rehearsed, NULL), 0);
		CU_ASSERT_EQUAL(plant_count(f.store, &gone), PLANT_PARTS);
		CU_ASSERT_EQUAL(count_records(f.store), records);
		CU_ASSERT_EQUAL(told.blobs, 3);
		CU_ASSERT_EQUAL(told.bytes, rehearsed.blob_bytes + rehearsed.layer_bytes +
						    rehearsed.tree_bytes);
		told = (struct told){ 0 };
		request.dry_run = false;
		CU_ASSERT_EQUAL(gc_collect(NULL, f.store, &request, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 3, 1, 1));
		CU_ASSERT_EQUAL(memcmp(&r, &rehearsed, sizeof(r)), 0);
		CU_ASSERT_EQUAL(told.blobs + told.layers + told.trees, 5);
		CU_ASSERT_EQUAL(r.tree_bytes, 4);
		CU_ASSERT_EQUAL(r.layer_bytes, strlen("raw layer 3") + strlen("index"));
		/* The lower blob and layer are common to both. */
		CU_ASSERT_EQUAL(plant_count(f.store, &gone), 2);
		CU_ASSERT_EQUAL(plant_count(f.store, &kept), PLANT_PARTS);
		CU_ASSERT_EQUAL(count_records(f.store), records);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 0, 0, 0));
	}
}

void test_gc__frees_many_in_batches(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct gc_result r;

		for (unsigned i = 0; i < 200; i++)
			(void)plant_image(f.store, i);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 3 * 200 + 1, 200 + 1, 200));
		CU_ASSERT_EQUAL(count_records(f.store), 0);
		if (f.is_files) {
			CU_ASSERT_EQUAL(count_entries(&f, "blobs/sha256"), 0);
			CU_ASSERT_EQUAL(count_entries(&f, "layers/sha256"), 0);
			CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
		}
	}
}

/* An index keeps the children that have a name or record, and no others. */
void test_gc__indexes_keep_their_recorded_children(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		const struct digest index = plant_index(f.store, "h.test/x", &p);
		_free_ char *key = xasprintf("repo/h.test/x/_m/sha256/%s", DIGEST_HEX(&p.manifest));
		_record_ struct record rec = { 0 };
		struct gc_result r;

		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_EQUAL(plant_count(f.store, &p), PLANT_PARTS);
		CU_ASSERT_EQUAL(records_get(f.store->records, key, &rec, NULL), 0);
		CU_ASSERT_EQUAL(records_remove(f.store->records, key, rec.generation, NULL), 0);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 4, 2, 1));
		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &index, NULL, NULL), 0);
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/x", NULL, NULL, NULL), 0);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 1, 0, 0));
	}
}

void test_gc__roots_and_mounts_keep_their_image(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		_free_ char *value =
			xasprintf("{\"id\":\"m\",\"manifest\":\"%s\"}", DIGEST_TEXT(&p.manifest));
		_record_ struct record rec = { 0 };
		struct gc_result r;

		CU_ASSERT_EQUAL(records_create(f.store->records, "mount/m1",
					       (struct record_value){ value, strlen(value) }, NULL),
				0);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 0, 0, 0));
		CU_ASSERT_EQUAL(plant_root(f.store, "r1", &p.manifest, NULL), 0);
		CU_ASSERT_EQUAL(records_get(f.store->records, "mount/m1", &rec, NULL), 0);
		CU_ASSERT_EQUAL(records_remove(f.store->records, "mount/m1", rec.generation, NULL),
				0);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_EQUAL(plant_count(f.store, &p), PLANT_PARTS);
	}
}

void test_gc__pins_keep_what_they_name(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct plant p = plant_image(f.store, 1);
	struct pin *pin = NULL;
	struct gc_result r;

	CU_ASSERT_EQUAL_FATAL(pin_new(f.store, &pin, NULL), 0);
	CU_ASSERT_EQUAL(pin_blob(pin, &p.blobs[1], NULL), 0);
	CU_ASSERT_EQUAL(pin_layer(pin, &p.diffids[1], NULL), 0);
	CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
	CU_ASSERT_TRUE(result_is(&r, 3, 1, 1));
	CU_ASSERT_EQUAL(plant_count(f.store, &p), 2);
	pin_free(pin);
	CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
	CU_ASSERT_TRUE(result_is(&r, 1, 1, 0));
}

/* What a collector that was killed has left: records alone, and records of what is wanted again. */
void test_gc__takes_up_what_was_condemned_before(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant kept = plant_image(f.store, 1), gone = plant_image(f.store, 2);
		const struct digest nowhere = digest_of_str("nowhere");
		struct records *records = f.store->records;
		struct gc_result r;

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/kept", &kept, NULL), 0);
		for (unsigned kind = 0; kind < REACH_KIND_COUNT; kind++)
			CU_ASSERT_EQUAL(condemned_add(records, kind, &nowhere, NULL), 0);
		CU_ASSERT_EQUAL(condemned_add(records, REACH_BLOB, &kept.manifest, NULL), 0);
		CU_ASSERT_EQUAL(condemned_add(records, REACH_LAYER, &kept.diffids[0], NULL), 0);
		CU_ASSERT_EQUAL(condemned_add(records, REACH_LAYER, &gone.diffids[1], NULL), 0);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_TRUE(result_is(&r, 3, 1, 1));
		CU_ASSERT_EQUAL(plant_count(f.store, &kept), PLANT_PARTS);
		CU_ASSERT_EQUAL(count_records(f.store), 3);
	}
}

static void check_refused(struct store *s, const struct plant *loose, const char *words)
{
	struct gc_result r;
	struct err err = { 0 };

	for (int dry = 0; dry < 2; dry++) {
		const struct gc_request request = { .dry_run = dry };

		err_clear(&err);
		CU_ASSERT_EQUAL(gc_collect(NULL, s, &request, &r, &err), -EBADMSG);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, words));
		CU_ASSERT_STRING_EQUAL(err.hint, "img fsck --repair");
		CU_ASSERT_EQUAL(plant_count(s, loose), PLANT_PARTS);
	}
}

void test_gc__frees_nothing_when_a_root_cannot_be_read(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant named = plant_image(f.store, 1), loose = plant_image(f.store, 2);
		struct gc_result r;

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/named:1", &named, NULL), 0);
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &named.config, NULL), 0);
		check_refused(f.store, &loose, DIGEST_HEX(&named.config));
		(void)plant_image(f.store, 1);
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &named.manifest, NULL), 0);
		check_refused(f.store, &loose, "repo/h.test/named/_m/sha256/");
		(void)plant_image(f.store, 1);
		CU_ASSERT_EQUAL(records_create(f.store->records, "root/strange",
					       (struct record_value){ "{}", 2 }, NULL),
				0);
		check_refused(f.store, &loose, "root/strange");
		_record_ struct record rec = { 0 };

		CU_ASSERT_EQUAL(records_get(f.store->records, "root/strange", &rec, NULL), 0);
		CU_ASSERT_EQUAL(
			records_remove(f.store->records, "root/strange", rec.generation, NULL), 0);
		CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
		CU_ASSERT_EQUAL(plant_count(f.store, &named), PLANT_PARTS);
		CU_ASSERT_EQUAL(plant_count(f.store, &loose), 2);
	}
}

void test_gc__frees_what_interrupted_pulls_left(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct blob_writer *dead = begin_blob(f.store, "a blob that is not finished"),
			   *live = begin_blob(f.store, "one that still may be");
	const struct plant p = plant_image(f.store, 1);
	struct told told = { 0 };
	struct gc_request request = { .dry_run = true, .fn = tell, .arg = &told };
	struct gc_result r;

	CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x", &p, NULL), 0);
	CU_ASSERT_EQUAL(blob_writer_append(dead, "a blob", 6, NULL), 0);
	CU_ASSERT_EQUAL(blob_writer_append(live, "one", 3, NULL), 0);
	blob_writer_abort(dead, true);
	/* An index whose tar is gone. */
	_free_ char *tar = xasprintf("%s/layers/sha256/%s.tar", f.path, DIGEST_HEX(&p.diffids[1]));

	CU_ASSERT_EQUAL(unlink(tar), 0);
	CU_ASSERT_EQUAL(gc_collect(NULL, f.store, &request, &r, NULL), 0);
	CU_ASSERT_EQUAL(told.parts, 2);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 2);
	request.dry_run = false;
	CU_ASSERT_EQUAL(gc_collect(NULL, f.store, &request, &r, NULL), 0);
	CU_ASSERT_EQUAL(r.parts, 2);
	CU_ASSERT_EQUAL(r.part_bytes, 6 + 5);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 1);
	CU_ASSERT_EQUAL(count_entries(&f, "layers/sha256"), 2);
	blob_writer_abort(live, false);
	CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
	CU_ASSERT_EQUAL(r.parts, 0);
}

/* A commit knows what its layer is called only when the index is in its place already. */
void test_gc__leaves_the_index_of_a_layer_that_is_being_published(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest unknown = { .alg = DIGEST_NONE };
	const struct plant p = plant_image(f.store, 1);
	struct layer_writer *w = NULL;
	struct gc_result r;

	CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x", &p, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(layerfiles_begin(f.store->layers, NULL, &unknown, &w, NULL), 0);
	_free_ char *tar = xasprintf("%s/layers/sha256/%s.tar", f.path, DIGEST_HEX(&p.diffids[1]));

	CU_ASSERT_EQUAL(unlink(tar), 0);
	CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
	CU_ASSERT_EQUAL(r.parts, 0);
	layer_writer_abort(w);
	CU_ASSERT_EQUAL(collect(f.store, &r, NULL), 0);
	CU_ASSERT_EQUAL(r.parts, 1);
}

void test_gc__stops_when_told(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		const struct gc_request request = { 0 };
		struct op op = { 0 };
		struct gc_result r;
		struct err err = { 0 };

		op_cancel(&op);
		CU_ASSERT_EQUAL(gc_collect(&op, f.store, &request, &r, &err), -ECANCELED);
		CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
		CU_ASSERT_EQUAL(plant_count(f.store, &p), PLANT_PARTS);
	}
}

void test_gc__needs_a_store_that_can_be_written(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct plant p = plant_image(f.store, 1);
	struct gc_request request = { 0 };
	struct store *reader = NULL;
	struct gc_result r;
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(store_open(f.path, STORE_READ_ONLY, &reader, NULL), 0);
	CU_ASSERT_TRUE(gc_collect(NULL, reader, &request, &r, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_READ_ONLY);
	CU_ASSERT_EQUAL(plant_count(f.store, &p), PLANT_PARTS);
	request.dry_run = true;
	CU_ASSERT_EQUAL(gc_collect(NULL, reader, &request, &r, NULL), 0);
	CU_ASSERT_TRUE(result_is(&r, 4, 2, 1));
	store_close(reader);
}
