/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered between requests: tokens by all that they are for, until shortly before their
 * end; how a host asks; credentials, looked up once; and threads that want the same.
 */
#include "net/auth.h"

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/net/bench.h"

#include <CUnit/CUnit.h>

void test_auth_memory__tokens_are_kept_by_what_they_are_for(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ first = PULL("a"), _auth_session_ again = PULL("a");
	struct auth_session _auth_session_ other = PULL("b");
	struct auth_session _auth_session_ elsewhere = {
		.target = { .host = "s.example", .scope = "repository:a:pull" }
	};

	bench_init(&b, NULL, NULL);
	CU_ASSERT_EQUAL(bench_prepare(&b, &first), 0);
	CU_ASSERT_EQUAL(bench_answer(&b, &first, REALM), 0);
	/* The same: without asking anybody. */
	CU_ASSERT_EQUAL(bench_prepare(&b, &again), 0);
	CU_ASSERT(row_text("again", "header", "Bearer T1", again.header));
	/* Another repository: asked for at once, no 401 needed. */
	CU_ASSERT_EQUAL(bench_prepare(&b, &other), 0);
	CU_ASSERT(row_text("other", "header", "Bearer T2", other.header));
	/* Another host with the same realm and scope: nothing of ours. */
	CU_ASSERT_EQUAL(bench_prepare(&b, &elsewhere), 0);
	CU_ASSERT(row_text("elsewhere", "header", NULL, elsewhere.header));
	CU_ASSERT_EQUAL(bench_answer(&b, &elsewhere, REALM), 0);
	CU_ASSERT(row_text("elsewhere", "header", "Bearer T3", elsewhere.header));
}

void test_auth_memory__tokens_are_kept_by_whose_they_are(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ ours = {
		.target = { .host = HOST, .scope = "registry:catalog:*", .repository = HOST "/a" }
	};
	struct auth_session _auth_session_ theirs = {
		.target = { .host = HOST, .scope = "registry:catalog:*", .repository = HOST "/b" }
	};

	bench_init(&b, NULL,
		   "{'auths':{'r.example/a':{'auth':'eDp5'},'r.example/b':{'auth':'dTpw'}}}");
	CU_ASSERT_EQUAL(bench_answer(&b, &ours, REALM), 0);
	CU_ASSERT_EQUAL(bench_answer(&b, &theirs, REALM), 0);
	CU_ASSERT(row_text("ours", "header", "Bearer T1", ours.header));
	CU_ASSERT(row_text("theirs", "header", "Bearer T2", theirs.header));
}

