/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After, HTTP dates (RFC 9110 sections 5.6.7 and 10.2.3), and the counting of tries. */
#include "base/mem.h"
#include "net/backoff.h"

#include <CUnit/CUnit.h>

void test_backoff__dates(void)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Tue, 29 Feb 2000 12:00:00 GMT", 951825600 },
		{ "Sat, 31 Dec 2050 23:59:59 GMT", 2556143999 },
		{ "Saturday, 31-Dec-50 23:59:59 GMT", 2556143999 },
		{ "Wed Nov 16 08:49:37 1994", 784975777 },
		{ "Sun, 06 Nov 1994 08:49:37 UTC", -1 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT ", -1 },
		{ "Sun, 6 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 00 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 32 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 24:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 08:60:37 GMT", -1 },
		{ "Sun, 06 Nov 1969 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 19", -1 },
		{ "1994-11-06T08:49:37Z", -1 },
		{ "", -1 },
		{ "S", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t got = -1;
		const int rc = backoff_parse_date(rows[i].text, &got);

		if (got != rows[i].want)
			printf("# %s: %" PRId64 "\n", rows[i].text, got);
		CU_ASSERT_EQUAL(got, rows[i].want);
		CU_ASSERT_EQUAL(rc == 0, rows[i].want >= 0);
	}
}

void test_backoff__retry_after(void)
{
	static const struct {
		const char *text;
		int64_t want;
	} rows[] = {
		{ "0", 0 },
		{ "120", 120000 },
		{ "99999999999999999999999", INT64_MAX },
		{ "9223372036854775807", INT64_MAX },
		{ "Sun, 06 Nov 1994 08:49:47 GMT", 10000 },
		{ "Sun, 06 Nov 1994 08:49:27 GMT", 0 }, /* past */
		{ "-1", -1 },
		{ "1.5", -1 },
		{ "soon", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_EQUAL(backoff_retry_after(rows[i].text, 784111777), rows[i].want);
}

struct listener {
	struct progress progress;
	unsigned notes;
	char last[200];
};

static void on_note(struct progress *self, const struct progress_event *event)
{
	struct listener *l = container_of(self, struct listener, progress);

	l->notes++;
	snprintf(l->last, sizeof(l->last), "%s", event->label);
}

void test_backoff__tries_are_counted_and_told(void)
{
	struct listener l = { .progress.report = on_note };
	struct op op = { .progress = &l.progress };
	const struct err why = { .kind = ERR_NETWORK, .msg = "h: reset" };
	struct backoff b;

	backoff_init(&b, 2, 1);
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, -1, NULL), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(l.last, "h: reset; trying again in 0.0 s (1 of 2)"));
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, 0, NULL), 1);
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, -1, NULL), 0);
	CU_ASSERT_EQUAL(l.notes, 2);
	backoff_reset(&b);
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, -1, NULL), 1);
	/* What is longer than we are willing to wait is not waited for at all. */
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, BACKOFF_MAX_MS + 1, NULL), 0);
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, INT64_MAX, NULL), 0);
	CU_ASSERT_EQUAL(l.notes, 3);
}

void test_backoff__waits_grow_to_a_bound(void)
{
	struct op op = { 0 };
	const struct err why = { 0 };
	struct backoff b;

	backoff_init(&b, 100, 1);
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, -1, NULL), 1);
	CU_ASSERT_EQUAL(b.wait_ms, 2);
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, -1, NULL), 1);
	CU_ASSERT_EQUAL(b.wait_ms, 4);
	b.wait_ms = BACKOFF_MAX_MS - 1;
	CU_ASSERT_EQUAL(backoff_wait(&b, &op, &why, 0, NULL), 1);
	CU_ASSERT_EQUAL(b.wait_ms, BACKOFF_MAX_MS);
}

struct canceller {
	struct progress progress;
	struct op op;
};

static void cancel_on_note(struct progress *self, const struct progress_event *event)
{
	(void)event;
	op_cancel(&container_of(self, struct canceller, progress)->op);
}

void test_backoff__a_wait_ends_when_cancelled(void)
{
	struct canceller c = { .progress.report = cancel_on_note };
	const struct err why = { 0 };
	struct err err = { 0 };
	struct backoff b;

	/* The note comes just before the wait, which would take a minute. */
	c.op.progress = &c.progress;
	backoff_init(&b, 5, 60000);
	CU_ASSERT_EQUAL(backoff_wait(&b, &c.op, &why, 60000, &err), -ECANCELED);
	CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
}
