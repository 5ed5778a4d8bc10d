/* SPDX-License-Identifier: Apache-2.0 */
/* Inside transport/layout*.c. */
#ifndef IMG_TRANSPORT_LAYOUT_INT_H
#define IMG_TRANSPORT_LAYOUT_INT_H

#include "base/mem.h"
#include "store/blobs.h"
#include "transport/layout.h"
#include "transport/layout_index.h"
#include "transport/subjects.h"

#include <pthread.h>
#include <stdbool.h>

/* Our folder in a layout for blobs under way; absent while nothing is. */
#define LAYOUT_STAGING ".img-staging"
/* How long another writer is waited for. */
#define LAYOUT_BUSY_MS 30000

struct layout {
	struct transport base;
	char *path;
	enum layout_use use;
	unsigned busy_ms;
	struct document index; /* as it was at open or after the last finish; may be empty */
	pthread_mutex_t lock;  /* guards all below */
	int root;	       /* -1: to be made */
	int staging;	       /* -1: nothing was written yet */
	/*
	 * For reading (NULL: there is no folder), and for writing (NULL: not yet); the latter is
	 * never changed again.
	 */
	struct blobs *readable, *writable;
	struct layout_changes changes;
	/* What was put without a name, and which of it an index that was put since names. */
	struct layout_unnamed {
		struct descriptor descriptor;
		bool is_child;
	} * unnamed;
	size_t unnamed_count;
	/* What must still be there when index.json is written. */
	struct digest *written;
	size_t written_count;
	struct subjects *subjects; /* NULL: not looked for yet */
};

static inline struct layout *layout_of(struct transport *t)
{
	return container_of(t, struct layout, base);
}

/* layout.c */
/* The file `name` of the layout's folder, bounded; absent leaves `out` empty. */
int layout_read_file(int root, const char *name, struct buf *out, struct err *err);
/* Checks oci-layout and reads index.json. */
int layout_load(struct layout *l, struct err *err);
/* The blobs to read from; ERR_NOT_FOUND when there is no folder. */
int layout_blobs(struct layout *l, struct blobs **ret, struct err *err);
int layout_get_document(struct transport *t, struct op *op, const char *name,
			struct transport_document *ret, struct err *err);

/* layout_write.c */
int layout_has_blob(struct transport *t, struct op *op, const struct descriptor *d,
		    struct err *err);
int layout_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		    struct err *err);
int layout_put_document(struct transport *t, struct op *op, const char *name,
			const struct transport_document *doc, struct err *err);
int layout_remove_document(struct transport *t, struct op *op, const char *name, struct err *err);
int layout_remove_blob(struct transport *t, struct op *op, const struct digest *d, struct err *err);
/* layout_finish.c */
int layout_finish(struct transport *t, struct op *op, struct err *err);
/* layout_folder.c */
/*
 * Makes the folder a layout, if it is none yet, and `writable` ready, with a folder for blobs of
 * that algorithm. The lock is held.
 */
int layout_prepare(struct layout *l, struct op *op, enum digest_alg alg, struct err *err);
/*
 * Waits until nobody else writes here, and keeps others of us out until layout_unlock. ERR_BUSY
 * after busy_ms.
 */
int layout_lock(struct layout *l, struct op *op, struct err *err);
void layout_unlock(struct layout *l);
/* Takes the staging folder away when it is empty and nobody else's. */
void layout_leave(struct layout *l);
/* Whether the folder may become a layout: empty, or the beginnings of one of ours. */
int layout_check_vacant(int root, const char *path, struct err *err);

#endif
