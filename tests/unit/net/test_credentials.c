/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where credentials are found (containers-auth.json(5), docker's config.json): the order of the
 * places, the spellings of keys, the forms of entries, and that messages never say what is in a
 * file.
 */
#include "net/credentials.h"

#include "base/buf.h"
#include "base/text.h"
#include "tests/unit/net/home.h"

#include <CUnit/CUnit.h>
#include <sys/stat.h>

/* base64 of "u:p", "user:pa:ss", "other:x" */
#define U_P	   "dTpw"
#define USER_PA_SS "dXNlcjpwYTpzcw=="
#define OTHER_X	   "b3RoZXI6eA=="

#define AUTHS(key, code) "{'auths':{'" key "':{'auth':'" code "'}}}"

static int find(const struct credentials_config *config, const struct credentials_query *q,
		struct credential *ret, struct err *err)
{
	struct credentials *c = NULL;

	TRY(credentials_new(config, &c, err));
	const int rc = credentials_find(c, NULL, q, ret, err);

	credentials_free(c);
	return rc;
}

/* "user:secret", "identity TOKEN", "registry TOKEN", "none". */
static char *shown(const struct credential *c)
{
	if (c->registry_token)
		return xasprintf("registry %s", c->registry_token);
	if (c->identity_token)
		return xasprintf("identity %s", c->identity_token);
	if (c->kind == CREDENTIAL_NONE)
		return xstrdup("none");
	return xasprintf("%s:%s", c->user, c->secret);
}

/* --- one file -------------------------------------------------------------------------------- */

static const struct {
	const char *file; /* with ' for " */
	const char *host, *repository, *auth_key;
	const char *want, *key;
} key_rows[] = {
	{ AUTHS("h.example", U_P), "h.example", NULL, NULL, "u:p", "h.example" },
	{ AUTHS("h.example", U_P), "h.example:5000", NULL, NULL, "none", NULL },
	{ AUTHS("h.example:5000", U_P), "h.example:5000", NULL, NULL, "u:p", "h.example:5000" },
	{ AUTHS("h.example:5000", U_P), "h.example", NULL, NULL, "none", NULL },
	/* docker's spellings of a host */
	{ AUTHS("https://h.example/v1/", U_P), "h.example", NULL, NULL, "u:p",
	  "https://h.example/v1/" },
	{ AUTHS("https://h.example", U_P), "h.example", NULL, NULL, "u:p", "https://h.example" },
	{ AUTHS("http://h.example/v2/", U_P), "h.example", NULL, NULL, "u:p",
	  "http://h.example/v2/" },
	{ AUTHS("h.example/v2/", U_P), "h.example", NULL, NULL, "u:p", "h.example/v2/" },
	{ AUTHS("H.Example", U_P), "h.example", NULL, NULL, "u:p", "H.Example" },
	{ AUTHS("evil-h.example", U_P), "h.example", NULL, NULL, "none", NULL },
	{ AUTHS("h.example.evil", U_P), "h.example", NULL, NULL, "none", NULL },
	/*
	 * the most specific namespace wins, whatever the order; a namespace does not serve others
	 */
	{ "{'auths':{'h.example':{'auth':'" U_P "'},'h.example/a/b':{'auth':'" OTHER_X
	  "'},'h.example/a':{'auth':'" USER_PA_SS "'}}}",
	  "h.example", "h.example/a/b", NULL, "other:x", "h.example/a/b" },
	{ "{'auths':{'h.example':{'auth':'" U_P "'},'h.example/a':{'auth':'" USER_PA_SS "'}}}",
	  "h.example", "h.example/a/c", NULL, "user:pa:ss", "h.example/a" },
	{ "{'auths':{'h.example':{'auth':'" U_P "'},'h.example/a':{'auth':'" USER_PA_SS "'}}}",
	  "h.example", "h.example/ab/c", NULL, "u:p", "h.example" },
	{ AUTHS("h.example/a", U_P), "h.example", "h.example/b", NULL, "none", NULL },
	{ AUTHS("h.example/a", U_P), "h.example", NULL, NULL, "none", NULL },
	/* Hub and its names */
	{ AUTHS("https://index.docker.io/v1/", U_P), "registry-1.docker.io", "docker.io/library/x",
	  "https://index.docker.io/v1/", "u:p", "https://index.docker.io/v1/" },
	{ AUTHS("docker.io", U_P), "registry-1.docker.io", "docker.io/library/x",
	  "https://index.docker.io/v1/", "u:p", "docker.io" },
	{ AUTHS("index.docker.io", U_P), "docker.io", NULL, "https://index.docker.io/v1/", "u:p",
	  "index.docker.io" },
	{ AUTHS("registry-1.docker.io", U_P), "docker.io", NULL, NULL, "u:p",
	  "registry-1.docker.io" },
	{ AUTHS("docker.io/team", U_P), "registry-1.docker.io", "docker.io/team/x",
	  "https://index.docker.io/v1/", "u:p", "docker.io/team" },
	/* IPv6 */
	{ AUTHS("[::1]:5000", U_P), "[::1]:5000", "[::1]:5000/x", NULL, "u:p", "[::1]:5000" },
};

void test_credentials__keys(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_rows); i++) {
		struct home _home_ h;
		struct credential _credential_ c = { 0 };
		const struct credentials_query q = { key_rows[i].host, key_rows[i].repository,
						     key_rows[i].auth_key };
		struct err err = { 0 };

		home_init(&h);
		home_write(&h, "run/containers/auth.json", key_rows[i].file);
		CU_ASSERT(row_int(key_rows[i].file, "rc", 0,
				  find(&(struct credentials_config){ 0 }, &q, &c, &err)));
		char *_free_ got = shown(&c);

		CU_ASSERT(row_text(key_rows[i].file, "credential", key_rows[i].want, got));
		CU_ASSERT(row_text(key_rows[i].file, "key", key_rows[i].key, c.key));
	}
}

