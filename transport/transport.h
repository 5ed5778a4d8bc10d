/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place where images live, as one interface: a registry, an OCI layout, an archive, our own
 * store. A transport is bound to one repository of the place; pull, push and copy are a graph walk
 * between two of them. All calls may come from several threads at once.
 */
#ifndef IMG_TRANSPORT_TRANSPORT_H
#define IMG_TRANSPORT_TRANSPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"
#include "manifest/descriptor.h"
#include "stream/source.h"

#include <stdint.h>

struct transport;

/* One document as it came: exact bytes, and what it is. */
struct transport_document {
	struct descriptor
		/*
		 * media type as the place says it or the descriptor had it; digest computed; size
		 */
		descriptor;
	struct buf bytes; /* owned */
};
void transport_document_fini(struct transport_document *doc);

/*
 * A blob from `offset` on. Where the bytes really start comes back: `offset`, or 0 when the place
 * can't seek.
 */
struct transport_range {
	const struct descriptor *descriptor; /* borrowed */
	uint64_t offset;
	uint64_t ret_offset; /* out */
};

/* Who refers to what. */
struct transport_subject {
	const struct digest *digest;
	const char *artifact_type; /* NULL: all */
};

typedef int transport_name_fn(void *arg, const char *name, struct err *err);

/* A blob to be written. All borrowed. */
struct transport_upload {
	const struct descriptor *descriptor; /* digest and size are what must come out */
	/*
	 * Gives the bytes from `offset` on; called again when a broken upload goes on or begins
	 * anew. From 0 what it gives is verified on the way (the source fails when it lies). From
	 * elsewhere only the size can be: the place that has the bytes before verifies the whole.
	 */
	int (*open)(void *arg, struct op *op, uint64_t offset, struct source **ret,
		    struct err *err);
	void *arg;
	const char *mount_from; /* a repository of the same registry that has it, or NULL */
	void (*moved)(void *arg, uint64_t bytes); /* bytes sent so far, or NULL */
	enum { UPLOAD_SENT, UPLOAD_EXISTED, UPLOAD_MOUNTED } ret_how; /* out */
};

struct transport_ops {
	/*
	 * Mandatory. Fetches the manifest or index that `name` (a tag, or a digest as text) means,
	 * verified: by digest the bytes must hash to it, by tag the digest is computed here. At
	 * most 4 MiB. ERR_NOT_FOUND.
	 */
	int (*get_document)(struct transport *t, struct op *op, const char *name,
			    struct transport_document *ret, struct err *err);
	/*
	 * Mandatory. What `name` means without fetching it, where the place can say so (HEAD);
	 * falls back to get_document. Not verified: a hint for deciding what to fetch.
	 */
	int (*resolve)(struct transport *t, struct op *op, const char *name, struct descriptor *ret,
		       struct err *err);
	/*
	 * Mandatory. The bytes of a blob from `offset` on, NOT verified: wrap it in source_verify.
	 * Bytes of a broken connection are resumed inside, so a source either gives all size -
	 * offset bytes or an error. `*ret_offset` is where the bytes really start: `offset`, or 0
	 * when the place can't seek.
	 */
	int (*open_blob)(struct transport *t, struct op *op, struct transport_range *range,
			 struct source **ret, struct err *err);
	/* Optional. Calls fn for each tag of the repository, in the place's order. */
	int (*list_tags)(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
			 struct err *err);
	/*
	 * Optional. The index of referrers of a subject (distribution-spec "Listing Referrers",
	 * with the fallback tag); an empty index when there are none. `artifact_type` NULL: all.
	 */
	int (*get_referrers)(struct transport *t, struct op *op,
			     const struct transport_subject *subject,
			     struct transport_document *ret, struct err *err);
	/* Optional, the writing side; contracts as of the functions below. */
	int (*has_blob)(struct transport *t, struct op *op, const struct descriptor *d,
			struct err *err);
	int (*put_blob)(struct transport *t, struct op *op, struct transport_upload *upload,
			struct err *err);
	int (*put_document)(struct transport *t, struct op *op, const char *name,
			    const struct transport_document *doc, struct err *err);
	int (*remove_document)(struct transport *t, struct op *op, const char *name,
			       struct err *err);
	int (*remove_blob)(struct transport *t, struct op *op, const struct digest *d,
			   struct err *err);
	int (*finish)(struct transport *t, struct op *op, struct err *err);
	/* Mandatory. Frees; what was not finished is given up. */
	void (*close)(struct transport *t);
};
struct transport {
	const struct transport_ops *ops;
};

/* The calls; ERR_UNSUPPORTED for an optional one that is absent. */
int transport_get_document(struct transport *t, struct op *op, const char *name,
			   struct transport_document *ret, struct err *err);
int transport_resolve(struct transport *t, struct op *op, const char *name, struct descriptor *ret,
		      struct err *err);
int transport_open_blob(struct transport *t, struct op *op, struct transport_range *range,
			struct source **ret, struct err *err);
int transport_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
			struct err *err);
int transport_get_referrers(struct transport *t, struct op *op,
			    const struct transport_subject *subject, struct transport_document *ret,
			    struct err *err);
/* Whether a blob is there: 1, or 0. A place that can't say cheaply says 0. */
int transport_has_blob(struct transport *t, struct op *op, const struct descriptor *d,
		       struct err *err);
/*
 * Writes a blob, if it is not there. It is there, durable as the place has it, and hashes to its
 * digest when this returns 0.
 */
int transport_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		       struct err *err);
/*
 * Writes a manifest or index, byte for byte, under a tag or, `name` NULL, its digest alone. All it
 * refers to comes before it.
 */
int transport_put_document(struct transport *t, struct op *op, const char *name,
			   const struct transport_document *doc, struct err *err);
/* Takes a tag away, never what it means; a digest: the manifest. ERR_NOT_FOUND, ERR_UNSUPPORTED. */
int transport_remove_document(struct transport *t, struct op *op, const char *name,
			      struct err *err);
int transport_remove_blob(struct transport *t, struct op *op, const struct digest *d,
			  struct err *err);
/* Ends writing: archives and layouts get their index here. Places without need do nothing. */
int transport_finish(struct transport *t, struct op *op, struct err *err);
void transport_close(struct transport *t);

/*
 * The document a descriptor means: its `data` when that is there and hashes right, else fetched by
 * digest; media type, size and digest must agree with the descriptor (ERR_DAMAGED).
 */
int transport_get_described(struct transport *t, struct op *op, const struct descriptor *d,
			    struct transport_document *ret, struct err *err);
/* A small blob (a config) whole and verified, at most `out`'s cap. */
int transport_read_blob(struct transport *t, struct op *op, const struct descriptor *d,
			struct buf *out, struct err *err);

#endif
