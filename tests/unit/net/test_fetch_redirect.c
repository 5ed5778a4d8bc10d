/* SPDX-License-Identifier: Apache-2.0 */
/* Redirects and URLs that a registry names: where requests go, and what goes with them. */
#include "tests/unit/net/fetching.h"

#include <CUnit/CUnit.h>

#define EMPTY "Content-Length: 0\r\n\r\n"
#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct fetch_config with_creds(void)
{
	struct fetch_config config = fetching_config();

	config.creds = "user:pass";
	return config;
}

/* "HTTP/1.1 STATUS ..." to `location`; free with free(). */
static char *redirect(const char *status, const char *location)
{
	return xasprintf("HTTP/1.1 %s Elsewhere\r\nLocation: %s\r\n" EMPTY, status, location);
}

static const struct http_header own_headers[] = {
	{ "Accept", "a/b" },
	{ "Range", "bytes=5-" },
	{ "X-Secret", "mine" },
};

/* Asks for credentials, then sends elsewhere; what arrives there? */
static void follow_with_credentials(bool same_origin)
{
	static const struct server_step there[] = { { .text = OK } };
	const struct fetch_config config = with_creds();
	_free_ char *location = NULL, *answer = NULL;
	struct server_step steps[3] = {
		{ .text = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n" EMPTY },
		{ 0 },
		{ .text = OK },
	};
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.other = server_start(there, 1);
	location = same_origin ? xstrdup("../blob?sig=1") : server_url(f.other, "/blob?sig=1");
	answer = redirect("307", location);
	steps[1].text = answer;
	f.server = server_start(steps, 3);
	CU_ASSERT_EQUAL_FATAL(fetching_send(&f, (struct fetch_request){ .path = "/v2/x/y",
									.headers = own_headers,
									.header_count = 3 }),
			      0);
	struct server *at = same_origin ? f.server : f.other;
	const size_t n = same_origin ? 2 : 0;

	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "\r\nAuthorization: Basic "));
	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "\r\nX-Secret: mine\r\n"));
	CU_ASSERT_TRUE(
		fetching_saw(at, n, same_origin ? "GET /v2/blob?sig=1 " : "GET /blob?sig=1 "));
	CU_ASSERT_TRUE(fetching_saw(at, n, "\r\nAccept: a/b\r\n"));
	CU_ASSERT_TRUE(fetching_saw(at, n, "\r\nRange: bytes=5-\r\n"));
	CU_ASSERT_EQUAL(fetching_saw(at, n, "Authorization"), same_origin);
	CU_ASSERT_EQUAL(fetching_saw(at, n, "X-Secret"), same_origin);
}

void test_fetch_redirect__credentials_stay_with_the_origin(void)
{
	follow_with_credentials(true);
	follow_with_credentials(false);
}