static const struct {
	const char *entry, *want;
} entry_rows[] = {
	{ "{'auth':'" U_P "'}", "u:p" },
	/* The password is all behind the first colon; docker wrote NULs behind it ("u:p\0\0"). */
	{ "{'auth':'" USER_PA_SS "'}", "user:pa:ss" },
	{ "{'auth':'dTpwAAA='}", "u:p" },
	{ "{'auth':'dTo='}", "u:" },
	{ "{'username':'a','password':'b:c'}", "a:b:c" },
	{ "{'auth':'" U_P "','username':'a','password':'b'}", "u:p" },
	{ "{'auth':'" U_P "','email':'x@y','unknown':[1,2.5]}", "u:p" },
	{ "{'identitytoken':'T'}", "identity T" },
	/* "<token>:" beside the token, as docker writes it; "<token>:T" as helpers do. */
	{ "{'auth':'PHRva2VuPjo=','identitytoken':'T'}", "identity T" },
	{ "{'auth':'PHRva2VuPjpU'}", "identity T" },
	{ "{'registrytoken':'R'}", "registry R" },
	{ "{'registrytoken':'R','identitytoken':'T','auth':'" U_P "'}", "registry R" },
	/* Nothing: what docker leaves when a helper keeps the secret. */
	{ "{}", "none" },
	{ "null", "none" },
	{ "{'auth':''}", "none" },
	{ "{'auth':null}", "none" },
	{ "{'email':'x@y'}", "none" },
};

void test_credentials__entries(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(entry_rows); i++) {
		struct home _home_ h;
		struct credential _credential_ c = { 0 };
		char *_free_ file = xasprintf("{'auths':{'h':%s}}", entry_rows[i].entry);
		struct err err = { 0 };

		home_init(&h);
		home_write(&h, ".docker/config.json", file);
		CU_ASSERT(row_int(entry_rows[i].entry, "rc", 0,
				  find(&(struct credentials_config){ 0 },
				       &(struct credentials_query){ .host = "h" }, &c, &err)));
		char *_free_ got = shown(&c);

		CU_ASSERT(row_text(entry_rows[i].entry, "credential", entry_rows[i].want, got));
	}
}

