/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs into a registry when something breaks: connections, sessions, chunks that it takes
 * otherwise, sources (distribution-spec "Pushing a blob in chunks", "Resuming"). And that none of
 * it goes on for ever.
 */
#include "tests/unit/registry/pushing.h"

#include <CUnit/CUnit.h>

#define HEAD_LINE "HEAD /v2/ns/repo/blobs/D\n"
#define POST_LINE "POST /v2/ns/repo/blobs/uploads/\n"
#define MIB	  ((size_t)1 << 20)

/* A session whose registry wants chunks. */
#define CHUNKED(p, min) \
	"HTTP/1.1 202 X\r\nLocation: " p "\r\nOCI-Chunk-Min-Length: " min "\r\n" EMPTY
#define CUT	  NULL, .end = SERVER_CLOSE
#define ELSEWHERE "HTTP/1.1 416 X\r\n" EMPTY

#define STEPS_MAX 12

struct story {
	const char *name;
	size_t size;
	struct server_step steps[STEPS_MAX];
	const char *asked;
	enum err_kind kind;
	const char *message;
	uint64_t opened[4]; /* where the source was opened, the first always 0 */
	size_t opened_count;
};

static void play(const struct story *s)
{
	struct pushing _pushing_ p;
	size_t count = 0;

	while (count < STEPS_MAX && (s->steps[count].text || s->steps[count].end))
		count++;
	pushing_init(&p, s->size, s->steps, count);
	CU_ASSERT_EQUAL(pushing_put(&p) < 0, s->kind != ERR_NONE);
	CU_ASSERT_EQUAL(p.a.err.kind, s->kind);
	CU_ASSERT(asking_has(s->name, p.a.err.msg, s->message ? s->message : ""));
	CU_ASSERT(pushing_asked(&p, s->name, s->asked));
	CU_ASSERT_EQUAL(p.opened_count, s->opened_count);
	for (size_t i = 0; i < s->opened_count; i++)
		CU_ASSERT_EQUAL(p.opened[i], s->opened[i]);
	if (s->kind == ERR_NONE && s->opened_count)
		CU_ASSERT_EQUAL(p.moved, s->size);
}

/* --- chunks ---------------------------------------------------------------------------------- */

