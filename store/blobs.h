/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs: immutable bytes by digest (manifests, configs, compressed layers). */
#ifndef IMG_STORE_BLOBS_H
#define IMG_STORE_BLOBS_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct blobs;

/*
 * A blob being written. Exactly one writer per digest exists at a time, over all processes: begin waits for the other (watching the
 * operation) and then finds the blob there.
 */
struct blob_writer {
	struct digest digest;  /* what it must become */
	uint64_t size_bytes;   /* expected; UINT64_MAX when unknown */
	uint64_t offset_bytes; /* bytes so far; at begin: what an interrupted earlier fetch left, 0 if nothing. Unverified: the prefix must be read again and hashed */
	int fd; /* readable and writable, position undefined; for pread of the prefix. Borrowed */
	void *backend_;
};

struct blobs_ops {
	int (*stat)(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err);
	int (*open)(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
		    struct err *err);
	int (*begin)(struct blobs *b, struct op *op, const struct blob_writer *want,
		     struct blob_writer **ret, struct err *err);
	int (*append)(struct blob_writer *w, const void *data, size_t len, struct err *err);
	int (*rewind)(struct blob_writer *w, struct err *err);
	int (*commit)(struct blob_writer *w, const struct digest *computed, struct err *err);
	void (*abort)(struct blob_writer *w, bool keep_for_resume);
	int (*remove)(struct blobs *b, const struct digest *d, struct err *err);
	int (*list)(struct blobs *b,
		    int (*fn)(void *arg, const struct digest *d, uint64_t size, struct err *err),
		    void *arg, struct err *err);
};
struct blobs {
	const struct blobs_ops *ops;
};

/* Size of a blob that is there; ERR_NOT_FOUND. `ret_size` may be NULL. */
int blobs_stat(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err);
/* A read-only fd of the caller's own at offset 0; for files also good for sendfile and mmap. */
int blobs_open(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
	       struct err *err);
/*
 * Begins a blob. Returns 1 and no writer when it is (by now) there, 0 with a writer. The caller hashes all bytes, the prefix included. ERR_NO_SPACE early when the
 * file system can't hold size_bytes.
 */
int blobs_begin(struct blobs *b, struct op *op, const struct digest *d, uint64_t size_bytes,
		struct blob_writer **ret, struct err *err);
/* Adds bytes at offset_bytes. */
int blob_writer_append(struct blob_writer *w, const void *data, size_t len, struct err *err);
/* Throws away all bytes so far (a prefix that proved wrong). */
int blob_writer_rewind(struct blob_writer *w, struct err *err);
/* Publishes durably; `computed` is the digest of what was written and must equal the expected one (ERR_DAMAGED). Consumes the writer, also on failure. */
int blob_writer_commit(struct blob_writer *w, const struct digest *computed, struct err *err);
/* Ends without publishing; what was written stays for a later resume when asked. NULL is fine. */
void blob_writer_abort(struct blob_writer *w, bool keep_for_resume);

/* Stores bytes in memory (a document) under the digest the caller computed; content with being there already. */
int blobs_put(struct blobs *b, const struct digest *d, const void *data, size_t len,
	      struct err *err);
/* The whole blob into `out` (its cap is the limit). Not verified again. */
struct buf;
int blobs_read(struct blobs *b, const struct digest *d, struct buf *out, struct err *err);

#endif
