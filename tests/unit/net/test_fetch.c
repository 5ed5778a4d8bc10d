/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, retries, challenges: what a registry may say to a request. */
#include "tests/unit/net/fetching.h"

#include <CUnit/CUnit.h>

#define EMPTY "Content-Length: 0\r\n\r\n"
#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

void test_fetch__an_answer(void)
{
	static const struct server_step steps[] = { { .text = OK } };
	const struct http_header accept = { "Accept", "a/b" };
	const struct fetch_config config = fetching_config();
	_buf_ struct buf body = BUF_INIT(10);
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 1);
	CU_ASSERT_EQUAL_FATAL(fetching_send(&f, (struct fetch_request){ .path = "/v2/?n=1",
									.headers = &accept,
									.header_count = 1 }),
			      0);
	CU_ASSERT_EQUAL(http_response_read(f.res, &body, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&body), "ok");
	CU_ASSERT_TRUE(fetching_saw(f.server, 0, "GET /v2/?n=1 HTTP/1.1\r\n"));
	CU_ASSERT_TRUE(fetching_saw(f.server, 0, "\r\nAccept: a/b\r\n"));
	CU_ASSERT_FALSE(fetching_saw(f.server, 0, "Authorization"));
	CU_ASSERT_STRING_EQUAL(f.notes, "");
}

void test_fetch__refusals(void)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 62\r\n\r\n"
		  "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"no such name\"}]}\n",
		  ERR_NOT_FOUND, "not found (404): NAME_UNKNOWN: no such name" },
		{ "HTTP/1.1 403 Forbidden\r\n" EMPTY, ERR_DENIED, "no such repository" },
		{ "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbad\n",
		  ERR_FAILED, "bad request (400): bad" },
		{ "HTTP/1.1 418 Teapot\r\n" EMPTY, ERR_FAILED, "status 418" },
		{ "HTTP/1.1 304 Not Modified\r\n\r\n", ERR_FAILED, "status 304" },
		{ "HTTP/1.1 405 No\r\n" EMPTY, ERR_UNSUPPORTED, "method not allowed" },
		{ "HTTP/1.1 429 Slow down\r\nRetry-After: 3600\r\nRateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: 0;w=21600\r\n" EMPTY,
		  ERR_BUSY, "the limit is 100 in 6 h; left 0 in 6 h; try again in 3600 s" },
		{ "HTTP/1.1 501 No\r\n" EMPTY, ERR_UNSUPPORTED, "not implemented" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = rows[i].answer };
		const struct fetch_config config = fetching_config();
		_fetching_ struct fetching f;

		fetching_init(&f, &config);
		f.server = server_start(&step, 1);
		CU_ASSERT_TRUE(fetching_send(&f, (struct fetch_request){
							 .path = "/v2/x?secret=1",
							 .scope = "repository:x:pull" }) < 0);
		CU_ASSERT_TRUE(row_err(rows[i].answer, &f.err, rows[i].kind, rows[i].text));
		CU_ASSERT_PTR_NOT_NULL(strstr(f.err.msg, "/v2/x: "));
		CU_ASSERT_PTR_NULL(strstr(f.err.msg, "secret"));
		CU_ASSERT_EQUAL(server_request_count(f.server), 1);
	}
}

/* Two refusals in a row: the words are those of the last. */
void test_fetch__the_last_refusal_is_told(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 500 No\r\nContent-Length: 36\r\n\r\n{\"errors\":[{\"message\":\"the first\"}]}" },
		{ .text = "HTTP/1.1 404 No\r\nContent-Length: 37\r\n\r\n{\"errors\":[{\"message\":\"the second\"}]}" },
	};
	const struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 2);
	CU_ASSERT_TRUE(fetching_get(&f, "/") < 0);
	CU_ASSERT_TRUE(row_err("second", &f.err, ERR_NOT_FOUND, "(404): the second"));
	CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "(500): the first; trying again"));
}

void test_fetch__416_is_for_the_caller(void)
{
	static const struct server_step steps[] = { { .text = "HTTP/1.1 416 Range\r\n" EMPTY } };
	const struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 1);
	CU_ASSERT_EQUAL_FATAL(fetching_get(&f, "/"), 0);
	CU_ASSERT_EQUAL(http_response_status(f.res), 416);
}

/*
 * --- retries
 * --------------------------------------------------------------------------------------
 */

