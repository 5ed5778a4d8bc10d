/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps things from the collector (store/gc.h).
 *
 * Roots of the collector are: every manifest record of every repository; every record below root/
 * and mount/, whose JSON value has a member "manifest" (digest of an image manifest in the store);
 * and what a live `struct pin` names. From a manifest it reaches the manifest itself, an index's
 * children that are there, config, layers, and by the config's DiffIDs the layer files and the tree
 * of the whole chain.
 *
 * A thing that is condemned has a record blob/<alg>/<hex>, layer/<alg>/<hex> or tree/<alg>/<hex>; a
 * live one has none. Sweeping unlinks in the transaction that finds that record unchanged, so
 * whoever writes a root in a transaction with keep_manifest is never swept afterwards.
 */
#ifndef IMG_STORE_KEEP_H
#define IMG_STORE_KEEP_H

#include "base/digest.h"
#include "base/err.h"
#include "store/store.h"

/*
 * Inside a transaction that also writes what makes the manifest reachable: takes all that it
 * reaches back from the condemned (of an index only itself: its children have records of their
 * own). ERR_NOT_FOUND naming what is gone already (then pull again): the manifest always, each of
 * its blobs with `check`; layers and trees are found or not when they are opened. Without `check`
 * it costs one look at the records and one at the manifest while nothing is condemned.
 */
int keep_manifest(struct store *store, const struct digest *manifest, bool check, struct err *err);

/*
 * What a process is working on and has not named yet, held by a lock in staging/ that ends with the
 * process: blobs and layers that a pull found or wrote. Not thread-safe. In a memory store, and in
 * one open for reading only, it holds nothing.
 */
struct pin;
int pin_new(struct store *store, struct pin **ret, struct err *err);
/* From here on a collection does not condemn it. */
int pin_blob(struct pin *pin, const struct digest *d, struct err *err);
int pin_layer(struct pin *pin, const struct digest *diffid, struct err *err);
/* NULL is fine. */
void pin_free(struct pin *pin);

static inline void pin_free_p(struct pin **p)
{
	pin_free(*p);
}
#define _pin_ __attribute__((cleanup(pin_free_p)))

#endif
