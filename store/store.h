/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: immutable bytes by digest (blobs), raw layers by DiffID (tar + entry index), and an
 * ordered key-value map with compare-and-swap (records). Two backends each: files + SQLite below
 * one folder, and memory for tests. Layout on disk and keys: docs/ARCHITECTURE.md.
 *
 * Many processes may use one folder at once and be killed at any moment: every immutable file is
 * made in staging/, synced, renamed into place, and only then recorded. Readers take no lock.
 * Opening cleans staging of the dead. All functions are thread-safe unless said otherwise.
 */
#ifndef IMG_STORE_STORE_H
#define IMG_STORE_STORE_H

#include "base/err.h"
#include "store/blobs.h"
#include "store/layerfiles.h"
#include "store/records.h"
#include "store/treefiles.h"

/* Only the store's own code looks into it. Close it after everything that was got from it. */
struct store {
	struct blobs *blobs;
	struct layerfiles *layers;
	struct treefiles *trees;
	struct records *records;
	void *backend_;
};

enum store_flags {
	STORE_CREATE = 1, /* make it (0700) when there is none */
	/*
	 * Writes nothing: no folders, no staging, no records. Where the folder is writable the
	 * database still keeps its house (-wal, -shm); where it is not, or on a read-only file
	 * system, nothing at all is written.
	 */
	STORE_READ_ONLY = 2,
};
/*
 * Opens the store below `path`. ERR_NOT_FOUND when there is none; ERR_UNSUPPORTED when it is of a
 * later version; ERR_DAMAGED when the records can't be read; ERR_READ_ONLY or ERR_DENIED without
 * STORE_READ_ONLY where it can't be written; ERR_USAGE for STORE_CREATE in a folder that holds
 * other things.
 */
int store_open(const char *path, unsigned flags, struct store **ret, struct err *err);
/* Version of the database library behind it, "3.40.1". */
const char *store_library_version(void);
/* A store in memory: the real thing for tests, with the same contract tests as the files. */
struct store *store_new_memory(void);
/* NULL is fine. */
void store_close(struct store *store);

/* Absolute path of its folder, borrowed; NULL for a store in memory. */
const char *store_path(const struct store *store);
/*
 * A folder of the store ("roots", "mounts", "unpacked") by fd, made (0700) when absent and the
 * store may be written. ERR_UNSUPPORTED for a store in memory.
 */
int store_folder(struct store *store, const char *name, int *ret_fd, struct err *err);

static inline void store_close_p(struct store **p)
{
	store_close(*p);
}
#define _store_ __attribute__((cleanup(store_close_p)))

/*
 * Where the store of this user is: `flag` (--store; may be NULL) or IMG_STORE or, for root,
 * /var/lib/img, else $XDG_DATA_HOME/img (~/.local/share/img). ERR_USAGE when there is no home. Free
 * with free().
 */
int store_default_path(const char *flag, char **ret, struct err *err);

#endif