void test_fetch__what_may_pass_is_tried_again(void)
{
	static const struct {
		const char *method;
		struct server_step first;
		bool again;
	} rows[] = {
		{ "GET", { .text = "HTTP/1.1 503 No\r\n" EMPTY }, true },
		{ "GET", { .text = "HTTP/1.1 500 No\r\n" EMPTY }, true },
		{ "GET", { .text = "HTTP/1.1 502 No\r\n" EMPTY }, true },
		{ "GET", { .text = "HTTP/1.1 504 No\r\n" EMPTY }, true },
		{ "GET", { .text = "HTTP/1.1 408 No\r\n" EMPTY }, true },
		{ "GET", { .text = "HTTP/1.1 429 No\r\nRetry-After: 0\r\n" EMPTY }, true },
		{ "GET",
		  { .text = "HTTP/1.1 429 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n" EMPTY },
		  true },
		{ "GET", { .end = SERVER_CLOSE }, true },
		{ "GET", { .end = SERVER_RESET }, true },
		{ "GET", { .text = "HTTP/1.1 200 OK\r\n", .end = SERVER_CLOSE }, true },
		{ "HEAD", { .text = "HTTP/1.1 503 No\r\n" EMPTY }, true },
		{ "PUT", { .text = "HTTP/1.1 503 No\r\n" EMPTY }, true },
		{ "DELETE", { .text = "HTTP/1.1 503 No\r\n" EMPTY }, true },
		{ "POST", { .text = "HTTP/1.1 429 No\r\n" EMPTY }, true },
		{ "POST", { .text = "HTTP/1.1 503 No\r\n" EMPTY }, false },
		{ "PATCH", { .text = "HTTP/1.1 500 No\r\n" EMPTY }, false },
		{ "PATCH", { .end = SERVER_RESET }, false },
		{ "GET", { .text = "HTTP/1.1 404 No\r\n" EMPTY }, false },
		{ "GET", { .text = "garbage\r\n\r\n", .end = SERVER_CLOSE }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { rows[i].first,
						     { .text = "HTTP/1.1 200 OK\r\n" EMPTY } };
		const struct fetch_config config = fetching_config();
		_fetching_ struct fetching f;

		fetching_init(&f, &config);
		f.server = server_start(steps, 2);
		const int rc = fetching_send(&f, (struct fetch_request){ .method = rows[i].method,
									 .path = "/" });

		CU_ASSERT_TRUE(row_int(rows[i].first.text ? rows[i].first.text : "no text",
				       "requests", rows[i].again ? 2 : 1,
				       (long long)server_request_count(f.server)));
		CU_ASSERT_EQUAL(rc == 0, rows[i].again);
		CU_ASSERT_EQUAL(strstr(f.notes, "trying again") != NULL, rows[i].again);
	}
}

void test_fetch__tries_have_an_end(void)
{
	static const struct server_step steps[] = { { .text = "HTTP/1.1 503 No\r\n" EMPTY } };
	const struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 1);
	CU_ASSERT_TRUE(fetching_get(&f, "/") < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_BUSY);
	CU_ASSERT_EQUAL(server_request_count(f.server), 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "(2 of 2)"));
}

/* --- streamed bodies ---------------------------------------------------------------------------- */

/* fetch_stream's open; `arg` counts. */
static int open_abc(void *arg, struct source **ret, struct err *err)
{
	(void)err;
	++*(int *)arg;
	*ret = source_mem("abc", 3);
	return 0;
}

static int send_stream(struct fetching *f, struct fetch_request req, int *opened)
{
	const struct fetch_stream stream = { open_abc, opened };

	req.path = "/";
	req.body_stream = &stream;
	req.body_len = 3;
	return fetching_send(f, req);
}

