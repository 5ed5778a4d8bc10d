/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Login and logout: a secret is kept by the helper that a file names for the host, else in the auth
 * file. The file is edited as a document, so what else is in it stays; it is replaced by one rename
 * under a lock of its folder, where a link points to, with the mode and owner it had.
 */
#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/credentials_files.h"
#include "net/secret.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Links followed when the file at their end does not exist yet. */
#define LINKS_MAX 8

/* --- the file -------------------------------------------------------------------------------- */

/* The auth file, open for an exchange. */
struct auth_file {
	struct credentials_place place; /* where links lead to */
	char *name;			/* the last component of it */
	int dir;			/* locked, unless absent (-1) */
	struct stat st;			/* of the file; mode 0 when absent */
};

static void auth_file_close(struct auth_file *f)
{
	free(f->place.path);
	free(f->name);
	if (f->dir >= 0)
		(void)close(f->dir);
}

/*
 * One link further: its target, beside it when relative. 1 and *ret, 0 when `path` is no link,
 * -errno.
 */
static int follow(const char *path, char **ret)
{
	char target[4096];
	const ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');

	if (n < 0)
		return errno == EINVAL || errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (n == 0)
		return 0;
	target[n] = '\0';
	if (target[0] == '/' || !slash)
		*ret = xstrdup(target);
	else
		*ret = xasprintf("%.*s/%s", (int)(slash - path), path, target);
	return 1;
}

/* Where the links lead, in *path. What replaces a link by a file is worse than an error. */
static int resolve(char **path)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		char *next = NULL;
		const int rc = follow(*path, &next);

		if (!next)
			return rc;
		free(*path);
		*path = next;
	}
	return 0;
}

