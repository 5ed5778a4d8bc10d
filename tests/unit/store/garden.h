/* SPDX-License-Identifier: Apache-2.0 */
/* Real images for tests of what is kept, freed and checked: small, different by their number. */
#ifndef TESTS_UNIT_STORE_GARDEN_H
#define TESTS_UNIT_STORE_GARDEN_H

#include "store/images.h"
#include "tests/unit/store/names.h"
#include "tests/unit/store/support.h"

#define PLANT_LAYERS 2

/* An image that is in the store: two layers, the lower one common to all. Value. */
struct plant {
	struct digest manifest, config;
	uint64_t manifest_bytes;
	struct digest blobs[PLANT_LAYERS], diffids[PLANT_LAYERS], chain;
};
/* Stores documents, layer blobs, layer files (tar and index are texts) and a tree. No name. */
struct plant plant_image(struct store *s, unsigned number);
/* Without layer files and tree. */
struct plant plant_blobs(struct store *s, unsigned number);
/* Names it. Returns what images_put says. */
int plant_name(struct store *s, const char *name, const struct plant *p, struct err *err);
/* An index over one image, named, with the image as its child. */
struct digest plant_index(struct store *s, const char *name, const struct plant *child);
/* How many of its parts are there: 2 documents, 2 blobs, 2 layers, 1 tree. */
int plant_count(struct store *s, const struct plant *p);
#define PLANT_PARTS 7

/* A record root/<id> of that manifest, made as a mount makes it. */
int plant_root(struct store *s, const char *id, const struct digest *manifest, struct err *err);

#endif
