/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying an image into the store: resolve, plan, fetch, verify while streaming, index the layers
 * in the same pass, name last. Nothing is committed before it is verified; what is there is neither
 * fetched nor read again.
 */
#ifndef IMG_PULL_PULL_H
#define IMG_PULL_PULL_H

#include "base/err.h"
#include "base/op.h"
#include "manifest/platform.h"
#include "manifest/reference.h"
#include "store/reach.h"
#include "store/store.h"
#include "transport/transport.h"

/* What to pull, from where, how. Everything is borrowed. */
struct pull_request {
	struct transport *from; /* of ref's repository */
	struct store *to;
	const struct reference *ref;
	const struct platform *platform; /* NULL: the host's, which a single image need not match */
	bool all_platforms;
	bool no_unpack; /* blobs only: no layer tars and indexes */
	bool unnamed;	/* records no name: for who mends what has one */
	unsigned jobs;	/* blobs at once; 0: 4 */
	/* Blobs that the store has, known to be damaged; may be NULL. */
	const struct digest_set *distrusted;
	unsigned max_ratio; /* raw bytes of a layer over bytes of its blob, beyond 1 GiB; 0: 200 */
};

struct pull_result {
	struct descriptor target; /* what the name means now (index or manifest) */
	bool was_current;	  /* nothing had to be fetched */
	uint64_t fetched_bytes;	  /* of blobs, from the network */
	uint64_t blob_count;	  /* layers of the chosen images, each once */
};
void pull_result_fini(struct pull_result *r);

/*
 * Pulls. ERR_NOT_FOUND when the name or the platform isn't there (the message lists the platforms),
 * ERR_DAMAGED when anything isn't what it was promised to be, ERR_LIMIT for bombs. After a failure
 * the store holds at most verified, unnamed blobs and staging files to resume from.
 */
int pull_image(struct op *op, const struct pull_request *req, struct pull_result *ret,
	       struct err *err);

#endif
