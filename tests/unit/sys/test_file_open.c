/* SPDX-License-Identifier: Apache-2.0 */
/* Opening inside a tree that somebody else shaped, and making folders. */
#include "sys/file.h"

#include "base/mem.h"
#include "tests/support/child.h"
#include "tests/support/tmp.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/syscall.h>

/*
 * out/secret and
 * in/{file,abs->/file,up->../out/secret,away->/../../out/secret,sub/{rel->../file,loop->loop}}
 */
static void make_tree(const struct tmp *t)
{
	mkdirat(t->fd, "out", 0755);
	mkdirat(t->fd, "in", 0755);
	mkdirat(t->fd, "in/sub", 0755);
	tmp_write_str(t, "out/secret", "secret");
	tmp_write_str(t, "in/file", "inside");
	CU_ASSERT_EQUAL(symlinkat("/file", t->fd, "in/abs"), 0);
	CU_ASSERT_EQUAL(symlinkat("../out/secret", t->fd, "in/up"), 0);
	CU_ASSERT_EQUAL(symlinkat("/../../out/secret", t->fd, "in/away"), 0);
	CU_ASSERT_EQUAL(symlinkat("../file", t->fd, "in/sub/rel"), 0);
	CU_ASSERT_EQUAL(symlinkat("loop", t->fd, "in/sub/loop"), 0);
	CU_ASSERT_EQUAL(symlinkat("/", t->fd, "in/root"), 0);
}

typedef int open_fn(int dir, const char *path, int flags, mode_t mode, struct err *err);

static void check_open(open_fn *fn, int dir, const char *path, int want)
{
	char text[16] = "";
	struct err err = { 0 };
	_close_ int fd = fn(dir, path, O_RDONLY, 0, &err);

	if ((want < 0 && fd != want) || (want >= 0 && fd < 0))
		printf("# %s: %d %s\n", path, fd, err.msg);
	CU_ASSERT_TRUE(want < 0 ? fd == want : fd >= 0);
	if (fd < 0) {
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, path));
		return;
	}
	CU_ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(read(fd, text, sizeof(text) - 1), 6);
	CU_ASSERT_STRING_EQUAL(text, "inside");
}

void test_file_open__beneath_follows_nothing(void)
{
	_tmp_ struct tmp t = tmp_make();

	make_tree(&t);
	_close_ int in = openat(t.fd, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);

	check_open(file_open_beneath, in, "file", 0);
	check_open(file_open_beneath, in, "sub/../file", 0);
	check_open(file_open_beneath, in, "abs", -ELOOP);
	check_open(file_open_beneath, in, "sub/rel", -ELOOP);
	check_open(file_open_beneath, in, "root/file", -ELOOP);
	check_open(file_open_beneath, in, "../in/file", -EXDEV);
	check_open(file_open_beneath, in, "sub/../../in/file", -EXDEV);
	check_open(file_open_beneath, in, "/etc/passwd", -EXDEV);
	check_open(file_open_beneath, in, "none", -ENOENT);
	check_open(file_open_beneath, in, "", -ENOENT);
}

/* docs/LAYER-CASES.md #1 to #12: links lead where they would if the folder were "/". */
void test_file_open__in_root_never_leaves(void)
{
	_tmp_ struct tmp t = tmp_make();

	make_tree(&t);
	_close_ int in = openat(t.fd, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);

	check_open(file_open_in_root, in, "file", 0);
	check_open(file_open_in_root, in, "/file", 0);
	check_open(file_open_in_root, in, "../../../file", 0);
	check_open(file_open_in_root, in, "abs", 0);
	check_open(file_open_in_root, in, "sub/rel", 0);
	check_open(file_open_in_root, in, "root/root/root/file", 0);
	check_open(file_open_in_root, in, "up", -ENOENT);
	check_open(file_open_in_root, in, "away", -ENOENT);
	check_open(file_open_in_root, in, "sub/loop", -ELOOP);
}

void test_file_open__no_magic_links(void)
{
	_close_ int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_close_ int fd = -1;

	CU_ASSERT_TRUE_FATAL(proc >= 0);
	fd = file_open_in_root(proc, "exe", O_RDONLY, 0, NULL);
	CU_ASSERT_EQUAL(fd, -ELOOP);
	fd = file_open_in_root(proc, "cwd/.", O_RDONLY, 0, NULL);
	CU_ASSERT_EQUAL(fd, -ELOOP);
}

