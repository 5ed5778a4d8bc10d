/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in memory, for tests: a sorted array under a recursive lock. A transaction keeps a copy
 * of the whole to go back to.
 */
#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/recordops.h"

#include <pthread.h>
#include <string.h>

struct item {
	char *key;
	struct record rec;
};

struct table {
	struct item *items; /* sorted by key */
	size_t count;
};

struct memory_records {
	struct records base;
	pthread_mutex_t lock; /* guards everything below; recursive, held over a transaction */
	struct table table, before;
	uint64_t generation;
	unsigned depth;
	bool writes, doomed;
};

static struct memory_records *of(struct records *r)
{
	return container_of(r, struct memory_records, base);
}

static void item_fini(struct item *item)
{
	free(item->key);
	record_fini(&item->rec);
}

static void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		item_fini(&t->items[i]);
	free(t->items);
	*t = (struct table){ 0 };
}

static int copy_record(const struct record *from, struct record *ret, struct err *err)
{
	*ret = (struct record){ .value = BUF_INIT(RECORD_VALUE_MAX),
				.generation = from->generation };
	return buf_append(&ret->value, from->value.data, from->value.len, err);
}

static int table_copy(const struct table *from, struct table *ret, struct err *err)
{
	struct table t = { .items = xcalloc(from->count, sizeof(struct item)) };

	for (size_t i = 0; i < from->count; i++) {
		const int rc = copy_record(&from->items[i].rec, &t.items[i].rec, err);

		if (rc < 0) {
			table_fini(&t);
			return rc;
		}
		t.items[i].key = xstrdup(from->items[i].key);
		t.count++;
	}
	*ret = t;
	return 0;
}

/* Index of the first key not below `key`. */
static size_t lower_bound(const struct table *t, const char *key)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(t->items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct item *find(const struct table *t, const char *key)
{
	const size_t at = lower_bound(t, key);

	return at < t->count && !strcmp(t->items[at].key, key) ? &t->items[at] : NULL;
}

static struct item *insert(struct table *t, const char *key)
{
	const size_t at = lower_bound(t, key);

	t->items = xreallocarray(t->items, t->count + 1, sizeof(struct item));
	memmove(&t->items[at + 1], &t->items[at], (t->count - at) * sizeof(struct item));
	t->count++;
	t->items[at] =
		(struct item){ .key = xstrdup(key), .rec.value = BUF_INIT(RECORD_VALUE_MAX) };
	return &t->items[at];
}

static int memory_get(struct records *base, const char *key, struct record *ret, struct err *err)
{
	struct memory_records *r = of(base);

	pthread_mutex_lock(&r->lock);
	const struct item *item = find(&r->table, key);
	const int rc = item ? copy_record(&item->rec, ret, err) : record_not_found(key, err);

	pthread_mutex_unlock(&r->lock);
	return rc;
}

static int refuse_write(const struct memory_records *r, struct err *err)
{
	if (r->depth && !r->writes)
		return err_set(err, ERR_FAILED, "records: a write inside a snapshot");
	return r->doomed ? record_doomed(err) : 0;
}

static int write_locked(struct memory_records *r, const char *key, uint64_t expected,
			struct record_value value, struct err *err)
{
	_buf_ struct buf copy = BUF_INIT(RECORD_VALUE_MAX);
	struct item *item = find(&r->table, key);

	TRY(refuse_write(r, err));
	TRY(record_expect(key, expected, item ? item->rec.generation : RECORD_ABSENT, err));
	TRY(buf_append(&copy, value.data, value.len, err));
	if (!item)
		item = insert(&r->table, key);
	buf_fini(&item->rec.value);
	item->rec.value = copy;
	copy = BUF_INIT(RECORD_VALUE_MAX);
	item->rec.generation = ++r->generation;
	return 0;
}

static int memory_swap(struct records *base, const char *key, uint64_t generation,
		       struct record_value value, struct err *err)
{
	struct memory_records *r = of(base);

	pthread_mutex_lock(&r->lock);
	const int rc = write_locked(r, key, generation, value, err);

	pthread_mutex_unlock(&r->lock);
	return rc;
}

static int memory_create(struct records *r, const char *key, struct record_value value,
			 struct err *err)
{
	return memory_swap(r, key, RECORD_ABSENT, value, err);
}

static int remove_locked(struct memory_records *r, const char *key, uint64_t generation,
			 struct err *err)
{
	struct item *item = find(&r->table, key);

	TRY(refuse_write(r, err));
	if (!item)
		return record_not_found(key, err);
	TRY(record_expect(key, generation, item->rec.generation, err));
	item_fini(item);
	r->table.count--;
	memmove(item, item + 1,
		(size_t)(r->table.items + r->table.count - item) * sizeof(struct item));
	return 0;
}

static int memory_remove(struct records *base, const char *key, uint64_t generation,
			 struct err *err)
{
	struct memory_records *r = of(base);

	pthread_mutex_lock(&r->lock);
	const int rc = remove_locked(r, key, generation, err);

	pthread_mutex_unlock(&r->lock);
	return rc;
}

static int memory_list(struct records *base, const struct records_range *range, records_fn *fn,
		       void *arg, struct err *err)
{
	struct memory_records *r = of(base);
	char start[2 * RECORD_KEY_MAX + 2];
	int rc = 0;

	records_range_start(range, start);
	pthread_mutex_lock(&r->lock);
	size_t seen = 0;

	for (size_t i = lower_bound(&r->table, start); i < r->table.count && rc == 0; i++) {
		if (!records_range_has(range, r->table.items[i].key, seen++))
			break;
		rc = fn(arg, r->table.items[i].key, &r->table.items[i].rec, err);
	}
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static int begin_locked(struct memory_records *r, enum records_tx tx, struct err *err)
{
	const bool write = tx != RECORDS_SNAPSHOT;

	if (r->depth)
		return write ? refuse_write(r, err) : 0;
	if (write)
		TRY(table_copy(&r->table, &r->before, err));
	r->writes = write;
	return 0;
}

static int memory_begin(struct records *base, enum records_tx tx, struct err *err)
{
	struct memory_records *r = of(base);

	pthread_mutex_lock(&r->lock);
	const int rc = begin_locked(r, tx, err);

	if (rc < 0)
		pthread_mutex_unlock(&r->lock);
	else
		r->depth++;
	return rc;
}

/* Ends the outermost level. */
static int finish(struct memory_records *r, bool commit, struct err *err)
{
	const bool back = !commit || r->doomed;
	const int rc = commit && r->doomed ? record_doomed(err) : 0;

	if (back && r->writes) {
		const struct table undone = r->table;

		r->table = r->before;
		r->before = undone;
	}
	table_fini(&r->before);
	r->writes = r->doomed = false;
	return rc;
}

static int memory_end(struct records *base, bool commit, struct err *err)
{
	struct memory_records *r = of(base);
	int rc = 0;

	if (--r->depth == 0)
		rc = finish(r, commit, err);
	else if (!commit && r->writes)
		r->doomed = true;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static void memory_close(struct records *base)
{
	struct memory_records *r = of(base);

	table_fini(&r->table);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct records *records_new_memory(void)
{
	static const struct records_ops ops = {
		.get = memory_get,
		.create = memory_create,
		.swap = memory_swap,
		.remove = memory_remove,
		.list = memory_list,
		.begin = memory_begin,
		.end = memory_end,
		.close = memory_close,
	};
	struct memory_records *r = NEW(struct memory_records);
	pthread_mutexattr_t attr;

	r->base.ops = &ops;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&r->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return &r->base;
}