static const struct story chunks[] = {
	{ "two, each in its place",
	  20 * MIB,
	  { { .text = ABSENT },
	    { .text = CHUNKED(PLACE "1?s=a", "1000") },
	    { .text = GOT("202", PLACE "1?s=b", "0-16777215") },
	    { .text = GOT("202", "/elsewhere?s=c", "bytes=0-20971519") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PATCH " PLACE "1?s=a 0-16777215 +16777216\n"
			      "PATCH " PLACE "1?s=b 16777216-20971519 +4194304\n"
			      "PUT /elsewhere?s=c&digest=D\n",
	  .opened_count = 1 },
	{ "as large as the registry wants them",
	  18 * MIB,
	  { { .text = ABSENT },
	    { .text = CHUNKED(PLACE "1", "17825792") },
	    { .text = "HTTP/1.1 202 X\r\nLocation: " PLACE "2\r\n" EMPTY },
	    { .text = "HTTP/1.1 202 X\r\n" EMPTY },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PATCH " PLACE "1 0-17825791 +17825792\n"
			      "PATCH " PLACE "2 17825792-18874367 +1048576\n"
			      "PUT " PLACE "2?digest=D\n",
	  .opened_count = 1 },
	{ "not for what fits into one",
	  3,
	  { { .text = ABSENT }, { .text = CHUNKED(PLACE "1", "1") }, { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +3\n",
	  .opened_count = 1 },
	{ "a length that is none",
	  3,
	  { { .text = ABSENT }, { .text = CHUNKED(PLACE "1", "-1") }, { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +3\n",
	  .opened_count = 1 },
	{ "because everything at once is too large",
	  5 * MIB,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { .text = "HTTP/1.1 413 X\r\n" EMPTY },
	    { .text = "HTTP/1.1 204 X\r\n\r\n" },
	    { .text = BEGUN(PLACE "2") },
	    { .text = "HTTP/1.1 413 X\r\n" EMPTY },
	    { .text = "HTTP/1.1 204 X\r\n\r\n" },
	    { .text = CHUNKED(PLACE "3", "2000000") },
	    { .text = GOT("202", PLACE "3", "0-1999999") },
	    { .text = GOT("202", PLACE "3", "0-3999999") },
	    { .text = GOT("202", PLACE "3", "0-5242879") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE
	  "PUT " PLACE "1?digest=D +5242880\n"
	  "DELETE " PLACE "1\n" POST_LINE "PATCH " PLACE "2 0-4194303 +4194304\n"
	  "DELETE " PLACE "2\n" POST_LINE "PATCH " PLACE "3 0-1999999 +2000000\n"
	  "PATCH " PLACE "3 2000000-3999999 +2000000\n"
	  "PATCH " PLACE "3 4000000-5242879 +1242880\n"
	  "PUT " PLACE "3?digest=D\n",
	  .opened = { 0, 0, 0 },
	  .opened_count = 3 },
};

void test_push_broken__chunks(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++)
		play(&chunks[i]);
}

/* --- going on -------------------------------------------------------------------------------- */

/* HEAD comes after a last request that broke off: its answer may be all that was lost. */
static const struct story resumed[] = {
	{ "the rest of a broken PUT",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = ABSENT },
	    { .text = GOT("204", PLACE "1?s=b", "0-599") },
	    { .text = GOT("202", PLACE "1?s=c", "0-999") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE "1\n"
			      "PATCH " PLACE "1?s=b 600-999 +400\n"
			      "PUT " PLACE "1?s=c&digest=D\n",
	  .opened = { 0, 600 },
	  .opened_count = 2 },
	{ "the registry asks for time",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { .text = "HTTP/1.1 503 X\r\nRetry-After: 0\r\n" EMPTY },
	    { .text = ABSENT },
	    { .text = GOT("204", PLACE "1", "0-599") },
	    { .text = "HTTP/1.1 429 X\r\nRetry-After: 0\r\n" EMPTY },
	    { .text = GOT("204", PLACE "1", "0-699") },
	    { .text = GOT("202", PLACE "1", "0-999") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE "1\n"
			      "PATCH " PLACE "1 600-999 +400\n"
			      "GET " PLACE "1\n"
			      "PATCH " PLACE "1 700-999 +300\n"
			      "PUT " PLACE "1?digest=D\n",
	  .opened = { 0, 600, 700 },
	  .opened_count = 3 },
	{ "all had come, but for the end",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = ABSENT },
	    { .text = GOT("204", PLACE "1", "0-999") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE "1\n"
			      "PUT " PLACE "1?digest=D\n",
	  .opened_count = 1 },
	{ "only the answer was lost",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = "HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n" } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE,
	  .opened_count = 1 },
	{ "the session is gone, the blob is there",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { .text = "HTTP/1.1 404 X\r\n" EMPTY },
	    { .text = "HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n" } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE,
	  .opened_count = 1 },
	{ "anew, where the session is forgotten",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = ABSENT },
	    { .text = "HTTP/1.1 404 X\r\n" EMPTY },
	    { .text = BEGUN(PLACE "2") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE
			      "1\n" POST_LINE "PUT " PLACE "2?digest=D +1000\n",
	  .opened_count = 2 },
	{ "anew, where the registry has nothing to say",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = ABSENT },
	    { .text = "HTTP/1.1 405 X\r\n" EMPTY },
	    { .text = "HTTP/1.1 405 X\r\n" EMPTY },
	    { .text = BEGUN(PLACE "2") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE "1\n"
			      "DELETE " PLACE "1\n" POST_LINE "PUT " PLACE "2?digest=D +1000\n",
	  .opened_count = 2 },
	/* distribution says 0-0 of nothing */
	{ "anew, where nothing had come",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = ABSENT },
	    { .text = GOT("204", PLACE "1?s=b", "0-0") },
	    { .text = "HTTP/1.1 204 X\r\n\r\n" },
	    { .text = BEGUN(PLACE "2") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE "1\n"
			      "DELETE " PLACE "1?s=b\n" POST_LINE "PUT " PLACE "2?digest=D +1000\n",
	  .opened_count = 2 },
	{ "416: where it says",
	  20 * MIB,
	  { { .text = ABSENT },
	    { .text = CHUNKED(PLACE "1", "1") },
	    { .text = GOT("202", PLACE "1", "0-16777215") },
	    { .text = ELSEWHERE },
	    { .text = GOT("204", PLACE "1", "0-16777299") },
	    { .text = GOT("202", PLACE "1", "0-20971519") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PATCH " PLACE "1 0-16777215 +16777216\n"
			      "PATCH " PLACE "1 16777216-20971519 +4194304\n"
			      "GET " PLACE "1\n"
			      "PATCH " PLACE "1 16777300-20971519 +4194220\n"
			      "PUT " PLACE "1?digest=D\n",
	  .opened = { 0, 16777300 },
	  .opened_count = 2 },
	{ "a chunk of which only a part was taken",
	  20 * MIB,
	  { { .text = ABSENT },
	    { .text = CHUNKED(PLACE "1", "1") },
	    { .text = GOT("202", PLACE "1", "0-9999999") },
	    { .text = GOT("204", PLACE "1", "0-9999999") },
	    { .text = GOT("202", PLACE "1", "0-20971519") },
	    { .text = CREATED } },
	  HEAD_LINE POST_LINE "PATCH " PLACE "1 0-16777215 +16777216\n"
			      "GET " PLACE "1\n"
			      "PATCH " PLACE "1 10000000-20971519 +10971520\n"
			      "PUT " PLACE "1?digest=D\n",
	  .opened = { 0, 10000000 },
	  .opened_count = 2 },
};

void test_push_broken__goes_on(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(resumed); i++)
		play(&resumed[i]);
}

/* --- and ends -------------------------------------------------------------------------------- */

static const struct story ends[] = {
	{ "more than was sent",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = ABSENT },
	    { .text = GOT("204", PLACE "1", "0-1000") },
	    { .text = ABSENT } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE "1\n"
			      "DELETE " PLACE "1\n",
	  ERR_DAMAGED,
	  "has got 1001 bytes of 1000",
	  .opened_count = 1 },
	{ "a range that is none",
	  20 * MIB,
	  { { .text = ABSENT },
	    { .text = CHUNKED(PLACE "1", "1") },
	    { .text = GOT("202", PLACE "1", "5-16777215") },
	    { .text = ABSENT } },
	  HEAD_LINE POST_LINE "PATCH " PLACE "1 0-16777215 +16777216\n"
			      "DELETE " PLACE "1\n",
	  ERR_DAMAGED,
	  "range '5-16777215'",
	  .opened_count = 1 },
	{ "more than the chunk",
	  20 * MIB,
	  { { .text = ABSENT },
	    { .text = CHUNKED(PLACE "1", "1") },
	    { .text = GOT("202", PLACE "1", "0-16777216") },
	    { .text = ABSENT } },
	  HEAD_LINE POST_LINE "PATCH " PLACE "1 0-16777215 +16777216\n"
			      "DELETE " PLACE "1\n",
	  ERR_DAMAGED,
	  "has got 16777217 bytes",
	  .opened_count = 1 },
	{ "permission goes away",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { CUT },
	    { .text = ABSENT },
	    { .text = "HTTP/1.1 403 X\r\n" EMPTY } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n" HEAD_LINE "GET " PLACE "1\n"
			      "DELETE " PLACE "1\n",
	  ERR_DENIED,
	  "forbidden",
	  .opened_count = 1 },
	{ "a wait that is too long",
	  1000,
	  { { .text = ABSENT },
	    { .text = BEGUN(PLACE "1") },
	    { .text = "HTTP/1.1 503 X\r\nRetry-After: 3600\r\n" EMPTY } },
	  HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +1000\n"
			      "DELETE " PLACE "1\n",
	  ERR_BUSY,
	  "try again in 3600 s",
	  .opened_count = 1 },
};

void test_push_broken__ends(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		play(&ends[i]);
}

/* Whatever a registry repeats, it is left after a while. */
void test_push_broken__circles_are_left(void)
{
	static const struct {
		const char *name;
		struct server_step again; /* to everything after the POST */
		enum err_kind kind;
	} rows[] = {
		{ "416", { .text = GOT("416", PLACE "1", "0-599") }, ERR_DAMAGED },
		{ "404", { .text = ABSENT }, ERR_NOT_FOUND },
		{ "cut", { CUT }, ERR_NETWORK },
		{ "503", { .text = "HTTP/1.1 503 X\r\nRetry-After: 0\r\n" EMPTY }, ERR_BUSY },
		{ "202", { .text = GOT("202", PLACE "1", "0-599") }, ERR_DAMAGED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = BEGUN(PLACE "1") },
						     rows[i].again };
		struct pushing _pushing_ p;

		pushing_init(&p, 1000, steps, ARRAY_SIZE(steps));
		CU_ASSERT(pushing_put(&p) < 0);
		CU_ASSERT(asking_has(rows[i].name, err_class(p.a.err.kind)->name,
				     err_class(rows[i].kind)->name));
		CU_ASSERT(server_request_count(p.a.server) < 40);
	}
}

/* Sessions that are forgotten again and again. */
void test_push_broken__forgetful_registries_are_left(void)
{
	struct server_step steps[46] = { { .text = ABSENT } };
	struct pushing _pushing_ p;

	for (size_t i = 1; i < ARRAY_SIZE(steps); i += 3) {
		steps[i].text = BEGUN(PLACE "1");
		steps[i + 1].text = ABSENT; /* the PUT */
		steps[i + 2].text = ABSENT; /* the HEAD */
	}
	pushing_init(&p, 1000, steps, ARRAY_SIZE(steps));
	CU_ASSERT(pushing_put(&p) < 0);
	CU_ASSERT_EQUAL(p.a.err.kind, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(p.opened_count, 5);
}

/* Progress of a few bytes at a time. */
void test_push_broken__slow_circles_are_left(void)
{
	struct server_step steps[64] = { { .text = ABSENT }, { .text = CHUNKED(PLACE "1", "1") } };
	char *answers[64] = { 0 };
	struct pushing _pushing_ p;

	for (size_t i = 2; i < ARRAY_SIZE(steps); i++) {
		answers[i] = xasprintf(GOT("202", PLACE "1", "0-%zu"), i * 1000);
		steps[i].text = answers[i];
	}
	pushing_init(&p, 20 * MIB, steps, ARRAY_SIZE(steps));
	CU_ASSERT(pushing_put(&p) < 0);
	CU_ASSERT_EQUAL(p.a.err.kind, ERR_CHANGED);
	CU_ASSERT(server_request_count(p.a.server) < 15);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		free(answers[i]);
}

/* --- sources --------------------------------------------------------------------------------- */

/* What is wrong is never sent whole, and not the registry's fault: no retries. */
void test_push_broken__sources(void)
{
	static const struct {
		enum source_kind source;
		enum err_kind kind;
		const char *message;
		size_t opened;
	} rows[] = {
		{ SOURCE_GOOD, ERR_NONE, "", 1 },
		{ SOURCE_SHORT, ERR_DAMAGED, "ends before the promised 100000 bytes", 1 },
		{ SOURCE_LONG, ERR_DAMAGED, "goes on after the promised 100000 bytes", 1 },
		{ SOURCE_LIES, ERR_DAMAGED, "not what it should be", 1 },
		{ SOURCE_BREAKS, ERR_NETWORK, "the other registry went away", 1 },
		{ SOURCE_SHUT, ERR_TIMEOUT, "no source today", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = BEGUN(PLACE "1") },
						     { .text = CREATED } };
		struct pushing _pushing_ p;

		pushing_init(&p, 100000, steps, ARRAY_SIZE(steps));
		p.source = rows[i].source;
		CU_ASSERT_EQUAL(pushing_put(&p) < 0, rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(p.a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has("source", p.a.err.msg, rows[i].message));
		CU_ASSERT_EQUAL(p.opened_count, rows[i].opened);
		if (rows[i].kind == ERR_NONE)
			continue;
		CU_ASSERT(p.moved < 100000);
		/* The PUT never came whole, so the script has no record of it. */
		CU_ASSERT(pushing_asked(&p, "source", HEAD_LINE POST_LINE "DELETE " PLACE "1\n"));
	}
}

void test_push_broken__cancelled(void)
{
	const struct server_step steps[] = { { .text = ABSENT } };
	struct pushing _pushing_ p;

	pushing_init(&p, 3, steps, 1);
	op_cancel(&p.a.op);
	CU_ASSERT_EQUAL(pushing_put(&p), -ECANCELED);
	CU_ASSERT_EQUAL(server_request_count(p.a.server), 0);
}

void test_push_broken__unknown_digests_are_not_sent(void)
{
	const struct server_step steps[] = { { .text = ABSENT } };
	struct pushing _pushing_ p;

	pushing_init(&p, 3, steps, 1);
	p.d.digest.alg = DIGEST_NONE;
	CU_ASSERT(pushing_put(&p) < 0);
	CU_ASSERT_EQUAL(p.a.err.kind, ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(server_request_count(p.a.server), 0);
}
