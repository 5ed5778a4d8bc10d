/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool: one job is one thread of straight-line code. The first error cancels the siblings
 * and is the one that is kept.
 */
#ifndef IMG_BASE_JOBS_H
#define IMG_BASE_JOBS_H

#include "base/op.h"

struct jobs;

/* A job: returns 0 or a negative errno with err set. `op` is the pool's own, cancelled with it. */
typedef int jobs_fn(struct op *op, void *arg, struct err *err);

/*
 * Starts a pool of at most `threads` (at least 1) under `parent` (may be NULL). Threads start as
 * jobs arrive.
 */
struct jobs *jobs_new(struct op *parent, unsigned threads);
/*
 * Queues a job; it may add further ones. Jobs run in order of arrival; after an error the rest is
 * dropped unrun.
 */
void jobs_add(struct jobs *jobs, jobs_fn *fn, void *arg);
/*
 * Waits until no job is left. Returns 0 or the first error (or -ECANCELED). May be called again
 * after more adds.
 */
int jobs_wait(struct jobs *jobs, struct err *err);
/* Cancels what runs, joins the threads, frees. NULL is fine. */
void jobs_free(struct jobs *jobs);

#endif
