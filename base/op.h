/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long operation as its callee sees it: may it go on, how many jobs may it use, whom does it tell
 * what happens. Facts only (steps, bytes); the command line renders them.
 */
#ifndef IMG_BASE_OP_H
#define IMG_BASE_OP_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>

enum progress_kind {
	PROGRESS_BEGIN, /* an item appears: label, total_bytes (0: unknown) */
	PROGRESS_BYTES, /* bytes so far of an item */
	PROGRESS_STATE, /* an item changes state: state */
	PROGRESS_END,	/* an item is done (state: "done", "exists", "failed") */
	PROGRESS_NOTE,	/* a remark for the user: label is the text */
};

struct progress_event {
	enum progress_kind kind;
	uint64_t item; /* from op_item(); 0 for notes */
	const char *label;
	const char *
		/* "waiting", "downloading", "resuming", "verifying", "exists", "unpacking", ... */
		state;
	uint64_t bytes;
	uint64_t total_bytes;
	bool is_count; /* the two count things (files), not bytes */
};

/*
 * Where progress goes. `report` is called from any thread, possibly at once; strings live only
 * during the call.
 */
struct progress {
	void (*report)(struct progress *self, const struct progress_event *event);
};

/*
 * Value; lives as long as the operation. `cancelled` may be set by a signal handler or any thread.
 */
struct op {
	atomic_bool cancelled;
	struct op *parent;	   /* cancelled with it; NULL at the root */
	struct progress *progress; /* NULL: nobody listens */
	unsigned jobs;		   /* threads or connections at once; 0 means 1 */
};

void op_cancel(struct op *op);
bool op_is_cancelled(const struct op *op);
/* -ECANCELED (ERR_CANCELLED, "interrupted") once the operation or a parent is cancelled. */
int op_check(const struct op *op, struct err *err);
/* A fresh item number, unique in the process, never 0. */
uint64_t op_item(void);
/* Reports to the nearest progress up the parents; does nothing when there is none. */
void op_report(struct op *op, const struct progress_event *event);
/* A remark in printf form. Peer text must be escaped by the caller. */
void op_note(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
