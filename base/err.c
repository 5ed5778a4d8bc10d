/* SPDX-License-Identifier: Apache-2.0 */
/* The error value and the one table that maps a kind to errno, exit code, HTTP status and retry. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>

static const struct err_class classes[ERR_KIND_COUNT] = {
	[ERR_NONE] = { "none", 0, 0, 200, false },
	[ERR_FAILED] = { "failed", EIO, 1, 500, false },
	[ERR_USAGE] = { "usage", EINVAL, 2, 400, false },
	[ERR_NOT_FOUND] = { "not-found", ENOENT, 3, 404, false },
	[ERR_EXISTS] = { "exists", EEXIST, 1, 409, false },
	[ERR_CHANGED] = { "changed", ESTALE, 1, 409, true },
	[ERR_AUTH] = { "auth", EACCES, 4, 401, false },
	[ERR_DENIED] = { "denied", EPERM, 4, 403, false },
	[ERR_DAMAGED] = { "damaged", EBADMSG, 5, 400, false },
	[ERR_LIMIT] = { "limit", E2BIG, 5, 413, false },
	[ERR_UNSUPPORTED] = { "unsupported", EOPNOTSUPP, 1, 415, false },
	[ERR_NO_SPACE] = { "no-space", ENOSPC, 1, 507, false },
	[ERR_READ_ONLY] = { "read-only", EROFS, 1, 405, false },
	[ERR_NETWORK] = { "network", ENETDOWN, 1, 502, true },
	[ERR_TIMEOUT] = { "timeout", ETIMEDOUT, 1, 504, true },
	[ERR_BUSY] = { "busy", EBUSY, 1, 429, true },
	[ERR_SERVER] = { "server", EREMOTEIO, 1, 502, true },
	[ERR_CANCELLED] = { "cancelled", ECANCELED, 130, 499, false },
};

const struct err_class *err_class(enum err_kind kind)
{
	if ((unsigned)kind >= ERR_KIND_COUNT)
		kind = ERR_FAILED;
	return &classes[kind];
}

static enum err_kind kind_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case EROFS:
		return ERR_READ_ONLY;
	case EEXIST:
		return ERR_EXISTS;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	case ECANCELED:
		return ERR_CANCELLED;
	default:
		return ERR_FAILED;
	}
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	const int errnum = err_class(kind)->errnum;

	if (err) {
		va_list ap;

		err->kind = kind;
		err->errnum = errnum;
		err->hint[0] = '\0';
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
	}
	return -errnum;
}

int err_sys(struct err *err, int errnum, const char *fmt, ...)
{
	if (errnum <= 0)
		errnum = EIO;
	if (err) {
		char reason[96];
		va_list ap;

		err->kind = kind_of_errno(errnum);
		err->errnum = errnum;
		err->hint[0] = '\0';
		va_start(ap, fmt);
		const int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < sizeof(err->msg))
			snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s",
				 strerror_r(errnum, reason, sizeof(reason)));
	}
	return -errnum;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	if (!err)
		return -EIO;
	char old[sizeof(err->msg)];
	va_list ap;

	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	const int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->msg))
		snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", old);
	return err->errnum > 0 ? -err->errnum : -EIO;
}

void err_hint(struct err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

void err_clear(struct err *err)
{
	if (err)
		*err = (struct err){ 0 };
}

void err_keep_first(struct err *into, const struct err *from)
{
	if (into && from && into->kind == ERR_NONE)
		*into = *from;
}
