/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying a range of one file into another: by the kernel where it can (it may even share the
 * blocks), else through memory. copy_file_range refuses some pairs of file systems and kinds of
 * file, each kernel others, so any of its "cannot" errors means read and write.
 */
#include "sys/file.h"

#include "base/mem.h"

#define COPY_CHUNK_BYTES ((size_t)128 * 1024)
/* Up to here read and write are as fast, and need no refused call first between file systems. */
#define COPY_SMALL_BYTES ((size_t)16 * 1024)

static bool cannot(int errnum)
{
	return errnum == EXDEV || errnum == EINVAL || errnum == ENOSYS || errnum == EOPNOTSUPP ||
	       errnum == EPERM || errnum == EBADF;
}

static int copy_by_memory(struct file_range from, struct file_range to, uint64_t len,
			  struct err *err)
{
	_free_ uint8_t *chunk = xcalloc(1, COPY_CHUNK_BYTES);

	while (len) {
		const size_t n = len < COPY_CHUNK_BYTES ? (size_t)len : COPY_CHUNK_BYTES;

		TRY(file_pread_all(from.fd, chunk, n, from.offset, err));
		TRY(file_pwrite_all(to.fd, chunk, n, to.offset, err));
		from.offset += n;
		to.offset += n;
		len -= n;
	}
	return 0;
}

static int copy_small(struct file_range from, struct file_range to, size_t len, struct err *err)
{
	uint8_t chunk[COPY_SMALL_BYTES];

	TRY(file_pread_all(from.fd, chunk, len, from.offset, err));
	return file_pwrite_all(to.fd, chunk, len, to.offset, err);
}

int file_copy_range(struct file_range from, struct file_range to, uint64_t len, struct err *err)
{
	if (len <= COPY_SMALL_BYTES)
		return copy_small(from, to, (size_t)len, err);
	if (from.offset > INT64_MAX || to.offset > INT64_MAX || len > INT64_MAX)
		return err_set(err, ERR_DAMAGED, "range of %" PRIu64 " bytes: no file is that long",
			       len);
	while (len) {
		off_t in = (off_t)from.offset, out = (off_t)to.offset;
		const size_t ask = len < ((size_t)1 << 30) ? (size_t)len : (size_t)1 << 30;
		const ssize_t n = copy_file_range(from.fd, &in, to.fd, &out, ask, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* 0 is the end of the file, or a file system that lies: reading tells. */
		if (n == 0 || (n < 0 && cannot(errno)))
			return copy_by_memory(from, to, len, err);
		if (n < 0)
			return err_sys(err, errno, "copy at %" PRIu64, from.offset);
		from.offset += (size_t)n;
		to.offset += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}
