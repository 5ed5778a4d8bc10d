/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying an image from a place to a place: one walk over its graph (index, nested indexes,
 * manifests, configs, layers, then referrers and `sha256-...` tags), a plan of what the destination
 * lacks, blobs in parallel, children before parents, the tag last. Bytes and digests are never
 * changed. All that is moved is verified on the way.
 */
#ifndef IMG_TRANSPORT_COPY_H
#define IMG_TRANSPORT_COPY_H

#include "base/op.h"
#include "manifest/platform.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of an index comes along. */
enum copy_platforms {
	COPY_ONE,    /* the chosen platform's manifest alone; the index stays behind */
	COPY_ALL,    /* all of it; ERR_NOT_FOUND when the source lacks a child */
	COPY_SPARSE, /* the index as it is, with the children that are there, or the chosen one */
};

/* All borrowed. */
struct copy_request {
	struct transport *from, *to;
	const char *from_name; /* tag or digest */
	/* Tags at the destination; none: by digest. */
	const char *const *to_names;
	size_t to_count;
	enum copy_platforms platforms;
	/*
	 * Of COPY_ONE (NULL: the host's, which a single manifest need not match) and COPY_SPARSE
	 * (NULL: all that are there).
	 */
	const struct platform *platform;
	/*
	 * What refers to what is copied comes along: referrers, and `sha256-...` tags with cosign's
	 * words behind.
	 */
	bool referrers;
	bool dry_run; /* only reads, and counts what would be moved */
	/* Repository of `from` when both are the same registry, for mounts; else NULL. */
	const char *mount_from;
	unsigned jobs; /* blobs at once; 0: 4 */
	/* Called for each thing of the plan, in order of the walk; may be NULL. */
	void (*plan)(void *arg, const struct descriptor *d, bool is_there);
	void *arg;
};
struct copy_result {
	struct descriptor target;   /* what the tags mean now; owned */
	uint64_t blobs, blob_bytes; /* moved (dry run: to be moved) */
	uint64_t mounted, existed;
	uint64_t documents, referrers;
	bool is_of_index; /* COPY_ONE: the name means an index, which stays behind */
};
/*
 * Copies, but for transport_finish of `to`, which is the caller's: it may copy several. Blobs that
 * neither place has are passed over with a note when they are foreign layers or of unknown kind. A
 * failure leaves blobs and untagged manifests behind that a repeat finds, never a tag
 * whose graph is incomplete. Depth, documents and entries are bounded (ERR_LIMIT).
 */
int copy_image(struct op *op, const struct copy_request *request, struct copy_result *ret,
	       struct err *err);
void copy_result_fini(struct copy_result *r);

#endif
