/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: put, resolved and listed, for each backend. */
#include "base/mem.h"
#include "store/image_records.h"
#include "tests/unit/store/names.h"

void test_images__a_tag_means_what_was_put(void)
{
	FOR_EACH_BACKEND(f)
	{
		put_name(f.store, "debian", "m1");
		put_name(f.store, "debian:12", "m2");
		CU_ASSERT_TRUE(means(f.store, "debian", NULL, "m1"));
		CU_ASSERT_TRUE(means(f.store, "docker.io/library/debian:latest", NULL, "m1"));
		CU_ASSERT_TRUE(means(f.store, "debian:12", NULL, "m2"));
		CU_ASSERT_FALSE(means(f.store, "debian:11", NULL, "m2"));
		CU_ASSERT_FALSE(means(f.store, "other", NULL, "m1"));
		put_name(f.store, "debian", "m2");
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
		_reference_ struct reference ref = parse_name("debian:13");
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

		put_name(f.store, "a", "m1");
		CU_ASSERT_EQUAL(images_resolve(f.store, &ref, &found, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_STRING_EQUAL(err.hint, "");
		put_name(f.store, "example.com:5000/b/c", "m2");
		CU_ASSERT_EQUAL(images_resolve(f.store, &ref, &found, NULL), 0);
		CU_ASSERT_TRUE(digest_equal(&found.digest, &ref.digest));
	}
}

void test_images__need_their_blobs(void)
{
	FOR_EACH_BACKEND(f)
	{
		_reference_ struct reference ref = parse_name("debian");
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
		put_name(f.store, "h.test/b:2", "m2");
		put_name(f.store, "h.test/b:1", "m1");
		put_name(f.store, "h.test/b/c:1", "m1");
		put_name(f.store, "h.test/b-a:1", "m3");
		put_index(f.store, "h.test/multi:1", "index", children);
		put_by_digest(f.store, "h.test/b", "untagged");
		CHECK_LIST(f.store, "h.test/b@=untagged h.test/b:1=m1 h.test/b:2=m2"
				    " h.test/b-a:1=m3 h.test/b/c:1=m1 h.test/multi:1=index");
		/* A tag that moved on leaves one that has no name but its digest. */
		put_name(f.store, "h.test/b-a:1", "m4");
		put_name(f.store, "h.test/multi:1", "m5");
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

		put_name(f.store, "h.test/a:1", "m");
		put_name(f.store, "h.test/a:2", "m");
		put_name(f.store, "h.test/a:3", "m");
		CU_ASSERT_EQUAL(images_list(f.store, see, &seen, NULL), 9);
		CU_ASSERT_STRING_EQUAL(seen.text, "h.test/a:1=m h.test/a:2=m");
		seen = (struct seen){ .store = f.store, .stop_after = 1 };
		CU_ASSERT_EQUAL(remove_name(f.store, "h.test/a", "m", see, &seen), 9);
		CHECK_LIST(f.store, "");
	}
}

/* Another process, which does not wait for the walk. */
static int see_and_remove(void *arg, const struct image_name *name, struct err *err)
{
	struct seen *seen = arg;
	struct store *other = TAKE_PTR(seen->other);

	if (other)
		CU_ASSERT_EQUAL(remove_name(other, "h.test/b:1", NULL, NULL, NULL), 0);
	return see(seen, name, err);
}

void test_images__a_walk_sees_one_state(void)
{
	_fixture_ struct fixture f = fixture_files();
	_store_ struct store *other = NULL;

	put_name(f.store, "h.test/a:1", "m");
	put_name(f.store, "h.test/b:1", "m");
	CU_ASSERT_EQUAL(store_open(f.path, 0, &other, NULL), 0);
	struct seen seen = { .store = f.store, .other = other };

	CU_ASSERT_EQUAL(images_list(f.store, see_and_remove, &seen, NULL), 0);
	CU_ASSERT_STRING_EQUAL(seen.text, "h.test/a:1=m h.test/b:1=m");
	CHECK_LIST(f.store, "h.test/a:1=m");
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
		put_name(f.store, "h.test/x:1", "m");
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			_reference_ struct reference ref = parse_name("h.test/x:1");
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
