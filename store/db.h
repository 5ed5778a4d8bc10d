/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database of the records: opening it, statements, and errors as ours. Not thread-safe by
 * itself.
 */
#ifndef IMG_STORE_DB_H
#define IMG_STORE_DB_H

#include "base/err.h"
#include "store/backends.h"

#include <sqlite3.h>

/* Every statement there is; prepared when first needed. */
enum db_statement {
	DB_BEGIN_READ,
	DB_BEGIN_WRITE,
	DB_COMMIT,
	DB_ROLLBACK,
	DB_RECORD_GET,	      /* ?1 key -> value, generation */
	DB_RECORD_GENERATION, /* ?1 key -> generation */
	DB_RECORD_PUT,	      /* ?1 key, ?2 value, ?3 generation */
	DB_RECORD_REMOVE,     /* ?1 key */
	DB_RECORD_LIST,	      /* ?1 first key -> key, value, generation */
	DB_GENERATION_NEXT,   /* -> a generation nobody had */
	DB_STATEMENT_COUNT
};

struct db {
	sqlite3 *handle;
	char *path; /* for messages; escaped */
	sqlite3_stmt *statements[DB_STATEMENT_COUNT];
	bool is_relaxed;
};

/* See records_open_sqlite and records_create_sqlite. */
int db_create(const char *path, struct err *err);
int db_open(const char *path, enum records_mode mode, struct db *ret, struct err *err);
void db_close(struct db *s);
/*
 * Whether commits from now on may be lost in a power cut; they are not synced then. After the last
 * of such commits the log stays behind at close, unless a durable one came after it: writing it
 * back would sync it.
 */
int db_relax(struct db *s, bool relaxed, struct err *err);

/* A statement ready to bind and step; reset it after. */
int db_prepare(struct db *s, enum db_statement which, sqlite3_stmt **ret, struct err *err);
/* Steps: 1 a row, 0 done. Resets after an error. */
int db_step(struct db *s, sqlite3_stmt *stmt, struct err *err);
/* Runs a statement without parameters or rows. */
int db_run(struct db *s, enum db_statement which, struct err *err);
/* Sets err from a result code. */
int db_failed(const struct db *s, int code, struct err *err);

#endif