static const struct {
	const char *file, *message;
} damaged_rows[] = {
	{ "{'auths':", "not valid JSON" },
	{ "hunter2", "not valid JSON" },
	{ "{'auths':{'h':{'auth':'hunter2'}},'auths':{}}", "not valid JSON" },
	{ "[]", "not a JSON object" },
	{ "{'auths':{'h':{'auth':'hunter2!'}}}", "entry of h is not" },
	{ "{'auths':{'h':{'auth':'aHVudGVyMg=='}}}", "entry of h is not" }, /* no colon */
	{ "{'auths':{'h':{'auth':'dQA6cA=='}}}", "entry of h is not" },	    /* NUL inside */
	{ "{'auths':{'h':'hunter2'}}", "entry of h is not" },
	{ "{'auths':{'h\\nx':1,'h':[]}}", "entry of h is not" },
	{ "{'credHelpers':{'h':'../hunter2'}}", "not a valid name" },
	{ "{'credHelpers':{'h':'a/b'}}", "not a valid name" },
	{ "{'credsStore':'a b'}", "not a valid name" },
};

void test_credentials__damaged_files_are_named_not_shown(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(damaged_rows); i++) {
		struct home _home_ h;
		struct credential _credential_ c = { 0 };
		struct err err = { 0 };

		home_init(&h);
		home_write(&h, "run/containers/auth.json", damaged_rows[i].file);
		CU_ASSERT(find(&(struct credentials_config){ 0 },
			       &(struct credentials_query){ .host = "h" }, &c, &err) < 0);
		CU_ASSERT(
			row_err(damaged_rows[i].file, &err, ERR_DAMAGED, damaged_rows[i].message));
		CU_ASSERT(row_err(damaged_rows[i].file, &err, ERR_DAMAGED,
				  "run/containers/auth.json"));
		/* A helper's name is no secret. */
		if (!strstr(damaged_rows[i].file, "cred"))
			CU_ASSERT_PTR_NULL(strstr(err.msg, "hunter2"));
	}
}

/* --- the order of places --------------------------------------------------------------------- */

enum {
	BY_FLAG = 1,
	BY_AUTHFILE = 2,
	BY_REGISTRY_AUTH_FILE = 4,
	BY_DOCKER_AUTH_CONFIG = 8,
	BY_RUNTIME = 16,
	BY_CONFIG = 32,
	BY_DOCKER = 64,
	BY_DOCKERCFG = 128,
};

static void fill_places(const struct home *h, unsigned places)
{
	char *_free_ only = home_path(h, "variable.json");

	if (places & BY_AUTHFILE)
		home_write(h, "flag.json",
			   "{'auths':{'h':{'username':'authfile','password':'x'}}}");
	if (places & BY_REGISTRY_AUTH_FILE) {
		home_write(h, "variable.json",
			   "{'auths':{'h':{'username':'variable','password':'x'}}}");
		setenv("REGISTRY_AUTH_FILE", only, 1);
	}
	if (places & BY_DOCKER_AUTH_CONFIG)
		setenv("DOCKER_AUTH_CONFIG", "{\"auths\":{\"h\":{\"auth\":\"ZW52Ong=\"}}}", 1);
	if (places & BY_RUNTIME)
		home_write(h, "run/containers/auth.json",
			   "{'auths':{'h':{'username':'runtime','password':'x'}}}");
	if (places & BY_CONFIG)
		home_write(h, ".config/containers/auth.json",
			   "{'auths':{'h':{'username':'config','password':'x'}}}");
	if (places & BY_DOCKER)
		home_write(h, ".docker/config.json",
			   "{'auths':{'h':{'username':'docker','password':'x'}}}");
	if (places & BY_DOCKERCFG)
		home_write(h, ".dockercfg",
			   "{'http://h/v1':{'username':'dockercfg','password':'x'}}");
}

