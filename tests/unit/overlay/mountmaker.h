/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images to mount, in a store of files, in a mount namespace that only this process is in; and
 * looks at what is mounted, so that nothing stays behind unseen.
 */
#ifndef TESTS_OVERLAY_MOUNTMAKER_H
#define TESTS_OVERLAY_MOUNTMAKER_H

#include "overlay/mounts.h"
#include "tests/support/tmp.h"

#include <stdbool.h>
#include <sys/types.h>

#define MOUNTIMAGE_LAYERS_MAX 4

/* An image whose layers are in the store. Its tree is made when it is asked for. */
struct mountimage {
	struct store *store; /* borrowed */
	struct digest diff_ids[MOUNTIMAGE_LAYERS_MAX];
	size_t count;
	struct digest manifest, chain;
	struct layer *layers[MOUNTIMAGE_LAYERS_MAX];
	struct tree *tree;
	unsigned asked; /* how often the tree was asked for */
};
/* Stores layers (each a line as of tarmaker_text; NULL ends them) and a manifest blob. */
void mountimage_init(struct mountimage *i, struct store *store, const char *const *layers);
void mountimage_fini(struct mountimage *i);
#define _mountimage_ __attribute__((cleanup(mountimage_fini)))
/* To be mounted for reading, by any driver, in a folder of the store. */
struct mount_request mountimage_request(struct mountimage *i);

struct mountmaker {
	struct tmp tmp;
	char path[300];	     /* of the store */
	struct store *store; /* NULL: skipped, or closed */
	int fds;	     /* how many there were */
};
/*
 * Enters a new mount namespace and makes a store in $TMPDIR. Where that can't be, or no EROFS can
 * be mounted from files, the test is skipped: `store` is NULL then.
 */
struct mountmaker mountmaker_make(void);
/* The same in memory, where no driver but loop and unpacked can do anything. */
struct mountmaker mountmaker_make_in_memory(void);
/* Asserts that nothing is left. */
void mountmaker_fini(struct mountmaker *m);
#define _mountmaker_ __attribute__((cleanup(mountmaker_fini)))

/* Mounts in or below a folder of this namespace. */
unsigned mounts_below(const char *path);
/* Loop devices of files in or below a folder; what is about to go is waited for when it is gone. */
unsigned loops_below(const char *path, unsigned want);
/* What is left of mounts: "a mount", "a loop device", "a folder of mounts", ... or NULL. */
const char *mountmaker_left(const struct mountmaker *m);
/* Entries of a folder of the store but "." and ".."; 0 when it is not there. */
unsigned mountmaker_entries(const struct mountmaker *m, const char *folder);

/* Mounts; fails the test when it can't be. The entry is the caller's. */
struct mount_entry mounted(const struct mount_request *q);
/* Whether a file of what is mounted at `path` holds that text. */
bool shows(const char *path, const char *name, const char *text);
/* The file system that is there. */
dev_t device_of(const char *path);

#endif
