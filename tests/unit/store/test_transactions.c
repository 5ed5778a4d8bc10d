/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and snapshots of the records, for each backend. */
#include "base/mem.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdatomic.h>

static struct record_value text(const char *s)
{
	return (struct record_value){ s, strlen(s) };
}

static bool has(struct records *r, const char *key)
{
	_record_ struct record rec = { 0 };

	return records_get(r, key, &rec, NULL) == 0;
}

static int put_two(struct records *r, void *arg, struct err *err)
{
	const int *result = arg;

	TRY(records_put(r, "a", text("1"), err));
	TRY(records_put(r, "b", text("2"), err));
	/* One's own writes are seen. */
	CU_ASSERT_TRUE(has(r, "a"));
	return *result < 0 ? err_set(err, ERR_FAILED, "changed my mind") : *result;
}

void test_transactions__all_or_nothing(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;
		struct err err = { 0 };
		int result = -1;

		CU_ASSERT_EQUAL(records_transaction(r, put_two, &result, &err), -EIO);
		CU_ASSERT_STRING_EQUAL(err.msg, "changed my mind");
		CU_ASSERT_FALSE(has(r, "a"));
		CU_ASSERT_FALSE(has(r, "b"));
		result = 3;
		CU_ASSERT_EQUAL(records_transaction(r, put_two, &result, &err), 3);
		CU_ASSERT_TRUE(has(r, "a"));
		CU_ASSERT_TRUE(has(r, "b"));
		/* Back to what was there, not to nothing. */
		result = -1;
		CU_ASSERT_EQUAL(records_put(r, "a", text("old"), NULL), 0);
		CU_ASSERT_EQUAL(records_transaction(r, put_two, &result, &err), -EIO);
		_record_ struct record rec = { 0 };

		CU_ASSERT_EQUAL(records_get(r, "a", &rec, NULL), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&rec.value), "old");
	}
}

/* Relaxed ones are transactions too; what they leave behind is there for whoever opens it next. */
void test_transactions__relaxed_ones_are_seen_by_the_next(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		int result = -1;

		CU_ASSERT_EQUAL(records_transaction_relaxed(f.store->records, put_two, &result,
							    &err),
				-EIO);
		CU_ASSERT_FALSE(has(f.store->records, "a"));
		result = 0;
		CU_ASSERT_EQUAL(records_put(f.store->records, "before", text("x"), &err), 0);
		CU_ASSERT_EQUAL(
			records_transaction_relaxed(f.store->records, put_two, &result, &err), 0);
		CU_ASSERT_TRUE(has(f.store->records, "a"));
		if (!f.is_files)
			continue;
		store_close(f.store);
		CU_ASSERT_EQUAL_FATAL(store_open(f.path, STORE_READ_ONLY, &f.store, &err), 0);
		CU_ASSERT_TRUE(has(f.store->records, "before"));
		CU_ASSERT_TRUE(has(f.store->records, "b"));
		store_close(f.store);
		CU_ASSERT_EQUAL_FATAL(store_open(f.path, 0, &f.store, &err), 0);
		/* A durable one after them takes the log away again. */
		CU_ASSERT_EQUAL(
			records_transaction_relaxed(f.store->records, put_two, &result, &err), 0);
		CU_ASSERT_EQUAL(records_put(f.store->records, "after", text("y"), &err), 0);
		store_close(f.store);
		_free_ char *wal = xasprintf("%s/records.db-wal", f.path);

		CU_ASSERT_EQUAL(access(wal, F_OK), -1);
		CU_ASSERT_EQUAL_FATAL(store_open(f.path, 0, &f.store, &err), 0);
		CU_ASSERT_TRUE(has(f.store->records, "after"));
		CU_ASSERT_TRUE(has(f.store->records, "a"));
	}
}

static int outer(struct records *r, void *arg, struct err *err)
{
	TRY(records_put(r, "outer", text("x"), err));
	/* The inner one's failure is passed over here; it must not be. */
	(void)records_transaction(r, put_two, arg, NULL);
	return 0;
}

void test_transactions__nested_ones_join(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;
		struct err err = { 0 };
		int result = -1;

		CU_ASSERT_TRUE(records_transaction(r, outer, &result, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_FAILED);
		CU_ASSERT_FALSE(has(r, "outer"));
		CU_ASSERT_FALSE(has(r, "a"));
		result = 0;
		err_clear(&err);
		CU_ASSERT_EQUAL(records_transaction(r, outer, &result, &err), 0);
		CU_ASSERT_TRUE(has(r, "outer"));
		CU_ASSERT_TRUE(has(r, "a"));
	}
}

