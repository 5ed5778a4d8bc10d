/* SPDX-License-Identifier: Apache-2.0 */
/* What is reached by now: the collector's mark, and df's and fsck's. See keep.h for the roots. */
#ifndef IMG_STORE_GC_MARK_H
#define IMG_STORE_GC_MARK_H

#include "base/op.h"
#include "store/reach.h"

/* Value. What was reached at one look stays so at the next: a second look costs what is new. */
struct marks {
	struct digest_set *live[REACH_KIND_COUNT];
	struct digest_set *walked; /* manifests */
};
void marks_init(struct marks *m);
void marks_fini(struct marks *m);
#define _marks_ __attribute__((cleanup(marks_fini)))

static inline bool marks_has(const struct marks *m, enum reach_kind kind, const struct digest *d)
{
	return digest_set_has(m->live[kind], d);
}

/*
 * Adds all that a root reaches which was there when this began. ERR_DAMAGED naming a root whose
 * documents are absent or damaged: then the marks are not complete.
 */
int marks_look(struct op *op, struct store *store, struct marks *m, struct err *err);
/* Adds what is pinned by now. */
int marks_look_at_pins(struct store *store, struct marks *m, struct err *err);

/*
 * Calls fn for each root that is recorded: its key (of a manifest of a repository, of a root, of a
 * mount) and the manifest it names. ERR_DAMAGED naming a record that names none.
 */
typedef int roots_fn(void *arg, const char *key, const struct digest *manifest, struct err *err);
int roots_list(struct store *store, roots_fn *fn, void *arg, struct err *err);

#endif
