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

static ssize_t read_some(struct fd_source *f, size_t len)
{
	for (;;) {
		const ssize_t n = f->is_pipe ? read(f->fd, f->chunk, len)
					     : pread(f->fd, f->chunk, len, (off_t)f->offset);

		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
		if (errno == EAGAIN)
			(void)poll(&(struct pollfd){ .fd = f->fd, .events = POLLIN }, 1, -1);
	}
}

static ssize_t fd_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct fd_source *f = (struct fd_source *)src;
	const bool open_end = f->left == UINT64_MAX;
	const size_t len = f->left < sizeof(f->chunk) ? (size_t)f->left : sizeof(f->chunk);

	if (!len)
		return 0;
	const ssize_t n = read_some(f, len);

	if (n < 0)
		return err_sys(err, errno, "read at %" PRIu64, f->offset);
	if (n == 0 && !open_end)
		return err_set(err, ERR_DAMAGED,
			       "the file ends at byte %" PRIu64 ", %" PRIu64 " bytes too early",
			       f->offset, f->left);
	f->offset += (size_t)n;
	if (!open_end)
		f->left -= (size_t)n;
	*ret = f->chunk;
	return n;
}

static void fd_close(struct source *src)
{
	struct fd_source *f = (struct fd_source *)src;

	(void)close(f->fd);
	free(f);
}

static struct fd_source *fd_new(int fd)
{
	static const struct source_ops ops = { .next = fd_next, .close = fd_close };
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
