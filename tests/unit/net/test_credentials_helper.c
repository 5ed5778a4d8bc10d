/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers: programs of our own that speak docker's protocol, well and badly. */
#include "net/credentials.h"

#include "base/text.h"
#include "tests/unit/net/home.h"

#include <CUnit/CUnit.h>

/* Keeps one secret in the file "kept" and says what it was asked in "asked". */
#define GOOD                                                                                             \
	"#!/bin/sh\n"                                                                                    \
	"key=$(cat)\n"                                                                                   \
	"printf '%s %s\\n' \"$1\" \"$key\" >> \"$HOME/asked\"\n"                                         \
	"case $1 in\n"                                                                                   \
	"get) if [ -f \"$HOME/kept\" ]; then cat \"$HOME/kept\"; else\n"                                 \
	"  echo 'credentials not found in native keychain'; exit 1; fi ;;\n"                             \
	"store) printf '%s' \"$key\" > \"$HOME/kept\" ;;\n"                                              \
	"erase) [ -f \"$HOME/kept\" ] || { echo 'credentials not found in native keychain'; exit 1; }\n" \
	"  rm \"$HOME/kept\" ;;\n"                                                                       \
	"esac\n"

static int find(const char *host, const char *auth_key, struct credential *ret, struct err *err)
{
	struct credentials *c = NULL;
	const struct credentials_query q = { .host = host, .auth_key = auth_key };

	TRY(credentials_new(&(struct credentials_config){ 0 }, &c, err));
	const int rc = credentials_find(c, NULL, &q, ret, err);

	credentials_free(c);
	return rc;
}

