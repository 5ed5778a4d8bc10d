/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image ready for use: in the store (pulled when it was not), its layers opened and merged. For
 * unpack and export.
 */
#ifndef IMG_CLI_READY_IMAGE_H
#define IMG_CLI_READY_IMAGE_H

#include "cli/image.h"
#include "pull/local.h"

struct ready_image {
	struct cli *cli;
	struct image image;
	struct image_content content;
	struct local_tree tree;
};

/*
 * By --local, --remote and --platform: --remote pulls in any case. ERR_UNSUPPORTED for artifacts.
 */
int ready_image_open(struct cli *cli, const char *operand, struct ready_image *ret,
		     struct err *err);
/* The same, but of the layers nothing is opened, nor even looked for: for who may not need that. */
int ready_image_find(struct cli *cli, const char *operand, struct ready_image *ret,
		     struct err *err);
/* Makes the layers that are missing. Returns 1 when there were any, else 0. For a store to write. */
int ready_image_make_layers(struct ready_image *r, struct err *err);
/* The tree, made at the first call. `ready_image` is a struct ready_image. */
int ready_image_tree(void *ready_image, const struct tree **ret, struct err *err);
void ready_image_close(struct ready_image *r);
#define _ready_image_ __attribute__((cleanup(ready_image_close)))

#endif
