/* SPDX-License-Identifier: Apache-2.0 */
/* Calling a source, draining it, and the source over memory. */
#include "stream/source.h"

#include "base/mem.h"
#include "sys/file.h"

ssize_t source_next(struct source *src, const uint8_t **ret, struct err *err)
{
	return src->ops->next(src, ret, err);
}

void source_close(struct source *src)
{
	if (src)
		src->ops->close(src);
}

struct mem {
	struct source base;
	const uint8_t *data;
	size_t len;
};

static ssize_t mem_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct mem *m = (struct mem *)src;
	const size_t n = m->len;

	(void)err;
	*ret = m->data;
	m->len = 0;
	return (ssize_t)n; /* no object is larger than SSIZE_MAX */
}

static void mem_close(struct source *src)
{
	free(src);
}

struct source *source_mem(const void *data, size_t len)
{
	static const struct source_ops ops = { .next = mem_next, .close = mem_close };
	struct mem *m = NEW(struct mem);

	m->base.ops = &ops;
	m->data = data;
	m->len = len;
	return &m->base;
}

int source_drain(struct source *src, uint64_t *ret_bytes, struct err *err)
{
	const uint8_t *data;
	uint64_t total = 0;
	ssize_t n;

	while ((n = source_next(src, &data, err)) > 0)
		total += (size_t)n;
	if (n < 0)
		return (int)n;
	if (ret_bytes)
		*ret_bytes = total;
	return 0;
}

int source_read_all(struct source *src, struct buf *out, struct err *err)
{
	const uint8_t *data;
	ssize_t n;

	while ((n = source_next(src, &data, err)) > 0)
		TRY(buf_append(out, data, (size_t)n, err));
	return (int)n;
}

int source_write_fd(struct source *src, int fd, uint64_t *ret_bytes, struct err *err)
{
	const uint8_t *data;
	uint64_t total = 0;
	ssize_t n;

	while ((n = source_next(src, &data, err)) > 0) {
		TRY(file_write_all(fd, data, (size_t)n, "write", err));
		total += (size_t)n;
	}
	if (n < 0)
		return (int)n;
	if (ret_bytes)
		*ret_bytes = total;
	return 0;
}
