/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep_manifest: the writer's half of the collector's protocol. It runs inside the transaction that
 * makes a manifest reachable, and every condemned thing it takes back defeats a sweep that has not
 * happened yet; what a sweep was faster with is found missing here, because a sweep unlinks inside
 * a transaction of its own. The manifest itself is always looked for: a collector frees blobs
 * before layers, so while it is there no layer of it was swept.
 */
#include "store/keep.h"

#include "base/mem.h"
#include "store/condemned.h"
#include "store/reach.h"

struct keeping {
	struct store *store;
	bool condemned; /* there are some */
	bool check;
};

static int keep_one(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		    struct err *err)
{
	const struct keeping *k = arg;

	(void)size;
	if (k->condemned)
		TRY(condemned_drop(k->store->records, kind, d, 0, err));
	return k->check && kind == REACH_BLOB ? blobs_stat(k->store->blobs, d, NULL, err) : 0;
}

int keep_manifest(struct store *store, const struct digest *manifest, bool check, struct err *err)
{
	struct keeping k = { .store = store, .check = check };
	const struct reach reach = { .fn = keep_one, .arg = &k, .alone = true };

	TRY(condemned_any(store->records, &k.condemned, err));
	if (!k.condemned && !check)
		return blobs_stat(store->blobs, manifest, NULL, err);
	return reach_walk(store, manifest, &reach, err);
}
