/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking a store: every blob against its digest, every record against what it names, every file
 * for being one of ours. What is inside layers and trees is checked by hooks of the floors above.
 * Writes nothing; mending is the caller's, by what was found.
 */
#ifndef IMG_STORE_FSCK_H
#define IMG_STORE_FSCK_H

#include "base/digest.h"
#include "base/op.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Of what something was found. */
enum fsck_thing {
	FSCK_BLOB,
	FSCK_LAYER, /* a tar */
	FSCK_INDEX, /* of a layer */
	FSCK_TREE,
	FSCK_MANIFEST, /* the record of one; name: its key */
	FSCK_TAG,      /* name: its key */
	FSCK_ROOT,     /* the record of a writable root or a mount; name: its key */
	FSCK_RECORD,   /* any other; name: its key */
	FSCK_FILE,     /* name: its path below the store */
	FSCK_THING_COUNT
};
const char *fsck_thing_name(enum fsck_thing thing);

enum fsck_problem {
	FSCK_DAMAGED, /* not what its name says */
	FSCK_MISSING, /* something names it, and it isn't there */
	FSCK_WRONG,   /* says something else than what it is about */
	FSCK_MODE,    /* can be written to; harmless */
	FSCK_STRANGE, /* nothing of ours; harmless, never touched */
	FSCK_PROBLEM_COUNT
};
const char *fsck_problem_name(enum fsck_problem problem);
/* False for what nobody is harmed by. */
bool fsck_is_damage(enum fsck_problem problem);

/* Borrowed. */
struct fsck_finding {
	enum fsck_thing thing;
	enum fsck_problem problem;
	struct digest digest; /* of blob, layer, index, tree, or the manifest of the record */
	const char *name;     /* see fsck_thing; "" for the others */
	const char *what;     /* for people, escaped */
};
/* Never called by two threads at once. */
typedef void fsck_fn(void *arg, const struct fsck_finding *f);

/* One layer or tree to look into; called by several threads at once. */
struct fsck_layer {
	struct op *op;
	const struct digest *diffid;
	int tar_fd, idx_fd;			     /* borrowed; idx_fd -1: there is none */
	void (*progress)(void *arg, uint64_t bytes); /* to be called for what was read */
	void *progress_arg;
};
struct fsck_tree {
	struct op *op;
	const struct digest *chain_id;
	int fd; /* borrowed */
};
struct fsck_hooks {
	/*
	 * Reads all of the tar: *ret_tar when its bytes are not the DiffID's (or no tar), *ret_idx
	 * when the index is not what those bytes give. Each an error of kind ERR_NONE when well.
	 * Fails only when it couldn't be found out.
	 */
	int (*layer)(void *arg, const struct fsck_layer *layer, struct err *ret_tar,
		     struct err *ret_idx, struct err *err);
	/* *ret_bad: what is wrong with the tree. */
	int (*tree)(void *arg, const struct fsck_tree *tree, struct err *ret_bad, struct err *err);
	void *arg;
};

struct fsck_request {
	const struct fsck_hooks *hooks; /* NULL: layers and trees are not looked into */
	unsigned jobs;			/* at once; 0: 2 */
	fsck_fn *fn;
	void *arg;
};
/* How much was looked at. */
struct fsck_result {
	uint64_t blobs, layers, trees, names, bytes;
	uint64_t found; /* findings that are damage */
};
/*
 * Checks all. What others change meanwhile is right before and after: a thing that went away is
 * none to be found. Fails only when it can't go on (interrupted, records that can't be read).
 */
int fsck_check(struct op *op, struct store *store, const struct fsck_request *request,
	       struct fsck_result *ret, struct err *err);

/*
 * Mends what needs nobody else: modes, oci-layout, and records. A manifest's record is written
 * anew from its document; a tag that means nothing, and a record that can't be read, is removed.
 * Returns 1 when that lost something (a name), 0 when all is well, -EOPNOTSUPP for what is not
 * mended here.
 */
int fsck_mend(struct store *store, const struct fsck_finding *f, struct err *err);

#endif
