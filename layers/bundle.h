/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI runtime bundle's config.json from an image config (image-spec conversion.md; runtime-spec
 * 1.0).
 */
#ifndef IMG_LAYERS_BUNDLE_H
#define IMG_LAYERS_BUNDLE_H

#include "base/buf.h"
#include "base/err.h"
#include "layers/tree.h"
#include "manifest/config.h"

#include <stdbool.h>
#include <stdint.h>

struct bundle_options {
	const char *rootfs;   /* root.path; NULL: "rootfs" */
	const char *hostname; /* NULL: "img" */
	bool rootless;	      /* a user namespace that maps only root, to uid:gid below */
	uint32_t uid, gid;
};

/*
 * Appends the document. `tree` serves to look up config.User. ERR_DAMAGED for users that can't be
 * resolved, ERR_UNSUPPORTED for any but root with rootless.
 */
int bundle_config(const struct image_config *config, const struct tree *tree,
		  const struct bundle_options *options, struct buf *out, struct err *err);

#endif
