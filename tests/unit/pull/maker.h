/* SPDX-License-Identifier: Apache-2.0 */
/* Small images, made in a memory store that serves as the place to pull from. */
#ifndef IMG_TESTS_PULL_MAKER_H
#define IMG_TESTS_PULL_MAKER_H

#include "base/buf.h"
#include "manifest/descriptor.h"
#include "store/store.h"
#include "stream/source.h"

#include <stdbool.h>
#include <stddef.h>

/* One entry of a layer: a folder when the name ends in '/', else a file with that text. */
struct maker_file {
	const char *name, *text;
};

/* A layer: blob stored, descriptor and DiffID known. */
struct maker_layer {
	struct descriptor descriptor;
	struct digest diffid;
};

struct maker_image {
	const struct maker_layer *layers;
	size_t count;
	const char *arch; /* NULL: this machine's */
};

void maker_blob(struct store *s, const char *media_type, const struct buf *bytes,
		struct descriptor *ret);
void maker_text_blob(struct store *s, const char *media_type, const char *text,
		     struct descriptor *ret);
/* `gzip`: compressed, else plain. */
void maker_layer(struct store *s, const struct maker_file *files, size_t count, bool gzip,
		 struct maker_layer *ret);
/* The same from a finished tar; plain, gzip or zstd. */
void maker_layer_tar(struct store *s, const struct buf *tar, enum codec codec,
		     struct maker_layer *ret);
/* Config and manifest; returns the manifest's descriptor. */
void maker_image(struct store *s, const struct maker_image *image, struct descriptor *ret);
/* An index over children; platforms "os/arch" or NULL each. */
void maker_index(struct store *s, const struct descriptor *children, const char *const *platforms,
		 size_t count, struct descriptor *ret);
/* Names it in the store; `children` (may be NULL) are manifests that the repository has besides. */
void maker_name(struct store *s, const char *ref, const struct descriptor *target,
		const struct descriptors *children);

#endif
