/* SPDX-License-Identifier: Apache-2.0 */
/* The capped buffer: doubling growth, overflow-checked, always terminated. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT(b->cap_bytes);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t extra, struct err *err)
{
	size_t need;

	if (__builtin_add_overflow(b->len, extra, &need) || need > b->cap_bytes)
		return err_set(err, ERR_LIMIT, "more than %zu bytes", b->cap_bytes);
	if (__builtin_add_overflow(need, 1, &need))
		return err_set(err, ERR_LIMIT, "more than %zu bytes", b->cap_bytes);
	if (need <= b->alloc)
		return 0;
	size_t want = b->alloc ? b->alloc : 64;

	while (want < need)
		want = want > SIZE_MAX / 2 ? need : want * 2;
	if (want - 1 > b->cap_bytes)
		want = b->cap_bytes + 1;
	char *p = realloc(b->data, want);

	if (!p)
		return err_sys(err, ENOMEM, "buffer of %zu bytes", want);
	if (!b->data)
		p[0] = '\0';
	b->data = p;
	b->alloc = want;
	return 0;
}

int buf_append(struct buf *b, const void *p, size_t len, struct err *err)
{
	TRY(buf_reserve(b, len, err));
	if (len)
		memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_append_str(struct buf *b, const char *s, struct err *err)
{
	return buf_append(b, s, strlen(s), err);
}

int buf_append_char(struct buf *b, char c, struct err *err)
{
	return buf_append(b, &c, 1, err);
}

int buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_sys(err, EINVAL, "format");
	TRY(buf_reserve(b, (size_t)n, err));
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *p = b->data ? b->data : xstrdup("");

	b->data = NULL;
	*b = BUF_INIT(b->cap_bytes);
	return p;
}