void test_credentials__order_of_places(void)
{
	static const struct {
		const char *user;
		enum credential_kind kind;
		const char *file;
	} want[] = {
		{ "flag", CREDENTIAL_FLAG, NULL },
		{ "authfile", CREDENTIAL_AUTHS, "flag.json" },
		{ "variable", CREDENTIAL_AUTHS, "variable.json" },
		{ "env", CREDENTIAL_ENV, "DOCKER_AUTH_CONFIG" },
		{ "runtime", CREDENTIAL_AUTHS, "run/containers/auth.json" },
		{ "config", CREDENTIAL_AUTHS, ".config/containers/auth.json" },
		{ "docker", CREDENTIAL_AUTHS, ".docker/config.json" },
		{ "dockercfg", CREDENTIAL_AUTHS, ".dockercfg" },
	};

	/* With all places filled but the first i, the next one decides. */
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const unsigned places = 0xffU << i & 0xff;
		struct home _home_ h;
		struct credential _credential_ c = { 0 };
		struct err err = { 0 };

		home_init(&h);
		fill_places(&h, places);
		char *_free_ authfile = home_path(&h, "flag.json");
		const struct credentials_config config = {
			.authfile = places & BY_AUTHFILE ? authfile : NULL,
			.creds = places & BY_FLAG ? "flag:x" : NULL,
		};

		CU_ASSERT_EQUAL(find(&config, &(struct credentials_query){ .host = "h" }, &c, &err),
				0);
		CU_ASSERT(row_text(want[i].user, "user", want[i].user, c.user));
		CU_ASSERT(row_int(want[i].user, "kind", want[i].kind, c.kind));
		CU_ASSERT(row_text(want[i].user, "file", want[i].file,
				   c.file && text_starts_with(c.file, h.dir)
					   ? c.file + strlen(h.dir) + 1
					   : c.file));
	}
}

void test_credentials__named_file_is_the_only_one(void)
{
	struct home _home_ h;
	struct credential _credential_ c = { 0 };
	struct err err = { 0 };

	home_init(&h);
	fill_places(&h, BY_DOCKER_AUTH_CONFIG | BY_RUNTIME | BY_DOCKER);
	char *_free_ path = home_path(&h, "empty.json");
	const struct credentials_query q = { .host = "h" };

	setenv("REGISTRY_AUTH_FILE", path, 1);
	/* Named by the environment, absent: nothing. Named by the flag, absent: a mistake. */
	CU_ASSERT_EQUAL(find(&(struct credentials_config){ 0 }, &q, &c, &err), 0);
	CU_ASSERT_EQUAL(c.kind, CREDENTIAL_NONE);
	CU_ASSERT(find(&(struct credentials_config){ .authfile = path }, &q, &c, &err) < 0);
	CU_ASSERT(row_err("absent", &err, ERR_USAGE, "empty.json: it does not exist"));

	home_write(&h, "empty.json", " \n");
	CU_ASSERT_EQUAL(find(&(struct credentials_config){ .authfile = path }, &q, &c, &err), 0);
	CU_ASSERT_EQUAL(c.kind, CREDENTIAL_NONE);
}

void test_credentials__folders_named_by_variables(void)
{
	struct home _home_ h;
	struct credential _credential_ c = { 0 }, _credential_ d = { 0 };
	const struct credentials_query q = { .host = "h" };
	struct err err = { 0 };

	home_init(&h);
	char *_free_ xdg = home_path(&h, "xdg"), *_free_ docker = home_path(&h, "dock");

	setenv("XDG_CONFIG_HOME", xdg, 1);
	setenv("DOCKER_CONFIG", docker, 1);
	home_write(&h, "dock/config.json", AUTHS("h", OTHER_X));
	home_write(&h, ".docker/config.json", AUTHS("h", U_P));
	home_write(&h, ".config/containers/auth.json", AUTHS("h", U_P));
	CU_ASSERT_EQUAL(find(&(struct credentials_config){ 0 }, &q, &c, &err), 0);
	CU_ASSERT_STRING_EQUAL(c.user, "other");
	home_write(&h, "xdg/containers/auth.json", AUTHS("h", USER_PA_SS));
	CU_ASSERT_EQUAL(find(&(struct credentials_config){ 0 }, &q, &d, &err), 0);
	CU_ASSERT_STRING_EQUAL(d.user, "user");
}