/* With `make` its folder is made; without, an absent folder leaves dir at -1. */
static int auth_file_open(const char *path, bool make, struct auth_file *f, struct err *err)
{
	struct err why = { 0 };
	char *_free_ folder = NULL;

	f->place = (struct credentials_place){ CREDENTIALS_FILE, xstrdup(path), false };
	const int resolved = resolve(&f->place.path);

	if (resolved < 0)
		return err_sys(err, -resolved, "credential file %s", TEXT_ESCAPED(path));
	const char *slash = strrchr(f->place.path, '/');

	folder = slash ? xmemdupz(f->place.path, (size_t)(slash - f->place.path)) : xstrdup(".");
	f->name = xstrdup(slash ? slash + 1 : f->place.path);
	f->dir = file_open_dir(*folder ? folder : "/", make, 0700, &why);
	if (f->dir < 0) {
		f->dir = -1;
		if (!make && why.kind == ERR_NOT_FOUND)
			return 0;
		err_keep_first(err, &why);
		err_hint(err, "name a file with --authfile, or set XDG_RUNTIME_DIR");
		return err_prefix(err, "credential file %s", TEXT_ESCAPED(path));
	}
	TRY(file_lock(f->dir, true, true, err));
	if (fstatat(f->dir, f->name, &f->st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return err_sys(err, errno, "credential file %s", TEXT_ESCAPED(path));
	f->st = (struct stat){ 0 };
	return 0;
}

static int auth_file_write(const struct auth_file *f, const struct json *root, struct err *err)
{
	struct buf _secret_buf_ text = BUF_INIT(CREDENTIALS_BYTES_MAX);
	const mode_t mode = f->st.st_mode ? f->st.st_mode & 0777 : 0600;

	TRY(buf_reserve(&text, CREDENTIALS_BYTES_MAX, err));
	TRY(json_print(root, 4, &text, err));
	TRY(buf_append_char(&text, '\n', err));
	const struct file_content content = { text.data, text.len, mode };

	if (file_replace(f->dir, f->name, &content, err) < 0)
		return err_prefix(err, "credential file %s", TEXT_ESCAPED(f->place.path));
	/* root may log in on behalf of the file's owner. */
	if (f->st.st_mode && f->st.st_uid != geteuid() &&
	    fchownat(f->dir, f->name, f->st.st_uid, f->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "credential file %s: owner",
			       TEXT_ESCAPED(f->place.path));
	return 0;
}

/* --- the document ---------------------------------------------------------------------------- */

/* With a repository the login is for that namespace only. */
static const char *file_key(const struct credentials_query *q)
{
	return q->repository ? q->repository : credentials_helper_key(q);
}

static bool is_ours(const char *key, const struct credentials_query *q)
{
	return q->repository ? !strcmp(key, q->repository) : credentials_key_is_host(key, false, q);
}

/* A copy of `auths` without what is ours. Sets *ret_removed. */
static struct json *auths_without(const struct json *auths, const struct credentials_query *q,
				  bool *ret_removed)
{
	struct json *copy = json_new_object();
	struct json_iter it;

	*ret_removed = false;
	for (json_iter_init(&it, auths); json_iter_next(&it);) {
		if (is_ours(it.key, q))
			*ret_removed = true;
		else
			json_set(copy, it.key, json_dup(it.value));
	}
	return copy;
}

static int make_entry(const struct credential *what, struct json **ret, struct err *err)
{
	struct buf _secret_buf_ plain = BUF_INIT(CREDENTIALS_BYTES_MAX);
	const char *user = what->user ? what->user : CREDENTIAL_TOKEN_USER;
	const char *secret = what->secret ? what->secret : "";

	TRY(buf_reserve(&plain, strlen(user) + 1 + strlen(secret), err));
	TRY(buf_printf(&plain, err, "%s:%s", user, secret));
	char *_secret_ code = base64_encode((const uint8_t *)plain.data, plain.len);

	*ret = json_new_object();
	json_set_str(*ret, "auth", code);
	if (what->identity_token)
		json_set_str(*ret, "identitytoken", what->identity_token);
	return 0;
}

/* Puts the host's entry (`what`) into the file, or takes it out (NULL). 1 when the file changed. */
static int edit(const struct credentials *c, const struct credentials_query *q,
		const struct credential *what, struct err *err)
{
	struct auth_file _cleanup_(auth_file_close) f = { .dir = -1 };
	struct json *_secret_json_ root = NULL;
	struct json *_secret_json_ entry = NULL;
	bool removed;

	if (what)
		TRY(make_entry(what, &entry, err));
	TRY(auth_file_open(c->write_path, what != NULL, &f, err));
	if (f.dir < 0)
		return 0;
	const int there = credentials_load(c, &f.place, &root, err);

	if (there < 0 || (!there && !what))
		return there;
	if (!there)
		root = json_new_object();
	const struct json *old = json_get(root, "auths");

	if (json_type(old) != JSON_NULL_ && json_type(old) != JSON_OBJECT_)
		return err_set(err, ERR_DAMAGED, "credential file %s: auths is not an object",
			       TEXT_ESCAPED(f.place.path));
	struct json *auths = auths_without(old, q, &removed);

	if (entry)
		json_set(auths, file_key(q), TAKE_PTR(entry));
	secret_json_wipe(old);
	json_set(root, "auths", auths);
	if (!what && !removed)
		return 0;
	TRY(auth_file_write(&f, root, err));
	return 1;
}

/* --- helpers --------------------------------------------------------------------------------- */

/*
 * The helper of the first file that names one for the host. 1 and its name and file, to be freed.
 * Helpers know hosts only, no namespaces.
 */
static int find_helper(const struct credentials *c, const struct credentials_query *q,
		       struct credential *ret, struct err *err)
{
	for (size_t i = 0; i < c->place_count && !q->repository; i++) {
		struct json *_secret_json_ root = NULL;
		struct credentials_place place = c->places[i];

		if (place.kind != CREDENTIALS_FILE)
			continue;
		/* A file named by a flag need not exist yet. */
		place.must_exist = false;
		const int there = credentials_load(c, &place, &root, err);
		const char *name = there > 0 ? credentials_helper_of(root, q) : NULL;

		if (there < 0)
			return there;
		if (!name)
			continue;
		ret->kind = CREDENTIAL_HELPER;
		ret->helper = xstrdup(name);
		ret->file = xstrdup(place.path);
		ret->key = xstrdup(credentials_helper_key(q));
		return 1;
	}
	return 0;
}

static void say_where(struct credential *what, struct credential *where)
{
	free(what->file);
	free(what->key);
	free(what->helper);
	what->kind = where->kind;
	what->file = TAKE_PTR(where->file);
	what->key = TAKE_PTR(where->key);
	what->helper = TAKE_PTR(where->helper);
}

int credentials_store(const struct credentials *c, struct op *op, const struct credentials_query *q,
		      struct credential *what, struct err *err)
{
	struct credential _credential_ where = { 0 };
	const int helped = find_helper(c, q, &where, err);

	if (helped < 0)
		return helped;
	if (helped) {
		const struct credentials_helper h = { where.helper, where.file };

		TRY(credentials_helper_store(op, &h, where.key, what, err));
	} else {
		TRY(edit(c, q, what, err));
		where.kind = CREDENTIAL_AUTHS;
		where.file = xstrdup(c->write_path);
		where.key = xstrdup(file_key(q));
	}
	say_where(what, &where);
	return 0;
}

int credentials_erase(const struct credentials *c, struct op *op, const struct credentials_query *q,
		      struct err *err)
{
	struct credential _credential_ where = { 0 };
	const int helped = find_helper(c, q, &where, err);
	int forgotten = 0;

	if (helped < 0)
		return helped;
	if (helped) {
		const struct credentials_helper h = { where.helper, where.file };

		forgotten = credentials_helper_erase(op, &h, where.key, err);
		if (forgotten < 0)
			return forgotten;
	}
	const int edited = edit(c, q, NULL, err);

	return edited < 0 ? edited : forgotten || edited;
}
