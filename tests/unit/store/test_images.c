/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images, for each backend. */
#include "store/images.h"

#include "base/mem.h"
#include "store/image_records.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <pthread.h>

static struct reference parse(const char *text)
{
	struct reference ref = { 0 };

	CU_ASSERT_EQUAL_FATAL(reference_parse(text, &ref, NULL), 0);
	return ref;
}

/* A manifest in the store whose content is that text. */
static struct descriptor stored(struct store *s, const char *text)
{
	const struct digest d = put_blob(s, text);
	struct descriptor target = { 0 };

	descriptor_init(&target, MEDIA_TYPE_OCI_MANIFEST, &d, strlen(text));
	return target;
}

static int put_ref(struct store *s, const struct reference *ref, const char *text, struct err *err)
{
	_descriptor_ struct descriptor target = stored(s, text);

	return images_put(s, ref, &target, NULL, err);
}

static void put(struct store *s, const char *name, const char *text)
{
	_reference_ struct reference ref = parse(name);

	CU_ASSERT_EQUAL(put_ref(s, &ref, text, NULL), 0);
}

static void put_by_digest(struct store *s, const char *name, const char *text)
{
	_reference_ struct reference ref = parse(name);

	ref.digest = digest_of_str(text);
	CU_ASSERT_EQUAL(put_ref(s, &ref, text, NULL), 0);
}

/* An index that reaches up to two manifests. */
static void put_index(struct store *s, const char *name, const char *index,
		      const char *const children[2])
{
	_reference_ struct reference ref = parse(name);
	_descriptor_ struct descriptor target = stored(s, index);
	struct descriptors present = { .items = xcalloc(2, sizeof(struct descriptor)) };

	for (size_t i = 0; i < 2 && children[i]; i++)
		present.items[present.count++] = stored(s, children[i]);
	CU_ASSERT_EQUAL(images_put(s, &ref, &target, &present, NULL), 0);
	descriptors_fini(&present);
}

/* Whether the name, with the digest of `by` unless that is NULL, means the manifest with that text. */
static bool means(struct store *s, const char *name, const char *by, const char *text)
{
	_reference_ struct reference ref = parse(name);
	_descriptor_ struct descriptor found = { 0 };
	const struct digest d = digest_of_str(text);

	if (by)
		ref.digest = digest_of_str(by);
	return images_resolve(s, &ref, &found, NULL) == 0 && digest_equal(&found.digest, &d) &&
	       found.size == strlen(text) && !strcmp(found.media_type, MEDIA_TYPE_OCI_MANIFEST);
}

static int remove_name(struct store *s, const char *name, const char *by, images_fn *fn, void *arg)
{
	_reference_ struct reference ref = parse(name);

	if (by)
		ref.digest = digest_of_str(by);
	return images_remove(s, &ref, fn, arg, NULL);
}

/* What a walk saw, as "REPOSITORY:TAG=TEXT ..."; an untagged one as "REPOSITORY@=TEXT". */
struct seen {
	struct store *store;
	char text[2000];
	int stop_after;
};

static int see(void *arg, const struct image_name *name, struct err *err)
{
	struct seen *seen = arg;
	_buf_ struct buf content = BUF_INIT(100);
	const size_t len = strlen(seen->text);

	CU_ASSERT_EQUAL(blobs_read(seen->store->blobs, &name->target.digest, &content, err), 0);
	CU_ASSERT_TRUE(name->stored_at > 1700000000);
	snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s%s%s=%s", len ? " " : "",
		 name->repository, name->tag ? ":" : "@", name->tag ? name->tag : "",
		 buf_str(&content));
	return seen->stop_after && --seen->stop_after == 0 ? 9 : 0;
}

#define CHECK_LIST(store, expected)                                          \
	do {                                                                 \
		struct seen seen_ = { (store), "", 0 };                      \
		CU_ASSERT_EQUAL(images_list((store), see, &seen_, NULL), 0); \
		CU_ASSERT_STRING_EQUAL(seen_.text, (expected));              \
		if (strcmp(seen_.text, (expected)) != 0)                     \
			printf("# found %s\n", seen_.text);                  \
	} while (0)

