/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who refers to whom, for places that keep no list of it: documents are looked at one by one, and
 * the answer is the index that a registry would give (distribution-spec "Listing Referrers").
 */
#ifndef IMG_TRANSPORT_SUBJECTS_H
#define IMG_TRANSPORT_SUBJECTS_H

#include "transport/transport.h"

/* Not thread-safe. */
struct subjects;
struct subjects *subjects_new(void);
/* NULL is fine. */
void subjects_free(struct subjects *s);

/*
 * Remembers a document (its descriptor and bytes) when it has a subject. One that can't be
 * understood refers to nothing.
 */
void subjects_add(struct subjects *s, const struct descriptor *d, const struct buf *bytes);
/* The index of those that refer to a subject, each once; an empty one when there are none. */
int subjects_index(const struct subjects *s, const struct transport_subject *subject,
		   struct transport_document *ret, struct err *err);
/*
 * The same with the entries of `more` (an index by the fallback tag; may be NULL) that are not
 * among them. ERR_DAMAGED when that is no index.
 */
int subjects_index_with(const struct subjects *s, const struct transport_subject *subject,
			const struct transport_document *more, struct transport_document *ret,
			struct err *err);
/* "sha256-<hex>", the fallback tag of a subject (at most 32 and 64 characters). */
#define SUBJECT_TAG_BYTES 100
char *subject_tag(const struct digest *d, char dst[SUBJECT_TAG_BYTES]);

#endif
