/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records, whatever the backend: limits, transactions around a function, and walks that hold no
 * lock while the caller is called. Keys come from our own code, values may be sized by a peer.
 */
#include "store/records.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/recordops.h"

#include <string.h>

/* A walk copies at most so much at a time. */
#define PAGE_COUNT 64
#define PAGE_BYTES ((size_t)256 << 10)

void record_fini(struct record *rec)
{
	buf_fini(&rec->value);
}

int record_not_found(const char *key, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "record '%s': not found", TEXT_ESCAPED(key));
}

int record_expect(const char *key, uint64_t expected, uint64_t found, struct err *err)
{
	if (expected == found)
		return 0;
	if (expected == RECORD_ABSENT)
		return err_set(err, ERR_EXISTS, "record '%s': exists", TEXT_ESCAPED(key));
	return err_set(err, ERR_CHANGED, "record '%s': changed meanwhile", TEXT_ESCAPED(key));
}

int record_doomed(struct err *err)
{
	return err_set(err, ERR_FAILED, "records: a part of the transaction failed before");
}

/* Keys hold no NUL, so the key after K in order starts with K and \001. */
void records_range_start(const struct records_range *range, char buf[2 * RECORD_KEY_MAX + 2])
{
	const size_t room = 2 * RECORD_KEY_MAX + 2;
	const char *prefix = range->prefix ? range->prefix : "";

	if (range->after && strcmp(range->after, prefix) >= 0)
		snprintf(buf, room, "%s\001", range->after);
	else
		snprintf(buf, room, "%s", prefix);
}

bool records_range_has(const struct records_range *range, const char *key, size_t seen)
{
	return (!range->limit || seen < range->limit) &&
	       (!range->prefix || text_starts_with(key, range->prefix));
}

static int check_key(const char *key, struct err *err)
{
	const size_t len = strlen(key);

	if (len == 0 || len > RECORD_KEY_MAX)
		return err_set(err, ERR_LIMIT,
			       "record '%s': the key has %zu bytes, allowed are 1 to %d",
			       TEXT_ESCAPED(key), len, RECORD_KEY_MAX);
	return 0;
}

static int check(const char *key, struct record_value value, struct err *err)
{
	TRY(check_key(key, err));
	if (value.len > RECORD_VALUE_MAX)
		return err_set(err, ERR_LIMIT,
			       "record '%s': the value has %zu bytes, allowed are %zu",
			       TEXT_ESCAPED(key), value.len, RECORD_VALUE_MAX);
	return 0;
}

int records_get(struct records *r, const char *key, struct record *ret, struct err *err)
{
	TRY(check_key(key, err));
	return r->ops->get(r, key, ret, err);
}

int records_create(struct records *r, const char *key, struct record_value value, struct err *err)
{
	TRY(check(key, value, err));
	return r->ops->create(r, key, value, err);
}

int records_swap(struct records *r, const char *key, uint64_t generation, struct record_value value,
		 struct err *err)
{
	TRY(check(key, value, err));
	if (generation == RECORD_ABSENT)
		return record_expect(key, 1, RECORD_ABSENT, err);
	return r->ops->swap(r, key, generation, value, err);
}

int records_remove(struct records *r, const char *key, uint64_t generation, struct err *err)
{
	TRY(check_key(key, err));
	return r->ops->remove(r, key, generation, err);
}

/* One attempt; -EEXIST and -ESTALE when somebody else wrote in between. */
static int put_once(struct records *r, const char *key, struct record_value value, struct err *err)
{
	_record_ struct record old = { 0 };
	struct err why = { 0 };
	const int rc = records_get(r, key, &old, &why);

	if (rc == 0)
		return records_swap(r, key, old.generation, value, err);
	if (why.kind == ERR_NOT_FOUND)
		return records_create(r, key, value, err);
	err_keep_first(err, &why);
	return rc;
}

int records_put(struct records *r, const char *key, struct record_value value, struct err *err)
{
	struct err why;
	int rc;

	TRY(check(key, value, err));
	do {
		why = (struct err){ 0 };
		rc = put_once(r, key, value, &why);
	} while (rc < 0 && (why.kind == ERR_EXISTS || why.kind == ERR_CHANGED));
	if (rc < 0)
		err_keep_first(err, &why);
	return rc;
}

static int run(struct records *r, records_work_fn *fn, void *arg, struct err *err)
{
	const int rc = fn(r, arg, err);
	const int end = r->ops->end(r, rc >= 0, rc >= 0 ? err : NULL);

	return rc >= 0 && end < 0 ? end : rc;
}

int records_transaction(struct records *r, records_work_fn *fn, void *arg, struct err *err)
{
	TRY(r->ops->begin(r, RECORDS_DURABLE, err));
	return run(r, fn, arg, err);
}

int records_transaction_relaxed(struct records *r, records_work_fn *fn, void *arg, struct err *err)
{
	TRY(r->ops->begin(r, RECORDS_RELAXED, err));
	return run(r, fn, arg, err);
}

int records_snapshot(struct records *r, records_work_fn *fn, void *arg, struct err *err)
{
	TRY(r->ops->begin(r, RECORDS_SNAPSHOT, err));
	return run(r, fn, arg, err);
}

/* Copies of some records. */
struct page {
	char *keys[PAGE_COUNT];
	struct record recs[PAGE_COUNT];
	size_t count, bytes;
};

static void page_reset(struct page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		free(page->keys[i]);
		record_fini(&page->recs[i]);
	}
	page->count = page->bytes = 0;
}

static int collect(void *arg, const char *key, const struct record *rec, struct err *err)
{
	struct page *page = arg;
	struct record *copy = &page->recs[page->count];

	*copy = (struct record){ .value = BUF_INIT(RECORD_VALUE_MAX),
				 .generation = rec->generation };
	TRY(buf_append(&copy->value, rec->value.data, rec->value.len, err));
	page->keys[page->count++] = xstrdup(key);
	page->bytes += rec->value.len;
	return page->count == PAGE_COUNT || page->bytes >= PAGE_BYTES;
}

/* Hands a page out. Returns what fn returned. */
static int hand_out(const struct page *page, records_fn *fn, void *arg, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < page->count && rc == 0; i++)
		rc = fn(arg, page->keys[i], &page->recs[i], err);
	return rc;
}

/* Fetches the next page of a range and moves the range past it. Returns 0 when it was the last. */
static int turn(struct records *r, struct records_range *range, struct page *page, char **after,
		struct err *err)
{
	const int more = r->ops->list(r, range, collect, page, err);

	if (more <= 0 || page->count == 0)
		return more < 0 ? more : 0;
	free(*after);
	*after = xstrdup(page->keys[page->count - 1]);
	range->after = *after;
	if (range->limit && range->limit == page->count)
		return 0;
	range->limit -= range->limit ? page->count : 0;
	return 1;
}

int records_list(struct records *r, const struct records_range *range, records_fn *fn, void *arg,
		 struct err *err)
{
	_free_ struct page *page = NEW(struct page);
	_free_ char *after = NULL;
	struct records_range rest = *range;
	int more, rc;

	do {
		more = turn(r, &rest, page, &after, err);
		rc = more < 0 ? more : hand_out(page, fn, arg, err);
		page_reset(page);
	} while (more > 0 && rc == 0);
	return rc;
}
