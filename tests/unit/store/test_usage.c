/* SPDX-License-Identifier: Apache-2.0 */
/* What the space is used for, measured. */
#include "store/usage.h"

#include "base/mem.h"
#include "store/gc.h"
#include "tests/unit/store/garden.h"

#include <fcntl.h>
#include <sys/stat.h>

void test_usage__counts_what_is_there(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant kept = plant_image(f.store, 1), loose = plant_image(f.store, 2);
		_usage_ struct usage u = { 0 };

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x:1", &kept, NULL), 0);
		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/x:2", &kept, NULL), 0);
		CU_ASSERT_EQUAL(usage_measure(NULL, f.store, &u, NULL), 0);
		CU_ASSERT_EQUAL(u.unsure.kind, ERR_NONE);
		CU_ASSERT_EQUAL(u.rows[USAGE_BLOBS].count, 7);
		CU_ASSERT_EQUAL(u.rows[USAGE_BLOBS].reclaimable_count, 3);
		CU_ASSERT_EQUAL(u.rows[USAGE_LAYERS].count, 3);
		CU_ASSERT_EQUAL(u.rows[USAGE_LAYERS].reclaimable_count, 1);
		CU_ASSERT_EQUAL(u.rows[USAGE_TREES].count, 2);
		CU_ASSERT_EQUAL(u.rows[USAGE_TREES].reclaimable_count, 1);
		CU_ASSERT_TRUE(u.rows[USAGE_BLOBS].bytes > u.rows[USAGE_BLOBS].reclaimable_bytes);
		CU_ASSERT_TRUE(u.rows[USAGE_BLOBS].reclaimable_bytes > 0);
		/* Two names of one image share nothing with others. */
		CU_ASSERT_EQUAL(u.image_count, 2);
		CU_ASSERT_STRING_EQUAL(u.images[0].name, "h.test/x:1");
		CU_ASSERT_EQUAL(u.images[0].shared_bytes, 0);
		CU_ASSERT_TRUE(u.images[0].total_bytes > 0);
		CU_ASSERT_EQUAL(u.images[0].total_bytes, u.images[1].total_bytes);
		(void)loose;
	}
}

void test_usage__shared_is_what_another_image_needs(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant a = plant_image(f.store, 1), b = plant_image(f.store, 2);
		_usage_ struct usage u = { 0 };

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/a", &a, NULL), 0);
		(void)plant_index(f.store, "h.test/b", &b);
		CU_ASSERT_EQUAL(usage_measure(NULL, f.store, &u, NULL), 0);
		CU_ASSERT_EQUAL(u.image_count, 2);
		/* The lower blob and layer, which is two files. */
		CU_ASSERT_TRUE(u.images[0].shared_bytes > 0);
		CU_ASSERT_EQUAL(u.images[0].shared_bytes, u.images[1].shared_bytes);
		CU_ASSERT_TRUE(u.images[0].total_bytes > u.images[0].shared_bytes);
		/* The index itself and all below it. */
		CU_ASSERT_TRUE(u.images[1].total_bytes > u.images[0].total_bytes);
		CU_ASSERT_EQUAL(u.rows[USAGE_BLOBS].reclaimable_count, 0);
	}
}

/* What is damaged is counted all the same, only nobody knows what could be freed. */
void test_usage__says_when_it_is_unsure(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		_usage_ struct usage u = { 0 };
		struct op op = { 0 };
		struct err err = { 0 };

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/a", &p, NULL), 0);
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &p.config, NULL), 0);
		CU_ASSERT_EQUAL(usage_measure(&op, f.store, &u, NULL), 0);
		CU_ASSERT_EQUAL(u.unsure.kind, ERR_DAMAGED);
		CU_ASSERT_EQUAL(u.rows[USAGE_BLOBS].count, 3);
		CU_ASSERT_EQUAL(u.rows[USAGE_BLOBS].reclaimable_count, 0);
		usage_fini(&u);
		op_cancel(&op);
		CU_ASSERT_EQUAL(usage_measure(&op, f.store, &u, &err), -ECANCELED);
	}
}

void test_usage__roots_and_staging_are_counted(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct blob_writer *w = begin_blob(f.store, "a blob that is not finished");
	_usage_ struct usage u = { 0 };
	int roots = -1;

	CU_ASSERT_EQUAL(blob_writer_append(w, "a blob", 6, NULL), 0);
	blob_writer_abort(w, true);
	CU_ASSERT_EQUAL_FATAL(store_folder(f.store, "roots", &roots, NULL), 0);
	(void)close(roots);
	_free_ char *make = xasprintf("cd '%s/roots' && mkdir -p r1/upper/d r2 && "
				      "head -c 100000 /dev/zero >r1/upper/d/f && "
				      "ln r1/upper/d/f r1/upper/d/g",
				      f.path);

	CU_ASSERT_EQUAL(system(make), 0);
	CU_ASSERT_EQUAL(usage_measure(NULL, f.store, &u, NULL), 0);
	CU_ASSERT_EQUAL(u.rows[USAGE_ROOTS].count, 2);
	CU_ASSERT_TRUE(u.rows[USAGE_ROOTS].bytes >= 100000 && u.rows[USAGE_ROOTS].bytes < 180000);
	CU_ASSERT_EQUAL(u.rows[USAGE_STAGING].count, 1);
	CU_ASSERT_EQUAL(u.rows[USAGE_STAGING].reclaimable_count, 1);
	CU_ASSERT_TRUE(u.rows[USAGE_RECORDS].bytes > 0);
}

/* Deeper than a path may be long is not followed, and harms nobody. */
void test_usage__of_deep_folders(void)
{
	_tmp_ struct tmp t = tmp_make();
	uint64_t bytes = 0;
	int at = dup(t.fd);
	char name[201];

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 40; i++) {
		CU_ASSERT_EQUAL(mkdirat(at, i ? name : "top", 0700), 0);
		const int next = openat(at, i ? name : "top", O_DIRECTORY | O_CLOEXEC);

		(void)close(at);
		at = next;
	}
	(void)close(at);
	CU_ASSERT_EQUAL(usage_of_folder(t.fd, "top", &bytes, NULL), 0);
	CU_ASSERT_EQUAL(usage_of_folder(t.fd, "nothing", &bytes, NULL), 0);
	CU_ASSERT_EQUAL(bytes, 0);
}
