/* SPDX-License-Identifier: Apache-2.0 */
/* Removing trees of any shape, and nothing else. */
#include "sys/file.h"

#include "base/mem.h"
#include "tests/support/child.h"
#include "tests/support/tmp.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static bool exists(const struct tmp *t, const char *name)
{
	struct stat st;

	return fstatat(t->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_dir(const struct tmp *t, const char *name)
{
	return mkdirat(t->fd, name, 0755);
}

void test_file_remove__files_links_and_trees(void)
{
	static const char *const names[] = { "file", "link", "dangling", "fifo", "empty", "tree" };
	_tmp_ struct tmp t = tmp_make();

	make_dir(&t, "outside");
	tmp_write_str(&t, "outside/kept", "");
	tmp_write_str(&t, "file", "");
	make_dir(&t, "empty");
	make_dir(&t, "tree");
	make_dir(&t, "tree/a");
	make_dir(&t, "tree/a/b");
	tmp_write_str(&t, "tree/a/b/c", "");
	tmp_write_str(&t, "tree/new\nline", "");
	CU_ASSERT_EQUAL(symlinkat("outside", t.fd, "link"), 0);
	CU_ASSERT_EQUAL(symlinkat("nowhere", t.fd, "dangling"), 0);
	CU_ASSERT_EQUAL(symlinkat("../../outside", t.fd, "tree/a/out"), 0);
	CU_ASSERT_EQUAL(mkfifoat(t.fd, "fifo", 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CU_ASSERT_TRUE(exists(&t, names[i]));
		CU_ASSERT_EQUAL(file_remove_tree(t.fd, names[i], NULL), 0);
		CU_ASSERT_FALSE(exists(&t, names[i]));
	}
	CU_ASSERT_TRUE(exists(&t, "outside/kept"));
}

void test_file_remove__absent_is_fine_and_paths_are_not(void)
{
	static const char *const refused[] = { "", ".", "..", "a/b", "/", "a/" };
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };

	CU_ASSERT_EQUAL(file_remove_tree(t.fd, "none", &err), 0);
	make_dir(&t, "a");
	make_dir(&t, "a/b");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		CU_ASSERT_EQUAL(file_remove_tree(t.fd, refused[i], &err), -EINVAL);
	CU_ASSERT_TRUE(exists(&t, "a/b"));
	CU_ASSERT_EQUAL(file_remove_tree(-1, "a", &err), -EBADF);
}

#define WIDE 5000

void test_file_remove__wide(void)
{
	_tmp_ struct tmp t = tmp_make_in_memory();

	make_dir(&t, "wide");
	for (int i = 0; i < WIDE; i++) {
		_free_ char *name = xasprintf("wide/%d", i);

		if (i % 10)
			tmp_write_str(&t, name, "");
		else
			make_dir(&t, name);
	}
	CU_ASSERT_EQUAL(file_remove_tree(t.fd, "wide", NULL), 0);
	CU_ASSERT_FALSE(exists(&t, "wide"));
}

/* A chain of folders below `at`, with a file in every thousandth; takes over the fd. */
static int make_chain(int at, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++) {
		_close_ int up = at;

		if (mkdirat(up, "d", 0755) < 0)
			return -1;
		at = openat(up, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (at < 0)
			return -1;
		if (i % 1000 == 999) {
			_close_ int file = openat(at, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

			if (file < 0)
				return -1;
		}
	}
	return close(at);
}

static int remove_deep(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };

	CHILD_CHECK(file_remove_tree(t->fd, "deep", &err) == 0);
	CHILD_CHECK(!exists(t, "deep"));
	return 0;
}

/* docs/LAYER-CASES.md #68. */
void test_file_remove__deep_with_few_descriptors(void)
{
	static const unsigned depths[] = { 31, 32, 33, 64, 65, 66, 1000, 100000 };

	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		_tmp_ struct tmp t = tmp_make_in_memory();

		make_dir(&t, "deep");
		CU_ASSERT_EQUAL_FATAL(
			make_chain(openat(t.fd, "deep", O_PATH | O_CLOEXEC), depths[i]), 0);
		CU_ASSERT_EQUAL(
			child_run(&(struct child_setup){ .max_files = 64 }, remove_deep, &t), 0);
	}
}

/* Many folders at the depth where they are moved up, with names that the moved ones get. */
void test_file_remove__bushy_below_the_bound(void)
{
	_tmp_ struct tmp t = tmp_make_in_memory();
	int at = t.fd;

	for (int i = 0; i < 40; i++) {
		for (int j = 0; j < 5; j++) {
			_free_ char *name = xasprintf(".img-rm-%d", j);

			CU_ASSERT_EQUAL(mkdirat(at, name, 0755), 0);
			_close_ int in = openat(at, name, O_PATH | O_CLOEXEC);

			CU_ASSERT_EQUAL(mkdirat(in, "x", 0755), 0);
		}
		const int next = openat(at, ".img-rm-0", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (at != t.fd)
			(void)close(at);
		at = next;
	}
	(void)close(at);
	CU_ASSERT_EQUAL(file_remove_tree(t.fd, ".img-rm-0", NULL), 0);
	CU_ASSERT_FALSE(exists(&t, ".img-rm-0"));
	CU_ASSERT_TRUE(exists(&t, ".img-rm-1"));
}

/* As the user who owns it all; modes as images have them. */
static int remove_locked(void *arg)
{
	static const mode_t modes[] = { 0, 0100, 0200, 0300, 0400, 0500, 0555 };
	const struct tmp *t = arg;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		CHILD_CHECK(make_dir(t, "tree") == 0 && make_dir(t, "tree/a") == 0 &&
			    make_dir(t, "tree/a/b") == 0 && make_dir(t, "tree/a/empty") == 0);
		tmp_write_str(t, "tree/a/b/f", "");
		tmp_write_str(t, "tree/f", "");
		CHILD_CHECK(fchmodat(t->fd, "tree/a/b/f", 0, 0) == 0);
		CHILD_CHECK(fchmodat(t->fd, "tree/a/empty", modes[i], 0) == 0);
		CHILD_CHECK(fchmodat(t->fd, "tree/a/b", modes[i], 0) == 0);
		CHILD_CHECK(fchmodat(t->fd, "tree/a", modes[i], 0) == 0);
		CHILD_CHECK(fchmodat(t->fd, "tree", modes[i], 0) == 0);
		const int rc = file_remove_tree(t->fd, "tree", &err);

		if (rc < 0)
			fprintf(stderr, "# mode %o: %s\n", modes[i], err.msg);
		CHILD_CHECK(rc == 0 && !exists(t, "tree"));
	}
	return 0;
}

void test_file_remove__gives_itself_permission(void)
{
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(fchmod(t.fd, 0777), 0);
	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .unprivileged = true }, remove_locked, &t),
			0);
}

