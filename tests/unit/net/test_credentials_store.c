/* SPDX-License-Identifier: Apache-2.0 */
/* Login and logout: what is written, what stays as it was. */
#include "net/credentials.h"

#include "tests/unit/net/home.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct credentials *open_usual(void)
{
	struct credentials *c = NULL;

	CU_ASSERT_EQUAL_FATAL(credentials_new(&(struct credentials_config){ 0 }, &c, NULL), 0);
	return c;
}

static int store(const struct credentials *c, const struct credentials_query *q, const char *user,
		 const char *secret)
{
	struct credential _credential_ what = { .user = xstrdup(user), .secret = xstrdup(secret) };
	struct err err = { 0 };
	const int rc = credentials_store(c, NULL, q, &what, &err);

	if (rc < 0)
		printf("#   %s\n", err.msg);
	return rc;
}

static mode_t mode_of(const struct home *h, const char *name)
{
	char *_free_ path = home_path(h, name);
	struct stat st = { 0 };

	(void)stat(path, &st);
	return st.st_mode & 07777;
}

#define RUNTIME "run/containers/auth.json"

void test_credentials_store__makes_the_file(void)
{
	struct home _home_ h;
	struct credential _credential_ found = { 0 };
	const struct credentials_query q = { .host = "h.example:5000" };

	home_init(&h);
	struct credentials *c = open_usual();
	char *_free_ path = home_path(&h, RUNTIME);

	CU_ASSERT_STRING_EQUAL(credentials_write_path(c), path);
	CU_ASSERT_EQUAL(store(c, &q, "u", "p:q"), 0);
	char *_free_ text = home_read(&h, RUNTIME);

	CU_ASSERT(row_text("new", "file",
			   "{\n    \"auths\": {\n        \"h.example:5000\": {\n"
			   "            \"auth\": \"dTpwOnE=\"\n        }\n    }\n}\n",
			   text));
	CU_ASSERT_EQUAL(mode_of(&h, RUNTIME), 0600);
	CU_ASSERT_EQUAL(mode_of(&h, "run/containers"), 0700);
	CU_ASSERT_EQUAL(credentials_find(c, NULL, &q, &found, NULL), 0);
	CU_ASSERT(row_text("new", "secret", "p:q", found.secret));
	credentials_free(c);
}

void test_credentials_store__says_where(void)
{
	struct home _home_ h;
	struct credential _credential_ what = { .identity_token = xstrdup("T") };
	struct credential _credential_ found = { 0 };
	const struct credentials_query q = { "docker.io", NULL, "https://index.docker.io/v1/" };

	home_init(&h);
	struct credentials *c = open_usual();

	CU_ASSERT_EQUAL(credentials_store(c, NULL, &q, &what, NULL), 0);
	CU_ASSERT_EQUAL(what.kind, CREDENTIAL_AUTHS);
	CU_ASSERT_STRING_EQUAL(what.file, credentials_write_path(c));
	CU_ASSERT_STRING_EQUAL(what.key, "https://index.docker.io/v1/");
	CU_ASSERT_EQUAL(credentials_find(c, NULL, &q, &found, NULL), 0);
	CU_ASSERT(row_text("token", "identity token", "T", found.identity_token));
	credentials_free(c);
}

void test_credentials_store__keeps_everything_else(void)
{
	struct home _home_ h;
	const struct credentials_query q = { .host = "h" };

	home_init(&h);
	home_write(
		&h, RUNTIME,
		"{'x':{'y':[1,2.5,null,true]},'auths':{'a':{'auth':'dTpw','z':1},"
		"'https://h/v1/':{'auth':'b2xkOm9sZA=='},'h/ns':{'auth':'dTpw'}},'t':'\\u00e9'}");
	char *_free_ path = home_path(&h, RUNTIME);

	CU_ASSERT_EQUAL(chmod(path, 0640), 0);
	struct credentials *c = open_usual();

	CU_ASSERT_EQUAL(store(c, &q, "n", "w"), 0);
	char *_free_ text = home_read(&h, RUNTIME);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	/* The new entry replaces the host's under any spelling; the namespace's is another. */
	CU_ASSERT_PTR_NULL(strstr(text, "https://h/v1/"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"h/ns\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"z\": 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "2.5"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\xc3\xa9"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "bjp3"));
	CU_ASSERT_EQUAL(mode_of(&h, RUNTIME), 0640);

	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &q, NULL), 1);
	char *_free_ after = home_read(&h, RUNTIME);

	CU_ASSERT_PTR_NULL(strstr(after, "bjp3"));
	CU_ASSERT_PTR_NOT_NULL(strstr(after, "\"h/ns\""));
	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &q, NULL), 0);
	credentials_free(c);
}

