/* SPDX-License-Identifier: Apache-2.0 */
/* What the store has of an image, in short: for lists of many. */
#ifndef IMG_CLI_IMAGE_FACTS_H
#define IMG_CLI_IMAGE_FACTS_H

#include "manifest/descriptor.h"
#include "store/store.h"

struct image_facts {
	char **platforms; /* "linux/amd64"; those whose manifest is there */
	size_t platform_count;
	char *created;	/* of the first of them, RFC 3339; NULL when unknown */
	uint64_t bytes; /* of all blobs that are there, each once */
};

/* Reads what it can: a damaged or absent document only leaves its part out. */
void image_facts_read(struct store *store, const struct descriptor *target,
		      struct image_facts *ret);
void image_facts_fini(struct image_facts *f);
#define _image_facts_ __attribute__((cleanup(image_facts_fini)))

#endif
