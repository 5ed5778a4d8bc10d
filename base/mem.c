/* SPDX-License-Identifier: Apache-2.0 */
/* Aborting allocation for sizes that are already bounded. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>

static void *checked(void *p)
{
	if (!p)
		abort();
	return p;
}

void *xcalloc(size_t count, size_t size_bytes)
{
	return checked(calloc(count ? count : 1, size_bytes ? size_bytes : 1));
}

void *xreallocarray(void *ptr, size_t count, size_t size_bytes)
{
	return checked(reallocarray(ptr, count ? count : 1, size_bytes ? size_bytes : 1));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *xmemdupz(const void *p, size_t len)
{
	if (len == SIZE_MAX)
		abort();
	char *copy = checked(malloc(len + 1));

	if (len)
		memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	return s;
}
