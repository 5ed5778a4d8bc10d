/* SPDX-License-Identifier: Apache-2.0 */
/* A store with an image to mount, in a state that mounts are in, and what must hold for it. */
#ifndef TESTS_FAULT_MOUNT_WORLD_H
#define TESTS_FAULT_MOUNT_WORLD_H

#include "tests/fault/sweep.h"
#include "tests/unit/overlay/mountmaker.h"

/* What is there before the operation. */
enum before {
	BEFORE_NOTHING, /* not even the metadata image */
	BEFORE_TREE,	/* the metadata image */
	BEFORE_SHARED,	/* another mount of the same image */
	BEFORE_MOUNT,	/* the mount "m" */
	BEFORE_ROOT,	/* the root "m", mounted, written to */
	BEFORE_RESTING, /* the same, unmounted */
	BEFORE_MESS,	/* what a crash may leave */
};

struct mount_world {
	struct mountmaker m;
	struct mountimage i;
	enum before before;
	const char *driver, *uidmap;
	bool is_writable, is_volatile; /* to be mounted */
	bool remove;		       /* to be unmounted */
	bool alone;		       /* the operation opens the store by itself */
};

/* For sweep_op; `arg` is the world. */
void mount_world_prepare(void *arg);
const char *mount_world_check(void *arg, struct sweep_state state);
const char *mount_world_cleanup(void *arg);

/* The mount "m" as the world says. */
struct mount_request mount_world_request(struct mount_world *w, struct store *store);
/* What is not there is fine. */
int mount_world_unmount(struct store *store, const char *id, bool remove, struct err *err);

#endif
