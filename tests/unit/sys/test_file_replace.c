/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that survive a crash, whole or not at all; locks. */
#include "sys/file.h"

#include "base/mem.h"
#include "tests/support/child.h"
#include "tests/support/tmp.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

static int replace(const struct tmp *t, const char *name, const char *text, struct err *err)
{
	const struct file_content content = { text, strlen(text), 0640 };

	return file_replace(t->fd, name, &content, err);
}

static bool holds(const struct tmp *t, const char *name, const char *text)
{
	_buf_ struct buf out = BUF_INIT(1000);

	return file_read(t->fd, name, &out, NULL) == 0 && !strcmp(buf_str(&out), text);
}

static unsigned entries(const struct tmp *t)
{
	DIR *dir = fdopendir(openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2;
}

void test_file_replace__makes_and_replaces(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };
	struct stat st;
	const mode_t mask = umask(027);

	CU_ASSERT_EQUAL(replace(&t, "f", "one", &err), 0);
	umask(mask);
	CU_ASSERT_EQUAL(fstatat(t.fd, "f", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0640);
	CU_ASSERT_TRUE(holds(&t, "f", "one"));
	CU_ASSERT_EQUAL(replace(&t, "f", "", &err), 0);
	CU_ASSERT_TRUE(holds(&t, "f", ""));
	CU_ASSERT_EQUAL(entries(&t), 1);
}

void test_file_replace__a_link_is_replaced_itself(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct stat st;

	tmp_write_str(&t, "target", "kept");
	CU_ASSERT_EQUAL(symlinkat("target", t.fd, "link"), 0);
	CU_ASSERT_EQUAL(replace(&t, "link", "new", NULL), 0);
	CU_ASSERT_TRUE(holds(&t, "target", "kept") && holds(&t, "link", "new"));
	CU_ASSERT_EQUAL(fstatat(t.fd, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT_TRUE(S_ISREG(st.st_mode));
}

void test_file_replace__names_with_slashes_are_refused(void)
{
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(replace(&t, "a/b", "x", NULL), -EINVAL);
	CU_ASSERT_EQUAL(replace(&t, "", "x", NULL), -EINVAL);
	CU_ASSERT_EQUAL(entries(&t), 0);
	/* A folder cannot be replaced by a file; nothing is left behind. */
	CU_ASSERT_EQUAL(mkdirat(t.fd, "d", 0700), 0);
	CU_ASSERT_EQUAL(replace(&t, "d", "x", NULL), -EISDIR);
	CU_ASSERT_EQUAL(entries(&t), 1);
}

static int replace_fails(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };

	CHILD_CHECK(replace(t, "f", "new", &err) < 0);
	CHILD_CHECK(strstr(err.msg, "f: ") == err.msg);
	CHILD_CHECK(holds(t, "f", "old"));
	CHILD_CHECK(entries(t) == 1);
	return 0;
}

void test_file_replace__a_failure_leaves_the_old(void)
{
	static const struct child_failure failures[] = {
		{ SYS_write, ENOSPC },	  { SYS_write, EIO },	     { SYS_fsync, EIO },
		{ SYS_renameat, EACCES }, { SYS_getrandom, ENOSYS },
	};
	_tmp_ struct tmp t = tmp_make();

	tmp_write_str(&t, "f", "old");
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		const struct child_setup setup = { .failures = { failures[i] } };

		CU_ASSERT_EQUAL(child_run(&setup, replace_fails, &t), 0);
	}
}

static int replace_works(void *arg)
{
	struct err err = { 0 };

	CHILD_CHECK(replace(arg, "g", "new", &err) == 0);
	return 0;
}

/* Some file systems cannot sync a folder, and say so with EINVAL. */
void test_file_replace__what_cannot_be_synced_is_no_failure(void)
{
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .failures = { { SYS_fsync, EINVAL } } },
				  replace_works, &t),
			0);
	CU_ASSERT_EQUAL(file_sync(-1, "x", NULL), -EBADF);
}

static struct file_name name_in(const struct tmp *t, const char *name)
{
	return (struct file_name){ t->fd, name };
}

