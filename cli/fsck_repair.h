/* SPDX-License-Identifier: Apache-2.0 */
/* img fsck --repair: what is done about what was found. */
#ifndef IMG_CLI_FSCK_REPAIR_H
#define IMG_CLI_FSCK_REPAIR_H

#include "store/fsck.h"
#include "store/reach.h"

#include <stddef.h>

struct cli;

/* What became of a finding. */
enum fsck_state { FSCK_FOUND, FSCK_REPAIRED, FSCK_REMOVED, FSCK_FAILED };

/* A finding that was kept. Owns its texts. */
struct fsck_item {
	struct fsck_finding finding;
	char *name, *text;
	enum fsck_state state;
	struct err why; /* of FSCK_FAILED */
};

struct fsck_repair {
	struct cli *cli;
	struct store *store; /* writable */
	struct fsck_item *items;
	size_t count;
	/* Called for each name that can't be had any more, or root that lacks something. */
	void (*lost)(void *arg, const char *kind, const char *name);
	void *arg;
	size_t lost_count;
	struct digest_set *bad;	 /* blobs that are damaged or missing */
	struct digest_set *good; /* of them, those that were replaced */
};
/*
 * Mends as much as it can: blobs from their registries, layers from their blobs, indexes from their
 * tars. Trees are removed, to be made when needed. Names whose blobs can't be had are forgotten,
 * after that was tried; writable roots are never touched. Fails only when interrupted; else each
 * item has its state.
 */
int fsck_repair(struct fsck_repair *r, struct err *err);

/* Parts, in this order. */
int fsck_repair_blobs(struct fsck_repair *r, struct err *err);
int fsck_repair_layers(struct fsck_repair *r, struct err *err);

/* Whether a blob is damaged or missing, and was not replaced. */
bool fsck_repair_is_bad(const struct fsck_repair *r, const struct digest *d);
/* Ends an item by the result of what was done. */
void fsck_item_end(struct fsck_item *item, int rc, const struct err *why, enum fsck_state done);

#endif
