/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs into a registry when all goes as the specification has it, and answers that don't
 * (distribution-spec "Pushing blobs", "Mounting a blob from another repository"). The registry is a
 * script, byte for byte.
 */
#include "tests/unit/registry/pushing.h"

#include <CUnit/CUnit.h>

#define HEAD_LINE "HEAD /v2/ns/repo/blobs/D\n"
#define POST_LINE "POST /v2/ns/repo/blobs/uploads/\n"

void test_push__what_is_there_is_not_sent(void)
{
	static const struct {
		const char *answer;
		int is_there;
	} rows[] = {
		{ "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n", 1 },
		{ "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n", 1 },
		/* another blob, or half of it */
		{ "HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n", 0 },
		{ "HTTP/1.1 416 X\r\n" EMPTY, 0 },
		{ "HTTP/1.1 204 X\r\n\r\n", 0 },
		{ ABSENT, 0 },
		/* no HEAD */
		{ "HTTP/1.1 405 X\r\n" EMPTY, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { { .text = rows[i].answer },
						     { .text = BEGUN(PLACE "1") },
						     { .text = CREATED } };
		struct pushing _pushing_ p;

		pushing_init(&p, 10, steps, ARRAY_SIZE(steps));
		CU_ASSERT_EQUAL(pushing_put(&p), 0);
		CU_ASSERT_EQUAL(p.upload.ret_how, rows[i].is_there ? UPLOAD_EXISTED : UPLOAD_SENT);
		CU_ASSERT(pushing_asked(&p, rows[i].answer,
					rows[i].is_there ? HEAD_LINE
							 : HEAD_LINE POST_LINE "PUT " PLACE
									       "1?digest=D +10\n"));
	}
}

void test_push__in_one_put(void)
{
	static const size_t sizes[] = { 0, 1, 2, 69999, 70000, 70001, 1000000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = BEGUN(PLACE "1?_state=a%2Fb") },
						     { .text = CREATED } };
		struct pushing _pushing_ p;
		char *_free_ body = sizes[i] ? xasprintf(" +%zu", sizes[i]) : xstrdup("");
		char *_free_ want = xasprintf(
			HEAD_LINE POST_LINE "PUT " PLACE "1?_state=a%%2Fb&digest=D%s\n", body);

		pushing_init(&p, sizes[i], steps, ARRAY_SIZE(steps));
		CU_ASSERT_EQUAL(pushing_put(&p), 0);
		CU_ASSERT_EQUAL(p.upload.ret_how, UPLOAD_SENT);
		CU_ASSERT(pushing_asked(&p, "one put", want));
		CU_ASSERT_EQUAL(p.opened_count, sizes[i] ? 1 : 0);
		CU_ASSERT_EQUAL(p.moved, sizes[i]);
		const char *request = server_request(p.a.server, 2);
		const char *sent = strstr(request, "\r\n\r\n") + 4;

		CU_ASSERT(memcmp(sent, p.content, sizes[i]) == 0);
		CU_ASSERT(asking_has("type", request, "Content-Type: application/octet-stream"));
		CU_ASSERT_PTR_NULL(strcasestr(request, "Expect:"));
	}
}