void test_fetch_redirect__a_challenge_elsewhere_is_not_answered(void)
{
	static const struct server_step there[] = {
		{ .text = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n" EMPTY },
	};
	const struct fetch_config config = with_creds();
	_free_ char *location = NULL, *answer = NULL;
	struct server_step step = { 0 };
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.other = server_start(there, 1);
	location = server_url(f.other, "/blob?signature=secret");
	answer = redirect("302", location);
	step.text = answer;
	f.server = server_start(&step, 1);
	CU_ASSERT_TRUE(fetching_get(&f, "/") < 0);
	CU_ASSERT_TRUE(row_err("elsewhere", &f.err, ERR_AUTH, server_host(f.other)));
	CU_ASSERT_PTR_NULL(strstr(f.err.msg, "secret"));
	CU_ASSERT_EQUAL(server_request_count(f.other), 1);
	CU_ASSERT_FALSE(fetching_saw(f.other, 0, "Authorization"));
}

void test_fetch_redirect__statuses_and_methods(void)
{
	static const struct {
		const char *method, *status;
		bool followed;
	} rows[] = {
		{ "GET", "301", true },	 { "GET", "302", true },    { "GET", "303", true },
		{ "GET", "307", true },	 { "GET", "308", true },    { "HEAD", "302", true },
		{ "PUT", "307", true },	 { "POST", "308", true },   { "POST", "302", false },
		{ "PUT", "301", false }, { "PATCH", "303", false }, { "DELETE", "302", false },
		{ "GET", "300", false }, { "GET", "305", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct fetch_config config = fetching_config();
		_free_ char *answer = redirect(rows[i].status, "/there");
		_free_ char *want = xasprintf("%s /there ", rows[i].method);
		const struct server_step steps[] = { { .text = answer },
						     { .text = "HTTP/1.1 200 OK\r\n" EMPTY } };
		const bool has_body = rows[i].method[0] == 'P';
		_fetching_ struct fetching f;

		fetching_init(&f, &config);
		f.server = server_start(steps, 2);
		const int rc =
			fetching_send(&f, (struct fetch_request){ .method = rows[i].method,
								  .path = "/here",
								  .body = has_body ? "abc" : NULL,
								  .body_len = has_body ? 3 : 0 });

		CU_ASSERT_TRUE(row_int(answer, "followed", rows[i].followed, rc == 0));
		CU_ASSERT_EQUAL(fetching_saw(f.server, 1, want), rows[i].followed);
		if (has_body && rows[i].followed)
			CU_ASSERT_TRUE(fetching_saw(f.server, 1, "\r\n\r\nabc"));
	}
}

void test_fetch_redirect__hostile_locations(void)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ "HTTP/1.1 302 F\r\n" EMPTY, ERR_DAMAGED, "without Location" },
		{ "HTTP/1.1 302 F\r\nLocation: /start\r\n" EMPTY, ERR_DAMAGED, "circle" },
		{ "HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n" EMPTY, ERR_DAMAGED, "http" },
		{ "HTTP/1.1 302 F\r\nLocation: gopher://127.0.0.1:6379/x\r\n" EMPTY, ERR_DAMAGED,
		  "http" },
		{ "HTTP/1.1 302 F\r\nLocation: http://u:p@127.0.0.1/\r\n" EMPTY, ERR_DAMAGED,
		  "user name" },
		{ "HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:0/\r\n" EMPTY, ERR_DAMAGED,
		  "port" },
		{ "HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:99999/\r\n" EMPTY, ERR_DAMAGED,
		  "port" },
		{ "HTTP/1.1 302 F\r\nLocation: http://\r\n" EMPTY, ERR_DAMAGED, "host" },
		{ "HTTP/1.1 302 F\r\nLocation: /a b\r\n" EMPTY, ERR_DAMAGED, "character" },
		{ "HTTP/1.1 302 F\r\nLocation: \x1b[31m\r\n" EMPTY, ERR_DAMAGED, "\\x1b[31m" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = rows[i].answer };
		const struct fetch_config config = fetching_config();
		_fetching_ struct fetching f;

		fetching_init(&f, &config);
		f.server = server_start(&step, 1);
		CU_ASSERT_TRUE(fetching_get(&f, "/start") < 0);
		CU_ASSERT_TRUE(row_err(rows[i].answer, &f.err, rows[i].kind, rows[i].text));
		CU_ASSERT_EQUAL(server_request_count(f.server), 1);
	}
}

void test_fetch_redirect__circles_and_chains_end(void)
{
	struct server_step steps[40];
	const struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;

	/* Each time somewhere else. */
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		_free_ char *location = xasprintf("/%zu", i);

		steps[i] = (struct server_step){ .text = redirect("302", location) };
	}
	fetching_init(&f, &config);
	f.server = server_start(steps, ARRAY_SIZE(steps));
	CU_ASSERT_TRUE(fetching_get(&f, "/start") < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_LIMIT);
	CU_ASSERT_EQUAL(server_request_count(f.server), 11);
	server_stop(TAKE_PTR(f.server));

	/* To and fro. */
	struct server_step two[] = { { .text = "HTTP/1.1 302 F\r\nLocation: /b\r\n" EMPTY },
				     { .text = "HTTP/1.1 302 F\r\nLocation: /a\r\n" EMPTY } };

	f.server = server_start(two, 2);
	CU_ASSERT_TRUE(fetching_get(&f, "/a") < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_DAMAGED);
	CU_ASSERT_EQUAL(server_request_count(f.server), 2);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		free((char *)steps[i].text);
}