void test_auth_memory__tokens_are_renewed_before_their_end(void)
{
	static const struct {
		const char *body;
		uint64_t good_s, stale_s; /* seconds after the fetch */
	} rows[] = {
		{ "{\"token\":\"A\",\"expires_in\":300}", 289, 290 },
		{ "{\"token\":\"A\"}", 49, 50 },
		{ "{\"token\":\"A\",\"expires_in\":5}", 49, 50 },
		{ "{\"token\":\"A\",\"expires_in\":-5}", 49, 50 },
		{ "{\"token\":\"A\",\"expires_in\":\"300\"}", 49, 50 },
		{ "{\"token\":\"A\",\"expires_in\":999999999}", 86389, 86390 },
		/* A clock that is not ours is not believed. */
		{ "{\"token\":\"A\",\"expires_in\":300,\"issued_at\":\"2001-01-01T00:00:00Z\"}",
		  289, 290 },
		{ "{\"token\":\"A\",\"expires_in\":300,\"issued_at\":\"9001-01-01T00:00:00Z\"}",
		  289, 290 },
		{ "{\"token\":\"A\",\"expires_in\":300,\"issued_at\":\"yesterday\"}", 289, 290 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench _bench_ b;
		struct auth_session _auth_session_ s = PULL("a"), _auth_session_ good = PULL("a");
		struct auth_session _auth_session_ stale = PULL("a");

		bench_init(&b, NULL, NULL);
		b.realm.body = rows[i].body;
		CU_ASSERT_EQUAL(bench_answer(&b, &s, REALM ",scope=\"repository:a:pull\""), 0);
		b.realm.now_s += rows[i].good_s;
		CU_ASSERT_EQUAL(bench_prepare(&b, &good), 0);
		CU_ASSERT(row_int(rows[i].body, "requests while good", 1, b.realm.count));
		b.realm.now_s += rows[i].stale_s - rows[i].good_s;
		CU_ASSERT_EQUAL(bench_prepare(&b, &stale), 0);
		CU_ASSERT(row_int(rows[i].body, "requests when stale", 2, b.realm.count));
	}
}

void test_auth_memory__age_of_a_token_counts(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a"), _auth_session_ again = PULL("a");
	char when[32];

	bench_init(&b, NULL, NULL);
	/* Handed out from a cache: issued 200 s ago, good for 100 more. */
	char *_free_ body = xasprintf("{\"token\":\"A\",\"expires_in\":300,\"issued_at\":\"%s\"}",
				      text_rfc3339(when, sizeof(when), time(NULL) - 200));

	b.realm.body = body;
	CU_ASSERT_EQUAL(bench_answer(&b, &s, REALM ",scope=\"repository:a:pull\""), 0);
	b.realm.now_s += 95;
	CU_ASSERT_EQUAL(bench_prepare(&b, &again), 0);
	CU_ASSERT_EQUAL(b.realm.count, 2);
}

void test_auth_memory__a_refused_token_is_replaced_once(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a"), _auth_session_ later = PULL("a");

	bench_init(&b, NULL, NULL);
	CU_ASSERT_EQUAL(bench_prepare(&b, &s), 0);
	CU_ASSERT_EQUAL(bench_answer(&b, &s, REALM), 0);
	/* Revoked meanwhile: the one at hand is refused, a new one is fetched, and that is all. */
	CU_ASSERT_EQUAL(bench_prepare(&b, &later), 0);
	CU_ASSERT(row_text("old", "header", "Bearer T1", later.header));
	CU_ASSERT_EQUAL(bench_answer(&b, &later, REALM ",error=\"invalid_token\""), 0);
	CU_ASSERT(row_text("new", "header", "Bearer T2", later.header));
	CU_ASSERT(bench_answer(&b, &later, REALM ",error=\"invalid_token\"") < 0);
	CU_ASSERT_EQUAL(b.realm.count, 2);
}

void test_auth_memory__basic_is_remembered(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a"), _auth_session_ again = PULL("b");
	struct auth_session _auth_session_ plain = { .target = { .host = HOST, .is_plain = true } };

	bench_init(&b, "u:p", NULL);
	CU_ASSERT_EQUAL(bench_answer(&b, &s, "Basic"), 0);
	CU_ASSERT_EQUAL(bench_prepare(&b, &again), 0);
	CU_ASSERT(row_text("again", "header", "Basic dTpw", again.header));
	/* The same name over another scheme is another host. */
	CU_ASSERT_EQUAL(bench_prepare(&b, &plain), 0);
	CU_ASSERT(row_text("plain", "header", NULL, plain.header));
}

void test_auth_memory__helper_is_asked_once(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a"), _auth_session_ again = PULL("a");

	bench_init(&b, NULL, "{'credsStore':'x'}");
	home_program(&b.home, "bin/docker-credential-x",
		     "#!/bin/sh\necho x >> \"$HOME/asked\"\n"
		     "echo '{\"Username\":\"u\",\"Secret\":\"p\"}'\n");
	CU_ASSERT_EQUAL(bench_answer(&b, &s, REALM), 0);
	CU_ASSERT_EQUAL(bench_prepare(&b, &again), 0);
	CU_ASSERT_EQUAL(bench_answer(&b, &again, REALM), 0);
	char *_free_ asked = home_read(&b.home, "asked");

	CU_ASSERT(row_text("helper", "calls", "x\n", asked));
}

/* --- threads --------------------------------------------------------------------------------- */

struct worker {
	struct bench *b;
	pthread_t thread;
	char *header;
	int rc;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct auth_session _auth_session_ s = PULL("a");
	const char *challenge = REALM;
	const struct auth_lines lines = { &challenge, 1 };
	struct err err = { 0 };

	w->rc = auth_prepare(w->b->auth, NULL, &s, &err);
	if (w->rc == 0 && !s.header)
		w->rc = auth_answer(w->b->auth, NULL, &s, &lines, &err);
	w->header = TAKE_PTR(s.header);
	return NULL;
}

void test_auth_memory__threads_share_one_fetch(void)
{
	struct bench _bench_ b;
	struct worker workers[16];

	bench_init(&b, NULL, "{'credsStore':'x'}");
	home_program(&b.home, "bin/docker-credential-x",
		     "#!/bin/sh\necho x >> \"$HOME/asked\"\n"
		     "echo '{\"Username\":\"u\",\"Secret\":\"p\"}'\n");
	b.realm.slow = true;
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i] = (struct worker){ .b = &b };
		CU_ASSERT_EQUAL_FATAL(pthread_create(&workers[i].thread, NULL, work, &workers[i]),
				      0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		CU_ASSERT_EQUAL(workers[i].rc, 0);
		CU_ASSERT(row_text("worker", "header", "Bearer T1", workers[i].header));
		free(workers[i].header);
	}
	char *_free_ asked = home_read(&b.home, "asked");

	CU_ASSERT_EQUAL(b.realm.count, 1);
	CU_ASSERT(row_text("helper", "calls", "x\n", asked));
}

void test_auth_memory__a_failed_fetch_wakes_the_others(void)
{
	struct bench _bench_ b;
	struct worker workers[8];

	bench_init(&b, NULL, NULL);
	b.realm.slow = true;
	b.realm.fails = ERR_NETWORK;
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i] = (struct worker){ .b = &b };
		CU_ASSERT_EQUAL_FATAL(pthread_create(&workers[i].thread, NULL, work, &workers[i]),
				      0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		CU_ASSERT(workers[i].rc < 0);
	}
}

void test_auth_memory__a_cancelled_wait_ends(void)
{
	struct bench _bench_ b;
	struct op op = { .jobs = 1 };
	struct auth_session _auth_session_ s = PULL("a");
	const char *challenge = REALM;
	const struct auth_lines lines = { &challenge, 1 };

	bench_init(&b, NULL, "{'credsStore':'x'}");
	home_program(&b.home, "bin/docker-credential-x", "#!/bin/sh\nexec sleep 30\n");
	op_cancel(&op);
	CU_ASSERT(auth_answer(b.auth, &op, &s, &lines, &b.err) < 0);
	CU_ASSERT_EQUAL(b.err.kind, ERR_CANCELLED);
}