/* RFC 3986: relative to what was asked; the query stays, the digest goes behind it. */
void test_push__places(void)
{
	static const struct {
		const char *location, *asked;
	} rows[] = {
		{ "/v2/ns/repo/blobs/uploads/1", "/v2/ns/repo/blobs/uploads/1?digest=D" },
		{ "1?a=b", "/v2/ns/repo/blobs/uploads/1?a=b&digest=D" },
		{ "?a=b", "/v2/ns/repo/blobs/uploads/?a=b&digest=D" },
		{ "../x", "/v2/ns/repo/blobs/x?digest=D" },
		{ "/u?", "/u?digest=D" },
		{ "/u?a&", "/u?a&digest=D" },
		{ "/u#fragment", "/u?digest=D" },
		{ "http://%H/u?x=%41", "/u?x=%41&digest=D" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pushing _pushing_ p;
		char answer[256];
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = ABSENT },
						     { .text = CREATED } };
		char *_free_ want = xasprintf(HEAD_LINE POST_LINE "PUT %s +3\n", rows[i].asked);

		pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
		const char *host = strstr(rows[i].location, "%H");

		snprintf(answer, sizeof(answer), "HTTP/1.1 202 X\r\nLocation: %.*s%s%s\r\n" EMPTY,
			 host ? (int)(host - rows[i].location) : 0, rows[i].location,
			 host ? server_host(p.a.server) : "", host ? host + 2 : rows[i].location);
		free((char *)(uintptr_t)p.a.steps[1].text);
		p.a.steps[1].text = xstrdup(answer);
		CU_ASSERT_EQUAL(pushing_put(&p), 0);
		CU_ASSERT(pushing_asked(&p, rows[i].location, want));
	}
}

void test_push__places_that_are_none(void)
{
	static const struct {
		const char *headers, *message;
		enum err_kind kind;
	} rows[] = {
		{ "", "does not say where", ERR_DAMAGED },
		{ "Location: \r\n", "", ERR_NONE }, /* the place itself: nothing forbids it */
		{ "Location: ftp://x.example/y\r\n", "ftp", ERR_DAMAGED },
		{ "Location: http://user:hunter2@x.example/y\r\n", "place of the upload",
		  ERR_DAMAGED },
		{ "Location: http://\x1b[31m/\r\n", "place of the upload", ERR_DAMAGED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *_free_ begun = xasprintf("HTTP/1.1 202 X\r\n%s" EMPTY, rows[i].headers);
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = begun },
						     { .text = CREATED } };
		struct pushing _pushing_ p;

		pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
		CU_ASSERT_EQUAL(pushing_put(&p) < 0, rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(p.a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has(rows[i].headers, p.a.err.msg, rows[i].message));
		CU_ASSERT_PTR_NULL(strstr(p.a.err.msg, "hunter2"));
		CU_ASSERT_PTR_NULL(strchr(p.a.err.msg, '\x1b'));
	}
}

/* Another host may be named, as in a redirect; nobody's credentials go there. */
void test_push__another_host_gets_no_credentials(void)
{
	const struct server_step there[] = { { .text = CREATED } };
	struct server *_server_ other = server_start(there, 1);
	char *_free_ place = server_url(other, "/bucket/1?sig=hunter2");
	char *_free_ begun = xasprintf(BEGUN("%s"), place);
	const struct server_step steps[] = {
		{ .text = "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\n" EMPTY },
		{ .text = ABSENT },
		{ .text = begun },
	};
	const struct fetch_config config = { .plain_http = true,
					     .tls_verify = true,
					     .creds = "me:secret" };
	struct pushing _pushing_ p;

	pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
	transport_close(p.a.t);
	fetch_free(p.a.fetch);
	CU_ASSERT_EQUAL_FATAL(fetch_new(&config, &p.a.fetch, &p.a.err), 0);
	const struct reference ref = { .domain = (char *)(uintptr_t)server_host(p.a.server),
				       .path = (char *)(uintptr_t) "ns/repo" };

	p.a.t = registry_transport_new(p.a.fetch, &ref);
	CU_ASSERT_EQUAL(pushing_put(&p), 0);
	CU_ASSERT(asking_has("home", server_request(p.a.server, 2), "Authorization: Basic "));
	CU_ASSERT(
		asking_has("there", server_request(other, 0), "PUT /bucket/1?sig=hunter2&digest="));
	CU_ASSERT_PTR_NULL(strstr(server_request(other, 0), "Authorization"));
}

