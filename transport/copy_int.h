/* SPDX-License-Identifier: Apache-2.0 */
/* Inside transport/copy*.c: the plan of a copy, and the walk that makes it. */
#ifndef IMG_TRANSPORT_COPY_INT_H
#define IMG_TRANSPORT_COPY_INT_H

#include "manifest/document.h"
#include "store/reach.h"
#include "transport/copy.h"

#include <stdatomic.h>

#define COPY_JOBS_DEFAULT 4
/* Deepest nesting of indexes and of referrers of referrers. */
#define COPY_DEPTH_MAX 8
/* Most documents of one copy, their bytes, and the blobs they name. */
#define COPY_DOCUMENTS_MAX 4000
#define COPY_BYTES_MAX	   ((uint64_t)64 << 20)
#define COPY_BLOBS_MAX	   20000
/* Tags that are listed to find `sha256-...` among them; beyond, a few are asked for by name. */
#define COPY_TAGS_MAX 1000

struct copy_blob {
	struct descriptor descriptor;
	/*
	 * The source need not have it: a foreign layer, or an index entry of a type that nobody
	 * knows.
	 */
	bool may_lack;
};
struct copy_document {
	struct descriptor descriptor;
	struct buf bytes;
	unsigned height; /* over the documents it leads to; 0: over none */
	bool has_subject, is_referrer, is_child;
	/*
	 * A list of referrers of which some are gone: stays behind, places refuse it, and make
	 * their own.
	 */
	bool is_left;
	size_t blob_start, blob_end; /* those it was the first to name */
};
/* A `sha256-...` tag. */
struct copy_tag {
	char *name;
	struct digest digest;
};
/* Value; owns everything. */
struct copy_plan {
	struct copy_document *documents; /* children before parents, the target somewhere */
	size_t document_count;
	struct copy_blob *blobs;
	size_t blob_count;
	struct copy_tag *tags;
	size_t tag_count;
	struct descriptor target;
	struct digest_set *seen_documents, *seen_blobs;
};
void copy_plan_init(struct copy_plan *p);
void copy_plan_fini(struct copy_plan *p);
/* NULL when it is not in the plan. */
struct copy_document *copy_plan_find(const struct copy_plan *p, const struct digest *d);

/* A copy under way. */
struct copy {
	struct op *op;
	const struct copy_request *req;
	struct platform want;
	struct copy_plan plan;
	/* Tags of the source that begin as digest tags do; `is_listed`: all there are. */
	char **tags;
	size_t tag_count;
	size_t names_seen;
	bool is_listed;
	_Atomic uint64_t read_bytes; /* of documents */
	_Atomic unsigned read_count;
	bool is_narrowed;	 /* an index stayed behind */
	unsigned referrer_depth; /* of the walk: > 0 inside of what refers to something */
	/* Results; guarded by nothing but being atomic. */
	_Atomic uint64_t blobs, blob_bytes, mounted, existed, documents;
};

/* --- copy_fetch.c: what the source has to say about one document --- */

/* Owned by whoever has it. */
struct copy_file {
	struct descriptor descriptor;
	struct buf bytes;
	bool is_missing;
	struct document referrers; /* an index, or empty */
	struct copy_tag *tags;
	size_t tag_count;
};
void copy_file_fini(struct copy_file *f);
#define _copy_file_ __attribute__((cleanup(copy_file_fini)))
/* Lists the tags of the source, as far as that makes sense. */
int copy_list_tags(struct copy *c, struct err *err);
/* By tag or digest, without what refers to it. */
int copy_fetch_named(struct copy *c, const char *name, struct copy_file *ret, struct err *err);
/* By descriptor, bounded, without what refers to it. */
int copy_fetch_one(struct copy *c, struct op *op, const struct descriptor *d, struct copy_file *ret,
		   struct err *err);
/* What refers to a document that was fetched. */
int copy_fetch_referrers(struct copy *c, struct op *op, struct copy_file *file, struct err *err);
/*
 * Several at once, each with its referrers; files[i] for entries[i], is_missing when the source
 * lacks it. Entries that the plan has already are left empty (no descriptor).
 */
int copy_fetch_all(struct copy *c, const struct descriptor *const *entries, size_t count,
		   struct copy_file *files, struct err *err);

/* --- copy_walk.c --- */

/* Makes the plan: reads documents of the source, writes nothing. */
int copy_walk(struct copy *c, struct err *err);

/* --- copy_blob.c --- */

enum copy_how { COPY_SENT, COPY_EXISTED, COPY_MOUNTED, COPY_LEFT_OUT };
/* Moves one blob, unless it is there. */
int copy_one_blob(struct copy *c, struct op *op, const struct copy_blob *blob,
		  enum copy_how *ret_how, struct err *err);

/* --- copy_run.c --- */

/* Carries the plan out. */
int copy_run(struct copy *c, struct err *err);
/* Asks what is there and tells req->plan. */
int copy_tell_plan(struct copy *c, struct err *err);

#endif