/*
 * The registry is outside: asked through a proxy, which is what makes that possible on one machine.
 * It must not send us to what only we can reach.
 */
void test_fetch_redirect__from_outside_to_inside(void)
{
	static const struct {
		const char *location;
		bool followed;
	} rows[] = {
		{ "http://169.254.169.254/latest/meta-data/", false },
		{ "http://10.1.2.3/", false },
		{ "http://localhost:9999/", false },
		{ "http://[::ffff:127.0.0.1]/", false },
		{ "http://0x7f.1/", false },
		{ "http://cdn.invalid/", true },
		{ "http://198.51.100.7/", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct fetch_config config = fetching_config();
		_free_ char *answer = redirect("307", rows[i].location);
		const struct server_step steps[] = { { .text = answer }, { .text = OK } };
		_free_ char *proxy = NULL;
		_fetching_ struct fetching f;

		fetching_init(&f, &config);
		f.server = server_start(steps, 2);
		proxy = server_url(f.server, "");
		setenv("http_proxy", proxy, 1);
		const int rc = fetching_send(&f, (struct fetch_request){ .host = "registry.invalid",
									 .path = "/v2/" });

		unsetenv("http_proxy");
		CU_ASSERT_TRUE(row_int(rows[i].location, "followed", rows[i].followed, rc == 0));
		CU_ASSERT_EQUAL(f.err.kind, rows[i].followed ? ERR_NONE : ERR_DENIED);
		CU_ASSERT_EQUAL(server_request_count(f.server), rows[i].followed ? 2 : 1);
	}
}

/* A failure further along begins again at the registry: the signature may have run out. */
void test_fetch_redirect__tried_again_from_the_start(void)
{
	static const struct server_step there[] = { { .end = SERVER_RESET }, { .text = OK } };
	const struct fetch_config config = fetching_config();
	_free_ char *location = NULL, *answer = NULL;
	struct server_step step = { 0 };
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.other = server_start(there, 2);
	location = server_url(f.other, "/blob");
	answer = redirect("307", location);
	step.text = answer;
	f.server = server_start(&step, 1);
	CU_ASSERT_EQUAL(fetching_get(&f, "/"), 0);
	CU_ASSERT_EQUAL(server_request_count(f.server), 2);
	CU_ASSERT_EQUAL(server_request_count(f.other), 2);
}

/*
 * --- URLs as paths
 * --------------------------------------------------------------------------------
 */

void test_fetch_redirect__urls_that_the_host_gave(void)
{
	static const struct server_step steps[] = {
		{ .text = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n" EMPTY },
		{ .text = OK },
	};
	static const struct server_step there[] = { { .text = OK } };
	const struct fetch_config config = with_creds();
	_free_ char *own = NULL, *foreign = NULL;
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 2);
	f.other = server_start(there, 1);
	own = server_url(f.server, "/v2/own?n=1");
	foreign = server_url(f.other, "/layer");
	CU_ASSERT_EQUAL(fetching_get(&f, own), 0);
	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "GET /v2/own?n=1 "));
	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "Authorization: Basic"));
	CU_ASSERT_EQUAL(fetching_get(&f, foreign), 0);
	CU_ASSERT_TRUE(fetching_saw(f.other, 0, "GET /layer "));
	CU_ASSERT_FALSE(fetching_saw(f.other, 0, "Authorization"));
	CU_ASSERT_TRUE(fetching_get(&f, "ftp://h/") < 0);
	CU_ASSERT_TRUE(fetching_send(&f, (struct fetch_request){ .host = "a b", .path = "/" }) < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_USAGE);
}
