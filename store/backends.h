/* SPDX-License-Identifier: Apache-2.0 */
/* The constructors of the backends, for store.c and the contract tests. */
#ifndef IMG_STORE_BACKENDS_H
#define IMG_STORE_BACKENDS_H

#include "base/err.h"
#include "store/blobs.h"
#include "store/layerfiles.h"
#include "store/records.h"
#include "store/store.h"
#include "store/treefiles.h"

/*
 * Files below `root`, made in `staging` (-1: read only). Both are borrowed and must outlive the
 * result, which its close call frees.
 */
struct blobs *blobs_new_files(int root, int staging);
struct layerfiles *layerfiles_new_files(int root, int staging);
struct treefiles *treefiles_new_files(int root, int staging);

/* Memory, gone at close. */
struct blobs *blobs_new_memory(void);
struct layerfiles *layerfiles_new_memory(void);
struct treefiles *treefiles_new_memory(void);
struct records *records_new_memory(void);

/* The content of the file oci-layout (image-spec image-layout.md). */
#define STORE_OCI_LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}\n"

/* The folder staging/, borrowed; -1 in memory, and where the store is open for reading only. */
int store_staging(const struct store *store);

/* How a database file is opened. */
enum records_mode {
	RECORDS_WRITE,
	RECORDS_READ,	   /* no writes of records, though the database keeps its house */
	RECORDS_IMMUTABLE, /* the folder can't be written */
};
/*
 * Opens `path`. ERR_UNSUPPORTED: of a later version; ERR_DAMAGED: no database, or not of ours;
 * ERR_NOT_FOUND.
 */
int records_open_sqlite(const char *path, enum records_mode mode, struct records **ret,
			struct err *err);
/* Makes an empty database at a path where there is none; durable, but for its name. */
int records_create_sqlite(const char *path, struct err *err);

#endif
