/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing all of it; limits; what is no file; what is too short. */
#include "sys/file.h"

#include "base/mem.h"
#include "tests/support/child.h"
#include "tests/support/tmp.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

static int open_new(const struct tmp *t, const char *name)
{
	return openat(t->fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

void test_file_io__writes_and_reads_by_position(void)
{
	_tmp_ struct tmp t = tmp_make();
	_close_ int fd = open_new(&t, "f");
	char back[8] = "";
	struct err err = { 0 };

	CU_ASSERT_EQUAL(file_write_all(fd, "abcdef", 6, "f", &err), 0);
	CU_ASSERT_EQUAL(file_pwrite_all(fd, "XY", 2, 2, &err), 0);
	CU_ASSERT_EQUAL(file_pread_all(fd, back, 5, 1, &err), 0);
	CU_ASSERT_STRING_EQUAL(back, "bXYef");
	CU_ASSERT_EQUAL(file_pread_all(fd, back, 0, 100, &err), 0);
	CU_ASSERT_EQUAL(file_write_all(fd, NULL, 0, "f", &err), 0);
}

void test_file_io__a_short_file_is_damaged(void)
{
	_tmp_ struct tmp t = tmp_make();
	_close_ int fd = open_new(&t, "f");
	char back[16];
	struct err err = { 0 };

	CU_ASSERT_EQUAL(file_write_all(fd, "abcdef", 6, "f", &err), 0);
	CU_ASSERT_EQUAL(file_pread_all(fd, back, 7, 0, &err), -EBADMSG);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_STRING_EQUAL(err.msg, "the file ends at byte 6, 1 bytes too early");
	CU_ASSERT_EQUAL(file_pread_all(fd, back, 1, 6, &err), -EBADMSG);
}

/* Offsets come from indexes that may lie. */
void test_file_io__absurd_offsets_are_errors(void)
{
	_tmp_ struct tmp t = tmp_make();
	_close_ int fd = open_new(&t, "f");
	char back[2];
	struct err err = { 0 };

	CU_ASSERT_EQUAL(file_pread_all(fd, back, 2, UINT64_MAX, &err), -EBADMSG);
	CU_ASSERT_EQUAL(file_pread_all(fd, back, 2, INT64_MAX, &err), -EBADMSG);
	CU_ASSERT_EQUAL(file_pwrite_all(fd, back, 2, UINT64_MAX - 1, &err), -EFBIG);
	CU_ASSERT_EQUAL(file_pwrite_all(fd, back, 2, INT64_MAX, &err), -EFBIG);
}

void test_file_io__a_full_disk_is_its_own_kind(void)
{
	_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(file_write_all(fd, "x", 1, "layer", &err), -ENOSPC);
	CU_ASSERT_EQUAL(err.kind, ERR_NO_SPACE);
	CU_ASSERT_EQUAL(strncmp(err.msg, "layer: ", 7), 0);
	CU_ASSERT_EQUAL(file_write_all(-1, "x", 1, "f", &err), -EBADF);
}

struct reader {
	int fd;
	size_t bytes;
	uint64_t sum;
};

static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	uint8_t chunk[777];
	ssize_t n;

	while ((n = read(r->fd, chunk, sizeof(chunk))) > 0) {
		r->bytes += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			r->sum += chunk[i];
		sched_yield();
	}
	return NULL;
}

/* Standard output may be a pipe that somebody made non-blocking. */
void test_file_io__a_pipe_that_does_not_block(void)
{
	_free_ uint8_t *data = xcalloc(1, 1 << 20);
	struct reader r = { 0 };
	uint64_t sum = 0;
	pthread_t thread;
	int fds[2];

	for (size_t i = 0; i < 1 << 20; i++)
		sum += data[i] = (uint8_t)(i * 7);
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	r.fd = fds[0];
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, read_slowly, &r), 0);
	CU_ASSERT_EQUAL(file_write_all(fds[1], data, 1 << 20, "pipe", NULL), 0);
	(void)close(fds[1]);
	pthread_join(thread, NULL);
	(void)close(fds[0]);
	CU_ASSERT_EQUAL(r.bytes, 1 << 20);
	CU_ASSERT_EQUAL(r.sum, sum);
}

static int read_name(const struct tmp *t, const char *name, size_t cap, struct err *err)
{
	_buf_ struct buf out = BUF_INIT(cap);

	return file_read(t->fd, name, &out, err);
}