/* ~/.dockercfg: hosts at the top level, with any path behind them. */
void test_credentials__dockercfg_keys(void)
{
	static const char *const keys[] = { "h", "https://h/v1/", "h/v0", "http://h/x/y" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct home _home_ h;
		struct credential _credential_ c = { 0 };
		struct err err = { 0 };
		char *_free_ file = xasprintf("{'%s':{'auth':'" U_P "','email':'x'}}", keys[i]);

		home_init(&h);
		home_write(&h, ".dockercfg", file);
		CU_ASSERT_EQUAL(find(&(struct credentials_config){ 0 },
				     &(struct credentials_query){ .host = "h" }, &c, &err),
				0);
		CU_ASSERT(row_text(keys[i], "user", "u", c.user));
	}
}

void test_credentials__flag(void)
{
	static const struct {
		const char *text, *user, *secret;
	} rows[] = {
		{ "u:p", "u", "p" }, { "u:p:q", "u", "p:q" }, { "u", "u", "" },
		{ "u:", "u", "" },   { ":p", NULL, NULL },    { "", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct credential _credential_ c = { 0 };
		struct err err = { 0 };
		const int rc = find(&(struct credentials_config){ .creds = rows[i].text },
				    &(struct credentials_query){ .host = "h" }, &c, &err);

		CU_ASSERT(row_text(rows[i].text, "user", rows[i].user, c.user));
		CU_ASSERT(row_text(rows[i].text, "secret", rows[i].secret, c.secret));
		CU_ASSERT(row_int(rows[i].text, "fails", !rows[i].user, rc < 0));
		if (rc < 0)
			CU_ASSERT(row_err(rows[i].text, &err, ERR_USAGE, "--creds"));
	}
}

void test_credentials__origin_tells_no_secret(void)
{
	struct credential c = { .kind = CREDENTIAL_HELPER,
				.user = (char *)"u",
				.secret = (char *)"hunter2",
				.file = (char *)"/f\x1b[m",
				.key = (char *)"h",
				.helper = (char *)"pass" };
	char *_free_ helper = credential_origin(&c);

	CU_ASSERT_STRING_EQUAL(helper, "docker-credential-pass (named in /f\\x1b[m, key h)");
	c.kind = CREDENTIAL_AUTHS;
	char *_free_ auths = credential_origin(&c);

	CU_ASSERT_STRING_EQUAL(auths, "/f\\x1b[m (key h)");
	c.kind = CREDENTIAL_FLAG;
	char *_free_ flag = credential_origin(&c);

	CU_ASSERT_STRING_EQUAL(flag, "--creds");
}

void test_credentials__special_files(void)
{
	struct home _home_ h;
	struct credential _credential_ c = { 0 };
	struct err err = { 0 };

	home_init(&h);
	char *_free_ target = home_path(&h, "real.json");
	char *_free_ link = home_path(&h, "link.json");
	const struct credentials_query q = { .host = "h" };

	home_write(&h, "real.json", AUTHS("h", U_P));
	CU_ASSERT_EQUAL_FATAL(symlink(target, link), 0);
	CU_ASSERT_EQUAL(find(&(struct credentials_config){ .authfile = link }, &q, &c, &err), 0);
	CU_ASSERT_STRING_EQUAL(c.user, "u");
	CU_ASSERT(find(&(struct credentials_config){ .authfile = h.dir }, &q, &c, &err) < 0);

	struct buf _buf_ big = BUF_INIT(3 << 20);

	while (big.len < 2 << 20)
		buf_append_str(&big, "          ", NULL);
	home_write(&h, "real.json", buf_str(&big));
	err_clear(&err);
	CU_ASSERT(find(&(struct credentials_config){ .authfile = link }, &q, &c, &err) < 0);
	CU_ASSERT(row_err("big", &err, ERR_LIMIT, "link.json"));
}
