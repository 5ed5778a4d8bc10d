/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A content descriptor (image-spec descriptor.md): media type, digest, size of something, and what
 * else is said about it. What is said is a claim; whoever fetches verifies size and digest.
 */
#ifndef IMG_MANIFEST_DESCRIPTOR_H
#define IMG_MANIFEST_DESCRIPTOR_H

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "manifest/annotations.h"
#include "manifest/media.h"
#include "manifest/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Value; owns everything. All zero is an empty one. */
struct descriptor {
	char *media_type;   /* as written */
	struct media media; /* what the table says of it */
	char *digest_text; /* as written; well-formed, so without '/', ".." or control characters */
	struct digest digest; /* alg is DIGEST_NONE when the algorithm is not one we know */
	uint64_t size;	      /* bytes; at most INT64_MAX */
	struct json_strs urls;
	struct annotations annotations;
	char *artifact_type; /* NULL when absent */
	uint8_t *data;	     /* decoded, `size` bytes, digest not verified; NULL when absent */
	struct platform *platform; /* NULL when absent or empty */
};

/* Value; owns its items. */
struct descriptors {
	struct descriptor *items;
	size_t count;
};

void descriptor_fini(struct descriptor *d);
void descriptors_fini(struct descriptors *d);
/* Deep copy into an uninitialised value. */
void descriptor_copy(const struct descriptor *d, struct descriptor *ret);

static inline void descriptor_fini_p(struct descriptor *d)
{
	descriptor_fini(d);
}
#define _descriptor_ __attribute__((cleanup(descriptor_fini_p)))

/* Makes one of the three things every descriptor has. */
void descriptor_init(struct descriptor *d, const char *media_type, const struct digest *digest,
		     uint64_t size);
/*
 * Reads one; `path` names it in errors. ERR_DAMAGED for a missing or ill-formed mediaType, digest
 * or size, or data that is not base64 of `size` bytes. A well-formed digest of an unknown algorithm
 * is no error here (image-spec: such descriptors pass validation): see descriptor_need_digest.
 */
int descriptor_parse(const struct json *object, const char *path, struct descriptor *ret,
		     struct err *err);
/* The descriptor as a fresh JSON object, to be put into an index of ours. */
struct json *descriptor_json(const struct descriptor *d);

/* Call before fetching: ERR_UNSUPPORTED when the digest's algorithm is not one we can verify. */
int descriptor_need_digest(const struct descriptor *d, struct err *err);
/*
 * True for the provenance and SBOM entries builders put beside images: docker's annotation, or
 * platform unknown/unknown.
 */
bool descriptor_is_attestation(const struct descriptor *d);

#endif