void test_file_io__read_takes_the_whole_file(void)
{
	_tmp_ struct tmp t = tmp_make();
	_buf_ struct buf big = BUF_INIT((size_t)1 << 20);
	_buf_ struct buf out = BUF_INIT((size_t)1 << 20);
	struct err err = { 0 };

	for (int i = 0; i < 100000; i++)
		buf_append_char(&big, (char)i, NULL);
	tmp_write(&t, "big", big.data, big.len);
	CU_ASSERT_EQUAL(buf_append_str(&out, "before:", &err), 0);
	CU_ASSERT_EQUAL(file_read(t.fd, "big", &out, &err), 0);
	CU_ASSERT_EQUAL(out.len, big.len + 7);
	CU_ASSERT_EQUAL(memcmp(out.data + 7, big.data, big.len), 0);
	CU_ASSERT_EQUAL(out.data[out.len], '\0');
	tmp_write_str(&t, "empty", "");
	buf_reset(&out);
	CU_ASSERT_EQUAL(file_read(t.fd, "empty", &out, &err), 0);
	CU_ASSERT_EQUAL(out.len, 0);
	/* Files that say their size is 0. */
	CU_ASSERT_EQUAL(file_read(AT_FDCWD, "/proc/self/status", &out, &err), 0);
	CU_ASSERT_TRUE(out.len > 100);
}

void test_file_io__read_is_bounded(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };

	tmp_write_str(&t, "f", "12345");
	CU_ASSERT_EQUAL(read_name(&t, "f", 5, &err), 0);
	CU_ASSERT_EQUAL(read_name(&t, "f", 4, &err), -E2BIG);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	CU_ASSERT_STRING_EQUAL(err.msg, "f: more than 4 bytes");
	CU_ASSERT_EQUAL(read_name(&t, "f", 0, &err), -E2BIG);
	_buf_ struct buf out = BUF_INIT(50);

	CU_ASSERT_EQUAL(file_read(AT_FDCWD, "/proc/self/status", &out, &err), -E2BIG);
	CU_ASSERT_STRING_EQUAL(err.msg, "/proc/self/status: more than 50 bytes");
}

/* docs/LAYER-CASES.md #81: links, FIFOs and devices in place of a file. */
void test_file_io__read_takes_only_regular_files(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct err err = { 0 };

	tmp_write_str(&t, "f", "x");
	CU_ASSERT_EQUAL(symlinkat("f", t.fd, "link"), 0);
	CU_ASSERT_EQUAL(mkfifoat(t.fd, "fifo", 0600), 0);
	CU_ASSERT_EQUAL(mkdirat(t.fd, "dir", 0700), 0);
	CU_ASSERT_EQUAL(read_name(&t, "link", 10, &err), -ELOOP);
	CU_ASSERT_TRUE(read_name(&t, "fifo", 10, &err) < 0);
	CU_ASSERT_STRING_EQUAL(err.msg, "fifo: not a regular file");
	CU_ASSERT_TRUE(read_name(&t, "dir", 10, &err) < 0);
	CU_ASSERT_TRUE(read_name(&t, "/dev/zero", 10, &err) < 0);
	CU_ASSERT_STRING_EQUAL(err.msg, "/dev/zero: not a regular file");
	CU_ASSERT_EQUAL(read_name(&t, "none", 10, &err), -ENOENT);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
}

void test_file_io__read_path_follows_the_user(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *link = xasprintf("%s/link", t.path);
	_buf_ struct buf out = BUF_INIT(100);
	struct err err = { 0 };
	int fds[2];

	tmp_write_str(&t, "f", "linked");
	CU_ASSERT_EQUAL(symlinkat("f", t.fd, "link"), 0);
	CU_ASSERT_EQUAL(file_read_path(link, &out, &err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "linked");
	/* `--authfile <(...)` of a shell. */
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	_free_ char *piped = xasprintf("/dev/fd/%d", fds[0]);

	CU_ASSERT_EQUAL(write(fds[1], "piped", 5), 5);
	(void)close(fds[1]);
	CU_ASSERT_EQUAL(file_read_path(piped, &out, &err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "linkedpiped");
	(void)close(fds[0]);
	CU_ASSERT_EQUAL(file_read_path(t.path, &out, &err), -EISDIR);
	CU_ASSERT_EQUAL(file_read_path("/none/such", &out, &err), -ENOENT);
}

void test_file_io__free_bytes(void)
{
	_tmp_ struct tmp t = tmp_make();
	uint64_t bytes = 0;

	CU_ASSERT_EQUAL(file_free_bytes(t.fd, &bytes, NULL), 0);
	CU_ASSERT_TRUE(bytes > 0);
	CU_ASSERT_EQUAL(file_free_bytes(-1, &bytes, NULL), -EBADF);
}

static int beyond_the_limit(void *arg)
{
	const struct tmp *t = arg;
	_close_ int fd = open_new(t, "f");
	struct err err = { 0 };
	char data[8192] = { 0 };

	/* 4096 of them are written, then EFBIG: a short write is not success. */
	CHILD_CHECK(file_write_all(fd, data, sizeof(data), "f", &err) == -EFBIG);
	CHILD_CHECK(file_pwrite_all(fd, data, sizeof(data), 0, &err) == -EFBIG);
	return 0;
}

void test_file_io__a_short_write_goes_on_to_its_error(void)
{
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ .max_file_bytes = 4096 }, beyond_the_limit,
				  &t),
			0);
}
