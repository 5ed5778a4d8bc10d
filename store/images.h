/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images in the store, as records: `repo/<name>/_t/<tag>` says which descriptor a tag means, `repo/<name>/_m/<alg>/<hex>` which manifests
 * a repository has. <name> is `domain/path` for pulled images.
 */
#ifndef IMG_STORE_IMAGES_H
#define IMG_STORE_IMAGES_H

#include "base/err.h"
#include "manifest/descriptor.h"
#include "manifest/reference.h"
#include "store/store.h"

/* One name: repository and tag (NULL for a manifest known by digest only) and what it means (index or manifest). */
struct image_name {
	char *repository; /* "docker.io/library/debian" */
	char *tag;	  /* or NULL */
	struct descriptor target;
	int64_t stored_at; /* seconds since 1970 */
};
void image_name_fini(struct image_name *name);

/*
 * Records that `ref` means `target`, in one transaction: the manifest record(s) of the repository and, when ref has a tag, the tag. All
 * blobs must be committed before: the name comes last. `children` are manifests of an index that are also present.
 */
int images_put(struct store *store, const struct reference *ref, const struct descriptor *target,
	       const struct descriptor *children, size_t child_count, struct err *err);
/* What a reference means: with a digest, that manifest if the repository has it; else the tag (default latest). ERR_NOT_FOUND with a hint naming `img pull`. */
int images_resolve(struct store *store, const struct reference *ref, struct descriptor *ret,
		   struct err *err);
/* Calls fn for every tag, and for every manifest that no tag of its repository reaches, sorted by repository and tag. */
typedef int images_fn(void *arg, const struct image_name *name, struct err *err);
int images_list(struct store *store, images_fn *fn, void *arg, struct err *err);
/* Forgets the name (tag, or digest: the manifest and tags pointing at it only when the reference has no tag). ERR_NOT_FOUND. Blobs stay until gc. */
int images_remove(struct store *store, const struct reference *ref, struct err *err);

#endif
