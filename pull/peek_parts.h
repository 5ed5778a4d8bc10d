/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of peek: one layer streamed, and what a layer says of its own paths. Not for others. */
#ifndef IMG_PULL_PEEK_PARTS_H
#define IMG_PULL_PEEK_PARTS_H

#include "pull/peek.h"

/* One layer to stream. */
struct peek_job {
	const struct peek_request *request;
	const struct descriptor *descriptor; /* borrowed */
	const struct digest *diffid;	     /* borrowed */
	struct layer *layer;		     /* out: owned by whom the job belongs to */
};
/* Streams, verifies, and only then opens the layer. A jobs_fn; `arg` is a struct peek_job. */
int peek_stream(struct op *op, void *arg, struct err *err);

/*
 * Whether every name of a layer (whiteouts and targets of hard links too) stands below folders that
 * the same layer wrote down before it, so that no lower layer has a say in where it leads. False
 * also for names that need cleaning.
 */
bool peek_is_closed(const struct layer *layer);

#endif