/* Only 201 is an end, and only of this blob. */
void test_push__last_answers(void)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
		const char *message;
		bool is_cancelled; /* DELETE follows */
	} rows[] = {
		{ CREATED, ERR_NONE, "", false },
		{ "HTTP/1.1 201 X\r\nDocker-Content-Digest: sha256:"
		  "0000000000000000000000000000000000000000000000000000000000000000\r\n" EMPTY,
		  ERR_DAMAGED, "the registry says it has got sha256:0000", true },
		/* said in its own algorithm, or not understood */
		{ "HTTP/1.1 201 X\r\nDocker-Content-Digest: sha256:00\r\n" EMPTY, ERR_NONE, "",
		  false },
		{ "HTTP/1.1 200 X\r\n" EMPTY, ERR_DAMAGED, "status 200, not 201", true },
		{ "HTTP/1.1 202 X\r\n" EMPTY, ERR_DAMAGED, "status 202, not 201", true },
		{ "HTTP/1.1 204 X\r\n\r\n", ERR_DAMAGED, "status 204, not 201", true },
		{ "HTTP/1.1 400 X\r\nContent-Type: application/json\r\nContent-Length: 66\r\n\r\n"
		  "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"\\u001b[31m, no!\"}]}",
		  ERR_FAILED, "DIGEST_INVALID: \\x1b[31m, no!", true },
		{ "HTTP/1.1 403 X\r\n" EMPTY, ERR_DENIED, "forbidden", true },
		{ "HTTP/1.1 413 X\r\n" EMPTY, ERR_LIMIT, "too large", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = BEGUN(PLACE "1?sig=hunter2") },
						     { .text = rows[i].answer },
						     { .text = "HTTP/1.1 204 X\r\n\r\n" } };
		struct pushing _pushing_ p;

		pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
		CU_ASSERT_EQUAL(pushing_put(&p) < 0, rows[i].kind != ERR_NONE);
		CU_ASSERT_EQUAL(p.a.err.kind, rows[i].kind);
		CU_ASSERT(asking_has(rows[i].answer, p.a.err.msg, rows[i].message));
		CU_ASSERT_PTR_NULL(strstr(p.a.err.msg, "hunter2"));
		CU_ASSERT(pushing_asked(&p, rows[i].answer,
					rows[i].is_cancelled ? HEAD_LINE POST_LINE
						"PUT " PLACE "1?sig=hunter2&digest=D +3\n"
						"DELETE " PLACE "1?sig=hunter2\n"
							     : HEAD_LINE POST_LINE
						"PUT " PLACE "1?sig=hunter2&digest=D +3\n"));
	}
}

void test_push__beginnings_that_fail(void)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
		size_t asked;
	} rows[] = {
		{ "HTTP/1.1 404 X\r\n" EMPTY, ERR_NOT_FOUND, 2 },
		{ "HTTP/1.1 405 X\r\n" EMPTY, ERR_UNSUPPORTED, 2 },
		{ "HTTP/1.1 403 X\r\n" EMPTY, ERR_DENIED, 2 },
		{ "HTTP/1.1 401 X\r\n" EMPTY, ERR_AUTH, 2 },
		{ "HTTP/1.1 416 X\r\nLocation: /x\r\n" EMPTY, ERR_DAMAGED, 2 },
		/* a second session does no harm */
		{ "HTTP/1.1 502 X\r\n" EMPTY, ERR_SERVER, 4 },
		{ "HTTP/1.1 429 X\r\nRetry-After: 0\r\n" EMPTY, ERR_BUSY, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = rows[i].answer } };
		struct pushing _pushing_ p;

		pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
		CU_ASSERT(pushing_put(&p) < 0);
		CU_ASSERT_EQUAL(p.a.err.kind, rows[i].kind);
		CU_ASSERT_EQUAL(server_request_count(p.a.server), rows[i].asked);
		CU_ASSERT_EQUAL(p.opened_count, 0);
	}
}

/* --- mounts ---------------------------------------------------------------------------------- */

#define MOUNT_LINE "POST /v2/ns/repo/blobs/uploads/?mount=D&from=other%2Frepo\n"

