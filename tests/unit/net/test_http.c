/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a server that says what the row says. */
#include "tests/unit/net/http_fixture.h"

#include <CUnit/CUnit.h>
#include <pthread.h>

void test_http__a_request_and_its_answer(void)
{
	static const struct server_step steps[] = {
		{ .text = OK_HEAD
		  "Content-Length: 5\r\nX-One: a\r\nx-one:  b \r\nEmpty:\r\n\r\nhello" },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);
	_buf_ struct buf body = BUF_INIT(100);
	const struct http_header headers[] = { { "Accept", "a/b" }, { "X-Empty", "" } };

	CU_ASSERT_EQUAL_FATAL(
		fixture_send(&f, (struct http_request){ .headers = headers, .header_count = 2 }),
		0);
	CU_ASSERT_EQUAL(http_response_status(f.res), 200);
	CU_ASSERT_EQUAL(http_response_length(f.res), 5);
	CU_ASSERT_STRING_EQUAL(http_response_header(f.res, "X-ONE"), "a");
	CU_ASSERT_STRING_EQUAL(http_response_header_at(f.res, "X-One", 1), "b");
	CU_ASSERT_PTR_NULL(http_response_header_at(f.res, "X-One", 2));
	CU_ASSERT_STRING_EQUAL(http_response_header(f.res, "empty"), "");
	CU_ASSERT_EQUAL(http_response_read(f.res, &body, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&body), "hello");

	const char *request = server_request(f.server, 0);

	CU_ASSERT_PTR_NOT_NULL(strstr(request, "GET /x?y=z HTTP/1.1\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nAccept: a/b\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nX-Empty:\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nUser-Agent: img/"));
	CU_ASSERT_PTR_NULL(strcasestr(request, "Accept-Encoding"));
	CU_ASSERT_PTR_NULL(strcasestr(request, "Expect"));
}

void test_http__connections_are_kept(void)
{
	static const struct server_step steps[] = {
		{ .text = OK_HEAD "Content-Length: 5\r\n\r\nhello" },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);

	for (int i = 0; i < 5; i++) {
		_buf_ struct buf body = BUF_INIT(100);

		CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
		/*
		 * Every other body is read, the others are short enough to have come with the head.
		 */
		if (i % 2)
			CU_ASSERT_EQUAL(http_response_read(f.res, &body, &f.err), 0);
	}
	CU_ASSERT_EQUAL(server_request_count(f.server), 5);
	CU_ASSERT_EQUAL(server_connection_count(f.server), 1);
}

void test_http__an_unread_body_costs_its_connection_only(void)
{
	static const struct server_step steps[] = {
		{ .text = OK_HEAD "Content-Length: 100000000\r\n\r\n", .fill_bytes = 100000000 },
		{ .text = OK_HEAD "Content-Length: 2\r\n\r\nok" },
	};
	_fixture_ struct fixture f = fixture_make(steps, 2);

	CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
	CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
	CU_ASSERT_EQUAL(http_response_length(f.res), 2);
	CU_ASSERT_EQUAL(server_connection_count(f.server), 2);
}

void test_http__large_bodies_come_whole(void)
{
	static const uint64_t size = 50000001;
	static const struct server_step steps[] = {
		{ .text = OK_HEAD "Content-Length: 50000001\r\n\r\n", .fill_bytes = 50000001 },
		{ .text = OK_HEAD "Connection: close\r\n\r\n",
		  .fill_bytes = 50000001,
		  .end = SERVER_CLOSE },
	};
	_fixture_ struct fixture f = fixture_make(steps, 2);

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
		CU_ASSERT_EQUAL(fixture_drain(&f, 0), (int64_t)size);
		/* The end stays the end. */
		CU_ASSERT_EQUAL(fixture_drain(&f, 0), 0);
	}
}

void test_http__chunks_and_trailers(void)
{
	static const struct server_step steps[] = {
		{ .text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
				  "X-Trailer: late\r\nHTTP/9: odd\r\n\r\n" },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);
	_buf_ struct buf body = BUF_INIT(100);

	CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
	CU_ASSERT_EQUAL(http_response_read(f.res, &body, &f.err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&body), "abcde");
	CU_ASSERT_EQUAL(http_response_status(f.res), 200);
	CU_ASSERT_PTR_NULL(http_response_header(f.res, "X-Trailer"));
}

