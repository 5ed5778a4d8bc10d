/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: an ordered map from keys (text, bytewise order) to small values, with compare-and-swap.
 * The same five calls can later be served by an object store. Thread-safe.
 */
#ifndef IMG_STORE_RECORDS_H
#define IMG_STORE_RECORDS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct records;

#define RECORD_KEY_MAX	 1024
#define RECORD_VALUE_MAX ((size_t)1 << 20)

/* A value and its generation, which is fresh at every write and never 0. */
struct record {
	struct buf value; /* owned */
	uint64_t generation;
};
void record_fini(struct record *rec);

static inline void record_fini_p(struct record *rec)
{
	record_fini(rec);
}
#define _record_ __attribute__((cleanup(record_fini_p)))

/* A value to be written; borrowed. */
struct record_value {
	const void *data;
	size_t len;
};

/* Keys with `prefix`, after `after` (NULL: from the first), at most `limit` (0: all). */
struct records_range {
	const char *prefix; /* NULL: all */
	const char *after;
	size_t limit;
};
/* Called in bytewise order of the keys; non-zero stops the walk with that result. All borrowed. */
typedef int records_fn(void *arg, const char *key, const struct record *rec, struct err *err);

enum records_tx {
	RECORDS_SNAPSHOT, /* reads only */
	RECORDS_DURABLE,  /* what it wrote survives a power cut */
	RECORDS_RELAXED,  /* survives the process, but maybe not a power cut */
};

/* What a backend must do; all mandatory. Keys and values are within the limits. */
struct records_ops {
	int (*get)(struct records *r, const char *key, struct record *ret, struct err *err);
	int (*create)(struct records *r, const char *key, struct record_value value,
		      struct err *err);
	int (*swap)(struct records *r, const char *key, uint64_t generation,
		    struct record_value value, struct err *err);
	int (*remove)(struct records *r, const char *key, uint64_t generation, struct err *err);
	/* fn is called under the backend's lock and must not call back. */
	int (*list)(struct records *r, const struct records_range *range, records_fn *fn, void *arg,
		    struct err *err);
	/*
	 * Begins a transaction of this thread, or a level more of it; other threads wait until it
	 * ended. Each begin that succeeded has its end.
	 */
	int (*begin)(struct records *r, enum records_tx tx, struct err *err);
	int (*end)(struct records *r, bool commit, struct err *err);
	void (*close)(struct records *r);
};
struct records {
	const struct records_ops *ops;
};

/* Reads a record into an uninitialised value; ERR_NOT_FOUND. */
int records_get(struct records *r, const char *key, struct record *ret, struct err *err);
/* Writes a new record; ERR_EXISTS when it is there. */
int records_create(struct records *r, const char *key, struct record_value value, struct err *err);
/* Replaces if the generation is still this one, else ERR_CHANGED (also when it is gone). */
int records_swap(struct records *r, const char *key, uint64_t generation, struct record_value value,
		 struct err *err);
/* Removes if the generation is still this one, else ERR_CHANGED; ERR_NOT_FOUND when it is gone. */
int records_remove(struct records *r, const char *key, uint64_t generation, struct err *err);
/* Writes whatever was there before. */
int records_put(struct records *r, const char *key, struct record_value value, struct err *err);
/*
 * Walks a range, some records at a time: fn may call back, and what others write meanwhile is seen
 * or not. For one consistent view walk inside records_snapshot.
 */
int records_list(struct records *r, const struct records_range *range, records_fn *fn, void *arg,
		 struct err *err);

typedef int records_work_fn(struct records *r, void *arg, struct err *err);
/*
 * Runs fn inside one transaction of the embedded backend: all of its writes, durable at return, or
 * none when fn fails (negative). Nested calls join, and one that fails makes the whole fail. Other
 * threads and processes that write wait. Returns what fn returned.
 */
int records_transaction(struct records *r, records_work_fn *fn, void *arg, struct err *err);
/*
 * The same for what is worth nothing after a power cut anyway (what is mounted): not synced. All
 * that was durable before stays so, and the records stay whole.
 */
int records_transaction_relaxed(struct records *r, records_work_fn *fn, void *arg, struct err *err);
/*
 * Runs fn over one state of the records, whatever others write meanwhile. Inside it nothing can be
 * written. Inside a transaction it is part of that.
 */
int records_snapshot(struct records *r, records_work_fn *fn, void *arg, struct err *err);

#endif