static int remove_deep_locked(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };
	int fds[81];

	CHILD_CHECK(make_dir(t, "deep") == 0);
	fds[0] = openat(t->fd, "deep", O_RDONLY | O_CLOEXEC);
	for (int i = 1; i <= 80; i++) {
		CHILD_CHECK(mkdirat(fds[i - 1], "d", 0755) == 0);
		fds[i] = openat(fds[i - 1], "d", O_RDONLY | O_CLOEXEC);
		CHILD_CHECK(fds[i] >= 0);
	}
	for (int i = 80; i >= 0; i--)
		CHILD_CHECK(fchmod(fds[i], i % 3 ? 0555 : 0) == 0 && close(fds[i]) == 0);
	const int rc = file_remove_tree(t->fd, "deep", &err);

	if (rc < 0)
		fprintf(stderr, "# %s\n", err.msg);
	CHILD_CHECK(rc == 0 && !exists(t, "deep"));
	return 0;
}

/* Moving a folder up needs permission on it, too. */
void test_file_remove__gives_itself_permission_to_move_up(void)
{
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(fchmod(t.fd, 0777), 0);
	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .unprivileged = true }, remove_deep_locked,
				  &t),
			0);
}

static int remove_in_foreign_folder(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };

	CHILD_CHECK(file_remove_tree(t->fd, "f", &err) == -EACCES);
	CHILD_CHECK(err.kind == ERR_DENIED);
	CHILD_CHECK(file_remove_tree(t->fd, "d", &err) == -EACCES);
	return 0;
}

