/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs: immutable bytes by digest (manifests, configs, compressed layers). Thread-safe. */
#ifndef IMG_STORE_BLOBS_H
#define IMG_STORE_BLOBS_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct blobs;

/* What is to be written. */
struct blob_want {
	struct digest digest; /* DIGEST_NONE: known when all is written, see blob_writer_commit */
	uint64_t size_bytes;  /* UINT64_MAX when unknown */
	bool replace;	      /* one that is there is known to be damaged: commit takes its place */
};

/*
 * A blob being written. Exactly one writer per digest exists at a time, over all processes: begin
 * waits for the other (watching the operation) and then finds the blob there. A writer belongs to
 * one thread.
 */
struct blob_writer {
	struct blob_want want;
	/*
	 * Bytes so far; at begin what an interrupted earlier fetch left, 0 if nothing. That prefix
	 * is unverified: it must be read again and hashed.
	 */
	uint64_t offset_bytes;
	int fd; /* for pread of the prefix; position undefined. Borrowed */
	struct blobs *blobs;
};

/* Called for each blob; non-zero stops the walk with that result. */
typedef int blobs_fn(void *arg, const struct digest *d, uint64_t size_bytes, struct err *err);

/* What a backend must do; all mandatory, contracts as of the functions below. */
struct blobs_ops {
	int (*stat)(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err);
	int (*open)(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
		    struct err *err);
	int (*begin)(struct blobs *b, struct op *op, const struct blob_want *want,
		     struct blob_writer **ret, struct err *err);
	/* Leaves offset_bytes alone; the wrapper counts. */
	int (*append)(struct blob_writer *w, const void *data, size_t len, struct err *err);
	int (*rewind)(struct blob_writer *w, struct err *err);
	/* Digest and size are right already; `d` is the wanted digest, if one was. */
	int (*commit)(struct blob_writer *w, const struct digest *d, struct err *err);
	void (*abort)(struct blob_writer *w, bool keep_for_resume);
	int (*remove)(struct blobs *b, const struct digest *d, struct err *err);
	int (*list)(struct blobs *b, blobs_fn *fn, void *arg, struct err *err);
	void (*close)(struct blobs *b);
};
struct blobs {
	const struct blobs_ops *ops;
};

/* Says the size of a blob that is there; ERR_NOT_FOUND. `ret_size` may be NULL. */
int blobs_stat(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err);
/*
 * Opens a blob: a read-only fd of the caller's own at offset 0, good for sendfile and mmap too.
 * ERR_NOT_FOUND. `ret_size` may be NULL.
 */
int blobs_open(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
	       struct err *err);
/*
 * Begins a blob. Returns 1 and no writer when it is (by now) there, 0 with a writer. The caller
 * hashes all bytes, the prefix included. ERR_NO_SPACE early when the file system can't hold the
 * rest; ERR_CANCELLED while waiting for another writer. A blob that is there with another size than
 * wanted is not trusted: there is a writer then, and its commit replaces the blob. `op` may be
 * NULL.
 */
int blobs_begin(struct blobs *b, struct op *op, const struct blob_want *want,
		struct blob_writer **ret, struct err *err);
/* Adds bytes at offset_bytes; ERR_DAMAGED beyond the wanted size. After an error only abort. */
int blob_writer_append(struct blob_writer *w, const void *data, size_t len, struct err *err);
/* Throws away all bytes so far (a prefix that proved wrong). */
int blob_writer_rewind(struct blob_writer *w, struct err *err);
/*
 * Publishes durably. `computed` is the digest of what was written; it must equal the wanted one and
 * the size fit (ERR_DAMAGED). Without a wanted digest it becomes this one; a blob that is there
 * already is left as it is. Consumes the writer, also on failure, which leaves nothing behind.
 */
int blob_writer_commit(struct blob_writer *w, const struct digest *computed, struct err *err);
/* Ends without publishing; what was written stays for a later resume when asked. NULL is fine. */
void blob_writer_abort(struct blob_writer *w, bool keep_for_resume);

/*
 * Stores bytes in memory (a document) under the digest the caller computed; content with being
 * there already. `op` may be NULL.
 */
int blobs_put(struct blobs *b, struct op *op, const struct digest *d, const struct buf *data,
	      struct err *err);
/* The same where the one that is there is known to be damaged. */
int blobs_replace(struct blobs *b, struct op *op, const struct digest *d, const struct buf *data,
		  struct err *err);
/* Appends the whole blob to `out`, whose cap is the limit. Not verified again. */
int blobs_read(struct blobs *b, const struct digest *d, struct buf *out, struct err *err);
/* The same, and hashed: ERR_DAMAGED when it is not what its digest says. */
int blobs_read_verified(struct blobs *b, const struct digest *d, struct buf *out, struct err *err);
/* Removes a blob; ERR_NOT_FOUND. Who has it open keeps it. */
int blobs_remove(struct blobs *b, const struct digest *d, struct err *err);
/*
 * Calls fn for every blob, in no order. fn may call back; what comes or goes meanwhile is seen or
 * not.
 */
int blobs_list(struct blobs *b, blobs_fn *fn, void *arg, struct err *err);

#endif
