/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer whose constructor demands a cap: the only place where memory may be sized
 * by a peer, a file or a user. Growing beyond the cap, or beyond memory, is an ordinary error.
 */
#ifndef IMG_BASE_BUF_H
#define IMG_BASE_BUF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Value; owns `data`. data[len] is always '\0' when data is not NULL. */
struct buf {
	char *data;
	size_t len;	  /* bytes used */
	size_t alloc;	  /* bytes allocated, terminator included */
	size_t cap_bytes; /* len never exceeds this */
};

#define BUF_INIT(cap) ((struct buf){ .cap_bytes = (cap) })

/* Frees and leaves an empty buffer with the same cap. Idempotent. */
void buf_fini(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);
/* Makes room for `extra` more bytes. -E2BIG (ERR_LIMIT) over the cap, -ENOMEM without memory. */
int buf_reserve(struct buf *b, size_t extra, struct err *err);
int buf_append(struct buf *b, const void *p, size_t len, struct err *err);
int buf_append_str(struct buf *b, const char *s, struct err *err);
int buf_append_char(struct buf *b, char c, struct err *err);
int buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The content as a C string: "" when empty. Valid until the next change. */
const char *buf_str(const struct buf *b);
/* Hands the memory over (never NULL, terminated; free with free()); the buffer is empty after. */
char *buf_take(struct buf *b);

static inline void buf_fini_p(struct buf *b)
{
	buf_fini(b);
}
#define _buf_ __attribute__((cleanup(buf_fini_p)))

#endif
