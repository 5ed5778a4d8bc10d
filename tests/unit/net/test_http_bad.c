/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are none, bodies that are not what they say, requests that must not leave the house.
 */
#include "tests/unit/net/http_fixture.h"

#include <CUnit/CUnit.h>

#define TEN	"0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

void test_http_bad__answers(void)
{
	static const struct {
		struct server_step step;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ { .text = "", .end = SERVER_CLOSE }, ERR_NETWORK, "Empty reply" },
		{ { .text = NULL, .end = SERVER_RESET }, ERR_NETWORK, "reset" },
		{ { .text = "hello, I am not HTTP\r\n\r\n", .end = SERVER_CLOSE },
		  ERR_DAMAGED,
		  "not HTTP" },
		{ { .text = "\x15\x03\x01\x01\x02\x02\x16", .end = SERVER_CLOSE },
		  ERR_DAMAGED,
		  "not HTTP" },
		{ { .text = "SSH-2.0-OpenSSH\r\n", .end = SERVER_CLOSE, .at_once = 1 },
		  ERR_DAMAGED,
		  "not HTTP" },
		{ { .text = "HTTP/1.1 200 OK\r\nX: y\r\n", .end = SERVER_CLOSE }, ERR_NETWORK, "" },
		{ { .text = "HTTP/1.1 abc OK\r\n\r\n", .end = SERVER_CLOSE }, ERR_DAMAGED, "" },
		{ { .text = "HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
		    .end = SERVER_CLOSE },
		  ERR_DAMAGED,
		  "" },
		{ { .text = "HTTP/1.1 200 OK\r\n",
		    .flood = "X-Header: " HUNDRED HUNDRED HUNDRED HUNDRED "\r\n" },
		  ERR_LIMIT,
		  "more than 262 kB of headers" },
		{ { .text = "HTTP/1.1 200 OK\r\n", .flood = "A:\r\n" },
		  ERR_LIMIT,
		  "more than 1000 headers" },
		{ { .text = "HTTP/1.1 200 OK\r\nX: ", .flood = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		  ERR_LIMIT,
		  "" },
		{ { .text = NULL, .flood = "HTTP/1.1 103 Early Hints\r\n\r\n" },
		  ERR_LIMIT,
		  "headers" },
		{ { .text = NULL, .end = SERVER_STALL }, ERR_TIMEOUT, "nothing came" },
		{ { .text = "HTTP/1.1 200 OK\r\nX: y\r\n", .end = SERVER_STALL },
		  ERR_TIMEOUT,
		  "nothing came" },
		/* Never silent, never done. */
		{ { .text = "HTTP/1.1 200 OK\r\n", .flood = "X: y\r\n", .pause_ms = 20 },
		  ERR_TIMEOUT,
		  "no answer in time" },
		{ { .flood = "HTTP/1.1 103 Early Hints\r\n\r\n", .pause_ms = 20 },
		  ERR_TIMEOUT,
		  "no answer in time" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_fixture_ struct fixture f = rows[i].kind == ERR_TIMEOUT
						     ? fixture_make_impatient(&rows[i].step, 1)
						     : fixture_make(&rows[i].step, 1);
		const int rc = fixture_get(&f);

		if (rc >= 0 || f.err.kind != rows[i].kind || !strstr(f.err.msg, rows[i].text))
			printf("# row %zu: rc %d, %s: %s\n", i, rc, err_class(f.err.kind)->name,
			       f.err.msg);
		CU_ASSERT_TRUE(rc < 0);
		CU_ASSERT_EQUAL(f.err.kind, rows[i].kind);
		CU_ASSERT_PTR_NOT_NULL(strstr(f.err.msg, rows[i].text));
		CU_ASSERT_PTR_NOT_NULL(strstr(f.err.msg, server_host(f.server)));
	}
}

void test_http_bad__bodies(void)
{
	static const struct {
		struct server_step step;
		enum err_kind kind;
	} rows[] = {
		{ { .text = OK_HEAD "Content-Length: 10\r\n\r\n",
		    .fill_bytes = 9,
		    .end = SERVER_CLOSE },
		  ERR_NETWORK },
		{ { .text = OK_HEAD "Content-Length: 1000000\r\n\r\n",
		    .fill_bytes = 1000,
		    .end = SERVER_RESET },
		  ERR_NETWORK },
		{ { .text = OK_HEAD "Content-Length: 10\r\n\r\n",
		    .fill_bytes = 9,
		    .end = SERVER_STALL },
		  ERR_TIMEOUT },
		{ { .text = OK_HEAD "Content-Length: 1000000\r\n\r\n",
		    .flood = "x",
		    .pause_ms = 20 },
		  ERR_TIMEOUT },
		{ { .text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n",
		    .flood = "X: y\r\n",
		    .pause_ms = 20 },
		  ERR_TIMEOUT },
		{ { .text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
		    .end = SERVER_CLOSE },
		  ERR_NETWORK },
		{ { .text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc",
		    .end = SERVER_CLOSE },
		  ERR_NETWORK },
		{ { .text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n",
		    .flood = "X-Trailer: endless\r\n" },
		  ERR_LIMIT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_fixture_ struct fixture f = rows[i].kind == ERR_TIMEOUT
						     ? fixture_make_impatient(&rows[i].step, 1)
						     : fixture_make(&rows[i].step, 1);
		_buf_ struct buf body = BUF_INIT(10000000);
		int rc = fixture_get(&f);

		if (rc == 0)
			rc = http_response_read(f.res, &body, &f.err);
		if (rc >= 0 || f.err.kind != rows[i].kind)
			printf("# row %zu: rc %d, %s: %s\n", i, rc, err_class(f.err.kind)->name,
			       f.err.msg);
		CU_ASSERT_TRUE(rc < 0);
		CU_ASSERT_EQUAL(f.err.kind, rows[i].kind);
	}
}

void test_http_bad__a_body_is_bounded_by_its_reader(void)
{
	static const struct server_step steps[] = { { .text = OK_HEAD "\r\n",
						      .flood = "endless " } };
	_fixture_ struct fixture f = fixture_make(steps, 1);
	_buf_ struct buf body = BUF_INIT(1000000);

	CU_ASSERT_EQUAL_FATAL(fixture_get(&f), 0);
	CU_ASSERT_TRUE(http_response_read(f.res, &body, &f.err) < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_LIMIT);
}

void test_http_bad__requests(void)
{
	static const char *const urls[] = { "http://127.0.0.1:0/",	"http://127.0.0.1:65536/",
					    "http://127.0.0.1:x/",	"ftp://127.0.0.1/",
					    "file:///etc/passwd",	"http:///x",
					    "http://user@127.0.0.1/",	"http://127.0.0.1/a b",
					    "http://127.0.0.1/\r\nX: y" };
	static const struct server_step steps[] = { { .text = OK_HEAD "\r\n" } };
	const struct http_header split = { "X", "a\r\nY: b" };
	_fixture_ struct fixture f = fixture_make(steps, 1);

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		CU_ASSERT_TRUE(http_send(f.client, &f.op,
					 &(struct http_request){ .method = "GET", .url = urls[i] },
					 &f.res, &f.err) < 0);
	CU_ASSERT_EQUAL(fixture_send(&f,
				     (struct http_request){ .headers = &split, .header_count = 1 }),
			-EINVAL);
	CU_ASSERT_EQUAL(server_request_count(f.server), 0);
}

/* The caller's own limit comes before that of silence. */
void test_http_bad__too_late(void)
{
	static const struct server_step steps[] = { { .end = SERVER_STALL } };
	_fixture_ struct fixture f = fixture_make(steps, 1);

	CU_ASSERT_TRUE(fixture_send(&f, (struct http_request){ .total_timeout_ms = 200 }) < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_TIMEOUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.msg, "no answer in time"));
}

void test_http_bad__nobody_there(void)
{
	static const struct server_step steps[] = { { .text = "" } };
	_fixture_ struct fixture f = fixture_make(steps, 1);
	_free_ char *url = server_url(f.server, "/");

	server_stop(f.server);
	f.server = NULL;
	CU_ASSERT_TRUE(http_send(f.client, &f.op,
				 &(struct http_request){ .method = "GET", .url = url }, &f.res,
				 &f.err) < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_NETWORK);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.msg, "Connection refused"));
}
