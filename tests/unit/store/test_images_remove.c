/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: forgotten, and changed by many at once, for each backend. */
#include "base/mem.h"
#include "tests/unit/store/names.h"

#include <pthread.h>

void test_images_remove__removing_a_tag_forgets_what_only_it_reached(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64", "arm64" };
		static const char *const other[2] = { "arm64" };

		put_index(f.store, "h.test/x:1", "index", children);
		put_index(f.store, "h.test/x:2", "index2", other);
		put_name(f.store, "h.test/x:3", "index");
		CHECK_REMOVE(f.store, "h.test/x:1", NULL, "h.test/x:1=index");
		CHECK_LIST(f.store, "h.test/x:2=index2 h.test/x:3=index");
		CHECK_REMOVE(f.store, "h.test/x:3", NULL, "h.test/x:3=index");
		CHECK_LIST(f.store, "h.test/x:2=index2");
		CU_ASSERT_FALSE(means(f.store, "h.test/x", "amd64", "amd64"));
		CU_ASSERT_TRUE(means(f.store, "h.test/x", "arm64", "arm64"));
		CHECK_REMOVE(f.store, "h.test/x:2", NULL, "h.test/x:2=index2");
		/* The repository goes with its last name; blobs stay. */
		CU_ASSERT_EQUAL(count_records(f.store), 0);
		const struct digest d = digest_of_str("index");

		CU_ASSERT_TRUE(blob_is(f.store, &d, "index"));
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/x:2", NULL, NULL, NULL), -ENOENT);
	}
}

void test_images_remove__removing_a_tag_leaves_what_was_put_by_digest(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64" };

		put_by_digest(f.store, "h.test/x", "m");
		put_name(f.store, "h.test/x:1", "m");
		put_index(f.store, "h.test/x:2", "index", children);
		put_by_digest(f.store, "h.test/x", "amd64");
		CHECK_REMOVE(f.store, "h.test/x:1", NULL, "h.test/x:1=m");
		CHECK_REMOVE(f.store, "h.test/x:2", NULL, "h.test/x:2=index");
		CU_ASSERT_TRUE(means(f.store, "h.test/x", "m", "m"));
		CU_ASSERT_TRUE(means(f.store, "h.test/x", "amd64", "amd64"));
		CU_ASSERT_FALSE(means(f.store, "h.test/x", "index", "index"));
	}
}

/* The untagged one that `images` shows must go on having what it reaches. */
void test_images_remove__removing_a_tag_leaves_what_an_untagged_one_reaches(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64" };

		put_index(f.store, "h.test/x:1", "old", children);
		put_index(f.store, "h.test/x:1", "new", children);
		CHECK_LIST(f.store, "h.test/x@=old h.test/x:1=new");
		CHECK_REMOVE(f.store, "h.test/x:1", NULL, "h.test/x:1=new");
		CHECK_LIST(f.store, "h.test/x@=old");
		CU_ASSERT_TRUE(means(f.store, "h.test/x", "amd64", "amd64"));
		CHECK_REMOVE(f.store, "h.test/x", "old", "h.test/x@=old");
		CU_ASSERT_EQUAL(count_records(f.store), 0);
	}
}

void test_images_remove__a_tag_with_a_digest_goes_only_if_it_means_it(void)
{
	FOR_EACH_BACKEND(f)
	{
		put_name(f.store, "h.test/x:1", "m1");
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/x:1", "m2", NULL, NULL), -ENOENT);
		CHECK_LIST(f.store, "h.test/x:1=m1");
		CHECK_REMOVE(f.store, "h.test/x:1", "m1", "h.test/x:1=m1");
	}
}

void test_images_remove__removing_a_digest_takes_its_tags_along(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64", "arm64" };

		put_index(f.store, "h.test/x:1", "index", children);
		put_index(f.store, "h.test/x:also", "index", children);
		put_name(f.store, "h.test/x:arm", "arm64");
		put_name(f.store, "h.test/other:1", "index");
		CHECK_REMOVE(f.store, "h.test/x", "index",
			     "h.test/x:1=index h.test/x:also=index h.test/x@=index");
		CHECK_LIST(f.store, "h.test/other:1=index h.test/x:arm=arm64");
		CU_ASSERT_FALSE(means(f.store, "h.test/x", "amd64", "amd64"));
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/x", "index", NULL, NULL), -ENOENT);
	}
}

#define THREADS 4
#define ROUNDS	15

struct worker {
	struct store *store;
	unsigned number;
	pthread_t thread;
	unsigned failed;
};

/* Each has a tag of its own on a manifest that all share, puts it and takes it away again. */
static void *put_and_remove(void *arg)
{
	struct worker *w = arg;
	const struct digest d = digest_of_str("shared");
	_descriptor_ struct descriptor target = { 0 };
	_reference_ struct reference ref = { 0 };
	char name[64];

	snprintf(name, sizeof(name), "h.test/x:t%u", w->number);
	w->failed += reference_parse(name, &ref, NULL) < 0;
	descriptor_init(&target, MEDIA_TYPE_OCI_MANIFEST, &d, 6);
	for (unsigned i = 0; i < ROUNDS; i++) {
		_descriptor_ struct descriptor found = { 0 };

		w->failed += images_put(w->store, &ref, &target, NULL, NULL) < 0;
		/* Its manifest is there as long as its tag is, whatever the others remove. */
		w->failed += images_resolve(w->store, &ref, &found, NULL) < 0;
		if (i + 1 < ROUNDS || w->number % 2)
			w->failed += images_remove(w->store, &ref, NULL, NULL, NULL) < 0;
	}
	return NULL;
}

void test_images_remove__nothing_is_lost_between_threads(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct worker workers[THREADS];

		put_blob(f.store, "shared");
		for (unsigned i = 0; i < THREADS; i++) {
			workers[i] = (struct worker){ .store = f.store, .number = i };
			CU_ASSERT_EQUAL(pthread_create(&workers[i].thread, NULL, put_and_remove,
						       &workers[i]),
					0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(workers[i].thread, NULL);
			CU_ASSERT_EQUAL(workers[i].failed, 0);
		}
		CHECK_LIST(f.store, "h.test/x:t0=shared h.test/x:t2=shared");
		CU_ASSERT_TRUE(means(f.store, "h.test/x", "shared", "shared"));
		CU_ASSERT_EQUAL(count_records(f.store), 4);
	}
}
