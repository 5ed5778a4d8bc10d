/* SPDX-License-Identifier: Apache-2.0 */
/* Two memory stores, one to pull from and one to pull into, and what may happen on the way. */
#ifndef IMG_TESTS_PULL_WORLD_H
#define IMG_TESTS_PULL_WORLD_H

#include "pull/local.h"
#include "pull/pull.h"
#include "tests/unit/pull/maker.h"

/* A place between us and the store: counts, cuts and spoils what comes through. */
struct middle {
	struct transport base;
	struct transport *real;
	_Atomic unsigned documents, blobs, resolves; /* counted from any thread */
	uint64_t cut_at; /* bytes of a blob after which the connection breaks; 0: never */
	_Atomic uint64_t last_offset; /* of the last open_blob */
	bool no_seek;
};

/* Two stores and the way between them. */
struct world {
	struct store *there, *here;
	struct reference ref;
	struct middle middle;
	struct op op;
};

/* Two small layers: three names, and one that removes one of them and adds another. */
extern const struct maker_file world_base_files[3], world_top_files[2];

void world_setup(struct world *w, const char *ref);
void world_teardown(struct world *w);
/* Pulls w->ref; from, to and ref of `extra` (may be NULL) are filled in. */
int world_pull(struct world *w, const struct pull_request *extra, struct pull_result *ret,
	       struct err *err);
/* The same where it must succeed; 1 when nothing had to be fetched. */
int world_pull_ok(struct world *w, const struct pull_request *extra);
/* Has the store that we pull into the name? */
bool world_is_named(struct world *w);
void world_two_layers(struct world *w, struct maker_layer layers[2], struct descriptor *ret);
void world_free_layers(struct maker_layer *layers, size_t count);
/* The image's manifest and config as they are in the store we pulled into. */
void world_read_image(struct world *w, const struct descriptor *d, struct document *doc,
		      struct image_config *config);
/* The tree of world_two_layers is what its layers say. */
void world_assert_tree(struct world *w, const struct descriptor *image);

#endif
