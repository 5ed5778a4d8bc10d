/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and making a store of files, and where it is. */
#include "base/mem.h"
#include "tests/support/child.h"
#include "tests/unit/runner.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static mode_t mode_of(const char *path, const char *name)
{
	_free_ char *full = xasprintf("%s/%s", path, name);
	struct stat st;

	return stat(full, &st) == 0 ? st.st_mode : 0;
}

void test_store__is_laid_out_as_planned(void)
{
	static const char *const folders[] = { ".",	 "blobs",	  "blobs/sha256",
					       "layers", "layers/sha256", "staging" };
	_fixture_ struct fixture f = fixture_files();
	char text[64] = "";
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		CU_ASSERT_EQUAL(mode_of(f.path, folders[i]), S_IFDIR | 0700);
	/* image-spec image-layout.md, "oci-layout file". */
	_close_ int fd = openat(f.tmp.fd, "store/oci-layout", O_RDONLY | O_CLOEXEC);

	CU_ASSERT_TRUE(read(fd, text, sizeof(text) - 1) > 0);
	CU_ASSERT_STRING_EQUAL(text, "{\"imageLayoutVersion\":\"1.0.0\"}\n");
	const struct digest d = put_blob(f.store, "content");
	_free_ char *name = xasprintf("blobs/sha256/%s", DIGEST_HEX(&d));

	CU_ASSERT_EQUAL(mode_of(f.path, name), S_IFREG | 0444);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
	CU_ASSERT_EQUAL(records_put(f.store->records, "k", (struct record_value){ 0 }, &err), 0);
	CU_ASSERT_EQUAL(mode_of(f.path, "records.db") & S_IFMT, S_IFREG);
}

void test_store__lasts(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest d = put_blob(f.store, "content");

	store_close(f.store);
	f.store = NULL;
	CU_ASSERT_EQUAL(store_open(f.path, 0, &f.store, NULL), 0);
	CU_ASSERT_TRUE(blob_is(f.store, &d, "content"));
	store_close(f.store);
	f.store = NULL;
	CU_ASSERT_EQUAL(store_open(f.path, STORE_CREATE, &f.store, NULL), 0);
	CU_ASSERT_TRUE(blob_is(f.store, &d, "content"));
}

static void expect_error(const char *path, unsigned flags, enum err_kind kind)
{
	struct store *store = NULL;
	struct err err = { 0 };
	const int fds = count_fds();

	CU_ASSERT_TRUE(store_open(path, flags, &store, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, kind);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, path));
	CU_ASSERT_PTR_NULL(store);
	CU_ASSERT_EQUAL(count_fds(), fds);
	if (err.kind != kind)
		fprintf(stderr, "# %s\n", err.msg);
}

