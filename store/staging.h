/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files being made, in staging/. Whoever makes one holds its lock (flock on a descriptor of its
 * own, so it works between processes and between threads) until it is published or given up; a file
 * there whose lock is free has lost its maker.
 */
#ifndef IMG_STORE_STAGING_H
#define IMG_STORE_STAGING_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Suffix of files that a later process may go on with; all others are useless without their maker.
 */
#define STAGING_RESUMABLE ".part"
/* How long such a file is worth keeping. */
#define STAGING_RESUME_SECONDS ((int64_t)7 * 24 * 3600)

/* "sha512-", 128 digits, a suffix. */
#define STAGED_NAME_BYTES 152

/* One such file. Closed: fd is -1. */
struct staged {
	int fd;	 /* readable and writable, locked. Owned */
	int dir; /* the staging folder. Borrowed */
	uint64_t flushed_bytes;
	char name[STAGED_NAME_BYTES];
};
#define STAGED_CLOSED ((struct staged){ .fd = -1, .dir = -1 })

/* What is to be made. */
struct staged_want {
	int dir; /* the staging folder; -1: the store is open for reading only */
	const struct digest *digest;
	const char *suffix;
};
/*
 * Opens or makes the file and locks it, waiting for its maker (op may be NULL): ERR_CANCELLED. What
 * a dead maker left is in it.
 */
int staged_open(struct op *op, const struct staged_want *want, struct staged *ret, struct err *err);
/* Opens and locks an empty file of a name that nobody had: PREFIX and 16 digits. */
int staged_open_fresh(int dir, const char *prefix, struct staged *ret, struct err *err);
/* Says that `bytes` were written in sequence, so that they go to the disk while more are made. */
void staged_wrote(struct staged *s, uint64_t bytes);
/* Makes the content durable and the file read-only (0444). */
int staged_seal(struct staged *s, struct err *err);
/* Removes the file and closes. Does nothing when closed. */
void staged_discard(struct staged *s);
/* Closes; the file stays. Does nothing when closed. */
void staged_close(struct staged *s);

static inline void staged_discard_p(struct staged *s)
{
	staged_discard(s);
}
#define _staged_ __attribute__((cleanup(staged_discard_p)))

/* A file of the folder. Borrowed. */
struct staging_entry {
	const char *name;
	int fd;	      /* readable; locked by the walk when it is dead, so that it may be removed */
	bool is_live; /* its maker is at work */
	struct stat st;
};
/*
 * Calls fn for each file of a staging folder, in no order; what comes or goes meanwhile is seen or
 * not, what can't be opened is not. Non-zero from fn stops with that result.
 */
typedef int staging_fn(void *arg, const struct staging_entry *entry, struct err *err);
int staging_walk(int dir, staging_fn *fn, void *arg, struct err *err);

/*
 * Removes what dead makers left, except resumable files of the last days whose blob (below `root`)
 * is not there yet. Never touches what has a live maker. Failures leave the file and say nothing.
 */
void staging_clean(int dir, int root);

#endif