void test_credentials_helper__which_one_is_asked(void)
{
	static const struct {
		const char *file, *host, *auth_key, *asked;
	} rows[] = {
		{ "{'credHelpers':{'h':'one'},'credsStore':'two'}", "h", NULL, "one h" },
		{ "{'credHelpers':{'g':'one'},'credsStore':'two'}", "h", NULL, "two h" },
		{ "{'credsStore':'two'}", "docker.io", "https://index.docker.io/v1/",
		  "two https://index.docker.io/v1/" },
		{ "{'credHelpers':{'index.docker.io':'one'},'credsStore':'two'}",
		  "registry-1.docker.io", "https://index.docker.io/v1/",
		  "one https://index.docker.io/v1/" },
		{ "{'credHelpers':{'https://h/v1/':'one'}}", "h", NULL, "one h" },
		/* Patterns: the longest; a name before any. */
		{ "{'credHelpers':{'*.dkr.ecr.*.amazonaws.com':'one','*.com':'two'}}",
		  "1.dkr.ecr.eu-west-1.amazonaws.com", NULL,
		  "one 1.dkr.ecr.eu-west-1.amazonaws.com" },
		{ "{'credHelpers':{'*':'two','a.b':'one'}}", "a.b", NULL, "one a.b" },
		{ "{'credHelpers':{'*.b':'one'}}", "b", NULL, NULL },
		/* An empty name keeps the store away. */
		{ "{'credHelpers':{'h':''},'credsStore':'two'}", "h", NULL, NULL },
		{ "{'credsStore':''}", "h", NULL, NULL },
		{ "{'credHelpers':[],'credsStore':7}", "h", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct home _home_ h;
		struct credential _credential_ c = { 0 };
		struct err err = { 0 };

		home_init(&h);
		home_write(&h, "run/containers/auth.json", rows[i].file);
		for (int k = 0; k < 2; k++) {
			char *_free_ name =
				xasprintf("bin/docker-credential-%s", k ? "two" : "one");
			char *_free_ text = xasprintf(
				"#!/bin/sh\nprintf '%s %%s' \"$(cat)\" > \"$HOME/asked\"\n"
				"echo '{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"s\"}'\n",
				k ? "two" : "one");

			home_program(&h, name, text);
		}
		CU_ASSERT(row_int(rows[i].file, "rc", 0,
				  find(rows[i].host, rows[i].auth_key, &c, &err)));
		char *_free_ asked = home_read(&h, "asked");

		CU_ASSERT(row_text(rows[i].file, "asked", rows[i].asked, asked));
		CU_ASSERT(row_text(rows[i].file, "secret", rows[i].asked ? "s" : NULL, c.secret));
		CU_ASSERT(row_int(rows[i].file, "kind",
				  rows[i].asked ? CREDENTIAL_HELPER : CREDENTIAL_NONE, c.kind));
	}
}

void test_credentials_helper__answers(void)
{
	static const struct {
		const char *script; /* after #!/bin/sh */
		const char *user, *secret, *token, *message;
	} rows[] = {
		{ "echo '{\"Username\":\"u\",\"Secret\":\"s\"}'", "u", "s", NULL, NULL },
		{ "echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'", NULL, NULL, "t", NULL },
		{ "echo '{\"Username\":\"\",\"Secret\":\"\"}'", NULL, NULL, NULL, NULL },
		{ "echo 'credentials not found in native keychain'; exit 1", NULL, NULL, NULL,
		  NULL },
		{ "echo 'The keychain is locked'; exit 1", NULL, NULL, NULL,
		  "docker-credential-x (named in " },
		{ "printf 'a\\033[mb\\n'; exit 1", NULL, NULL, NULL, "a\\x1b[mb" },
		{ "exit 3", NULL, NULL, NULL, "gave no reason" },
		{ "kill -9 $$", NULL, NULL, NULL, "it was killed" },
		{ "echo secret-but-not-json", NULL, NULL, NULL, "its answer is not JSON" },
		{ "head -c 2000000 /dev/zero", NULL, NULL, NULL, "bytes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct home _home_ h;
		struct credential _credential_ c = { 0 };
		struct err err = { 0 };
		char *_free_ text = xasprintf("#!/bin/sh\n%s\n", rows[i].script);

		home_init(&h);
		home_write(&h, "run/containers/auth.json", "{'credsStore':'x'}");
		home_program(&h, "bin/docker-credential-x", text);
		const int rc = find("h", NULL, &c, &err);

		CU_ASSERT(row_int(rows[i].script, "fails", rows[i].message != NULL, rc < 0));
		CU_ASSERT(row_text(rows[i].script, "user", rows[i].user, c.user));
		CU_ASSERT(row_text(rows[i].script, "secret", rows[i].secret, c.secret));
		CU_ASSERT(row_text(rows[i].script, "token", rows[i].token, c.identity_token));
		if (rc < 0)
			CU_ASSERT(row_err(rows[i].script, &err, ERR_AUTH, rows[i].message));
		CU_ASSERT_PTR_NULL(strstr(err.msg, "secret-but"));
	}
}

void test_credentials_helper__absent_program(void)
{
	struct home _home_ h;
	struct credential _credential_ c = { 0 };
	struct err err = { 0 };

	home_init(&h);
	home_write(&h, ".docker/config.json", "{'credsStore':'desktop'}");
	CU_ASSERT(find("h", NULL, &c, &err) < 0);
	CU_ASSERT(row_err("absent", &err, ERR_AUTH, "docker-credential-desktop"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "no such program"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, ".docker/config.json"));
}

void test_credentials_helper__what_it_does_not_know_is_looked_for_further(void)
{
	struct home _home_ h;
	struct credential _credential_ c = { 0 };
	struct err err = { 0 };

	home_init(&h);
	home_write(&h, "run/containers/auth.json", "{'credsStore':'x'}");
	home_write(&h, ".docker/config.json", "{'auths':{'h':{'auth':'dTpw'}}}");
	home_program(&h, "bin/docker-credential-x", GOOD);
	CU_ASSERT_EQUAL(find("h", NULL, &c, &err), 0);
	CU_ASSERT_EQUAL(c.kind, CREDENTIAL_AUTHS);
	CU_ASSERT(row_text("further", "user", "u", c.user));
}

void test_credentials_helper__of_the_environment_is_not_run(void)
{
	struct home _home_ h;
	struct credential _credential_ c = { 0 };
	struct err err = { 0 };

	home_init(&h);
	setenv("DOCKER_AUTH_CONFIG", "{\"credsStore\":\"x\",\"credHelpers\":{\"h\":\"x\"}}", 1);
	home_program(&h, "bin/docker-credential-x", GOOD);
	CU_ASSERT_EQUAL(find("h", NULL, &c, &err), 0);
	CU_ASSERT_EQUAL(c.kind, CREDENTIAL_NONE);
	char *_free_ asked = home_read(&h, "asked");

	CU_ASSERT_PTR_NULL(asked);
}

void test_credentials_helper__stores_and_erases(void)
{
	struct home _home_ h;
	struct credentials *c = NULL;
	struct credential _credential_ found = { 0 };
	struct credential _credential_ what = { .user = xstrdup("u\"x"), .secret = xstrdup("p") };
	const struct credentials_query q = { .host = "h" };
	struct err err = { 0 };

	home_init(&h);
	home_write(&h, ".docker/config.json", "{'credHelpers':{'h':'x'}}");
	home_program(&h, "bin/docker-credential-x", GOOD);
	CU_ASSERT_EQUAL_FATAL(credentials_new(&(struct credentials_config){ 0 }, &c, &err), 0);
	CU_ASSERT_EQUAL(credentials_store(c, NULL, &q, &what, &err), 0);
	CU_ASSERT_EQUAL(what.kind, CREDENTIAL_HELPER);
	CU_ASSERT_STRING_EQUAL(what.helper, "x");
	char *_free_ kept = home_read(&h, "kept");

	CU_ASSERT(row_text("store", "input",
			   "{\"ServerURL\":\"h\",\"Username\":\"u\\\"x\",\"Secret\":\"p\"}", kept));
	CU_ASSERT_EQUAL(credentials_find(c, NULL, &q, &found, &err), 0);
	CU_ASSERT(row_text("found", "user", "u\"x", found.user));
	char *_free_ file = home_read(&h, "run/containers/auth.json");

	CU_ASSERT_PTR_NULL(file);
	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &q, &err), 1);
	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &q, &err), 0);
	credentials_free(c);
}
