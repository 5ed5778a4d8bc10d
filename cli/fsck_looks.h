/* SPDX-License-Identifier: Apache-2.0 */
/* What img fsck looks for inside layers and trees: the hooks of store/fsck.h. */
#ifndef IMG_CLI_FSCK_LOOKS_H
#define IMG_CLI_FSCK_LOOKS_H

#include "store/fsck.h"

struct fsck_chains;

/* Fills the hooks; `chains` is borrowed. */
void fsck_looks_init(struct fsck_hooks *ret, struct fsck_chains *chains);

/* Which layers each chain is made of, by the manifests that are in the store. Thread-safe. */
struct fsck_chains *fsck_chains_new(struct store *store);
void fsck_chains_free(struct fsck_chains *c);
/* The DiffIDs, borrowed; NULL for a chain nobody knows any more. */
const struct digest *fsck_chains_find(const struct fsck_chains *c, const struct digest *chain_id,
				      size_t *ret_count);
struct store *fsck_chains_store(const struct fsck_chains *c);

/* The hooks. `arg` is a struct fsck_chains. */
int fsck_look_at_layer(void *arg, const struct fsck_layer *layer, struct err *ret_tar,
		       struct err *ret_idx, struct err *err);
int fsck_look_at_tree(void *arg, const struct fsck_tree *tree, struct err *ret_bad,
		      struct err *err);

/* Whether two files hold the same bytes: 1 yes, 0 no. */
int fsck_same_bytes(int a, int b, struct err *err);

#endif
