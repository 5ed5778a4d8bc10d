/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: a value on the caller's stack, set once where the fault is known, prefixed on the way up.
 *
 * A function that can fail returns 0 or a count, or a negative errno, and fills `struct err` if and
 * only if it fails. The kind decides exit code, HTTP status and whether trying again may help; the
 * errno says what the system said. Nothing here allocates.
 */
#ifndef IMG_BASE_ERR_H
#define IMG_BASE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_FAILED,	 /* anything without a kind of its own */
	ERR_USAGE,	 /* the caller's words are off: flag, reference, path */
	ERR_NOT_FOUND,	 /* image, tag, repository, blob, path */
	ERR_EXISTS,	 /* create of something that is there */
	ERR_CHANGED,	 /* compare-and-swap lost */
	ERR_AUTH,	 /* credentials missing or refused (401) */
	ERR_DENIED,	 /* permission or policy (403, EACCES, EPERM) */
	ERR_DAMAGED,	 /* digest, size or format is not what was promised */
	ERR_LIMIT,	 /* a bound of ours was exceeded */
	ERR_UNSUPPORTED, /* valid, but not something we handle */
	ERR_NO_SPACE,	 /* ENOSPC, EDQUOT */
	ERR_READ_ONLY,	 /* EROFS */
	ERR_NETWORK,	 /* connection refused, reset, cut, name not found */
	ERR_TIMEOUT,	 /* deadline or idle limit */
	ERR_BUSY,	 /* 429, 503: the peer asks us to wait */
	ERR_SERVER,	 /* other 5xx */
	ERR_CANCELLED,	 /* interrupted by the user or by a failed sibling */
	ERR_KIND_COUNT
};

/* One error. Value type; `struct err e = { 0 };` is "no error". Strings are always terminated. */
struct err {
	enum err_kind kind;
	int errnum;	/* positive errno, matches what the function returned */
	char msg[640];	/* "WHAT: WHY", one line, peer text already escaped */
	char hint[240]; /* names the flag or command that would help, or "" */
};

/* What a kind means outside; one row per kind, see err.c. */
struct err_class {
	const char *name;
	int errnum;	 /* default errno */
	int exit_code;	 /* of the img command */
	int http_status; /* of the registry server */
	bool retryable;	 /* the same request may succeed later */
};
const struct err_class *err_class(enum err_kind kind);

/* Sets `err` (may be NULL) and returns the kind's negative errno. Long messages are cut. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Sets `err` from a system error: the message gets ": " and the errno's text appended; the kind is
 * derived (ENOENT -> NOT_FOUND, EACCES/EPERM -> DENIED, ENOSPC/EDQUOT -> NO_SPACE, EROFS ->
 * READ_ONLY, EEXIST -> EXISTS, ETIMEDOUT -> TIMEOUT, ECANCELED -> CANCELLED). Returns -errnum.
 */
int err_sys(struct err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Puts "PREFIX: " before the message that is there. Returns -err->errnum (-EIO when err is NULL).
 */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the hint, replacing an earlier one. */
void err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* Moves `from` into `into` when `into` has none yet. Both may be NULL. */
void err_keep_first(struct err *into, const struct err *from);

/* Returns the caller's negative result at once; the only macro that returns. */
#define TRY(expr)                                \
	do {                                     \
		const int try_rc_ = (int)(expr); \
		if (try_rc_ < 0)                 \
			return try_rc_;          \
	} while (0)

#endif
