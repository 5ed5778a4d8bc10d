/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a layer's tar to standard output. sendfile copies nothing on the way to a pipe or a socket;
 * where it can't (a terminal, a file opened to append), bytes are read and written.
 */
#include "cli/look_copy.h"

#include "base/mem.h"
#include "sys/file.h"

#include <sys/sendfile.h>

/* Between looks at whether the operation was cancelled. */
#define PIECE_BYTES ((uint64_t)4 << 20)
#define CHUNK_BYTES ((size_t)128 * 1024)

struct copy {
	struct op *op;
	int from;
	bool no_sendfile;
	char *buffer; /* CHUNK_BYTES, made when needed */
	bool is_zero;
};

static void copy_fini(struct copy *c)
{
	free(c->buffer);
}

static int put_zeros(struct copy *c, uint64_t len, struct err *err)
{
	if (!c->buffer)
		c->buffer = xcalloc(1, CHUNK_BYTES);
	else if (!c->is_zero)
		memset(c->buffer, 0, CHUNK_BYTES);
	c->is_zero = true;
	while (len) {
		const size_t n = len < CHUNK_BYTES ? (size_t)len : CHUNK_BYTES;

		TRY(op_check(c->op, err));
		TRY(file_write_all(STDOUT_FILENO, c->buffer, n, "standard output", err));
		len -= n;
	}
	return 0;
}

/* How much the kernel sent, 0 when it is not for it to do. */
static ssize_t send_some(struct copy *c, uint64_t offset, uint64_t len, struct err *err)
{
	off_t at = (off_t)offset;
	ssize_t n;

	do {
		TRY(op_check(c->op, err));
		n = sendfile(STDOUT_FILENO, c->from, &at,
			     (size_t)(len < PIECE_BYTES ? len : PIECE_BYTES));
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EINVAL || errno == ENOSYS || errno == EAGAIN)) {
		/* EAGAIN: a pipe that does not block; writing waits for it. */
		c->no_sendfile = errno != EAGAIN;
		return 0;
	}
	if (n < 0)
		return err_sys(err, errno, "standard output");
	if (n == 0)
		return err_set(err, ERR_DAMAGED, "layer tar: cut short");
	return n;
}

static ssize_t write_some(struct copy *c, uint64_t offset, uint64_t len, struct err *err)
{
	const size_t n = len < CHUNK_BYTES ? (size_t)len : CHUNK_BYTES;

	if (!c->buffer)
		c->buffer = xcalloc(1, CHUNK_BYTES);
	c->is_zero = false;
	TRY(op_check(c->op, err));
	TRY(file_pread_all(c->from, c->buffer, n, offset, err));
	TRY(file_write_all(STDOUT_FILENO, c->buffer, n, "standard output", err));
	return (ssize_t)n;
}

static int put_data(struct copy *c, uint64_t offset, uint64_t len, struct err *err)
{
	while (len) {
		ssize_t n = 0;

		if (!c->no_sendfile)
			n = send_some(c, offset, len, err);
		if (n == 0)
			n = write_some(c, offset, len, err);
		if (n < 0)
			return (int)n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int look_copy(struct op *op, const struct layer *layer, size_t entry, struct err *err)
{
	_cleanup_(copy_fini) struct copy c = { .op = op, .from = layer_tar_fd(layer) };
	uint64_t at, bytes, offset = 0;

	for (;; offset += bytes) {
		layer_entry_locate(layer, entry, offset, &at, &bytes);
		if (!bytes)
			return 0;
		if (at == UINT64_MAX)
			TRY(put_zeros(&c, bytes, err));
		else
			TRY(put_data(&c, at, bytes, err));
	}
}
