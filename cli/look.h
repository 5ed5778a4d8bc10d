/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operand IMAGE[:PATH] of ls, cat, find and diff: an image opened for looking inside, by the
 * layers of the store when it is there, else by streaming from the registry what the question
 * needs. Nothing is pulled.
 */
#ifndef IMG_CLI_LOOK_H
#define IMG_CLI_LOOK_H

#include "cli/image.h"
#include "pull/local.h"
#include "pull/peek.h"

#include <stdbool.h>

/*
 * Splits at the first ":/" that does not belong to "://"; behind the folder or file of oci: and
 * other archives, at the last one. `ret_image` is to be freed; `ret_path` is borrowed, begins with
 * '/', and is NULL when there is none.
 */
void look_split(const char *operand, char **ret_image, const char **ret_path);

/* An image that is looked into. */
struct look {
	struct image image;
	struct image_content content;
	struct local_tree local; /* when the store has the layers */
	struct peek *peek;	 /* else */
};
struct look_request {
	const char *image; /* IMAGE */
	bool with_data;	   /* contents will be read */
};
/*
 * Opens its documents; layers are read when asked for. ERR_UNSUPPORTED for artifacts. `ret` must
 * stay where it is until look_close.
 */
int look_open(struct cli *cli, const struct look_request *request, struct look *ret,
	      struct err *err);
void look_close(struct look *look);
#define _look_ __attribute__((cleanup(look_close)))

/*
 * Lets `look`, whose layers were not asked for yet, take those that it shares with `other` from
 * there: all of that was read, with contents, and outlives it.
 */
void look_share(struct look *look, const struct look *other);
/* The tree of all layers. Borrowed. */
int look_tree(struct cli *cli, struct look *look, const struct tree **ret, struct err *err);
/*
 * The node of a path, in a tree of as few layers as needed: see peek_file for what is right in it.
 * Borrowed, until the next call.
 */
int look_path(struct cli *cli, struct look *look, struct peek_path path, struct peek_found *ret,
	      struct err *err);
/* One layer, from 1. ERR_NOT_FOUND beyond the last. Borrowed. */
int look_layer(struct cli *cli, struct look *look, unsigned number, const struct layer **ret,
	       struct err *err);

#endif
