/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph below a name as one JSON object: nodes have Kind (image, index, manifest, config,
 * layer, blob, attestation, referrer), Digest, MediaType, Size, what else is known (Platform,
 * ArtifactType, Annotations), Missing when the place lacks it, and Children.
 */
#ifndef IMG_CLI_IMAGE_TREE_H
#define IMG_CLI_IMAGE_TREE_H

#include "cli/image.h"

#include <stdio.h>

struct json;

/* Walks the place: documents only, no layers, no configs. Free with json_free. */
int image_tree_read(struct cli *cli, const struct image *image, struct json **ret, struct err *err);
/* Draws it. Digests in full, or their first 12 digits. */
void image_tree_draw(const struct json *root, bool full_digests, FILE *out);

#endif
