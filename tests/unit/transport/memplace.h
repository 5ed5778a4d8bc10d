/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in memory that can be read and written, and told to misbehave. It refuses what a strict
 * registry would: a document before what it refers to. Makers of small images in it.
 */
#ifndef TESTS_UNIT_TRANSPORT_MEMPLACE_H
#define TESTS_UNIT_TRANSPORT_MEMPLACE_H

#include "store/blobs.h"
#include "store/reach.h"
#include "transport/subjects.h"
#include "transport/transport.h"

#include <pthread.h>

struct memplace_tag {
	char *name;
	struct digest digest;
};
struct memplace {
	struct transport base;
	struct blobs *blobs;
	pthread_mutex_t lock; /* guards all that follows up to the wishes */
	struct descriptor *documents;
	size_t document_count;
	struct memplace_tag *tags;
	size_t tag_count;
	char last_put[200]; /* name or digest of the last document */
	unsigned document_puts, blob_puts, opens, lists;
	uint64_t largest_offset; /* of open_blob */

	/* Wishes. */
	bool has_no_tags, has_no_referrers, takes_any_order, cannot_seek;
	struct digest lies; /* open_blob changes the last byte */
	struct digest lost; /* once: gone when the first document is put, which then fails */
	uint64_t cut_at;    /* bytes of a blob after which the connection breaks; 0: never */
	struct op *cancels; /* cancelled by the first blob that is opened */
};
void memplace_init(struct memplace *m);
void memplace_fini(struct memplace *m);
#define _memplace_ __attribute__((cleanup(memplace_fini)))

/* Each fills an uninitialised descriptor. */
void mem_blob(struct memplace *m, const char *media_type, const void *data, size_t len,
	      struct descriptor *ret);
void mem_text(struct memplace *m, const char *media_type, const char *text, struct descriptor *ret);
/* An image for "os/arch" (NULL: the host's) with one layer of that text. */
void mem_image(struct memplace *m, const char *platform, const char *text, struct descriptor *ret);
/* An artifact with one blob of that text; subject may be NULL. */
void mem_artifact(struct memplace *m, const char *text, const struct descriptor *subject,
		  struct descriptor *ret);
/* A document of any text. */
void mem_document(struct memplace *m, const char *media_type, const char *text,
		  struct descriptor *ret);
struct mem_entry {
	const struct descriptor *descriptor;
	const char *platform; /* "os/arch", or NULL */
	const char *attests;  /* a digest: it is an attestation of that */
};
void mem_index(struct memplace *m, const struct mem_entry *entries, size_t count,
	       struct descriptor *ret);
void mem_tag(struct memplace *m, const char *name, const struct descriptor *d);
/* Forgets a blob or document. */
void mem_lose(struct memplace *m, const struct descriptor *d);

bool mem_has(struct memplace *m, const struct descriptor *d);
/* What the tag means is `d`. */
bool mem_is_tagged(struct memplace *m, const char *name, const struct descriptor *d);
size_t mem_blob_count(struct memplace *m);

#endif
