/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images in the store, as records. <name> is `domain/path` for pulled images:
 *
 *   repo/<name>/_m/<alg>/<hex>   a manifest or index of the repository: {"mediaType", "size",
 *                                "storedAt", "byDigest", "manifests": [digests an index reaches]}
 *   repo/<name>/_t/<tag>         the descriptor a tag means, with "storedAt" added
 *   cat/<name>                   the repository has at least one of the above
 *
 * Keys are built from parsed references and digests only. Thread-safe, also between processes.
 */
#ifndef IMG_STORE_IMAGES_H
#define IMG_STORE_IMAGES_H

#include "base/err.h"
#include "manifest/descriptor.h"
#include "manifest/reference.h"
#include "store/store.h"

/* One name: repository and tag (NULL for a manifest known by digest only) and what it means. */
struct image_name {
	char *repository; /* "docker.io/library/debian" */
	char *tag;	  /* or NULL */
	struct descriptor target;
	int64_t stored_at; /* seconds since 1970 */
};
void image_name_fini(struct image_name *name);

/*
 * Records that `ref` means `target`, in one transaction: the manifest records of the repository
 * and, when ref has a tag (or neither tag nor digest: latest), the tag. `children` (may be NULL)
 * are the manifests below an index that are present. All blobs they name must be committed before,
 * and not collected since (else ERR_NOT_FOUND, and nothing is recorded): the name comes last.
 * ERR_USAGE when ref's digest is not the target's.
 */
int images_put(struct store *store, const struct reference *ref, const struct descriptor *target,
	       const struct descriptors *children, struct err *err);
/*
 * Says what a reference means: with a digest, that manifest if the repository has it (a bare
 * digest: any repository); else the tag (default latest). The descriptor has media type, digest and
 * size. ERR_NOT_FOUND with a hint naming `img pull`.
 */
int images_resolve(struct store *store, const struct reference *ref, struct descriptor *ret,
		   struct err *err);
/*
 * Calls fn for every tag, and for every manifest that no tag of its repository reaches and no such
 * index either; sorted by repository, the untagged first, then by tag. All see one state of the
 * store; fn may read the store, not write it. Non-zero from fn stops with that result.
 */
typedef int images_fn(void *arg, const struct image_name *name, struct err *err);
int images_list(struct store *store, images_fn *fn, void *arg, struct err *err);
/*
 * Forgets a name and calls fn (may be NULL) for each that is gone. A tag: the tag, and the
 * manifests that nothing reaches any more unless they were once put by digest; with a digest
 * besides, only if the tag means it. A digest alone: that manifest, what only it reached, and the
 * tags that mean it. ERR_NOT_FOUND. Blobs stay until gc.
 */
int images_remove(struct store *store, const struct reference *ref, images_fn *fn, void *arg,
		  struct err *err);

#endif
