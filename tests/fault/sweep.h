/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failing every call of an operation in turn, and killing it at every call. After each fault the
 * operation has either worked or given one good error; nothing is leaked, what it works on is
 * sound, and the same again without a fault works.
 *
 * IMG_FAULT_ALL=1 leaves no point out; IMG_FAULT_ONLY="write 8 once EIO" tries one again, as a
 * complaint names it.
 */
#ifndef TESTS_FAULT_SWEEP_H
#define TESTS_FAULT_SWEEP_H

#include "base/err.h"
#include "tests/fault/inject.h"

#include <stdbool.h>

/* How the operation ended, as `check` is told. */
enum sweep_end {
	SWEEP_DONE,
	SWEEP_FAILED,
	SWEEP_KILLED,
};
struct sweep_state {
	enum sweep_end end;
	bool untidy; /* it could not clean up behind itself: killed, or that is what failed */
};

/* One operation. `arg` is the caller's, handed to each function. */
struct sweep_op {
	const char *name;
	void *arg;
	/* Makes what it works on, new for each fault. */
	void (*prepare)(void *arg);
	/* The operation; called with faults and, to see whether it recovers, without. */
	int (*run)(void *arg, struct err *err);
	/* Says what is wrong, NULL when all is well. Borrowed. */
	const char *(*check)(void *arg, struct sweep_state state);
	/* Removes what prepare made; says what is wrong at the very end, or NULL. */
	const char *(*cleanup)(void *arg);
	unsigned points;   /* of a row, at most; 0: as many as there is time for */
	bool whole_writes; /* to files of the kernel, which take no second one */
	bool no_disk;	   /* what it writes goes to nobody's disk */
	bool start_over;   /* the second attempt is not made on what the first left behind */
};

/* Fails each call; asserts (CUnit) that nothing was wrong and says how much was tried. */
void sweep_faults(const struct sweep_op *op);
/* Kills a child at each call; `run` must open and close all it needs that has locks. */
void sweep_kills(const struct sweep_op *op);

#endif
