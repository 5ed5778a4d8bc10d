/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and ownership. Allocations whose size is fixed or already bounded abort on exhaustion
 * (x*); what a peer, a file or a user can size goes through `struct buf` instead. Every owned local
 * carries a cleanup attribute and is handed over with TAKE_PTR or TAKE_FD.
 */
#ifndef IMG_BASE_MEM_H
#define IMG_BASE_MEM_H

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Zeroed memory for `count` objects of `size_bytes`; aborts on exhaustion or overflow. Free with
 * free().
 */
void *xcalloc(size_t count, size_t size_bytes) __attribute__((malloc, returns_nonnull));
/* Grows or shrinks an array; aborts on exhaustion or overflow. */
void *xreallocarray(void *ptr, size_t count, size_t size_bytes) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
/* Copies `len` bytes and adds a terminator. */
char *xmemdupz(const void *p, size_t len) __attribute__((malloc, returns_nonnull));
/* printf into fresh memory; only for text of bounded length. */
char *xasprintf(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#define NEW(type) ((type *)xcalloc(1, sizeof(type)))

static inline void cleanup_free_(void *pp)
{
	free(*(void **)pp);
}

static inline void cleanup_close_(const int *fd)
{
	if (*fd >= 0) {
		const int saved = errno;

		(void)close(*fd);
		errno = saved;
	}
}

static inline void cleanup_file_(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

/* char *_free_ s = NULL;  int _close_ fd = -1; */
#define _free_	      __attribute__((cleanup(cleanup_free_)))
#define _close_	      __attribute__((cleanup(cleanup_close_)))
#define _fclose_      __attribute__((cleanup(cleanup_file_)))
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* DEFINE_CLEANUP(store_close, struct store *) makes store_close_p for _cleanup_(store_close_p). */
#define DEFINE_CLEANUP(fn, type)                                   \
	static inline __attribute__((unused)) void fn##_p(type *p) \
	{                                                          \
		if (*p)                                            \
			fn(*p);                                    \
	}

#define TAKE_PTR(p)                        \
	({                                 \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})
#define TAKE_FD(fd)                     \
	({                              \
		const int take_ = (fd); \
		(fd) = -1;              \
		take_;                  \
	})

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
