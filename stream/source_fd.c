/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources over descriptors: a range of a file read by position, and pipes. A file that ends before
 * its promised length is damaged; what is behind the range is not looked at.
 */
#include "stream/source.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>

struct fd_source {
	struct source base;
	int fd;
	bool is_pipe;
	uint64_t offset;
	uint64_t left; /* UINT64_MAX: to the end */
	uint8_t chunk[SOURCE_CHUNK_BYTES];
};

static ssize_t read_some(const struct fd_source *f, uint8_t *dst, size_t len)
{
	for (;;) {
		const ssize_t n = f->is_pipe ? read(f->fd, dst, len)
					     : pread(f->fd, dst, len, (off_t)f->offset);

		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
		if (errno == EAGAIN)
			(void)poll(&(struct pollfd){ .fd = f->fd, .events = POLLIN }, 1, -1);
	}
}

static ssize_t fd_next_into(struct source *src, uint8_t *dst, size_t len, struct err *err)
{
	struct fd_source *f = (struct fd_source *)src;
	const bool open_end = f->left == UINT64_MAX;

	if (len > f->left)
		len = (size_t)f->left;
	if (!len)
		return 0;
	const ssize_t n = read_some(f, dst, len);

	if (n < 0)
		return err_sys(err, errno, "read at %" PRIu64, f->offset);
	if (n == 0 && !open_end)
		return err_set(err, ERR_DAMAGED,
			       "the file ends at byte %" PRIu64 ", %" PRIu64 " bytes too early",
			       f->offset, f->left);
	f->offset += (size_t)n;
	if (!open_end)
		f->left -= (size_t)n;
	return n;
}

static ssize_t fd_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct fd_source *f = (struct fd_source *)src;

	*ret = f->chunk;
	return fd_next_into(src, f->chunk, sizeof(f->chunk), err);
}

static void fd_close(struct source *src)
{
	struct fd_source *f = (struct fd_source *)src;

	(void)close(f->fd);
	free(f);
}

static struct fd_source *fd_new(int fd)
{
	static const struct source_ops ops = { fd_next, fd_close, fd_next_into };
	/* The chunk is not worth zeroing. */
	struct fd_source *f = xreallocarray(NULL, 1, sizeof(*f));

	f->base.ops = &ops;
	f->fd = fd;
	f->is_pipe = false;
	f->offset = 0;
	f->left = UINT64_MAX;
	return f;
}

struct source *source_fd(int fd, uint64_t offset, uint64_t len)
{
	struct fd_source *f = fd_new(fd);

	f->offset = offset;
	f->left = len;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return &f->base;
}

struct source *source_pipe(int fd)
{
	struct fd_source *f = fd_new(fd);

	f->is_pipe = true;
	return &f->base;
}