void test_http__answers_before_the_answer_are_skipped(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n" },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);

	CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
	CU_ASSERT_EQUAL(http_response_status(f.res), 204);
	CU_ASSERT_PTR_NULL(http_response_header(f.res, "Link"));
	CU_ASSERT_STRING_EQUAL(http_response_header(f.res, "X"), "y");
	CU_ASSERT_EQUAL(fixture_drain(&f, 0), 0);
}

void test_http__methods_and_bodies(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n" }
	};
	static const struct {
		const char *method, *body, *head, *length;
	} rows[] = {
		{ "POST", NULL, "POST /x?y=z HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
		{ "POST", "a=b", "POST /x?y=z HTTP/1.1\r\n", "\r\nContent-Length: 3\r\n" },
		{ "PUT", "hello", "PUT /x?y=z HTTP/1.1\r\n", "\r\nContent-Length: 5\r\n" },
		{ "PUT", NULL, "PUT /x?y=z HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
		{ "PATCH", "chunk", "PATCH /x?y=z HTTP/1.1\r\n", "\r\nContent-Length: 5\r\n" },
		{ "DELETE", NULL, "DELETE /x?y=z HTTP/1.1\r\n", NULL },
		{ "HEAD", NULL, "HEAD /x?y=z HTTP/1.1\r\n", NULL },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct http_request req = { .method = rows[i].method,
						  .body = rows[i].body,
						  .body_len = rows[i].body ? strlen(rows[i].body)
									   : 0 };

		CU_ASSERT_EQUAL_FATAL(fixture_send(&f, req), 0);
		CU_ASSERT_EQUAL(http_response_status(f.res), 201);
		const char *seen = server_request(f.server, i);
		const char *end = strstr(seen, "\r\n\r\n");

		CU_ASSERT_EQUAL(strncmp(seen, rows[i].head, strlen(rows[i].head)), 0);
		CU_ASSERT_TRUE(rows[i].length ? strstr(seen, rows[i].length) != NULL
					      : strcasestr(seen, "Content-Length") == NULL);
		CU_ASSERT_STRING_EQUAL(end ? end + 4 : "?", rows[i].body ? rows[i].body : "");
	}
	CU_ASSERT_EQUAL(server_connection_count(f.server), 1);
}

/*
 * Large enough for libcurl to ask whether it may: a server that doesn't know of that costs a
 * second.
 */
void test_http__large_bodies_are_sent_unasked(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n" },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);
	const size_t len = (size_t)2 << 20;
	_free_ char *body = xcalloc(len, 1);

	memset(body, 'b', len);
	CU_ASSERT_EQUAL_FATAL(fixture_send(&f, (struct http_request){ .method = "PUT",
								      .body = body,
								      .body_len = len }),
			      0);
	const char *seen = server_request(f.server, 0);
	const char *end = strstr(seen, "\r\n\r\n");

	CU_ASSERT_PTR_NULL(strcasestr(seen, "\r\nExpect"));
	CU_ASSERT_TRUE(end && strlen(end + 4) == len && memcmp(end + 4, body, len) == 0);
}

void test_http__streamed_uploads(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n" }
	};
	static const char text[] = "0123456789";
	static const struct {
		size_t promised;
		int rc;
	} rows[] = { { 10, 0 }, { 11, -EBADMSG }, { 9, -EBADMSG } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_fixture_ struct fixture f = fixture_make(steps, 1);
		struct source *a = source_concat(source_mem(text, 4), source_mem(text + 4, 6));
		const int rc =
			fixture_send(&f, (struct http_request){ .method = "PUT",
								.body_source = a,
								.body_len = rows[i].promised });

		CU_ASSERT_EQUAL(rc, rows[i].rc);
		CU_ASSERT_PTR_NOT_NULL(
			rc ? strstr(f.err.msg, "the body to send")
			   : strstr(server_request(f.server, 0), "\r\n\r\n0123456789"));
	}
}