void test_file_open__creates_with_mode(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct stat st = { 0 };
	const mode_t mask = umask(0);
	_close_ int fd = file_open_beneath(t.fd, "new", O_WRONLY | O_CREAT | O_EXCL, 0640, NULL);
	_close_ int temporary = file_open_beneath(t.fd, ".", O_WRONLY | O_TMPFILE, 0600, NULL);

	umask(mask);
	CU_ASSERT_TRUE(fd >= 0 && fstat(fd, &st) == 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0640);
	CU_ASSERT_TRUE(temporary >= 0 || temporary == -EOPNOTSUPP);
	struct err err = { 0 };

	/* A mode that is not used is not held against the caller. */
	_close_ int again = file_open_beneath(t.fd, "new", O_RDONLY, 0640, &err);

	CU_ASSERT_TRUE(again >= 0);
	CU_ASSERT_EQUAL(file_open_beneath(t.fd, "new", O_CREAT | O_EXCL | O_WRONLY, 0600, &err),
			-EEXIST);
	CU_ASSERT_EQUAL(err.kind, ERR_EXISTS);
}

void test_file_open__names_are_escaped_in_errors(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };

	CU_ASSERT_EQUAL(file_open_in_root(t.fd, "a\033[2J\n", O_RDONLY, 0, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "a\\x1b[2J\\n: "));
}

static int without_openat2(void *arg)
{
	const struct tmp *t = arg;
	struct err err = { 0 };

	CHILD_CHECK(file_open_beneath(t->fd, "x", O_RDONLY, 0, &err) < 0);
	CHILD_CHECK(err.kind == ERR_UNSUPPORTED && strstr(err.msg, "5.6"));
	return 0;
}

static int always_again(void *arg)
{
	const struct tmp *t = arg;

	CHILD_CHECK(file_open_in_root(t->fd, "x", O_RDONLY, 0, NULL) == -EAGAIN);
	return 0;
}

void test_file_open__a_kernel_without_openat2_is_named(void)
{
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .failures = { { SYS_openat2, ENOSYS } } },
				  without_openat2, &t),
			0);
	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .failures = { { SYS_openat2, EAGAIN } } },
				  always_again, &t),
			0);
}

static int open_dir(const struct tmp *t, const char *name, bool make)
{
	_free_ char *path = xasprintf("%s/%s", t->path, name);

	return file_open_dir(path, make, 0700, NULL);
}

void test_file_open__dir_is_made_with_its_parents(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct stat st;
	_close_ int fd = open_dir(&t, "a//b/./c/", true);

	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_EQUAL(fstatat(t.fd, "a/b/c", &st, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT_TRUE(S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
	CU_ASSERT_EQUAL(fsync(fd), 0);
	_close_ int again = open_dir(&t, "a/b/c", true);
	_close_ int plain = open_dir(&t, "a/b", false);

	CU_ASSERT_TRUE(again >= 0 && plain >= 0);
	CU_ASSERT_EQUAL(open_dir(&t, "none", false), -ENOENT);
	CU_ASSERT_EQUAL(symlinkat("a/b", t.fd, "link"), 0);
	_close_ int through = open_dir(&t, "link/x", true);

	CU_ASSERT_TRUE(through >= 0);
	CU_ASSERT_EQUAL(fstatat(t.fd, "a/b/x", &st, 0), 0);
	tmp_write_str(&t, "file", "");
	CU_ASSERT_EQUAL(open_dir(&t, "file", true), -ENOTDIR);
	CU_ASSERT_EQUAL(open_dir(&t, "file/x", true), -ENOTDIR);
	CU_ASSERT_EQUAL(symlinkat("nowhere", t.fd, "dangling"), 0);
	CU_ASSERT_EQUAL(open_dir(&t, "dangling", true), -ENOENT);
	CU_ASSERT_EQUAL(file_open_dir("", true, 0700, NULL), -ENOENT);
}

void test_file_open__dir_path_may_be_longer_than_path_max(void)
{
	_tmp_ struct tmp t = tmp_make();
	_buf_ struct buf path = BUF_INIT(100000);

	for (int i = 0; i < 3000; i++)
		buf_append_str(&path, i ? "/deep" : "d", NULL);
	_close_ int fd = open_dir(&t, buf_str(&path), true);

	CU_ASSERT_TRUE(fd >= 0);
	_close_ int again = open_dir(&t, buf_str(&path), true);

	CU_ASSERT_TRUE(again >= 0);
}

void test_file_open__mkdir_is_content_with_a_folder(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };

	CU_ASSERT_EQUAL(file_mkdir(t.fd, "d", 0700, &err), 0);
	CU_ASSERT_EQUAL(file_mkdir(t.fd, "d", 0700, &err), 0);
	tmp_write_str(&t, "f", "");
	CU_ASSERT_EQUAL(file_mkdir(t.fd, "f", 0700, &err), -ENOTDIR);
	CU_ASSERT_EQUAL(symlinkat("d", t.fd, "l"), 0);
	CU_ASSERT_EQUAL(file_mkdir(t.fd, "l", 0700, &err), -ENOTDIR);
	CU_ASSERT_EQUAL(file_mkdir(t.fd, "none/d", 0700, &err), -ENOENT);
}