/* After answers that say that nothing was taken. */
void test_fetch__a_streamed_body_is_made_again(void)
{
	static const struct {
		const char *first;
		int opened;
	} rows[] = {
		{ "HTTP/1.1 429 No\r\nRetry-After: 0\r\n" EMPTY, 2 },
		{ "HTTP/1.1 307 No\r\nLocation: /there\r\n" EMPTY, 2 },
		{ "HTTP/1.1 308 No\r\nLocation: /there\r\n" EMPTY, 2 },
		{ "HTTP/1.1 201 Yes\r\n" EMPTY, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { { .text = rows[i].first },
						     { .text = "HTTP/1.1 201 Yes\r\n" EMPTY } };
		const struct fetch_config config = fetching_config();
		_fetching_ struct fetching f;
		int opened = 0;

		fetching_init(&f, &config);
		f.server = server_start(steps, 2);
		CU_ASSERT_EQUAL(send_stream(&f, (struct fetch_request){ .method = "PUT" }, &opened),
				0);
		CU_ASSERT_EQUAL(opened, rows[i].opened);
		CU_ASSERT_EQUAL(server_request_count(f.server), (size_t)rows[i].opened);
		CU_ASSERT_TRUE(fetching_saw(f.server, (size_t)opened - 1, "\r\n\r\nabc"));
	}
}

/* How much of it was taken is for the caller to ask; it learns why and when. */
void test_fetch__a_streamed_body_that_broke_off_is_the_callers(void)
{
	static const struct {
		struct server_step step;
		unsigned status;
		bool may_pass;
		int64_t asked_ms;
	} rows[] = {
		{ { .end = SERVER_CLOSE }, 0, true, -1 },
		{ { .text = "HTTP/1.1 503 No\r\nRetry-After: 2\r\n" EMPTY }, 503, true, 2000 },
		{ { .text = "HTTP/1.1 404 No\r\n" EMPTY }, 404, false, -1 },
		{ { .text = "HTTP/1.1 413 No\r\n" EMPTY }, 413, false, -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct fetch_config config = fetching_config();
		struct fetch_refusal refusal = { .status = 99 };
		_fetching_ struct fetching f;
		int opened = 0;

		fetching_init(&f, &config);
		f.server = server_start(&rows[i].step, 1);
		CU_ASSERT_TRUE(send_stream(&f,
					   (struct fetch_request){ .method = "PATCH",
								   .refusal = &refusal },
					   &opened) < 0);
		CU_ASSERT_EQUAL(opened, 1);
		CU_ASSERT_EQUAL(refusal.status, rows[i].status);
		CU_ASSERT_EQUAL(refusal.may_pass, rows[i].may_pass);
		CU_ASSERT_EQUAL(refusal.asked_ms, rows[i].asked_ms);
	}
}

void test_fetch__repeatable_and_once(void)
{
	static const struct server_step steps[] = { { .text = "HTTP/1.1 502 No\r\n" EMPTY } };
	static const struct {
		struct fetch_request req;
		size_t tries;
	} rows[] = {
		{ { .method = "POST", .path = "/" }, 1 },
		{ { .method = "POST", .path = "/", .is_repeatable = true }, 3 },
		{ { .method = "DELETE", .path = "/" }, 3 },
		{ { .method = "DELETE", .path = "/", .is_once = true }, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct fetch_config config = fetching_config();
		_fetching_ struct fetching f;

		fetching_init(&f, &config);
		f.server = server_start(steps, 1);
		CU_ASSERT_TRUE(fetching_send(&f, rows[i].req) < 0);
		CU_ASSERT_EQUAL(server_request_count(f.server), rows[i].tries);
	}
}

void test_fetch__cancelled_before_another_try(void)
{
	static const struct server_step steps[] = { { .text = "HTTP/1.1 503 No\r\n" EMPTY } };
	struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 1);
	op_cancel(&f.op);
	CU_ASSERT_EQUAL(fetching_get(&f, "/"), -ECANCELED);
	CU_ASSERT_EQUAL(server_request_count(f.server), 0);
}

/*
 * --- warnings
 * -------------------------------------------------------------------------------------
 */

void test_fetch__warnings_are_passed_on_once(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 200 OK\r\nWarning: 299 - \"old \x1b[31m\"\r\nWarning: 110 - \"stale\"\r\n" EMPTY },
		{ .text = "HTTP/1.1 200 OK\r\nWarning: 299 - \"old \x1b[31m\", 299 - \"new\"\r\n" EMPTY },
	};
	const struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;
	_free_ char *want = NULL;

	fetching_init(&f, &config);
	f.server = server_start(steps, 2);
	CU_ASSERT_EQUAL(fetching_get(&f, "/"), 0);
	CU_ASSERT_EQUAL(fetching_get(&f, "/"), 0);
	want = xasprintf("%s: warning: old \\x1b[31m\n%s: warning: new\n", server_host(f.server),
			 server_host(f.server));
	CU_ASSERT_STRING_EQUAL(f.notes, want);
}

/*
 * --- challenges
 * -----------------------------------------------------------------------------------
 */

#define BASIC_401 "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n" EMPTY

static struct fetch_config with_creds(void)
{
	struct fetch_config config = fetching_config();

	config.creds = "user:pass";
	return config;
}

