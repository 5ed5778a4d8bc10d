/* SPDX-License-Identifier: Apache-2.0 */
/* Inside pull/local*.c: the store as a transport. */
#ifndef IMG_PULL_LOCAL_PARTS_H
#define IMG_PULL_LOCAL_PARTS_H

#include "base/mem.h"
#include "manifest/reference.h"
#include "pull/local.h"
#include "store/keep.h"
#include "store/reach.h"
#include "transport/subjects.h"
#include "transport/transport.h"

#include <pthread.h>

struct local {
	struct transport base;
	struct store *store;
	struct reference repository;
	pthread_mutex_t lock; /* guards all below */
	struct pin *pin;      /* NULL: nothing was written yet */
	/* Documents that were put without a name, and are below no index that got one. */
	struct descriptor *unnamed;
	size_t unnamed_count;
	struct subjects *subjects; /* NULL: not looked for yet */
};

static inline struct local *local_of(struct transport *t)
{
	return container_of(t, struct local, base);
}

/* local.c */
int local_get_document(struct transport *t, struct op *op, const char *name,
		       struct transport_document *ret, struct err *err);
/* A name of the repository as a reference: a tag, a digest. */
int local_name(const struct local *local, const char *name, struct reference *ret, struct err *err);

/* local_list.c */
int local_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
		    struct err *err);
int local_get_referrers(struct transport *t, struct op *op, const struct transport_subject *subject,
			struct transport_document *ret, struct err *err);

/* local_write.c */
int local_has_blob(struct transport *t, struct op *op, const struct descriptor *d, struct err *err);
int local_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		   struct err *err);
int local_put_document(struct transport *t, struct op *op, const char *name,
		       const struct transport_document *doc, struct err *err);
int local_finish(struct transport *t, struct op *op, struct err *err);

#endif
