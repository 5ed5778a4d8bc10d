/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Login and logout while the system fails: the file of credentials is as before or as it should be.
 */
#include "base/text.h"
#include "net/credentials.h"
#include "tests/fault/sweep.h"
#include "tests/unit/net/home.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <sys/stat.h>

#define FOLDER "run/containers"
#define FILE_  FOLDER "/auth.json"
#define BEFORE "{'auths':{'other':{'auth':'dTpw'},'h':{'auth':'b2xkOm9sZA=='}},'kept':1}"
#define HELPER                                                                        \
	"#!/bin/sh\n"                                                                 \
	"case $1 in\n"                                                                \
	"store) cat > \"$HOME/kept.new\" && mv \"$HOME/kept.new\" \"$HOME/kept\";;\n" \
	"erase) cat > /dev/null; rm -f \"$HOME/kept\";;\n"                            \
	"get) cat > /dev/null; cat \"$HOME/kept\" 2> /dev/null;;\n"                   \
	"esac\n"

/* What a sweep works on. */
struct world {
	struct home home;
	struct credentials *credentials;
	const char *file;   /* what is in it before; NULL: none */
	const char *secret; /* what is kept afterwards; NULL: nothing */
	bool by_helper;
	bool is_linked; /* the file is elsewhere */
};

static const struct credentials_query query = { .host = "h" };

static void prepare_file(struct world *w)
{
	char *_free_ path = home_path(&w->home, FILE_);

	home_write(&w->home, FOLDER "/beside", "");
	home_write(&w->home, w->is_linked ? "real" : FILE_, w->file);
	if (w->is_linked && symlink("../../real", path) < 0)
		abort();
	if (chmod(path, 0640) < 0)
		abort();
}

static void prepare(void *arg)
{
	struct world *w = arg;

	home_init(&w->home);
	if (w->by_helper)
		home_program(&w->home, "bin/docker-credential-own", HELPER);
	if (w->file)
		prepare_file(w);
	if (credentials_new(&(struct credentials_config){ 0 }, &w->credentials, NULL) < 0)
		abort();
}

static const char *cleanup(void *arg)
{
	struct world *w = arg;

	credentials_free(w->credentials);
	home_fini(&w->home);
	return NULL;
}

static int run_store(void *arg, struct err *err)
{
	struct world *w = arg;
	struct credential _credential_ what = { .user = xstrdup("u"), .secret = xstrdup("new") };

	return credentials_store(w->credentials, NULL, &query, &what, err);
}

static int run_erase(void *arg, struct err *err)
{
	struct world *w = arg;

	return credentials_erase(w->credentials, NULL, &query, err);
}

static const char *check_folder(const struct home *h)
{
	char *_free_ path = home_path(h, FOLDER);
	DIR *dir = opendir(path);
	const char *wrong = NULL;

	for (const struct dirent *e; dir && (e = readdir(dir));)
		if (text_starts_with(e->d_name, ".img-tmp-"))
			wrong = "a temporary file with secrets is left";
	if (dir)
		(void)closedir(dir);
	return wrong;
}

/* What else was in the file is there, with the mode it had. */
static const char *check_file(const struct world *w)
{
	char *_free_ text = home_read(&w->home, FILE_);
	char *_free_ path = home_path(&w->home, FILE_);
	struct stat st = { 0 };

	if (!text)
		return w->file ? "the file is gone" : NULL;
	if (w->is_linked && (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode)))
		return "the link is gone";
	if (stat(path, &st) < 0 || (st.st_mode & 07777) != (w->file ? 0640 : 0600))
		return "the file has another mode";
	if (w->file && !w->by_helper && (!strstr(text, "dTpw") || !strstr(text, "kept")))
		return "what else was in the file is gone";
	return NULL;
}

static const char *check_secret(const struct world *w, struct sweep_state state)
{
	struct credential _credential_ found = { 0 };
	struct err err = { 0 };

	if (w->by_helper && w->secret == NULL)
		return NULL; /* it was erased, and the helper fails at asking */
	if (credentials_find(w->credentials, NULL, &query, &found, &err) < 0)
		return w->by_helper && state.end != SWEEP_DONE ? NULL : "the file is damaged";
	if (state.end == SWEEP_DONE)
		return row_text("done", "secret", w->secret, found.secret)
			       ? NULL
			       : "it worked, and something else is kept";
	if (found.secret && strcmp(found.secret, "old") != 0 && strcmp(found.secret, "new") != 0)
		return "neither the old secret nor the new";
	return NULL;
}

static const char *check(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	const char *wrong = check_file(w);

	if (!wrong && !state.untidy)
		wrong = check_folder(&w->home);
	return wrong ? wrong : check_secret(w, state);
}

static void sweep(const char *name, struct world *w, int (*run)(void *, struct err *), bool kill)
{
	const struct sweep_op op = { .name = name,
				     .arg = w,
				     .prepare = prepare,
				     .run = run,
				     .check = check,
				     .cleanup = cleanup,
				     .no_disk = w->by_helper };

	if (kill)
		sweep_kills(&op);
	else
		sweep_faults(&op);
}

void test_credentials_faults__first_login(void)
{
	struct world w = { .secret = "new" };

	sweep("first login", &w, run_store, false);
}

void test_credentials_faults__login(void)
{
	struct world w = { .file = BEFORE, .secret = "new" };

	sweep("login", &w, run_store, false);
}

void test_credentials_faults__login_behind_a_link(void)
{
	struct world w = { .file = BEFORE, .secret = "new", .is_linked = true };

	sweep("login behind a link", &w, run_store, false);
}

void test_credentials_faults__killed_login(void)
{
	struct world w = { .file = BEFORE, .secret = "new" };

	sweep("killed login", &w, run_store, true);
}

void test_credentials_faults__logout(void)
{
	struct world w = { .file = BEFORE };

	sweep("logout", &w, run_erase, false);
}

void test_credentials_faults__login_by_helper(void)
{
	struct world w = { .file = "{'credsStore':'own'}", .secret = "new", .by_helper = true };

	sweep("login by helper", &w, run_store, false);
}

void test_credentials_faults__logout_by_helper(void)
{
	struct world w = { .file = "{'credsStore':'own'}", .by_helper = true };

	sweep("logout by helper", &w, run_erase, false);
}