#define CHECK_REMOVE(store, name, by, expected)                                      \
	do {                                                                         \
		struct seen seen_ = { (store), "", 0 };                              \
		CU_ASSERT_EQUAL(remove_name((store), (name), (by), see, &seen_), 0); \
		CU_ASSERT_STRING_EQUAL(seen_.text, (expected));                      \
	} while (0)

static int count_key(void *arg, const char *key, const struct record *rec, struct err *err)
{
	(void)key;
	(void)rec;
	(void)err;
	(*(int *)arg)++;
	return 0;
}

static int count_records(struct store *s)
{
	static const struct records_range all = { 0 };
	int count = 0;

	CU_ASSERT_EQUAL(records_list(s->records, &all, count_key, &count, NULL), 0);
	return count;
}

void test_images__a_tag_means_what_was_put(void)
{
	FOR_EACH_BACKEND(f)
	{
		put(f.store, "debian", "m1");
		put(f.store, "debian:12", "m2");
		CU_ASSERT_TRUE(means(f.store, "debian", NULL, "m1"));
		CU_ASSERT_TRUE(means(f.store, "docker.io/library/debian:latest", NULL, "m1"));
		CU_ASSERT_TRUE(means(f.store, "debian:12", NULL, "m2"));
		CU_ASSERT_FALSE(means(f.store, "debian:11", NULL, "m2"));
		CU_ASSERT_FALSE(means(f.store, "other", NULL, "m1"));
		put(f.store, "debian", "m2");
		CU_ASSERT_TRUE(means(f.store, "debian", NULL, "m2"));
		/* By digest the one from before is still there. */
		CU_ASSERT_TRUE(means(f.store, "debian", "m1", "m1"));
		CU_ASSERT_TRUE(means(f.store, "debian:whatever", "m1", "m1"));
		CU_ASSERT_FALSE(means(f.store, "other", "m1", "m1"));
	}
}

