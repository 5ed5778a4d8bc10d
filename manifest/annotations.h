/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A string-to-string map in document order (image-spec annotations.md): annotations of documents
 * and descriptors, labels of a config.
 */
#ifndef IMG_MANIFEST_ANNOTATIONS_H
#define IMG_MANIFEST_ANNOTATIONS_H

#include "base/err.h"
#include "base/json.h"

#include <stddef.h>

#define ANNOTATION_REF_NAME		 "org.opencontainers.image.ref.name"
#define ANNOTATION_DOCKER_REFERENCE_TYPE "vnd.docker.reference.type"

struct annotation {
	char *key;
	char *value;
};

/* Value; owns everything. Keys are unique. */
struct annotations {
	struct annotation *items;
	size_t count;
};

void annotations_fini(struct annotations *a);
/* Deep copy into an uninitialised value. */
void annotations_copy(const struct annotations *a, struct annotations *ret);
/* Value of a key, or NULL. Borrowed. */
const char *annotations_get(const struct annotations *a, const char *key);
/* Sets or replaces one. */
void annotations_set(struct annotations *a, const char *key, const char *value);
/*
 * Reads an object of strings; absent and null are empty, a null value is "". ERR_DAMAGED for other
 * types, named by `path` and key.
 */
int annotations_parse(const struct json *object, const char *path, struct annotations *ret,
		      struct err *err);
/* The map as a fresh JSON object. */
struct json *annotations_json(const struct annotations *a);

#endif