/* A kept connection that the server has closed meanwhile: the body is sent again on another. */
void test_http__a_dead_connection_is_replaced(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .end = SERVER_CLOSE },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);

	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fixture_send(&f, (struct http_request){ .method = "PUT",
									.body = "again",
									.body_len = 5 }),
				0);
	CU_ASSERT_EQUAL(server_request_count(f.server), 3);
}

static void *cancel_when_asked(void *arg)
{
	struct fixture *f = arg;

	/* The server has the request: from then on only the cancellation ends the wait. */
	while (!server_request_count(f->server))
		usleep(1000);
	op_cancel(&f->op);
	return NULL;
}

void test_http__cancelled_while_waiting(void)
{
	static const struct server_step steps[] = { { .end = SERVER_STALL } };
	_fixture_ struct fixture f = fixture_make(steps, 1);
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel_when_asked, &f), 0);
	CU_ASSERT_EQUAL(fixture_get(&f), -ECANCELED);
	CU_ASSERT_EQUAL(f.err.kind, ERR_CANCELLED);
	pthread_join(thread, NULL);
}

void test_http__cancelled_in_a_body(void)
{
	static const struct server_step steps[] = { { .text = OK_HEAD "Content-Length: 9\r\n\r\n1",
						      .end = SERVER_STALL } };
	_fixture_ struct fixture f = fixture_make(steps, 1);
	const uint8_t *data;

	CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
	CU_ASSERT_EQUAL(source_next(http_response_body(f.res), &data, &f.err), 1);
	op_cancel(&f.op);
	CU_ASSERT_EQUAL(source_next(http_response_body(f.res), &data, &f.err), -ECANCELED);
}

struct parallel {
	struct fixture *f;
	int64_t bytes;
	pthread_t thread;
};

static void *one_of_many(void *arg)
{
	struct parallel *p = arg;
	struct fixture mine = { .server = p->f->server, .client = p->f->client };

	for (int i = 0; i < 10; i++) {
		const int rc = fixture_get(&mine);
		const int64_t n = rc < 0 ? rc : fixture_drain(&mine, 0);

		p->bytes = n < 0 ? INT64_MIN : p->bytes + n;
	}
	http_response_close(mine.res);
	return NULL;
}

void test_http__threads_share_a_client(void)
{
	static const struct server_step steps[] = {
		{ .text = OK_HEAD "Content-Length: 300000\r\n\r\n", .fill_bytes = 300000 },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);
	struct parallel threads[6] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		threads[i].f = &f;
		CU_ASSERT_EQUAL_FATAL(
			pthread_create(&threads[i].thread, NULL, one_of_many, &threads[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i].thread, NULL);
		CU_ASSERT_EQUAL(threads[i].bytes, 3000000);
	}
	CU_ASSERT_EQUAL(server_request_count(f.server), 60);
	CU_ASSERT_TRUE(server_connection_count(f.server) <= 6);
}

/*
 * Loopback hosts are asked directly, others through the proxy of the environment: lower case only
 * for http.
 */
void test_http__proxies_of_the_environment(void)
{
	static const struct server_step steps[] = {
		{ .text = OK_HEAD "Content-Length: 2\r\n\r\nok" },
	};
	_fixture_ struct fixture f = fixture_make(steps, 1);
	_free_ char *proxy = server_url(f.server, "");
	const struct http_request far = { .method = "GET", .url = "http://registry.invalid/v2/" };

	setenv("http_proxy", proxy, 1);
	CU_ASSERT_EQUAL(fixture_get(&f), 0);
	CU_ASSERT_EQUAL(strncmp(server_request(f.server, 0), "GET /x?y=z ", 11), 0);
	http_response_close(TAKE_PTR(f.res));
	CU_ASSERT_EQUAL(http_send(f.client, &f.op, &far, &f.res, &f.err), 0);
	CU_ASSERT_EQUAL(
		strncmp(server_request(f.server, 1), "GET http://registry.invalid/v2/ ", 32), 0);
	http_response_close(TAKE_PTR(f.res));
	unsetenv("http_proxy");
	setenv("HTTP_PROXY", proxy, 1);
	CU_ASSERT_TRUE(http_send(f.client, &f.op, &far, &f.res, &f.err) < 0);
	unsetenv("HTTP_PROXY");
	CU_ASSERT_EQUAL(server_request_count(f.server), 2);
}
