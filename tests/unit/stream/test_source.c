/* SPDX-License-Identifier: Apache-2.0 */
/* Sources over memory and descriptors, and what pulls them empty. */
#include "base/mem.h"
#include "tests/support/tmp.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <pthread.h>

void test_source__mem(void)
{
	const uint8_t *at;
	_source_ struct source *src = source_mem("abc", 3);
	_source_ struct source *none = source_mem(NULL, 0);

	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 3);
	CU_ASSERT_EQUAL(memcmp(at, "abc", 3), 0);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
	CU_ASSERT_EQUAL(source_next(none, &at, NULL), 0);
	source_close(NULL);
}

#define FILE_BYTES (3 * SOURCE_CHUNK_BYTES + 777)

static int open_file(const struct tmp *t)
{
	return openat(t->fd, "f", O_RDONLY | O_CLOEXEC);
}

void test_source__fd_gives_its_range(void)
{
	static const struct {
		uint64_t offset, len, want;
	} rows[] = {
		{ 0, UINT64_MAX, FILE_BYTES },
		{ 0, FILE_BYTES, FILE_BYTES },
		{ 5, 10, 10 },
		{ 5, 0, 0 },
		{ SOURCE_CHUNK_BYTES - 1, SOURCE_CHUNK_BYTES + 2, SOURCE_CHUNK_BYTES + 2 },
		{ FILE_BYTES - 3, 3, 3 },
		{ FILE_BYTES - 3, UINT64_MAX, 3 },
		{ FILE_BYTES, UINT64_MAX, 0 },
		{ FILE_BYTES + 100, UINT64_MAX, 0 },
		{ FILE_BYTES, 0, 0 },
	};
	_tmp_ struct tmp t = tmp_make();
	_free_ uint8_t *data = xcalloc(FILE_BYTES, 1);

	fill_noise(data, FILE_BYTES, 3);
	tmp_write(&t, "f", data, FILE_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_outcome_ struct outcome o =
			pull_all(source_fd(open_file(&t), rows[i].offset, rows[i].len));

		CU_ASSERT_TRUE(gave(&o, data + (rows[i].want ? rows[i].offset : 0), rows[i].want));
	}
}

void test_source__fd_that_is_too_short_is_damaged(void)
{
	static const struct {
		uint64_t offset, len;
		const char *why;
	} rows[] = {
		{ 0, 7, "ends at byte 6, 1 bytes too early" },
		{ 6, 1, "ends at byte 6, 1 bytes" },
		{ 100, 5, "ends at byte 100, 5 bytes" },
		{ 0, UINT64_MAX - 1, "too early" },
	};
	_tmp_ struct tmp t = tmp_make();

	tmp_write_str(&t, "f", "abcdef");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_outcome_ struct outcome o =
			pull_all(source_fd(open_file(&t), rows[i].offset, rows[i].len));

		CU_ASSERT_TRUE(failed_with(&o, ERR_DAMAGED, rows[i].why));
	}
}

void test_source__fd_is_closed_with_the_source(void)
{
	_tmp_ struct tmp t = tmp_make();

	tmp_write_str(&t, "f", "abcdef");
	const int fd = open_file(&t);

	source_close(source_fd(fd, 0, UINT64_MAX));
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), -1);
	_outcome_ struct outcome o =
		pull_all(source_fd(openat(t.fd, ".", O_RDONLY | O_CLOEXEC), 0, 5));

	CU_ASSERT_TRUE(failed_with(&o, ERR_FAILED, "read at 0: "));
	CU_ASSERT_EQUAL(o.rc, -EISDIR);
}

struct writer {
	int fd;
	const uint8_t *data;
	size_t len;
};

static void *write_slowly(void *arg)
{
	struct writer *w = arg;

	for (size_t done = 0, n; done < w->len; done += n) {
		n = w->len - done < 333 ? w->len - done : 333;
		if (write(w->fd, w->data + done, n) != (ssize_t)n)
			break;
		sched_yield();
	}
	(void)close(w->fd);
	return NULL;
}

void test_source__pipe_of_either_kind(void)
{
	_free_ uint8_t *data = xcalloc(FILE_BYTES, 1);

	fill_noise(data, FILE_BYTES, 3);
	for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
		struct writer w = { .data = data, .len = FILE_BYTES };
		pthread_t thread;
		int fds[2];

		CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
		CU_ASSERT_EQUAL(fcntl(fds[0], F_SETFL, nonblocking ? O_NONBLOCK : 0), 0);
		w.fd = fds[1];
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, write_slowly, &w), 0);
		_outcome_ struct outcome o = pull_all(source_pipe(fds[0]));

		pthread_join(thread, NULL);
		CU_ASSERT_TRUE(gave(&o, data, FILE_BYTES));
		CU_ASSERT_EQUAL(fcntl(fds[0], F_GETFD), -1);
	}
}

void test_source__drain_counts(void)
{
	uint8_t data[10000] = { 0 };
	uint64_t bytes = 77;
	struct err err = { 0 };
	_source_ struct source *src = source_chunked(data, sizeof(data), 0);
	_source_ struct source *cut = source_cut(data, sizeof(data), 0);

	CU_ASSERT_EQUAL(source_drain(src, &bytes, &err), 0);
	CU_ASSERT_EQUAL(bytes, sizeof(data));
	CU_ASSERT_EQUAL(source_drain(cut, &bytes, &err), -ENETDOWN);
	CU_ASSERT_EQUAL(bytes, sizeof(data));
	CU_ASSERT_EQUAL(source_drain(src, NULL, &err), 0);
}

void test_source__read_all_respects_the_cap(void)
{
	uint8_t data[10000] = { 0 };

	for (size_t cap = sizeof(data) - 1; cap <= sizeof(data); cap++) {
		_buf_ struct buf out = BUF_INIT(cap);
		_source_ struct source *src = source_chunked(data, sizeof(data), 100);

		CU_ASSERT_EQUAL(source_read_all(src, &out, NULL), cap < sizeof(data) ? -E2BIG : 0);
	}
}

void test_source__write_fd(void)
{
	_tmp_ struct tmp t = tmp_make();
	_buf_ struct buf back = BUF_INIT(20000);
	uint8_t data[10000];
	uint64_t bytes = 77;
	struct err err = { 0 };

	fill_noise(data, sizeof(data), 1);
	_source_ struct source *src = source_chunked(data, sizeof(data), 0);
	_source_ struct source *again = source_chunked(data, sizeof(data), 0);
	_close_ int fd = openat(t.fd, "out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CU_ASSERT_EQUAL(source_write_fd(src, fd, &bytes, &err), 0);
	CU_ASSERT_EQUAL(bytes, sizeof(data));
	_source_ struct source *written =
		source_fd(openat(t.fd, "out", O_RDONLY | O_CLOEXEC), 0, UINT64_MAX);

	CU_ASSERT_EQUAL(source_read_all(written, &back, &err), 0);
	CU_ASSERT_TRUE(back.len == sizeof(data) && !memcmp(back.data, data, sizeof(data)));
	bytes = 77;
	CU_ASSERT_EQUAL(source_write_fd(again, full, &bytes, &err), -ENOSPC);
	CU_ASSERT_EQUAL(err.kind, ERR_NO_SPACE);
	CU_ASSERT_EQUAL(bytes, 77);
}
