/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in SQLite: one connection under one recursive lock, which a transaction holds from begin
 * to end. Every write is a transaction: look, compare, write with the next number of a counter that
 * is kept in the database, so that no generation ever comes twice.
 */
#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/db.h"
#include "store/recordops.h"

#include <pthread.h>

struct sqlite_records {
	struct records base;
	pthread_mutex_t lock; /* guards everything below; recursive, held over a transaction */
	struct db db;
	unsigned depth;
	bool writes; /* this transaction may write */
	bool doomed; /* it can only be rolled back */
};

static struct sqlite_records *of(struct records *r)
{
	return container_of(r, struct sqlite_records, base);
}

/* --- statements, under the lock --- */

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, (int)strlen(text), SQLITE_STATIC);
}

/* The library may have rolled back by itself (disk full): what follows must not commit alone. */
static void watch(struct sqlite_records *r)
{
	if (r->depth && sqlite3_get_autocommit(r->db.handle))
		r->doomed = true;
}

static int step(struct sqlite_records *r, sqlite3_stmt *stmt, struct err *err)
{
	const int rc = db_step(&r->db, stmt, err);

	if (rc < 0)
		watch(r);
	return rc;
}

/* A step that gives no row. */
static int finish_step(struct sqlite_records *r, sqlite3_stmt *stmt, struct err *err)
{
	const int rc = step(r, stmt, err);

	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc < 0 ? rc : 0;
}

static int read_value(sqlite3_stmt *stmt, int column, struct record *ret, struct err *err)
{
	_record_ struct record rec = { .value = BUF_INIT(RECORD_VALUE_MAX) };
	const void *data = sqlite3_column_blob(stmt, column);

	rec.generation = (uint64_t)sqlite3_column_int64(stmt, column + 1);
	TRY(buf_append(&rec.value, data, (size_t)sqlite3_column_bytes(stmt, column), err));
	*ret = rec;
	rec.value = BUF_INIT(0);
	return 0;
}

static int get_locked(struct sqlite_records *r, const char *key, struct record *ret,
		      struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	TRY(db_prepare(&r->db, DB_RECORD_GET, &stmt, err));
	bind_text(stmt, 1, key);
	int rc = step(r, stmt, err);

	if (rc > 0)
		rc = read_value(stmt, 0, ret, err);
	else if (rc == 0)
		rc = record_not_found(key, err);
	sqlite3_reset(stmt);
	return rc;
}

