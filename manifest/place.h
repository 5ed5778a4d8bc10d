/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an image lives, as users write it: REF, docker://REF, oci:DIR[:NAME],
 * oci-archive:FILE[:NAME], docker-archive:FILE[:REF], store:NAME. Only the text is taken apart;
 * nothing is opened and no reference parsed.
 */
#ifndef IMG_MANIFEST_PLACE_H
#define IMG_MANIFEST_PLACE_H

#include "base/err.h"

enum place_kind {
	PLACE_IMAGE,	      /* a bare REF: the local store or a registry, the command decides */
	PLACE_REGISTRY,	      /* docker://REF */
	PLACE_OCI,	      /* oci:DIR[:NAME] */
	PLACE_OCI_ARCHIVE,    /* oci-archive:FILE[:NAME] */
	PLACE_DOCKER_ARCHIVE, /* docker-archive:FILE[:REF] */
	PLACE_STORE,	      /* store:NAME */
};

/* Value; owns its strings. */
struct place {
	enum place_kind kind;
	char *path; /* DIR or FILE; NULL for the other kinds */
	char *name; /* REF or NAME, unparsed; NULL when absent */
};

void place_fini(struct place *p);

static inline void place_fini_p(struct place *p)
{
	place_fini(p);
}
#define _place_ __attribute__((cleanup(place_fini_p)))

/* Takes `text` apart. DIR and FILE end at their first colon. ERR_USAGE for an empty part. */
int place_parse(const char *text, struct place *ret, struct err *err);
/* The text form back. Free with free(). */
char *place_text(const struct place *p);

#endif
