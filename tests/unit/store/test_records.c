/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of records, for each backend. */
#include "base/mem.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>

static struct record_value text(const char *s)
{
	return (struct record_value){ s, strlen(s) };
}

static bool value_is(struct records *r, const char *key, const char *expected)
{
	_record_ struct record rec = { 0 };
	struct err err = { 0 };

	if (records_get(r, key, &rec, &err) < 0)
		return false;
	return rec.value.len == strlen(expected) &&
	       !memcmp(buf_str(&rec.value), expected, rec.value.len);
}

/* The generation of a key, 0 when it isn't there. */
static uint64_t generation_of(struct records *r, const char *key)
{
	_record_ struct record rec = { 0 };

	return records_get(r, key, &rec, NULL) < 0 ? 0 : rec.generation;
}

void test_records__create_get_swap_remove(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;
		struct err err = { 0 };

		CU_ASSERT_EQUAL(records_create(r, "k", text("one"), &err), 0);
		const uint64_t one = generation_of(r, "k");

		CU_ASSERT_TRUE(value_is(r, "k", "one"));
		CU_ASSERT_EQUAL(records_create(r, "k", text("two"), &err), -EEXIST);
		CU_ASSERT_EQUAL(err.kind, ERR_EXISTS);
		CU_ASSERT_EQUAL(records_swap(r, "k", one, text("two"), &err), 0);
		CU_ASSERT_TRUE(value_is(r, "k", "two"));
		err_clear(&err);
		CU_ASSERT_EQUAL(records_swap(r, "k", one, text("three"), &err), -ESTALE);
		CU_ASSERT_EQUAL(err.kind, ERR_CHANGED);
		err_clear(&err);
		CU_ASSERT_EQUAL(records_remove(r, "k", one, &err), -ESTALE);
		CU_ASSERT_EQUAL(err.kind, ERR_CHANGED);
		CU_ASSERT_TRUE(value_is(r, "k", "two"));
		CU_ASSERT_EQUAL(records_remove(r, "k", generation_of(r, "k"), &err), 0);
		err_clear(&err);
		CU_ASSERT_EQUAL(records_remove(r, "k", one, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(generation_of(r, "k"), 0);
	}
}

void test_records__swap_of_what_is_gone_says_changed(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;
		struct err err = { 0 };

		CU_ASSERT_EQUAL(records_swap(r, "k", 5, text("x"), &err), -ESTALE);
		CU_ASSERT_EQUAL(err.kind, ERR_CHANGED);
		/* 0 is nobody's generation: swap does not create. */
		CU_ASSERT_EQUAL(records_swap(r, "k", 0, text("x"), &err), -ESTALE);
		CU_ASSERT_EQUAL(generation_of(r, "k"), 0);
	}
}

void test_records__generations_never_come_twice(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;
		uint64_t last = 0;

		for (int i = 0; i < 20; i++) {
			CU_ASSERT_EQUAL(records_put(r, "k", text("same bytes"), NULL), 0);
			const uint64_t now = generation_of(r, "k");

			CU_ASSERT_TRUE(now > last);
			last = now;
			if (i % 3 == 0)
				CU_ASSERT_EQUAL(records_remove(r, "k", now, NULL), 0);
		}
	}
}

void test_records__put_writes_whatever_was_there(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;

		CU_ASSERT_EQUAL(records_put(r, "k", text("a"), NULL), 0);
		CU_ASSERT_TRUE(value_is(r, "k", "a"));
		CU_ASSERT_EQUAL(records_put(r, "k", text(""), NULL), 0);
		CU_ASSERT_TRUE(value_is(r, "k", ""));
		CU_ASSERT_EQUAL(records_put(r, "k", (struct record_value){ 0 }, NULL), 0);
		CU_ASSERT_TRUE(value_is(r, "k", ""));
	}
}

void test_records__values_are_bytes(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const char bytes[] = "\0\1\377\0'\"";
		struct records *r = f.store->records;
		_record_ struct record rec = { 0 };

		CU_ASSERT_EQUAL(records_create(r, "k",
					       (struct record_value){ bytes, sizeof(bytes) }, NULL),
				0);
		CU_ASSERT_EQUAL(records_get(r, "k", &rec, NULL), 0);
		CU_ASSERT_EQUAL(rec.value.len, sizeof(bytes));
		CU_ASSERT_EQUAL(memcmp(rec.value.data, bytes, sizeof(bytes)), 0);
	}
}

void test_records__limits(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;
		struct err err = { 0 };
		_free_ char *key = xcalloc(RECORD_KEY_MAX + 2, 1);
		_free_ char *value = xcalloc(RECORD_VALUE_MAX + 1, 1);

		memset(key, 'k', RECORD_KEY_MAX);
		CU_ASSERT_EQUAL(records_create(r, key,
					       (struct record_value){ value, RECORD_VALUE_MAX },
					       &err),
				0);
		CU_ASSERT_EQUAL(records_create(r, "v",
					       (struct record_value){ value, RECORD_VALUE_MAX + 1 },
					       &err),
				-E2BIG);
		CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
		key[RECORD_KEY_MAX] = 'k';
		err_clear(&err);
		CU_ASSERT_EQUAL(records_put(r, key, text("x"), &err), -E2BIG);
		CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
		CU_ASSERT_EQUAL(records_put(r, "", text("x"), &err), -E2BIG);
		CU_ASSERT_EQUAL(generation_of(r, ""), 0);
	}
}

struct seen {
	char keys[2048];
	size_t count, stop_at;
};

static int see(void *arg, const char *key, const struct record *rec, struct err *err)
{
	struct seen *seen = arg;
	const size_t len = strlen(seen->keys);

	(void)err;
	CU_ASSERT_TRUE(rec->generation > 0);
	snprintf(seen->keys + len, sizeof(seen->keys) - len, "%s%s", len ? " " : "", key);
	return ++seen->count == seen->stop_at ? 7 : 0;
}

