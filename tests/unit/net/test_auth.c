/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a 401 to the next try: which header, which request to which realm, when to give up. The
 * realm is a function; credentials come from --creds or a file of the test's own home.
 */
#include "net/auth.h"

#include "base/mem.h"
#include "tests/unit/net/bench.h"

#include <CUnit/CUnit.h>

/* --- what is asked --------------------------------------------------------------------------- */

void test_auth__requests(void)
{
	static const struct {
		const char *creds, *file, *challenge, *scope;
		const char *asked, *header;
	} rows[] = {
		/* anonymous */
		{ NULL, NULL, REALM ",scope=\"repository:a:pull\"", "repository:a:pull",
		  "GET https://t.example/token?service=svc&scope=repository%3Aa%3Apull&client_id=img\n",
		  "Bearer T1" },
		/* user and password: Basic at the realm, never at the registry */
		{ "u:p", NULL, REALM, "repository:a:pull",
		  "GET https://t.example/token?service=svc&scope=repository%3Aa%3Apull&account=u&client_id=img"
		  " authorization=Basic dTpw\n",
		  "Bearer T1" },
		/* what we want and what the challenge says, together; one parameter a scope */
		{ NULL, NULL, REALM ",scope=\"repository:b:pull repository:a:push\"",
		  "repository:a:pull",
		  "GET https://t.example/token?service=svc&scope=repository%3Aa%3Apull%2Cpush"
		  "&scope=repository%3Ab%3Apull&client_id=img\n",
		  "Bearer T1" },
		/* no scope at all */
		{ NULL, NULL, REALM, NULL,
		  "GET https://t.example/token?service=svc&client_id=img\n", "Bearer T1" },
		/* no service; a realm with a query of its own, a port, no path */
		{ NULL, NULL, "Bearer realm=\"https://t.example/token?a=b\"", "x",
		  "GET https://t.example/token?a=b&scope=x&client_id=img\n", "Bearer T1" },
		{ NULL, NULL, "Bearer realm=\"https://t.example:444\"", NULL,
		  "GET https://t.example:444/?client_id=img\n", "Bearer T1" },
		{ NULL, NULL, "Bearer realm=\"https://t.example/t\",service=\"a b&c=d\"", NULL,
		  "GET https://t.example/t?service=a%20b%26c%3Dd&client_id=img\n", "Bearer T1" },
		/* Bearer before Basic, unknown kinds passed over */
		{ "u:p", NULL, "Negotiate, Basic realm=\"x\", " REALM, NULL,
		  "GET https://t.example/token?service=svc&account=u&client_id=img authorization=Basic dTpw\n",
		  "Bearer T1" },
		/* a Bearer without a realm is of no use */
		{ "u:p", NULL, "Bearer, Basic realm=\"x\"", NULL, "", "Basic dTpw" },
		{ "u:p", NULL, "Basic realm=\"x\"", "repository:a:pull", "", "Basic dTpw" },
		{ "us\xc3\xa9r:p:q", NULL, "Basic", NULL, "", "Basic dXPDqXI6cDpx" },
		/* identity token: OAuth2 */
		{ NULL, "{'auths':{'r.example':{'identitytoken':'I&I'}}}", REALM,
		  "repository:a:pull repository:b:pull",
		  "POST https://t.example/token form=grant_type=refresh_token&service=svc&client_id=img"
		  "&scope=repository%3Aa%3Apull%20repository%3Ab%3Apull&refresh_token=I%26I\n",
		  "Bearer T1" },
		/* registry token: as it is */
		{ NULL, "{'auths':{'r.example':{'registrytoken':'R'}}}", REALM, NULL, "",
		  "Bearer R" },
		/* credentials of a namespace */
		{ NULL, "{'auths':{'r.example':{'auth':'eDp5'},'r.example/a':{'auth':'dTpw'}}}",
		  "Basic", "repository:a:pull", "", "Basic dTpw" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench _bench_ b;
		struct auth_session _auth_session_ s = {
			.target = { .host = HOST, .scope = rows[i].scope, .repository = HOST "/a" }
		};

		bench_init(&b, rows[i].creds, rows[i].file);
		CU_ASSERT_EQUAL(bench_prepare(&b, &s), 0);
		CU_ASSERT(row_text(rows[i].challenge, "first header", NULL, s.header));
		CU_ASSERT(row_int(rows[i].challenge, "rc", 0,
				  bench_answer(&b, &s, rows[i].challenge)));
		CU_ASSERT(row_text(rows[i].challenge, "asked", rows[i].asked,
				   buf_str(&b.realm.asked)));
		CU_ASSERT(row_text(rows[i].challenge, "header", rows[i].header, s.header));
	}
}

void test_auth__identity_token_without_oauth(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a");

	bench_init(&b, NULL, "{'auths':{'r.example':{'identitytoken':'I'}}}");
	b.realm.form_status = 404;
	CU_ASSERT_EQUAL(bench_answer(&b, &s, REALM), 0);
	/* base64 of "<token>:I" */
	CU_ASSERT_PTR_NOT_NULL(strstr(
		buf_str(&b.realm.asked),
		"\nGET https://t.example/token?service=svc&scope=repository%3Aa%3Apull&client_id=img "
		"authorization=Basic PHRva2VuPjpJ\n"));
	CU_ASSERT(row_text("fallback", "header", "Bearer T2", s.header));
}

/* --- what is refused ------------------------------------------------------------------------- */

void test_auth__realms_that_are_not_trusted(void)
{
	static const struct {
		const char *host;
		bool is_plain;
		const char *realm;
		enum err_kind kind; /* ERR_NONE: taken */
		const char *message;
	} rows[] = {
		{ HOST, false, "http://t.example/t", ERR_DENIED, "not https" },
		{ HOST, false, "ftp://t.example/t", ERR_DAMAGED, "token realm" },
		{ HOST, false, "t.example/t", ERR_DAMAGED, "token realm" },
		{ HOST, false, "https://u:p@t.example/", ERR_DAMAGED, "token realm" },
		{ HOST, false, "https://t.example/\x01", ERR_DAMAGED, "token realm" },
		{ HOST, false, "file:///etc/passwd", ERR_DAMAGED, "token realm" },
		{ HOST, false, "", ERR_DAMAGED, "token realm" },
		/* not further in than the registry */
		{ HOST, false, "https://127.0.0.1/t", ERR_DENIED, "private" },
		{ HOST, false, "https://localhost/t", ERR_DENIED, "private" },
		{ HOST, false, "https://169.254.169.254/latest/meta-data", ERR_DENIED, "private" },
		{ HOST, false, "https://10.1.2.3/t", ERR_DENIED, "private" },
		{ HOST, false, "https://[::1]/t", ERR_DENIED, "private" },
		{ HOST, false, "https://[::ffff:10.0.0.1]/t", ERR_DENIED, "private" },
		{ HOST, false, "https://0x7f.1/t", ERR_DENIED, "private" },
		{ HOST, false, "https://2130706433/t", ERR_DENIED, "private" },
		{ "10.0.0.1:5000", false, "https://10.0.0.2/t", ERR_NONE, NULL },
		{ "127.0.0.1:5000", true, "http://127.0.0.1:5001/t", ERR_NONE, NULL },
		{ "127.0.0.1:5000", false, "http://127.0.0.1:5001/t", ERR_NONE, NULL },
		{ HOST, true, "https://t.example/t", ERR_NONE, NULL },
		{ HOST, true, "http://t.example/t", ERR_NONE, NULL },
		{ "127.0.0.1:5000", false, "http://t.example/t", ERR_DENIED, "not https" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench _bench_ b;
		struct auth_session _auth_session_ s = {
			.target = { .host = rows[i].host, .is_plain = rows[i].is_plain }
		};
		char *_free_ challenge = xasprintf("Bearer realm=\"%s\"", rows[i].realm);

		bench_init(&b, NULL, NULL);
		const int rc = bench_answer(&b, &s, challenge);

		CU_ASSERT(row_int(rows[i].realm, "fails", rows[i].kind != ERR_NONE, rc < 0));
		if (rows[i].kind != ERR_NONE)
			CU_ASSERT(row_err(rows[i].realm, &b.err, rows[i].kind, rows[i].message));
		CU_ASSERT(row_int(rows[i].realm, "requests", rows[i].kind == ERR_NONE,
				  b.realm.count));
	}
}

void test_auth__no_secret_over_plain_http(void)
{
	static const struct {
		const char *host, *challenge;
		bool allowed, taken;
	} rows[] = {
		{ HOST, "Basic", false, false },
		{ HOST, "Basic", true, true },
		{ "127.0.0.1:5000", "Basic", false, true },
		{ "localhost:5000", "Basic", false, true },
		{ "[::1]:5000", "Basic", false, true },
		{ "10.0.0.1", "Basic", false, false },
		{ HOST, "Bearer realm=\"http://t.example/\"", false, false },
		{ HOST, "Bearer realm=\"http://t.example/\"", true, true },
		{ HOST, "Bearer realm=\"https://t.example/\"", false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench _bench_ b;
		struct auth_session _auth_session_ s = { .target = { .host = rows[i].host,
								     .is_plain = true } };

		bench_init(&b, "u:p", NULL);
		auth_free(b.auth);
		b.auth = auth_new(&(struct auth_config){ .credentials = b.credentials,
							 .plain_allowed = rows[i].allowed,
							 .exchange = realm_exchange,
							 .exchange_arg = &b.realm });
		const int rc = bench_answer(&b, &s, rows[i].challenge);

		CU_ASSERT(row_int(rows[i].host, "taken", rows[i].taken, rc == 0));
		CU_ASSERT(row_int(rows[i].host, "header", rows[i].taken, s.header != NULL));
		if (!rows[i].taken) {
			CU_ASSERT(row_err(rows[i].host, &b.err, ERR_DENIED, "plain http"));
			CU_ASSERT_EQUAL(b.realm.count, 0);
		}
	}
}

void test_auth__answers_of_the_realm(void)
{
	static const struct {
		unsigned status;
		const char *body;
		enum err_kind kind;
		const char *text; /* header, or part of the message */
	} rows[] = {
		{ 200, "{\"access_token\":\"A\"}", ERR_NONE, "Bearer A" },
		{ 200, "{\"token\":\"B\",\"access_token\":\"A\"}", ERR_NONE, "Bearer B" },
		{ 200, "{\"token\":\"\",\"access_token\":\"A\"}", ERR_NONE, "Bearer A" },
		{ 200, "{\"token\":null,\"access_token\":\"A\"}", ERR_NONE, "Bearer A" },
		{ 200, "{}", ERR_DAMAGED, "no token" },
		{ 200, "{\"token\":7}", ERR_DAMAGED, "no token" },
		{ 200, "{\"token\":\"a\\r\\nX: y\"}", ERR_DAMAGED, "no token" },
		{ 200, "{\"token\":\"a b\"}", ERR_DAMAGED, "no token" },
		{ 200, "[]", ERR_DAMAGED, "no token" },
		{ 200, "SECRET", ERR_DAMAGED, "not valid JSON" },
		{ 200, "{\"token\":\"SECRET\",\"token\":\"SECRET\"}", ERR_DAMAGED,
		  "not valid JSON" },
		{ 200, "", ERR_DAMAGED, "not valid JSON" },
		{ 401, "{\"details\":\"incorrect username or password\"}", ERR_AUTH,
		  "incorrect username" },
		{ 401, "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"bad \\u001b[31m\"}]}",
		  ERR_AUTH, "bad \\x1b[31m" },
		{ 400, "{\"error\":\"invalid_scope\",\"error_description\":\"no such\"}", ERR_AUTH,
		  "no such" },
		{ 403, "", ERR_AUTH, "status 403" },
		{ 404, "<html>", ERR_AUTH, "status 404" },
		{ 429, "", ERR_BUSY, "status 429" },
		{ 500, "", ERR_SERVER, "status 500" },
		{ 503, "", ERR_BUSY, "status 503" },
		{ 204, "", ERR_FAILED, "status 204" },
		{ 302, "", ERR_FAILED, "status 302" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench _bench_ b;
		struct auth_session _auth_session_ s = PULL("a");
		char *_free_ row = xasprintf("%u %s", rows[i].status, rows[i].body);

		bench_init(&b, "u:PASS", NULL);
		b.realm.status = rows[i].status;
		b.realm.body = rows[i].body;
		const int rc = bench_answer(&b, &s, REALM);

		CU_ASSERT(row_int(row, "fails", rows[i].kind != ERR_NONE, rc < 0));
		if (rc == 0) {
			CU_ASSERT(row_text(row, "header", rows[i].text, s.header));
			continue;
		}
		CU_ASSERT(row_err(row, &b.err, rows[i].kind, rows[i].text));
		CU_ASSERT(row_err(row, &b.err, rows[i].kind, "https://t.example/token"));
		CU_ASSERT_PTR_NULL(strstr(b.err.msg, "SECRET"));
		CU_ASSERT_PTR_NULL(strstr(b.err.msg, "PASS"));
		CU_ASSERT_PTR_NULL(s.header);
	}
}

void test_auth__answer_of_the_realm_is_bounded(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a");
	struct buf _buf_ huge = BUF_INIT(1 << 20);

	bench_init(&b, NULL, NULL);
	buf_append_str(&huge, "{\"token\":\"", NULL);
	while (huge.len < AUTH_TOKEN_BYTES_MAX)
		buf_append_str(&huge, "aaaaaaaaaaaaaaaa", NULL);
	buf_append_str(&huge, "\"}", NULL);
	b.realm.body = buf_str(&huge);
	CU_ASSERT(bench_answer(&b, &s, REALM) < 0);
	CU_ASSERT(row_err("huge", &b.err, ERR_LIMIT, "token server https://t.example/token"));

	b.realm.fails = ERR_NETWORK;
	CU_ASSERT(bench_answer(&b, &s, REALM) < 0);
	CU_ASSERT(row_err("cut", &b.err, ERR_NETWORK, "token server https://t.example/token"));
}

/* --- giving up ------------------------------------------------------------------------------- */

void test_auth__gives_up(void)
{
	static const struct {
		const char *creds, *challenges[4]; /* the last one is refused */
		const char *message;
	} rows[] = {
		{ NULL, { "Basic realm=\"x\"" }, "wants a login" },
		{ NULL, { "Negotiate" }, "negotiate authentication" },
		{ NULL, { "" }, "does not say what it wants" },
		{ "u:p", { "Basic", "Basic" }, "credentials of --creds" },
		{ NULL, { REALM, REALM }, "wants a login" },
		{ "u:p", { REALM, REALM ",error=\"invalid_token\"" }, "credentials of --creds" },
		/* insufficient_scope: once, and only for a scope that was not asked for */
		{ NULL,
		  { REALM, REALM ",error=\"insufficient_scope\",scope=\"repository:a:pull\"" },
		  "wants a login" },
		{ NULL,
		  { REALM, REALM ",error=\"insufficient_scope\",scope=\"repository:a:push\"",
		    REALM ",error=\"insufficient_scope\",scope=\"repository:a:delete\"" },
		  "wants a login" },
		{ NULL,
		  { REALM, REALM ",error=\"invalid_token\",scope=\"repository:a:push\"" },
		  "wants a login" },
		/* from one kind to the other and back */
		{ "u:p", { "Basic", REALM, "Basic", "Basic" }, "credentials of --creds" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench _bench_ b;
		struct auth_session _auth_session_ s = PULL("a");
		size_t n = 0;

		bench_init(&b, rows[i].creds, NULL);
		CU_ASSERT_EQUAL(bench_prepare(&b, &s), 0);
		for (; n < 3 && rows[i].challenges[n + 1]; n++)
			CU_ASSERT(row_int(rows[i].challenges[n], "rc", 0,
					  bench_answer(&b, &s, rows[i].challenges[n])));
		CU_ASSERT(bench_answer(&b, &s, rows[i].challenges[n]) < 0);
		CU_ASSERT(row_err(rows[i].challenges[n], &b.err, ERR_AUTH, rows[i].message));
	}
}

void test_auth__every_loop_ends(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a");
	int rounds = 0;

	bench_init(&b, "u:p", NULL);
	/* Each answer names another realm, service and scope, and refuses in another way. */
	for (; rounds < 100; rounds++) {
		char *_free_ challenge = xasprintf(
			"%s realm=\"https://t%d.example/\",scope=\"repository:a:x%d\",error=\"%s\"",
			rounds % 3 ? "Bearer" : "Basic", rounds, rounds,
			rounds % 2 ? "insufficient_scope" : "invalid_token");

		if (bench_answer(&b, &s, challenge) < 0)
			break;
	}
	CU_ASSERT(rounds < 5);
	CU_ASSERT_EQUAL(b.err.kind, ERR_AUTH);
}

void test_auth__changing_its_mind_ends(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = PULL("a");
	int rounds = 0;

	bench_init(&b, "u:p", NULL);
	while (rounds < 100 && bench_answer(&b, &s, rounds % 2 ? REALM : "Basic") == 0)
		rounds++;
	CU_ASSERT(rounds < 5);
	CU_ASSERT(row_err("mind", &b.err, ERR_AUTH, "again and again"));
}

void test_auth__hints_name_login(void)
{
	struct bench _bench_ b;
	struct auth_session _auth_session_ s = {
		.target = { .host = "registry-1.docker.io",
			    .auth_key = "https://index.docker.io/v1/" }
	};

	bench_init(&b, NULL, NULL);
	CU_ASSERT(bench_answer(&b, &s, "Basic") < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.err.hint, "img login docker.io"));
}