/* The generation of a key, RECORD_ABSENT when there is none. */
static int find_generation(struct sqlite_records *r, const char *key, uint64_t *ret,
			   struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	TRY(db_prepare(&r->db, DB_RECORD_GENERATION, &stmt, err));
	bind_text(stmt, 1, key);
	const int rc = step(r, stmt, err);

	if (rc >= 0)
		*ret = rc > 0 ? (uint64_t)sqlite3_column_int64(stmt, 0) : RECORD_ABSENT;
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

static int next_generation(struct sqlite_records *r, uint64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	TRY(db_prepare(&r->db, DB_GENERATION_NEXT, &stmt, err));
	int rc = step(r, stmt, err);

	if (rc == 0)
		rc = err_set(err, ERR_DAMAGED, "%s: the counter is missing", r->db.path);
	if (rc > 0) {
		*ret = (uint64_t)sqlite3_column_int64(stmt, 0);
		rc = step(r, stmt, err);
	}
	sqlite3_reset(stmt);
	return rc;
}

/* --- transactions --- */

/*
 * Begins the outermost level. What ends it is prepared first: there may be no memory for that
 * later. A transaction that could not even be rolled back must not become part of the next.
 */
static int start(struct sqlite_records *r, enum records_tx tx, struct err *err)
{
	const bool write = tx != RECORDS_SNAPSHOT;
	sqlite3_stmt *stmt = NULL;

	TRY(db_prepare(&r->db, DB_COMMIT, &stmt, err));
	TRY(db_prepare(&r->db, DB_ROLLBACK, &stmt, err));
	if (!sqlite3_get_autocommit(r->db.handle))
		TRY(db_run(&r->db, DB_ROLLBACK, err));
	if (write)
		TRY(db_relax(&r->db, tx == RECORDS_RELAXED, err));
	TRY(db_run(&r->db, write ? DB_BEGIN_WRITE : DB_BEGIN_READ, err));
	r->writes = write;
	return 0;
}

static int begin_locked(struct sqlite_records *r, enum records_tx tx, struct err *err)
{
	if (r->doomed)
		return record_doomed(err);
	if (r->depth && tx != RECORDS_SNAPSHOT && !r->writes)
		return err_set(err, ERR_FAILED, "records: a write inside a snapshot");
	return r->depth == 0 ? start(r, tx, err) : 0;
}

static int sqlite_begin(struct records *base, enum records_tx tx, struct err *err)
{
	struct sqlite_records *r = of(base);

	pthread_mutex_lock(&r->lock);
	const int rc = begin_locked(r, tx, err);

	if (rc < 0)
		pthread_mutex_unlock(&r->lock);
	else
		r->depth++;
	return rc;
}

/* Ends the outermost level. A commit that failed leaves nothing. */
static int finish(struct sqlite_records *r, bool commit, struct err *err)
{
	int rc = commit && r->doomed ? record_doomed(err) : 0;

	if (commit && !r->doomed)
		rc = db_run(&r->db, DB_COMMIT, err);
	if (!sqlite3_get_autocommit(r->db.handle))
		(void)db_run(&r->db, DB_ROLLBACK, NULL);
	r->writes = r->doomed = false;
	return rc;
}

static int sqlite_end(struct records *base, bool commit, struct err *err)
{
	struct sqlite_records *r = of(base);
	int rc = 0;

	if (--r->depth == 0)
		rc = finish(r, commit, err);
	else if (!commit && r->writes)
		r->doomed = true;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

/* --- the calls --- */

static int sqlite_get(struct records *base, const char *key, struct record *ret, struct err *err)
{
	struct sqlite_records *r = of(base);

	pthread_mutex_lock(&r->lock);
	const int rc = get_locked(r, key, ret, err);

	pthread_mutex_unlock(&r->lock);
	return rc;
}

static int write_locked(struct sqlite_records *r, const char *key, uint64_t expected,
			struct record_value value, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t found = 0, fresh = 0;

	TRY(find_generation(r, key, &found, err));
	TRY(record_expect(key, expected, found, err));
	TRY(next_generation(r, &fresh, err));
	TRY(db_prepare(&r->db, DB_RECORD_PUT, &stmt, err));
	bind_text(stmt, 1, key);
	/* A NULL pointer would be the value NULL. */
	sqlite3_bind_blob(stmt, 2, value.len ? value.data : "", (int)value.len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, (int64_t)fresh);
	return finish_step(r, stmt, err);
}

static int remove_locked(struct sqlite_records *r, const char *key, uint64_t generation,
			 struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t found = 0;

	TRY(find_generation(r, key, &found, err));
	if (found == RECORD_ABSENT)
		return record_not_found(key, err);
	TRY(record_expect(key, generation, found, err));
	TRY(db_prepare(&r->db, DB_RECORD_REMOVE, &stmt, err));
	bind_text(stmt, 1, key);
	return finish_step(r, stmt, err);
}

/*
 * A refusal (exists, changed, not found) wrote nothing, so it need not doom a transaction around
 * it: only what the database itself could not do does.
 */
static int end_write(struct sqlite_records *r, int rc, struct err *err)
{
	const bool refused = rc == -EEXIST || rc == -ESTALE || rc == -ENOENT;
	const int end = sqlite_end(&r->base, rc == 0 || refused, rc == 0 ? err : NULL);

	return rc == 0 ? end : rc;
}

static int sqlite_swap(struct records *base, const char *key, uint64_t generation,
		       struct record_value value, struct err *err)
{
	TRY(sqlite_begin(base, RECORDS_DURABLE, err));
	return end_write(of(base), write_locked(of(base), key, generation, value, err), err);
}

static int sqlite_create(struct records *r, const char *key, struct record_value value,
			 struct err *err)
{
	return sqlite_swap(r, key, RECORD_ABSENT, value, err);
}

static int sqlite_remove(struct records *base, const char *key, uint64_t generation,
			 struct err *err)
{
	TRY(sqlite_begin(base, RECORDS_DURABLE, err));
	return end_write(of(base), remove_locked(of(base), key, generation, err), err);
}

static int list_locked(struct sqlite_records *r, const struct records_range *range, records_fn *fn,
		       void *arg, struct err *err)
{
	char start[2 * RECORD_KEY_MAX + 2];
	sqlite3_stmt *stmt = NULL;
	int rc;

	records_range_start(range, start);
	TRY(db_prepare(&r->db, DB_RECORD_LIST, &stmt, err));
	bind_text(stmt, 1, start);
	for (size_t seen = 0; (rc = step(r, stmt, err)) > 0; seen++) {
		_record_ struct record rec = { 0 };
		const char *key = (const char *)sqlite3_column_text(stmt, 0);

		if (!key || !records_range_has(range, key, seen)) {
			rc = key ? 0 : err_sys(err, ENOMEM, "%s", r->db.path);
			break;
		}
		rc = read_value(stmt, 1, &rec, err);
		if (rc == 0)
			rc = fn(arg, key, &rec, err);
		if (rc != 0)
			break;
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

static int sqlite_list(struct records *base, const struct records_range *range, records_fn *fn,
		       void *arg, struct err *err)
{
	struct sqlite_records *r = of(base);

	pthread_mutex_lock(&r->lock);
	const int rc = list_locked(r, range, fn, arg, err);

	pthread_mutex_unlock(&r->lock);
	return rc;
}

static void sqlite_records_close(struct records *base)
{
	struct sqlite_records *r = of(base);

	db_close(&r->db);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

int records_create_sqlite(const char *path, struct err *err)
{
	return db_create(path, err);
}

int records_open_sqlite(const char *path, enum records_mode mode, struct records **ret,
			struct err *err)
{
	static const struct records_ops ops = {
		.get = sqlite_get,
		.create = sqlite_create,
		.swap = sqlite_swap,
		.remove = sqlite_remove,
		.list = sqlite_list,
		.begin = sqlite_begin,
		.end = sqlite_end,
		.close = sqlite_records_close,
	};
	struct db s;

	TRY(db_open(path, mode, &s, err));
	struct sqlite_records *r = NEW(struct sqlite_records);

	r->base.ops = &ops;
	r->db = s;
	lock_init(&r->lock);
	*ret = &r->base;
	return 0;
}
