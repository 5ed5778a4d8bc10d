/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying an image into the store: resolve, plan, fetch, verify while streaming, index the layers in the same pass, name last. Nothing is committed before it is
 * verified; what is there is neither fetched nor read again.
 */
#ifndef IMG_PULL_PULL_H
#define IMG_PULL_PULL_H

#include "base/err.h"
#include "base/op.h"
#include "manifest/platform.h"
#include "manifest/reference.h"
#include "store/store.h"
#include "transport/transport.h"

struct pull_options {
	const struct platform *platform; /* NULL: the host's */
	bool all_platforms;
	bool no_unpack;	    /* blobs only: no layer tars and indexes */
	unsigned jobs;	    /* blobs at once; 0: 4 */
	unsigned max_ratio; /* raw bytes of a layer over bytes of its blob, beyond 1 GiB; 0: 200 */
};
struct pull_result {
	struct descriptor target; /* what the name means now (index or manifest) */
	bool was_current;	  /* nothing had to be fetched */
	uint64_t fetched_bytes;	  /* from the network */
	uint64_t blob_count;	  /* layers of the chosen images, each once */
};
void pull_result_fini(struct pull_result *r);
int pull_image(struct op *op, struct transport *from, struct store *to, const struct reference *ref,
	       const struct pull_options *options, struct pull_result *ret, struct err *err);

#endif
