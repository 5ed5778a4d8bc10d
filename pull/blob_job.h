/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One blob on its way into the store, and, when it is a layer, its raw tar and entry index made in
 * the same pass. Used by pull (from a registry) and by whoever needs layers of blobs that are there
 * already.
 */
#ifndef IMG_PULL_BLOB_JOB_H
#define IMG_PULL_BLOB_JOB_H

#include "base/err.h"
#include "base/op.h"
#include "manifest/descriptor.h"
#include "store/reach.h"
#include "store/store.h"
#include "transport/transport.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * A layer may always grow to BLOB_RAW_FREE_BYTES; beyond that only to max_ratio times its blob, so
 * that a bomb ends early and a large honest layer doesn't. How large the blob is, is a promise
 * until all of it is there: no more than BLOB_RAW_AHEAD_BYTES are given on credit.
 */
#define BLOB_RAW_FREE_BYTES  ((uint64_t)1 << 30)
#define BLOB_RAW_AHEAD_BYTES ((uint64_t)4 << 30)
#define BLOB_MAX_RATIO	     200

/*
 * How many raw bytes a layer may have had when `seen_bytes` of the `blob_bytes` of its blob have
 * come. `max_ratio` 0: BLOB_MAX_RATIO.
 */
uint64_t blob_raw_limit(uint64_t blob_bytes, uint64_t seen_bytes, unsigned max_ratio);

/* What all jobs of one pull share. */
struct blob_context {
	struct transport *from; /* NULL: blobs must be in the store */
	struct store *to;
	unsigned max_ratio;		     /* 0: BLOB_MAX_RATIO */
	const struct digest_set *distrusted; /* blobs to be replaced; NULL: none */
	_Atomic uint64_t fetched_bytes;
};

struct blob_job {
	struct blob_context *context;
	const struct descriptor *descriptor; /* borrowed */
	struct digest diffid;		     /* DIGEST_NONE: the blob only */
};

/* Does what is missing of the job, if anything. A jobs_fn; `arg` is a struct blob_job. */
int blob_job_run(struct op *op, void *arg, struct err *err);

#endif