/* Bytewise order, as an object store lists: '-' < '/' < '0' < '_' < 'a' < bytes above ASCII. */
void test_records__listed_in_bytewise_order(void)
{
	static const char *const keys[] = { "cat/b",	   "repo/a/_t/1",   "repo/a0/_t/1",
					    "repo/a",	   "cat/a",	    "repo/\303\244",
					    "repo/a/_m/x", "repo/a-b/_t/1", "repo",
					    "repp" };
	static const struct {
		struct records_range range;
		const char *expected;
	} cases[] = {
		{ { .prefix = "repo/a/" }, "repo/a/_m/x repo/a/_t/1" },
		{ { .prefix = "repo/" },
		  "repo/a repo/a-b/_t/1 repo/a/_m/x repo/a/_t/1 repo/a0/_t/1 repo/\303\244" },
		{ { .prefix = "repo/", .after = "repo/a/_m/x" },
		  "repo/a/_t/1 repo/a0/_t/1 repo/\303\244" },
		{ { .prefix = "repo/", .after = "repo/a" },
		  "repo/a-b/_t/1 repo/a/_m/x repo/a/_t/1 repo/a0/_t/1 repo/\303\244" },
		{ { .prefix = "repo/a", .after = "repo/a" },
		  "repo/a-b/_t/1 repo/a/_m/x repo/a/_t/1 repo/a0/_t/1" },
		{ { .prefix = "repo/", .after = "a" },
		  "repo/a repo/a-b/_t/1 repo/a/_m/x repo/a/_t/1 repo/a0/_t/1 repo/\303\244" },
		{ { .prefix = "repo/", .after = "zzz" }, "" },
		{ { .prefix = "repo/", .limit = 2 }, "repo/a repo/a-b/_t/1" },
		{ { .prefix = "cat/", .limit = 5 }, "cat/a cat/b" },
		{ { .prefix = "nothing" }, "" },
		{ { .limit = 3 }, "cat/a cat/b repo" },
		{ { .after = "repo/\303\244" }, "repp" },
	};

	FOR_EACH_BACKEND(f)
	{
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			CU_ASSERT_EQUAL(records_create(f.store->records, keys[i], text(""), NULL),
					0);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct seen seen = { 0 };

			CU_ASSERT_EQUAL(records_list(f.store->records, &cases[i].range, see, &seen,
						     NULL),
					0);
			CU_ASSERT_STRING_EQUAL(seen.keys, cases[i].expected);
		}
	}
}

void test_records__walk_stops_when_told(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct seen seen = { .stop_at = 2 };
		const struct records_range all = { 0 };

		for (char key[2] = "a"; key[0] <= 'e'; key[0]++)
			CU_ASSERT_EQUAL(records_create(f.store->records, key, text(""), NULL), 0);
		CU_ASSERT_EQUAL(records_list(f.store->records, &all, see, &seen, NULL), 7);
		CU_ASSERT_STRING_EQUAL(seen.keys, "a b");
	}
}

struct many {
	struct records *r;
	unsigned count, sum;
	char last[32];
};

/* Calls back into the records while walking: removes what it is shown, adds in front. */
static int eat(void *arg, const char *key, const struct record *rec, struct err *err)
{
	struct many *m = arg;

	CU_ASSERT_TRUE(strcmp(m->last, key) < 0);
	snprintf(m->last, sizeof(m->last), "%s", key);
	m->count++;
	TRY(records_remove(m->r, key, rec->generation, err));
	if (m->count <= 10)
		TRY(records_put(m->r, "n/0", text("in front"), err));
	return 0;
}

void test_records__long_walks_may_change_what_they_walk(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct many m = { .r = f.store->records };
		const struct records_range range = { .prefix = "n/" };
		_free_ char *big = xcalloc(100000, 1);
		char key[32];
		struct err err = { 0 };

		/* More than one page by count, and some by size. */
		for (unsigned i = 1; i <= 300; i++) {
			snprintf(key, sizeof(key), "n/%03u", i);
			CU_ASSERT_EQUAL(records_create(m.r, key,
						       (struct record_value){
							       big, i % 50 == 0 ? 100000 : 10 },
						       NULL),
					0);
		}
		CU_ASSERT_EQUAL(records_list(m.r, &range, eat, &m, &err), 0);
		CU_ASSERT_EQUAL(m.count, 300);
		CU_ASSERT_TRUE(value_is(m.r, "n/0", "in front"));
		CU_ASSERT_EQUAL(generation_of(m.r, "n/001"), 0);
		CU_ASSERT_EQUAL(generation_of(m.r, "n/300"), 0);
	}
}

static int count_only(void *arg, const char *key, const struct record *rec, struct err *err)
{
	struct many *m = arg;

	(void)key;
	(void)rec;
	(void)err;
	m->count++;
	return 0;
}

void test_records__limit_over_pages(void)
{
	FOR_EACH_BACKEND(f)
	{
		static const size_t limits[] = { 1, 63, 64, 65, 128, 130, 199, 200, 500, 0 };
		char key[32];

		for (unsigned i = 0; i < 200; i++) {
			snprintf(key, sizeof(key), "%03u", i);
			CU_ASSERT_EQUAL(records_create(f.store->records, key, text(""), NULL), 0);
		}
		for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
			const struct records_range range = { .limit = limits[i] };
			const size_t want = limits[i] && limits[i] < 200 ? limits[i] : 200;
			struct many m = { 0 };

			CU_ASSERT_EQUAL(
				records_list(f.store->records, &range, count_only, &m, NULL), 0);
			CU_ASSERT_EQUAL(m.count, want);
		}
	}
}