void test_fetch__basic_credentials(void)
{
	static const struct server_step steps[] = { { .text = BASIC_401 }, { .text = OK } };
	const struct fetch_config config = with_creds();
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 2);
	CU_ASSERT_EQUAL(fetching_get(&f, "/"), 0);
	CU_ASSERT_EQUAL(fetching_get(&f, "/"), 0);
	CU_ASSERT_FALSE(fetching_saw(f.server, 0, "Authorization"));
	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));
	/* From then on without being asked. */
	CU_ASSERT_TRUE(fetching_saw(f.server, 2, "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));
	CU_ASSERT_EQUAL(server_request_count(f.server), 3);
	CU_ASSERT_EQUAL(server_connection_count(f.server), 1);
}

void test_fetch__challenges_have_an_end(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 58\r\n\r\n"
			  "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"go away\"}]}  " },
	};
	const struct fetch_config configs[] = { fetching_config(), with_creds() };

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		_fetching_ struct fetching f;

		fetching_init(&f, &configs[i]);
		f.server = server_start(steps, 1);
		CU_ASSERT_TRUE(fetching_get(&f, "/v2/") < 0);
		CU_ASSERT_TRUE(row_err("401", &f.err, ERR_AUTH,
				       "unauthorized (401): UNAUTHORIZED: go away; registry "));
		CU_ASSERT_PTR_NOT_NULL(strstr(f.err.hint, "img login"));
		CU_ASSERT_EQUAL(server_request_count(f.server), 1 + i);
	}
}

void test_fetch__anonymous_means_without_credentials(void)
{
	static const struct server_step steps[] = { { .text = BASIC_401 }, { .text = OK } };
	const struct fetch_config config = with_creds();
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 2);
	CU_ASSERT_TRUE(fetching_send(&f, (struct fetch_request){ .path = "/", .anonymous = true }) <
		       0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_AUTH);
	CU_ASSERT_EQUAL(server_request_count(f.server), 1);
}

/* Starts f->other as a token server, f->server as a registry that names it. */
static char *start_registry(struct fetching *f, struct server_step steps[2],
			    const struct server_step *token, size_t count)
{
	char *challenge;

	f->other = server_start(token, count);
	challenge =
		xasprintf("HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"http://%s/token\","
			  "service=\"s\",scope=\"repository:x:pull\"\r\n" EMPTY,
			  server_host(f->other));
	steps[0] = (struct server_step){ .text = challenge };
	steps[1] = (struct server_step){ .text = OK };
	f->server = server_start(steps, 2);
	return challenge;
}

void test_fetch__tokens(void)
{
	static const struct server_step token[] = {
		{ .text = "HTTP/1.1 503 No\r\n" EMPTY },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"token\":\"abc\"}" },
	};
	const struct fetch_config config = with_creds();
	struct server_step steps[2];
	_free_ char *challenge = NULL;
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	challenge = start_registry(&f, steps, token, 2);
	CU_ASSERT_EQUAL_FATAL(fetching_send(&f,
					    (struct fetch_request){ .path = "/v2/x/manifests/1",
								    .scope = "repository:x:pull" }),
			      0);
	CU_ASSERT_TRUE(fetching_saw(f.other, 1, "GET /token?service=s&scope="));
	CU_ASSERT_TRUE(fetching_saw(f.other, 1, "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));
	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "\r\nAuthorization: Bearer abc\r\n"));
	CU_ASSERT_EQUAL(server_request_count(f.other), 2);
	CU_ASSERT_EQUAL(server_request_count(f.server), 2);
}

/*
 * A token server that is down is tried as often as anything else, not as often again for each try.
 */
void test_fetch__tries_do_not_multiply(void)
{
	static const struct server_step token[] = { { .end = SERVER_RESET } };
	const struct fetch_config config = with_creds();
	struct server_step steps[2];
	_free_ char *challenge = NULL;
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	challenge = start_registry(&f, steps, token, 1);
	CU_ASSERT_TRUE(fetching_get(&f, "/v2/") < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_NETWORK);
	CU_ASSERT_EQUAL(server_request_count(f.other), 3);
	CU_ASSERT_EQUAL(server_request_count(f.server), 1);
}

void test_fetch__a_token_without_end(void)
{
	static const struct server_step token[] = {
		{ .text = "HTTP/1.1 200 OK\r\n\r\n{\"token\":\"", .flood = "aaaaaaaaaaaaaaaa" },
	};
	const struct fetch_config config = with_creds();
	struct server_step steps[2];
	_free_ char *challenge = NULL;
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	challenge = start_registry(&f, steps, token, 1);
	CU_ASSERT_TRUE(fetching_get(&f, "/v2/") < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_LIMIT);
}
