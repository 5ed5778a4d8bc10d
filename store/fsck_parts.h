/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of fsck share. See fsck.h. */
#ifndef IMG_STORE_FSCK_PARTS_H
#define IMG_STORE_FSCK_PARTS_H

#include "store/fsck.h"

#include <pthread.h>

struct fsck {
	struct op *op;
	struct store *store;
	const struct fsck_request *request;
	pthread_mutex_t lock; /* guards result and the calls of request->fn */
	struct fsck_result result;
	uint64_t total_bytes, item; /* of the progress */
	_Atomic uint64_t done_bytes;
};

/* Tells of one, with `why` or a text. */
void fsck_tell(struct fsck *f, const struct fsck_finding *finding);
/* Counts bytes that were looked at, for the progress. */
void fsck_progress(struct fsck *f, uint64_t bytes);

/* Blobs, layers and trees, by several threads. */
int fsck_bytes(struct fsck *f, struct err *err);
/* Names, roots and mounts, and the records themselves. */
int fsck_records(struct fsck *f, struct err *err);
/* The folder of the store. */
int fsck_files(struct fsck *f, struct err *err);

#endif