/* What was refused wrote nothing, and the rest goes on. */
static int go_on_after_refusal(struct records *r, void *arg, struct err *err)
{
	(void)arg;
	TRY(records_create(r, "k", text("1"), err));
	CU_ASSERT_EQUAL(records_create(r, "k", text("2"), NULL), -EEXIST);
	CU_ASSERT_EQUAL(records_swap(r, "k", 1000, text("2"), NULL), -ESTALE);
	CU_ASSERT_EQUAL(records_remove(r, "absent", 1, NULL), -ENOENT);
	return records_put(r, "after", text("x"), err);
}

void test_transactions__refusals_do_not_end_them(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };

		CU_ASSERT_EQUAL(
			records_transaction(f.store->records, go_on_after_refusal, NULL, &err), 0);
		CU_ASSERT_TRUE(has(f.store->records, "k"));
		CU_ASSERT_TRUE(has(f.store->records, "after"));
	}
}

static int write_in_snapshot(struct records *r, void *arg, struct err *err)
{
	(void)arg;
	CU_ASSERT_TRUE(has(r, "k"));
	return records_put(r, "k2", text("x"), err);
}

static int transaction_in_snapshot(struct records *r, void *arg, struct err *err)
{
	return records_transaction(r, put_two, arg, err);
}

static int snapshot_in_transaction(struct records *r, void *arg, struct err *err)
{
	TRY(records_put(r, "k3", text("x"), err));
	return records_snapshot(r, write_in_snapshot, arg, err);
}

void test_transactions__snapshots_write_nothing(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct records *r = f.store->records;
		struct err err = { 0 };
		int result = 0;

		CU_ASSERT_EQUAL(records_put(r, "k", text(""), NULL), 0);
		CU_ASSERT_TRUE(records_snapshot(r, write_in_snapshot, NULL, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_FAILED);
		CU_ASSERT_TRUE(records_snapshot(r, transaction_in_snapshot, &result, NULL) < 0);
		CU_ASSERT_FALSE(has(r, "k2"));
		CU_ASSERT_FALSE(has(r, "a"));
		/* Inside a transaction it is part of that, writes and all. */
		CU_ASSERT_EQUAL(records_transaction(r, snapshot_in_transaction, NULL, NULL), 0);
		CU_ASSERT_TRUE(has(r, "k2"));
		CU_ASSERT_TRUE(has(r, "k3"));
		/* And nothing is left open. */
		CU_ASSERT_EQUAL(records_put(r, "k4", text(""), NULL), 0);
	}
}

#define THREADS	   4
#define INCREMENTS 50

struct counter {
	struct records *r;
	atomic_uint inside; /* transactions at once */
	atomic_bool overlap;
};

static int increment(struct records *r, void *arg, struct err *err)
{
	struct counter *c = arg;
	_record_ struct record rec = { 0 };
	unsigned n = 0;

	if (atomic_fetch_add(&c->inside, 1) != 0)
		atomic_store(&c->overlap, true);
	if (records_get(r, "n", &rec, NULL) == 0)
		memcpy(&n, rec.value.data, sizeof(n));
	n++;
	const int rc = records_put(r, "n", (struct record_value){ &n, sizeof(n) }, err);

	atomic_fetch_sub(&c->inside, 1);
	return rc;
}

static void *run_increments(void *arg)
{
	struct counter *c = arg;
	bool ok = true;

	for (int i = 0; i < INCREMENTS; i++)
		ok &= records_transaction(c->r, increment, c, NULL) == 0;
	return ok ? c : NULL;
}

void test_transactions__threads_wait_for_each_other(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct counter c = { .r = f.store->records };
		_record_ struct record rec = { 0 };
		pthread_t threads[THREADS];
		unsigned n = 0;

		for (size_t i = 0; i < THREADS; i++)
			CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, run_increments, &c), 0);
		for (size_t i = 0; i < THREADS; i++) {
			void *ok;

			pthread_join(threads[i], &ok);
			CU_ASSERT_PTR_NOT_NULL(ok);
		}
		CU_ASSERT_FALSE(c.overlap);
		CU_ASSERT_EQUAL(records_get(c.r, "n", &rec, NULL), 0);
		memcpy(&n, rec.value.data, sizeof(n));
		CU_ASSERT_EQUAL(n, THREADS * INCREMENTS);
	}
}