void test_store__absent_ones_are_not_made_unasked(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *path = xasprintf("%s/none/at/all", t.path);

	expect_error(path, 0, ERR_NOT_FOUND);
	expect_error(path, STORE_READ_ONLY, ERR_NOT_FOUND);
	expect_error(path, STORE_READ_ONLY | STORE_CREATE, ERR_NOT_FOUND);
	/* An empty folder is none either. */
	expect_error(t.path, 0, ERR_NOT_FOUND);
	expect_error(t.path, STORE_READ_ONLY, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(faccessat(t.fd, "none", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(t.fd, "staging", F_OK, 0), -1);
}

void test_store__is_not_made_among_other_files(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct store *store = NULL;

	tmp_write_str(&t, "index.json", "{}");
	expect_error(t.path, STORE_CREATE, ERR_USAGE);
	CU_ASSERT_EQUAL(faccessat(t.fd, "blobs", F_OK, 0), -1);
	CU_ASSERT_EQUAL(unlinkat(t.fd, "index.json", 0), 0);
	/* What a creation that was killed left is no obstacle. */
	tmp_write_str(&t, ".img-tmp-0123456789abcdef", "");
	tmp_write_str(&t, "records.db", "");
	CU_ASSERT_EQUAL(mkdirat(t.fd, "staging", 0700), 0);
	CU_ASSERT_EQUAL(store_open(t.path, STORE_CREATE, &store, NULL), 0);
	store_close(store);
	tmp_write_str(&t, "file", "");
	_free_ char *file = xasprintf("%s/file", t.path);

	expect_error(file, STORE_CREATE, ERR_FAILED);
}

void test_store__of_a_later_version_is_left_alone(void)
{
	_fixture_ struct fixture f = fixture_files();

	store_close(f.store);
	f.store = NULL;
	/*
	 * The version is at offset 60 of the database's header, big endian (SQLite file format
	 * 1.3).
	 */
	_close_ int fd = openat(f.tmp.fd, "store/records.db", O_RDWR | O_CLOEXEC);

	CU_ASSERT_EQUAL(pwrite(fd, "\0\0\0\t", 4, 60), 4);
	tmp_write_str(&f.tmp, "store/staging/of-the-later-version", "precious");
	expect_error(f.path, 0, ERR_UNSUPPORTED);
	expect_error(f.path, STORE_CREATE, ERR_UNSUPPORTED);
	expect_error(f.path, STORE_READ_ONLY, ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 1);
}

void test_store__with_a_damaged_database_says_so(void)
{
	_fixture_ struct fixture f = fixture_files();

	store_close(f.store);
	f.store = NULL;
	tmp_write_str(&f.tmp, "store/records.db",
		      "no database at all, but enough bytes that one could be taken for it: "
		      "0123456789012345678901234567890123456789");
	expect_error(f.path, 0, ERR_DAMAGED);
	expect_error(f.path, STORE_READ_ONLY, ERR_DAMAGED);
}

/* Everything that writes is refused, everything that reads works. */
static void check_read_only(struct store *s, const struct digest *present)
{
	const struct blob_want want = { digest_of_str("new"), 3, false };
	struct blob_writer *w = NULL;
	struct layer_writer *l = NULL;
	_record_ struct record rec = { 0 };
	struct err err = { 0 };

	CU_ASSERT_TRUE(blob_is(s, present, "content"));
	CU_ASSERT_EQUAL(blobs_begin(s->blobs, NULL, &(struct blob_want){ *present, 7, false }, &w,
				    &err),
			1);
	CU_ASSERT_EQUAL(blobs_begin(s->blobs, NULL, &want, &w, &err), -EROFS);
	CU_ASSERT_EQUAL(err.kind, ERR_READ_ONLY);
	CU_ASSERT_EQUAL(blobs_remove(s->blobs, present, NULL), -EROFS);
	CU_ASSERT_EQUAL(layerfiles_begin(s->layers, NULL, &want.digest, &l, NULL), -EROFS);
	CU_ASSERT_EQUAL(layerfiles_remove(s->layers, present, NULL), -EROFS);
	err_clear(&err);
	CU_ASSERT_TRUE(records_put(s->records, "k", (struct record_value){ 0 }, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_READ_ONLY);
	CU_ASSERT_EQUAL(records_get(s->records, "old", &rec, NULL), 0);
}

void test_store__read_only_writes_nothing(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest d = put_blob(f.store, "content");
	struct store *s = NULL;

	CU_ASSERT_EQUAL(records_put(f.store->records, "old", (struct record_value){ 0 }, NULL), 0);
	store_close(f.store);
	f.store = NULL;
	tmp_write_str(&f.tmp, "store/staging/dead", "would be cleaned");
	CU_ASSERT_EQUAL(store_open(f.path, STORE_READ_ONLY, &s, NULL), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	check_read_only(s, &d);
	store_close(s);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 1);
}

/* In a child: the store mounted read-only onto itself, in a namespace of its own. */
static int use_read_only_mount(void *arg)
{
	const struct fixture *f = arg;
	const struct digest d = digest_of_str("content");
	struct store *s = NULL;
	struct err err = { 0 };

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(f->path, f->path, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, f->path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return 77;
	CHILD_CHECK(store_open(f->path, STORE_CREATE, &s, &err) < 0);
	CHILD_CHECK(err.kind == ERR_READ_ONLY);
	CHILD_CHECK(store_open(f->path, STORE_READ_ONLY, &s, &err) == 0);
	CHILD_CHECK(blob_is(s, &d, "content"));
	_record_ struct record rec = { 0 };

	CHILD_CHECK(records_get(s->records, "old", &rec, &err) == 0);
	store_close(s);
	return 0;
}

void test_store__works_on_a_read_only_file_system(void)
{
	_fixture_ struct fixture f = fixture_files();

	put_blob(f.store, "content");
	CU_ASSERT_EQUAL(records_put(f.store->records, "old", (struct record_value){ 0 }, NULL), 0);
	/* Once with the log there and once merged. */
	int rc = child_run(&(struct child_setup){ 0 }, use_read_only_mount, &f);

	if (rc == 0) {
		store_close(f.store);
		f.store = NULL;
		rc = child_run(&(struct child_setup){ 0 }, use_read_only_mount, &f);
	}
	if (rc == 77)
		test_skip("mounting is not permitted here");
	else
		CU_ASSERT_EQUAL(rc, 0);
}

static int open_as_nobody(void *arg)
{
	struct store *s = NULL;
	struct err err = { 0 };

	CHILD_CHECK(store_open(arg, 0, &s, &err) < 0);
	CHILD_CHECK(err.kind == ERR_DENIED);
	CHILD_CHECK(store_open(arg, STORE_READ_ONLY, &s, &err) < 0);
	CHILD_CHECK(err.kind == ERR_DENIED);
	return 0;
}

void test_store__of_somebody_else_is_denied(void)
{
	_fixture_ struct fixture f = fixture_files();

	CU_ASSERT_EQUAL(fchmod(f.tmp.fd, 0755), 0);
	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .unprivileged = true }, open_as_nobody,
				  f.path),
			0);
}

#define CREATORS 5
#define ROUNDS	 10

static pid_t start_creator(const char *path)
{
	const pid_t pid = fork();

	if (pid == 0) {
		struct store *s = NULL;
		struct err err = { 0 };
		int rc = store_open(path, STORE_CREATE, &s, &err);

		if (rc == 0)
			rc = records_put(s->records, "k", (struct record_value){ 0 }, &err);
		if (rc < 0)
			fprintf(stderr, "# %s\n", err.msg);
		_exit(rc < 0);
	}
	return pid;
}

/* Many processes find no store at once and all make it. */
void test_store__is_made_by_many_at_once(void)
{
	_tmp_ struct tmp t = tmp_make();

	fflush(NULL);
	for (unsigned round = 0; round < ROUNDS; round++) {
		_free_ char *path = xasprintf("%s/%u/store", t.path, round);
		pid_t pids[CREATORS];

		for (size_t i = 0; i < CREATORS; i++)
			pids[i] = start_creator(path);
		for (size_t i = 0; i < CREATORS; i++) {
			int status = -1;

			CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
			CU_ASSERT_EQUAL(status, 0);
		}
	}
}

/* The environment of a user, NULL: not set. */
struct home {
	const char *flag, *img_store, *xdg_data_home, *home;
	bool is_root;
	const char *expected; /* NULL: ERR_USAGE */
};

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static int ask_default_path(void *arg)
{
	const struct home *h = arg;
	_free_ char *path = NULL;
	struct err err = { 0 };

	set("IMG_STORE", h->img_store);
	set("XDG_DATA_HOME", h->xdg_data_home);
	set("HOME", h->home);
	const int rc = store_default_path(h->flag, &path, &err);

	if (!h->expected)
		return !(rc < 0 && err.kind == ERR_USAGE && !path);
	return !(rc == 0 && !strcmp(path, h->expected));
}

void test_store__default_path(void)
{
	static const struct home cases[] = {
		{ "/f", "/e", "/x", "/h", false, "/f" },
		{ NULL, "/e", "/x", "/h", false, "/e" },
		{ NULL, "/e", "/x", "/h", true, "/e" },
		{ NULL, NULL, "/x", "/h", true, "/var/lib/img" },
		{ NULL, "", "/x", "/h", true, "/var/lib/img" },
		{ NULL, NULL, "/x", "/h", false, "/x/img" },
		{ NULL, NULL, "relative", "/h", false, "/h/.local/share/img" },
		{ NULL, NULL, "", "/h", false, "/h/.local/share/img" },
		{ NULL, NULL, NULL, "/h", false, "/h/.local/share/img" },
		{ NULL, NULL, NULL, NULL, false, NULL },
		{ NULL, NULL, NULL, "", false, NULL },
		{ "", "/e", "/x", "/h", false, NULL },
	};

	if (geteuid() != 0) {
		test_skip("half of the table is root's");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct child_setup setup = { .unprivileged = !cases[i].is_root };

		CU_ASSERT_EQUAL(child_run(&setup, ask_default_path, (void *)(uintptr_t)&cases[i]),
				0);
	}
}
