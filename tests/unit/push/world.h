/* SPDX-License-Identifier: Apache-2.0 */
/* An image in a memory store and an upper folder to commit on top of it. */
#ifndef IMG_TESTS_PUSH_WORLD_H
#define IMG_TESTS_PUSH_WORLD_H

#include "base/buf.h"
#include "layers/tree.h"
#include "manifest/config.h"
#include "push/commit.h"
#include "tests/support/tmp.h"

/* How the base is written. */
struct world_base {
	bool is_docker;
	const char *run;     /* JSON of the member "config"; NULL: {} */
	const char *history; /* JSON; NULL: absent */
};

struct world {
	struct store *store;
	struct digest manifest; /* of the base */
	struct layer *base_layer;
	struct tree *base_tree;
	struct lower *lower;
	struct tmp upper;
	struct reference ref;
	struct op op;
};

/* The base has etc/, etc/passwd, etc/shadow, old/ and old/file, all at time 1000. */
void world_init(struct world *w, const struct world_base *base);
void world_fini(struct world *w);
#define _world_ __attribute__((cleanup(world_fini)))
/* A request with the defaults of the tests: gzip, one thread, SOURCE_DATE_EPOCH 2000000000. */
struct commit_request world_request(struct world *w);
/* Commits; the test fails when that does. */
struct commit_result world_commit(struct world *w, const struct commit_request *request);
/* The documents of a committed image as text. */
void world_read(struct world *w, const struct digest *d, struct buf *out);
/*
 * The new image's tree, a line a name: PATH TYPE MODE UID:GID MTIME[.NSEC] [SIZE or TARGET or
 * DEVICE] [=FIRST NAME] [XATTR=HEX...].
 */
void world_list(struct world *w, const struct commit_result *r, struct buf *out);
/* Path of something in the upper folder. */
#define UPPER(w, name) world_path((w), (name), (char[512]){ 0 })
const char *world_path(const struct world *w, const char *name, char dst[512]);

#endif