void test_credentials_store__follows_links(void)
{
	struct home _home_ h;
	const struct credentials_query q = { .host = "h" };
	struct stat st;

	home_init(&h);
	home_write(&h, "run/containers/keep", "");
	home_write(&h, "real/keep", "");
	char *_free_ path = home_path(&h, RUNTIME);

	/* The end of the links need not exist yet. */
	CU_ASSERT_EQUAL_FATAL(symlink("../../real/auth.json", path), 0);
	struct credentials *c = open_usual();

	CU_ASSERT_EQUAL(store(c, &q, "u", "p"), 0);
	CU_ASSERT_EQUAL(store(c, &q, "u", "q"), 0);
	CU_ASSERT_EQUAL_FATAL(lstat(path, &st), 0);
	CU_ASSERT(S_ISLNK(st.st_mode));
	char *_free_ text = home_read(&h, "real/auth.json");

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "dTpx"));
	credentials_free(c);
}

void test_credentials_store__leaves_a_damaged_file_alone(void)
{
	static const char *const texts[] = { "{", "[]", "{'auths':[]}" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct home _home_ h;
		struct credential _credential_ what = { .user = xstrdup("u"),
							.secret = xstrdup("p") };
		struct err err = { 0 };

		home_init(&h);
		home_write(&h, RUNTIME, texts[i]);
		char *_free_ before = home_read(&h, RUNTIME);
		struct credentials *c = open_usual();

		CU_ASSERT(credentials_store(c, NULL, &(struct credentials_query){ .host = "h" },
					    &what, &err) < 0);
		CU_ASSERT(row_err(texts[i], &err, ERR_DAMAGED, "auth.json"));
		char *_free_ after = home_read(&h, RUNTIME);

		CU_ASSERT(row_text(texts[i], "file", before, after));
		credentials_free(c);
	}
}

void test_credentials_store__named_file(void)
{
	struct home _home_ h;
	struct credentials *c = NULL;
	const struct credentials_query q = { .host = "h" };

	home_init(&h);
	char *_free_ path = home_path(&h, "new/auth.json");
	const struct credentials_config config = { .authfile = path };

	CU_ASSERT_EQUAL_FATAL(credentials_new(&config, &c, NULL), 0);
	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &q, NULL), 0);
	CU_ASSERT_EQUAL(store(c, &q, "u", "p"), 0);
	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &q, NULL), 1);
	char *_free_ runtime = home_read(&h, RUNTIME);

	CU_ASSERT_PTR_NULL(runtime);
	credentials_free(c);
}

void test_credentials_store__erasing_where_nothing_is_makes_nothing(void)
{
	struct home _home_ h;
	const struct credentials_query q = { .host = "h" };

	home_init(&h);
	home_write(&h, ".docker/config.json", "{'auths':{'h':{'auth':'dTpw'}}}");
	struct credentials *c = open_usual();

	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &q, NULL), 0);
	CU_ASSERT_EQUAL(mode_of(&h, "run"), 0);
	char *_free_ docker = home_read(&h, ".docker/config.json");

	CU_ASSERT_PTR_NOT_NULL(strstr(docker, "dTpw"));
	credentials_free(c);
}

/* `login HOST/NS`: an entry of its own, which helpers know nothing of. */
void test_credentials_store__namespaces(void)
{
	struct home _home_ h;
	struct credential _credential_ ours = { 0 }, _credential_ theirs = { 0 };
	const struct credentials_query ns = { .host = "h", .repository = "h/ns" };
	const struct credentials_query other = { .host = "h", .repository = "h/other" };

	home_init(&h);
	home_write(&h, ".docker/config.json", "{'credsStore':'nobody-has-this'}");
	struct credentials *c = open_usual();

	home_write(&h, RUNTIME, "{'auths':{'h':{'auth':'b2xkOm9sZA=='}}}");
	CU_ASSERT_EQUAL(store(c, &ns, "n", "s"), 0);
	CU_ASSERT_EQUAL(credentials_find(c, NULL, &ns, &ours, NULL), 0);
	CU_ASSERT(row_text("namespace", "user", "n", ours.user));
	CU_ASSERT_EQUAL(credentials_find(c, NULL, &other, &theirs, NULL), 0);
	CU_ASSERT(row_text("other", "user", "old", theirs.user));
	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &ns, NULL), 1);
	CU_ASSERT_EQUAL(credentials_erase(c, NULL, &ns, NULL), 0);
	char *_free_ text = home_read(&h, RUNTIME);

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "b2xkOm9sZA=="));
	credentials_free(c);
}
