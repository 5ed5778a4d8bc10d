/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: an ordered map from keys (text, bytewise order) to small values, with compare-and-swap. The same five calls can later be
 * served by an object store.
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
void record_fini(struct record *r);

/* Keys with `prefix`, after `after` (NULL: from the first), at most `limit` (0: all), in bytewise order. fn returning non-zero stops the walk with that result. */
struct records_range {
	const char *prefix;
	const char *after;
	size_t limit;
};
typedef int records_fn(void *arg, const char *key, const struct record *rec, struct err *err);

struct records_ops {
	int (*get)(struct records *r, const char *key, struct record *ret, struct err *err);
	int (*create)(struct records *r, const char *key, const void *value, size_t len,
		      struct err *err);
	int (*swap)(struct records *r, const char *key, uint64_t generation, const void *value,
		    size_t len, struct err *err);
	int (*remove)(struct records *r, const char *key, uint64_t generation, struct err *err);
	int (*list)(struct records *r, const struct records_range *range, records_fn *fn, void *arg,
		    struct err *err);
	int (*begin)(struct records *r, struct err *err);
	int (*end)(struct records *r, bool commit, struct err *err);
	void (*close)(struct records *r);
};
struct records {
	const struct records_ops *ops;
};

/* ERR_NOT_FOUND when absent. */
int records_get(struct records *r, const char *key, struct record *ret, struct err *err);
/* ERR_EXISTS when present. */
int records_create(struct records *r, const char *key, const void *value, size_t len,
		   struct err *err);
/* Replaces if the generation is still this one, else ERR_CHANGED. */
int records_swap(struct records *r, const char *key, uint64_t generation, const void *value,
		 size_t len, struct err *err);
/* Removes if unchanged, else ERR_CHANGED; ERR_NOT_FOUND when absent. */
int records_remove(struct records *r, const char *key, uint64_t generation, struct err *err);
/* Writes whatever was there before (create or swap, retried). */
int records_put(struct records *r, const char *key, const void *value, size_t len, struct err *err);
/* Walks that range. */
int records_list(struct records *r, const struct records_range *range, records_fn *fn, void *arg,
		 struct err *err);
/*
 * Runs fn inside one transaction of the embedded backend: all of its writes, durable at return, or none. Nested calls join. Others wait.
 */
int records_transaction(struct records *r, int (*fn)(struct records *r, void *arg, struct err *err),
			void *arg, struct err *err);

#endif
