/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two documents that make a graph (image-spec manifest.md, image-index.md; docker schema 2 and
 * manifest list): image manifest and index, read from bytes of anyone under limits. A document that
 * could be read as both, or that disagrees with the type it was sent under, is refused
 * (CVE-2021-41190). Bytes are never written back from here.
 */
#ifndef IMG_MANIFEST_DOCUMENT_H
#define IMG_MANIFEST_DOCUMENT_H

#include "base/err.h"
#include "manifest/annotations.h"
#include "manifest/descriptor.h"

#include <stddef.h>

/* Largest manifest, index or config accepted. */
#define DOCUMENT_BYTES_MAX ((size_t)4 << 20)
/* Most layers of a manifest, entries of an index, DiffIDs or history lines of a config. */
#define DOCUMENT_ENTRIES_MAX 10000

enum document_kind { DOCUMENT_MANIFEST = 1, DOCUMENT_INDEX };

struct image_manifest {
	struct descriptor config;
	struct descriptors layers; /* bottom first */
};

struct index {
	struct descriptors manifests; /* may hold nested indexes and things of unknown type */
};

/*
 * Value; owns everything. Of manifest and index only the one of `kind` is filled, the other is
 * empty.
 */
struct document {
	enum document_kind kind;
	char *media_type;    /* the body's, else the Content-Type's, else OCI by the fields */
	struct media media;  /* of media_type */
	char *artifact_type; /* NULL when absent */
	struct descriptor *subject; /* NULL when absent */
	struct annotations annotations;
	struct image_manifest manifest;
	struct index index;
};

void document_fini(struct document *d);

static inline void document_fini_p(struct document *d)
{
	document_fini(d);
}
#define _document_ __attribute__((cleanup(document_fini_p)))

/*
 * Reads a manifest or an index. `content_type` is what the sender said, or NULL; parameters and
 * case do not matter, a generic one (application/json, text/plain) leaves the word to the body.
 * ERR_LIMIT over the limits above; ERR_UNSUPPORTED for docker schema 1 and for other kinds of
 * document; ERR_DAMAGED for all else that is wrong.
 */
int document_parse(const void *bytes, size_t len, const char *content_type, struct document *ret,
		   struct err *err);

#endif