void test_images__not_found_names_the_command(void)
{
	FOR_EACH_BACKEND(f)
	{
		_reference_ struct reference ref = parse("debian:13");
		struct descriptor found;
		struct err err = { 0 };

		CU_ASSERT_EQUAL(images_resolve(f.store, &ref, &found, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_STRING_EQUAL(err.msg, "debian:13: not in the store");
		CU_ASSERT_STRING_EQUAL(err.hint, "img pull debian:13");
		err_clear(&err);
		CU_ASSERT_EQUAL(images_remove(f.store, &ref, NULL, NULL, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(count_records(f.store), 0);
	}
}

void test_images__a_bare_digest_is_found_anywhere(void)
{
	FOR_EACH_BACKEND(f)
	{
		_reference_ struct reference ref = { .digest = digest_of_str("m2") };
		_descriptor_ struct descriptor found = { 0 };
		struct err err = { 0 };

		put(f.store, "a", "m1");
		CU_ASSERT_EQUAL(images_resolve(f.store, &ref, &found, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_STRING_EQUAL(err.hint, "");
		put(f.store, "example.com:5000/b/c", "m2");
		CU_ASSERT_EQUAL(images_resolve(f.store, &ref, &found, NULL), 0);
		CU_ASSERT_TRUE(digest_equal(&found.digest, &ref.digest));
	}
}

void test_images__need_their_blobs(void)
{
	FOR_EACH_BACKEND(f)
	{
		_reference_ struct reference ref = parse("debian");
		_descriptor_ struct descriptor present = stored(f.store, "m"), absent = { 0 };
		struct digest d = digest_of_str("nobody stored it");
		struct err err = { 0 };

		descriptor_init(&absent, MEDIA_TYPE_OCI_MANIFEST, &d, 5);
		CU_ASSERT_EQUAL(images_put(f.store, &ref, &absent, NULL, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(images_put(f.store, &ref, &present,
					   &(struct descriptors){ &absent, 1 }, NULL),
				-ENOENT);
		/* And what is asked for must be what is put. */
		ref.digest = d;
		err_clear(&err);
		CU_ASSERT_TRUE(images_put(f.store, &ref, &present, NULL, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
		CU_ASSERT_EQUAL(count_records(f.store), 0);
	}
}

void test_images__put_again_writes_nothing(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const one[2] = { "m1" }, *const both[2] = { "m2", "m1" };
		_record_ struct record before = { 0 }, after = { 0 };
		static const char key[] = "repo/docker.io/library/x/_t/latest";

		put_index(f.store, "x", "index", one);
		CU_ASSERT_EQUAL(records_get(f.store->records, key, &before, NULL), 0);
		put_index(f.store, "x", "index", one);
		CU_ASSERT_EQUAL(count_records(f.store), 4);
		/* Another platform of the same index: both are known then. */
		put_index(f.store, "x", "index", both);
		CU_ASSERT_EQUAL(count_records(f.store), 5);
		CU_ASSERT_EQUAL(records_get(f.store->records, key, &after, NULL), 0);
		CU_ASSERT_EQUAL(before.generation, after.generation);
		CHECK_LIST(f.store, "docker.io/library/x:latest=index");
	}
}

void test_images__listed_by_repository_and_tag(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64", "arm64" };

		CHECK_LIST(f.store, "");
		put(f.store, "h.test/b:2", "m2");
		put(f.store, "h.test/b:1", "m1");
		put(f.store, "h.test/b/c:1", "m1");
		put(f.store, "h.test/b-a:1", "m3");
		put_index(f.store, "h.test/multi:1", "index", children);
		put_by_digest(f.store, "h.test/b", "untagged");
		CHECK_LIST(f.store, "h.test/b@=untagged h.test/b:1=m1 h.test/b:2=m2"
				    " h.test/b-a:1=m3 h.test/b/c:1=m1 h.test/multi:1=index");
		/* A tag that moved on leaves one that has no name but its digest. */
		put(f.store, "h.test/b-a:1", "m4");
		put(f.store, "h.test/multi:1", "m5");
		CHECK_LIST(f.store, "h.test/b@=untagged h.test/b:1=m1 h.test/b:2=m2"
				    " h.test/b-a@=m3 h.test/b-a:1=m4 h.test/b/c:1=m1"
				    " h.test/multi@=index h.test/multi:1=m5");
	}
}

void test_images__walk_stops_when_told(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct seen seen = { .store = f.store, .stop_after = 2 };

		put(f.store, "h.test/a:1", "m");
		put(f.store, "h.test/a:2", "m");
		put(f.store, "h.test/a:3", "m");
		CU_ASSERT_EQUAL(images_list(f.store, see, &seen, NULL), 9);
		CU_ASSERT_STRING_EQUAL(seen.text, "h.test/a:1=m h.test/a:2=m");
		seen = (struct seen){ .store = f.store, .stop_after = 1 };
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/a", "m", see, &seen), 9);
		CHECK_LIST(f.store, "");
	}
}

void test_images__removing_a_tag_forgets_what_only_it_reached(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64", "arm64" };
		static const char *const other[2] = { "arm64" };

		put_index(f.store, "h.test/x:1", "index", children);
		put_index(f.store, "h.test/x:2", "index2", other);
		put(f.store, "h.test/x:3", "index");
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

void test_images__removing_a_tag_leaves_what_was_put_by_digest(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64" };

		put_by_digest(f.store, "h.test/x", "m");
		put(f.store, "h.test/x:1", "m");
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
void test_images__removing_a_tag_leaves_what_an_untagged_one_reaches(void)
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

void test_images__a_tag_with_a_digest_goes_only_if_it_means_it(void)
{
	FOR_EACH_BACKEND(f)
	{
		put(f.store, "h.test/x:1", "m1");
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/x:1", "m2", NULL, NULL), -ENOENT);
		CHECK_LIST(f.store, "h.test/x:1=m1");
		CHECK_REMOVE(f.store, "h.test/x:1", "m1", "h.test/x:1=m1");
	}
}

void test_images__removing_a_digest_takes_its_tags_along(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char *const children[2] = { "amd64", "arm64" };

		put_index(f.store, "h.test/x:1", "index", children);
		put_index(f.store, "h.test/x:also", "index", children);
		put(f.store, "h.test/x:arm", "arm64");
		put(f.store, "h.test/other:1", "index");
		CHECK_REMOVE(f.store, "h.test/x", "index",
			     "h.test/x:1=index h.test/x:also=index h.test/x@=index");
		CHECK_LIST(f.store, "h.test/other:1=index h.test/x:arm=arm64");
		CU_ASSERT_FALSE(means(f.store, "h.test/x", "amd64", "amd64"));
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/x", "index", NULL, NULL), -ENOENT);
	}
}

/* Names that no parser gives: made by hand, they must not reach other keys. */
void test_images__keys_are_made_of_names_only(void)
{
	static const char *const bad[] = { "",	   "/",	     "a//b",   "a/_t/b", "_m",
					   "a/_m", "../cat", "a/../b", "a/.hid", "a/",
					   "/a",   "a b",    "a\nb",   "a\177",	 "\303\244" };
	static const char *const good[] = { "a", "a/b", "localhost:5000/a", "h.test/a-b/c_d.e" };
	const struct digest d = digest_of_str("x");
	struct record_key key;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_TRUE(manifest_key(bad[i], &d, &key, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
		CU_ASSERT_TRUE(tag_key(bad[i], "t", &key, NULL) < 0);
		CU_ASSERT_TRUE(catalog_key(bad[i], &key, NULL) < 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CU_ASSERT_EQUAL(manifest_key(good[i], &d, &key, NULL), 0);
	CU_ASSERT_TRUE(tag_key("a", "../x", &key, NULL) < 0);
	CU_ASSERT_TRUE(tag_key("a", "", &key, NULL) < 0);
	CU_ASSERT_EQUAL(tag_key("a/b", "T_1.0-x", &key, NULL), 0);
	CU_ASSERT_STRING_EQUAL(key.text, "repo/a/b/_t/T_1.0-x");
	CU_ASSERT_EQUAL(catalog_key("a/b", &key, NULL), 0);
	CU_ASSERT_STRING_EQUAL(key.text, "cat/a/b");
	_free_ char *long_name = xcalloc(RECORD_KEY_MAX + 1, 1);

	memset(long_name, 'n', RECORD_KEY_MAX);
	err_clear(&err);
	CU_ASSERT_TRUE(catalog_key(long_name, &key, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
}

void test_images__a_damaged_record_is_named(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"mediaType\":\"m\",\"digest\":\"sha256:1\",\"size\":1}",
		"{\"mediaType\":\"m\",\"digest\":\"sha256:../../etc\",\"size\":1}"
	};
	static const char key[] = "repo/h.test/x/_t/1";

	FOR_EACH_BACKEND(f)
	{
		put(f.store, "h.test/x:1", "m");
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			_reference_ struct reference ref = parse("h.test/x:1");
			struct descriptor found;
			struct seen seen = { .store = f.store };
			struct err err = { 0 };

			CU_ASSERT_EQUAL(records_put(f.store->records, key,
						    (struct record_value){ bad[i], strlen(bad[i]) },
						    NULL),
					0);
			CU_ASSERT_EQUAL(images_resolve(f.store, &ref, &found, &err), -EBADMSG);
			CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
			CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, key));
			err_clear(&err);
			CU_ASSERT_EQUAL(images_list(f.store, see, &seen, &err), -EBADMSG);
			CU_ASSERT_EQUAL(images_remove(f.store, &ref, NULL, NULL, NULL), -EBADMSG);
		}
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

void test_images__nothing_is_lost_between_threads(void)
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
