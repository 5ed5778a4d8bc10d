/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a pull, as data: the documents a name means on the chosen platforms, and the blobs
 * they need. Making it fetches documents and configs (small, verified), nothing else, and writes
 * nothing.
 */
#ifndef IMG_PULL_PLAN_H
#define IMG_PULL_PLAN_H

#include "base/digest.h"
#include "manifest/config.h"
#include "manifest/document.h"
#include "pull/pull.h"

#include <stdbool.h>

/* Deepest nesting of indexes; most documents of one pull, their bytes, and the blobs they name. */
#define PLAN_DEPTH_MAX	   8
#define PLAN_DOCUMENTS_MAX 1000
#define PLAN_BYTES_MAX	   ((uint64_t)64 << 20)
#define PLAN_BLOBS_MAX	   20000

struct plan_document {
	struct descriptor descriptor;
	struct buf bytes;
	bool is_config;
	bool stored;  /* came from the store: need not be written again */
	bool replace; /* the store has one, damaged */
};

struct plan_blob {
	struct descriptor descriptor;
	struct digest diffid; /* DIGEST_NONE: not a layer to unpack */
};

/* Value; owns everything. */
struct plan {
	struct plan_document *documents; /* children before parents */
	size_t document_count;
	struct plan_blob *blobs; /* each (digest, DiffID) once */
	size_t blob_count;
	struct descriptor target; /* what the name means */
	/* Of a plan for one platform: what was read on the way. Who takes a part leaves it empty. */
	struct document manifest;
	struct digest manifest_digest;
	struct image_config config;
	bool has_config; /* it is an image's */
};

int plan_make(struct op *op, const struct pull_request *req, struct plan *ret, struct err *err);
void plan_fini(struct plan *plan);

#endif
