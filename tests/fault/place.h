/* SPDX-License-Identifier: Apache-2.0 */
/* An image to pull, and a store of files to pull it into whose every byte can be checked. */
#ifndef TESTS_FAULT_PLACE_H
#define TESTS_FAULT_PLACE_H

#include "manifest/config.h"
#include "manifest/document.h"
#include "manifest/reference.h"
#include "store/store.h"
#include "tests/fault/sweep.h"
#include "tests/support/tmp.h"
#include "tests/unit/layers/tarmaker.h"
#include "tests/unit/pull/maker.h"
#include "transport/transport.h"

#define PICTURE_LAYERS 3

/* An image in a memory store: gzip, zstd and plain, the last of several chunks. */
struct picture {
	struct store *there;
	struct transport *from; /* to `there` */
	struct reference ref;
	struct maker_layer layers[PICTURE_LAYERS];
	struct descriptor target;
	struct document document;
	struct image_config config;
	uint32_t node_count; /* of its tree */
};
void picture_init(struct picture *p);
void picture_fini(struct picture *p);
#define _picture_ __attribute__((cleanup(picture_fini)))

/* A store of files. */
struct place {
	struct tmp tmp;
	char path[300];
	struct store *store; /* NULL while closed */
};
/* An empty folder, no store in it yet. */
void place_init(struct place *p);
void place_fini(struct place *p);
/* Opens the store (makes it); aborts when that can't be. */
void place_open(struct place *p);
void place_close(struct place *p);
/* Pulls the picture, blobs only or all of it; aborts when that fails. */
void place_fill(struct place *p, const struct picture *of, bool no_unpack);
int place_pull(struct place *p, const struct picture *of, bool no_unpack, struct err *err);

/*
 * Whether all that is visible is whole: blobs and layers hash to their names, indexes are right,
 * each name has its documents and blobs, and staging holds no more than may be there until the next
 * open. NULL or what is wrong.
 */
const char *place_check(struct place *p, struct sweep_state state);
/* The same, and the picture is there: named, all layers, their tree as it should be. */
const char *place_check_picture(struct place *p, const struct picture *of,
				struct sweep_state state);
/*
 * Opens the store anew and closes it: staging must be empty then, but for parts when `parts`.
 * Removes all.
 */
const char *place_end(struct place *p, bool parts);

#endif