static int rename_without_replacing(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };

	tmp_write_str(t, "a", "a");
	tmp_write_str(t, "b", "b");
	CHILD_CHECK(mkdirat(t->fd, "d", 0700) == 0);
	CHILD_CHECK(mkdirat(t->fd, "e", 0700) == 0);
	CHILD_CHECK(file_rename_sync(name_in(t, "a"), name_in(t, "b"), RENAME_NOREPLACE, &err) ==
		    -EEXIST);
	CHILD_CHECK(err.kind == ERR_EXISTS);
	CHILD_CHECK(holds(t, "a", "a") && holds(t, "b", "b"));
	CHILD_CHECK(file_rename_sync(name_in(t, "a"), name_in(t, "c"), RENAME_NOREPLACE, &err) ==
		    0);
	CHILD_CHECK(holds(t, "c", "a") && !holds(t, "a", "a"));
	CHILD_CHECK(file_rename_sync(name_in(t, "d"), name_in(t, "e"), RENAME_NOREPLACE, &err) ==
		    -EEXIST);
	CHILD_CHECK(file_rename_sync(name_in(t, "d"), name_in(t, "x"), RENAME_NOREPLACE, &err) ==
		    0);
	CHILD_CHECK(file_rename_sync(name_in(t, "none"), name_in(t, "y"), RENAME_NOREPLACE, &err) ==
		    -ENOENT);
	return 0;
}

void test_file_replace__rename_without_replacing(void)
{
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(rename_without_replacing(&t), 0);
}

void test_file_replace__rename_where_renameat2_cannot(void)
{
	static const int refusals[] = { EINVAL, ENOSYS };

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		_tmp_ struct tmp t = tmp_make();
		const struct child_setup setup = { .failures = { { SYS_renameat2, refusals[i] } } };

		CU_ASSERT_EQUAL(child_run(&setup, rename_without_replacing, &t), 0);
	}
}

void test_file_replace__rename_replaces_when_asked(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };

	tmp_write_str(&t, "a", "a");
	tmp_write_str(&t, "b", "b");
	CU_ASSERT_EQUAL(file_rename_sync(name_in(&t, "a"), name_in(&t, "b"), 0, &err), 0);
	CU_ASSERT_TRUE(holds(&t, "b", "a"));
}

void test_file_replace__locks_exclude(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };

	tmp_write_str(&t, "l", "");
	_close_ int a = openat(t.fd, "l", O_RDONLY | O_CLOEXEC);
	_close_ int b = openat(t.fd, "l", O_RDONLY | O_CLOEXEC);

	CU_ASSERT_EQUAL(file_lock(a, false, true, &err), 0);
	CU_ASSERT_EQUAL(file_lock(b, false, false, &err), 0);
	CU_ASSERT_EQUAL(file_lock(b, true, false, &err), -EWOULDBLOCK);
	CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	(void)close(TAKE_FD(a));
	CU_ASSERT_EQUAL(file_lock(b, true, false, &err), 0);
	CU_ASSERT_EQUAL(file_lock(-1, true, true, &err), -EBADF);
}

struct waiter {
	struct op op;
	int fd;
	int rc;
	struct err err;
};

static void *wait_for_lock(void *arg)
{
	struct waiter *w = arg;

	w->rc = file_lock_wait(&w->op, w->fd, true, &w->err);
	return NULL;
}

static int start_waiting(const struct tmp *t, struct waiter *w, pthread_t *thread)
{
	w->rc = 1;
	w->fd = openat(t->fd, "l", O_RDONLY | O_CLOEXEC);
	return pthread_create(thread, NULL, wait_for_lock, w);
}

void test_file_replace__waiting_for_a_lock_ends_with_it_or_with_the_operation(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct waiter cancelled = { 0 }, served = { 0 };
	pthread_t threads[2];

	tmp_write_str(&t, "l", "");
	_close_ int held = openat(t.fd, "l", O_RDONLY | O_CLOEXEC);

	CU_ASSERT_EQUAL(file_lock(held, true, false, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(start_waiting(&t, &cancelled, &threads[0]), 0);
	op_cancel(&cancelled.op);
	pthread_join(threads[0], NULL);
	CU_ASSERT_EQUAL(cancelled.rc, -ECANCELED);
	CU_ASSERT_EQUAL(cancelled.err.kind, ERR_CANCELLED);
	CU_ASSERT_EQUAL_FATAL(start_waiting(&t, &served, &threads[1]), 0);
	(void)close(TAKE_FD(held));
	pthread_join(threads[1], NULL);
	CU_ASSERT_EQUAL(served.rc, 0);
	(void)close(cancelled.fd);
	(void)close(served.fd);
}