void test_push__mounts(void)
{
	static const struct {
		const char *from, *answer;
		int how;
		const char *asked;
	} rows[] = {
		{ "other/repo", CREATED, UPLOAD_MOUNTED, HEAD_LINE MOUNT_LINE },
		/* not there: the session can be used */
		{ "other/repo", BEGUN(PLACE "1"), UPLOAD_SENT,
		  HEAD_LINE MOUNT_LINE "PUT " PLACE "1?digest=D +3\n" },
		{ "other/repo", ABSENT, UPLOAD_SENT,
		  HEAD_LINE MOUNT_LINE POST_LINE "PUT " PLACE "2?digest=D +3\n" },
		{ "other/repo", "HTTP/1.1 405 X\r\n" EMPTY, UPLOAD_SENT,
		  HEAD_LINE MOUNT_LINE POST_LINE "PUT " PLACE "2?digest=D +3\n" },
		{ "other/repo", "HTTP/1.1 500 X\r\n" EMPTY, UPLOAD_SENT,
		  HEAD_LINE MOUNT_LINE POST_LINE "PUT " PLACE "2?digest=D +3\n" },
		{ "other/repo", "HTTP/1.1 401 X\r\n" EMPTY, UPLOAD_SENT,
		  HEAD_LINE MOUNT_LINE POST_LINE "PUT " PLACE "2?digest=D +3\n" },
		{ "other/repo", "HTTP/1.1 204 X\r\n\r\n", UPLOAD_SENT,
		  HEAD_LINE MOUNT_LINE POST_LINE "PUT " PLACE "2?digest=D +3\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const bool is_post = strstr(rows[i].asked, POST_LINE) != NULL;
		const struct server_step steps[] = {
			{ .text = ABSENT },
			{ .text = rows[i].answer },
			{ .text = is_post ? BEGUN(PLACE "2") : CREATED },
			{ .text = CREATED },
		};
		struct pushing _pushing_ p;

		pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
		p.upload.mount_from = rows[i].from;
		CU_ASSERT_EQUAL(pushing_put(&p), 0);
		CU_ASSERT_EQUAL((int)p.upload.ret_how, rows[i].how);
		CU_ASSERT(pushing_asked(&p, rows[i].answer, rows[i].asked));
	}
}

/* What is no other repository is not asked about. */
void test_push__mounts_of_nothing(void)
{
	static const char *const froms[] = { "", "ns/repo", "a b", "a:pull,push b", "A" };

	for (size_t i = 0; i < ARRAY_SIZE(froms); i++) {
		const struct server_step steps[] = { { .text = ABSENT },
						     { .text = BEGUN(PLACE "1") },
						     { .text = CREATED } };
		struct pushing _pushing_ p;

		pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
		p.upload.mount_from = froms[i];
		CU_ASSERT_EQUAL(pushing_put(&p), 0);
		CU_ASSERT(pushing_asked(&p, froms[i],
					HEAD_LINE POST_LINE "PUT " PLACE "1?digest=D +3\n"));
	}
}

void test_push__a_mount_of_something_else(void)
{
	const struct server_step steps[] = {
		{ .text = ABSENT },
		{ .text = "HTTP/1.1 201 X\r\nDocker-Content-Digest: sha256:"
			  "0000000000000000000000000000000000000000000000000000000000000000\r\n" EMPTY },
	};
	struct pushing _pushing_ p;

	pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
	p.upload.mount_from = "other/repo";
	CU_ASSERT(pushing_put(&p) < 0);
	CU_ASSERT_EQUAL(p.a.err.kind, ERR_DAMAGED);
}

/* --- has_blob -------------------------------------------------------------------------------- */

void test_push__has_blob(void)
{
	static const struct {
		const char *answer;
		int rc;
		enum err_kind kind;
		size_t asked;
	} rows[] = {
		{ "HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n", 1, ERR_NONE, 1 },
		{ "HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\n", 0, ERR_NONE, 1 },
		{ ABSENT, 0, ERR_NONE, 1 },
		/* asked again as one who only reads */
		{ "HTTP/1.1 403 X\r\n\r\n", -1, ERR_DENIED, 2 },
		{ "HTTP/1.1 500 X\r\n\r\n", -1, ERR_SERVER, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step steps[] = { { .text = rows[i].answer } };
		struct pushing _pushing_ p;

		pushing_init(&p, 3, steps, 1);
		const int rc = transport_has_blob(p.a.t, &p.a.op, &p.d, &p.a.err);

		CU_ASSERT_EQUAL(rc < 0 ? -1 : rc, rows[i].rc);
		CU_ASSERT_EQUAL(p.a.err.kind, rows[i].kind);
		CU_ASSERT_EQUAL(server_request_count(p.a.server), rows[i].asked);
	}
}

/* --- tokens ---------------------------------------------------------------------------------- */

/* A token for what is done, of both repositories for a mount; the body is sent once. */
void test_push__scopes(void)
{
	char *_free_ token = asking_answer("200 X", "", "{\"token\":\"t\"}");
	const struct server_step steps[] = {
		{ .text = ABSENT }, /* replaced: who are you? */
		{ .text = token },   { .text = ABSENT },
		{ .text = token },   { .text = BEGUN(PLACE "1") },
		{ .text = CREATED },
	};
	struct pushing _pushing_ p;

	pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
	free((char *)(uintptr_t)p.a.steps[0].text);
	p.a.steps[0].text = xasprintf("HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer "
				      "realm=\"http://%s/token\",service=\"s\"\r\n" EMPTY,
				      server_host(p.a.server));
	p.upload.mount_from = "other/repo";
	CU_ASSERT_EQUAL(pushing_put(&p), 0);
	CU_ASSERT(pushing_asked(
		&p, "scopes",
		HEAD_LINE
		"GET /token?service=s&scope=repository%3Ans%2Frepo%3Apull%2Cpush&client_id=img\n" HEAD_LINE
		"GET /token?service=s&scope=repository%3Ans%2Frepo%3Apull%2Cpush"
		"&scope=repository%3Aother%2Frepo%3Apull&client_id=img\n" MOUNT_LINE "PUT " PLACE
		"1?digest=D +3\n"));
	CU_ASSERT(asking_has("token", server_request(p.a.server, 5), "Authorization: Bearer t"));
}

/* A token that ran out under way: another, and the bytes once more, not the session. */
void test_push__a_token_that_ran_out(void)
{
	char *_free_ token = asking_answer("200 X", "", "{\"token\":\"t\"}");
	char *_free_ other = asking_answer("200 X", "", "{\"token\":\"u\"}");
	const struct server_step steps[] = {
		{ .text = ABSENT },	      { .text = token },  { .text = ABSENT },
		{ .text = BEGUN(PLACE "1") }, { .text = ABSENT }, { .text = other },
		{ .text = CREATED },
	};
	struct pushing _pushing_ p;

	pushing_init(&p, 3, steps, ARRAY_SIZE(steps));
	for (size_t i = 0; i < 5; i += 4) {
		free((char *)(uintptr_t)p.a.steps[i].text);
		p.a.steps[i].text = xasprintf("HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer "
					      "realm=\"http://%s/token\",service=\"s\"\r\n" EMPTY,
					      server_host(p.a.server));
	}
	CU_ASSERT_EQUAL(pushing_put(&p), 0);
	CU_ASSERT_EQUAL(server_request_count(p.a.server), 7);
	CU_ASSERT(asking_has("again", server_request(p.a.server, 6), "Authorization: Bearer u"));
	CU_ASSERT(asking_has("again", server_request(p.a.server, 6), "PUT " PLACE "1?digest="));
	CU_ASSERT_EQUAL(p.opened_count, 2);
}