void test_file_remove__the_folder_above_is_left_alone(void)
{
	_tmp_ struct tmp t = tmp_make();

	if (geteuid() != 0)
		return;
	tmp_write_str(&t, "f", "");
	make_dir(&t, "d");
	make_dir(&t, "d/e");
	CU_ASSERT_EQUAL(fchmod(t.fd, 0755), 0);
	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .unprivileged = true },
				  remove_in_foreign_folder, &t),
			0);
	CU_ASSERT_TRUE(exists(&t, "f") && exists(&t, "d/e"));
}

/* A bind mount of the same file system, which a look at st_dev would not see. */
static int remove_around_a_mount(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };
	_free_ char *from = xasprintf("%s/data", t->path);
	_free_ char *to = xasprintf("%s/tree/a/mnt", t->path);

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(from, to, NULL, MS_BIND, NULL) < 0)
		return 99;
	/* The descriptor we have leads to the mounts of before. */
	const struct tmp here = { .fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };

	CHILD_CHECK(exists(&here, "tree/a/mnt/precious"));
	CHILD_CHECK(file_remove_tree(here.fd, "tree", &err) == -EBUSY);
	CHILD_CHECK(strstr(err.msg, "mnt: "));
	CHILD_CHECK(exists(&here, "tree/a/mnt/precious"));
	/* The rest went, before and behind it. */
	CHILD_CHECK(!exists(t, "tree/a/f") && !exists(t, "tree/b") && !exists(t, "tree/z"));
	return 0;
}

void test_file_remove__never_enters_a_mount(void)
{
	static const char *const dirs[] = { "data",	  "tree",   "tree/a",
					    "tree/a/mnt", "tree/b", "tree/b/c" };
	_tmp_ struct tmp t = tmp_make();

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		make_dir(&t, dirs[i]);
	tmp_write_str(&t, "data/precious", "x");
	tmp_write_str(&t, "tree/a/f", "x");
	tmp_write_str(&t, "tree/z", "x");
	const int rc = child_run(&(struct child_setup){ 0 }, remove_around_a_mount, &t);

	CU_ASSERT_TRUE(rc == 0 || rc == 99);
	CU_ASSERT_TRUE(exists(&t, "data/precious"));
}

static int remove_around_a_deep_mount(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };
	_free_ char *from = xasprintf("%s/data", t->path);
	_buf_ struct buf to = BUF_INIT(10000);

	buf_append_str(&to, t->path, NULL);
	buf_append_str(&to, "/deep", NULL);
	for (int i = 0; i < 70; i++)
		buf_append_str(&to, "/d", NULL);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(from, buf_str(&to), NULL, MS_BIND, NULL) < 0)
		return 99;
	_close_ int here = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHILD_CHECK(file_remove_tree(here, "deep", &err) == -EBUSY);
	CHILD_CHECK(exists(t, "data/precious"));
	return 0;
}

/* What cannot go, below the bound: an error, not an endless moving about. */
void test_file_remove__a_deep_obstacle_ends(void)
{
	_tmp_ struct tmp t = tmp_make();

	make_dir(&t, "data");
	make_dir(&t, "deep");
	tmp_write_str(&t, "data/precious", "x");
	CU_ASSERT_EQUAL_FATAL(make_chain(openat(t.fd, "deep", O_PATH | O_CLOEXEC), 100), 0);
	const int rc = child_run(&(struct child_setup){ 0 }, remove_around_a_deep_mount, &t);

	CU_ASSERT_TRUE(rc == 0 || rc == 99);
}

static int remove_fails(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };

	CHILD_CHECK(file_remove_tree(t->fd, "tree", &err) == -EIO);
	CHILD_CHECK(err.kind == ERR_FAILED);
	return 0;
}

void test_file_remove__errors_of_each_call_are_reported(void)
{
	static const long calls[] = { SYS_unlinkat, SYS_openat2, SYS_getdents64 };
	_tmp_ struct tmp t = tmp_make();

	make_dir(&t, "tree");
	make_dir(&t, "tree/a");
	tmp_write_str(&t, "tree/a/f", "");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		CU_ASSERT_EQUAL(
			child_run(&(struct child_setup){ .failures = { { calls[i], EIO } } },
				  remove_fails, &t),
			0);
	CU_ASSERT_TRUE(exists(&t, "tree/a/f"));
}
