/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: immutable bytes by digest (blobs), raw layers by DiffID (tar + entry index), and an ordered key-value map
 * with compare-and-swap (records). Two backends each: files + SQLite below one folder, and memory for tests. Layout on disk and keys: docs/ARCHITECTURE.md.
 *
 * Many processes may use one folder at once and be killed at any moment: every immutable file is made in staging/, synced, renamed
 * into place, and only then recorded. Readers take no lock. Opening cleans staging of the dead.
 * All functions are thread-safe unless said otherwise.
 */
#ifndef IMG_STORE_STORE_H
#define IMG_STORE_STORE_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"
#include "store/blobs.h"
#include "store/layerfiles.h"
#include "store/records.h"

struct store {
	struct blobs *blobs;
	struct layerfiles *layers;
	struct records *records;
	void *backend_;
};

/*
 * Opens (and with STORE_CREATE makes, 0700) the store below `path`. ERR_NOT_FOUND when there is none; ERR_UNSUPPORTED when it is of a later
 * version. STORE_READ_ONLY never writes, also not staging or the database's journal, and works on a read-only file system.
 */
enum store_flags { STORE_CREATE = 1, STORE_READ_ONLY = 2 };
int store_open(const char *path, unsigned flags, struct store **ret, struct err *err);
/* A store in memory: the real thing for tests, with the same contract tests as the files. */
struct store *store_new_memory(void);
void store_close(struct store *store);

/*
 * Where the store of this user is: `flag` (--store) or IMG_STORE or, for root, /var/lib/img, else $XDG_DATA_HOME/img (~/.local/share/img). Free with free().
 */
int store_default_path(const char *flag, char **ret, struct err *err);

#endif
