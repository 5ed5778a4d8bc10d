/* SPDX-License-Identifier: Apache-2.0 */
/* The window onto the image that is being written: what is settled goes out in large pieces. */
#include "overlay/erofs_writer.h"

#include "sys/file.h"

#include <string.h>

#define PIECE_BYTES ((size_t)1024 * 1024)

void erofs_out_init(struct erofs_out *out, int fd)
{
	*out = (struct erofs_out){ .fd = fd, .window = BUF_INIT(SIZE_MAX / 4) };
	erofs_sum_init(&out->sum);
}

void erofs_out_fini(struct erofs_out *out)
{
	buf_fini(&out->window);
}

int erofs_out_at(struct erofs_out *out, uint64_t offset, size_t len, char **ret, struct err *err)
{
	struct buf *w = &out->window;
	const size_t end = (size_t)(offset - out->base) + len;

	if (end > w->len) {
		TRY(buf_reserve(w, end - w->len, err));
		memset(w->data + w->len, 0, end - w->len + 1);
		w->len = end;
	}
	*ret = w->data + (offset - out->base);
	return 0;
}

static int put_out(struct erofs_out *out, size_t len, struct err *err)
{
	struct buf *w = &out->window;

	TRY(file_pwrite_all(out->fd, w->data, len, out->base, err));
	erofs_sum_add(&out->sum, w->data, len);
	memmove(w->data, w->data + len, w->len - len);
	w->len -= len;
	out->base += len;
	return 0;
}

int erofs_out_settle(struct erofs_out *out, uint64_t offset, struct err *err)
{
	const uint64_t settled = (offset - out->base) & ~(uint64_t)(EROFS_BLOCK_BYTES - 1);

	if (settled < PIECE_BYTES || settled > out->window.len)
		return 0;
	return put_out(out, (size_t)settled, err);
}

int erofs_out_finish(struct erofs_out *out, uint64_t end, struct err *err)
{
	char *unused;

	TRY(erofs_out_at(out, end, 0, &unused, err));
	return put_out(out, (size_t)(end - out->base), err);
}
