/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing to the end: short counts, EINTR and descriptors that do not block are dealt
 * with here. A file that is shorter than its owner said is damage, not an I/O error.
 */
#include "sys/file.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/statvfs.h>

/* True when the call that just failed may be made again: a signal, or a pipe that was full. */
static bool may_retry(int fd, short events)
{
	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, -1) >= 0 || errno == EINTR;
}

int file_write_all(int fd, const void *data, size_t len, const char *what, struct err *err)
{
	const uint8_t *p = data;

	while (len) {
		const ssize_t n = write(fd, p, len);

		if (n < 0 && may_retry(fd, POLLOUT))
			continue;
		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "%s", what);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_pwrite_all(int fd, const void *data, size_t len, uint64_t offset, struct err *err)
{
	const uint8_t *p = data;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return err_sys(err, EFBIG, "write at %" PRIu64, offset);
	while (len) {
		const ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "write at %" PRIu64, offset);
		p += n;
		len -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

int file_pread_all(int fd, void *data, size_t len, uint64_t offset, struct err *err)
{
	uint8_t *p = data;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return err_set(err, ERR_DAMAGED, "read at %" PRIu64 ": no file is that long",
			       offset);
	while (len) {
		const ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read at %" PRIu64, offset);
		if (n == 0)
			return err_set(err, ERR_DAMAGED,
				       "the file ends at byte %" PRIu64 ", %zu bytes too early",
				       offset, len);
		p += n;
		len -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

/*
 * Reads to the end. One byte more than the cap is asked for, so that too much is told from enough.
 */
static int read_rest(int fd, struct buf *out, struct err *err)
{
	for (;;) {
		const size_t room = out->cap_bytes - out->len;
		const size_t ask = room < 16384 ? room : 16384;
		char extra;

		TRY(buf_reserve(out, ask, err));
		const ssize_t n = ask ? read(fd, out->data + out->len, ask) : read(fd, &extra, 1);

		if (n < 0 && may_retry(fd, POLLIN))
			continue;
		if (n < 0)
			return err_sys(err, errno, "read");
		if (n == 0)
			break;
		if (!ask)
			return err_set(err, ERR_LIMIT, "more than %zu bytes", out->cap_bytes);
		out->len += (size_t)n;
	}
	if (out->data)
		out->data[out->len] = '\0';
	return 0;
}

/* At once with the exact size where it is known; /proc says 0. */
static int reserve_for(int fd, struct buf *out, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "stat");
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return 0;
	if ((uint64_t)st.st_size > out->cap_bytes - out->len)
		return err_set(err, ERR_LIMIT, "more than %zu bytes", out->cap_bytes);
	return buf_reserve(out, (size_t)st.st_size, err);
}

static int read_opened(int fd, const char *path, struct buf *out, struct err *err)
{
	int rc = reserve_for(fd, out, err);

	if (rc == 0)
		rc = read_rest(fd, out, err);
	if (rc < 0)
		(void)err_prefix(err, "%s", TEXT_ESCAPED(path));
	return rc;
}

int file_read(int dir, const char *path, struct buf *out, struct err *err)
{
	struct stat st;
	/* O_NONBLOCK: opening a FIFO or a device must not wait for anybody. */
	_close_ int fd =
		openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_FAILED, "%s: not a regular file", TEXT_ESCAPED(path));
	return read_opened(fd, path, out, err);
}

int file_read_path(const char *path, struct buf *out, struct err *err)
{
	_close_ int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	return read_opened(fd, path, out, err);
}

int file_free_bytes(int fd, uint64_t *ret, struct err *err)
{
	struct statvfs st;
	uint64_t bytes;

	while (fstatvfs(fd, &st) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "free space");
	if (__builtin_mul_overflow((uint64_t)st.f_bavail, (uint64_t)st.f_frsize, &bytes))
		bytes = UINT64_MAX;
	*ret = bytes;
	return 0;
}
