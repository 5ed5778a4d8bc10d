/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database file. WAL with synchronous=FULL: a commit that returned survives a power cut, and
 * readers never wait for writers. Little memory, and nothing at start that costs: no table is
 * scanned, statements are prepared when first used.
 *
 * Nobody else in the process may open the file: closing any descriptor of it would drop the
 * database's POSIX locks.
 */
#include "store/db.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>

/* "IMG!" in the header says whose file it is; user_version says which layout of the whole store. */
#define APPLICATION_ID 0x494d4721
#define STORE_VERSION  1

#define BUSY_TIMEOUT_MS 30000

static const char *const statement_sql[DB_STATEMENT_COUNT] = {
	[DB_BEGIN_READ] = "BEGIN",
	[DB_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[DB_COMMIT] = "COMMIT",
	[DB_ROLLBACK] = "ROLLBACK",
	[DB_RECORD_GET] = "SELECT value, gen FROM records WHERE key = ?1",
	[DB_RECORD_GENERATION] = "SELECT gen FROM records WHERE key = ?1",
	[DB_RECORD_PUT] = ("INSERT INTO records (key, value, gen) VALUES (?1, ?2, ?3)"
			   " ON CONFLICT (key) DO UPDATE SET value = ?2, gen = ?3"),
	[DB_RECORD_REMOVE] = "DELETE FROM records WHERE key = ?1",
	[DB_RECORD_LIST] = "SELECT key, value, gen FROM records WHERE key >= ?1 ORDER BY key",
	[DB_GENERATION_NEXT] = "UPDATE counter SET gen = gen + 1 RETURNING gen",
};

static const char schema_sql[] =
	"CREATE TABLE records (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL,"
	" gen INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE counter (gen INTEGER NOT NULL) STRICT;"
	"INSERT INTO counter VALUES (0);";

/*
 * The errno that a file of the database kept, 0 when it has none. `which` is
 * SQLITE_FCNTL_..._POINTER.
 */
static int file_errno(const struct db *s, int which)
{
	sqlite3_file *file = NULL;
	int errnum = 0;

	if (sqlite3_file_control(s->handle, "main", which, &file) != SQLITE_OK || !file ||
	    !file->pMethods ||
	    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &errnum) != SQLITE_OK)
		return 0;
	return errnum > 0 ? errnum : 0;
}

/*
 * Why a file could not be opened. Where one can't be made the library looks whether it is there at
 * least, and then knows only that it is not: the log is tried once more.
 */
static int open_errno(const struct db *s)
{
	const int errnum = sqlite3_system_errno(s->handle);
	const char *path = sqlite3_db_filename(s->handle, "main");

	if (errnum != ENOENT || !path || access(path, F_OK) < 0)
		return errnum;
	_free_ char *wal = xasprintf("%s-wal", path);
	_close_ int fd = open(wal, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? errno : 0;
}

/*
 * What the system said when the library only knows that something failed. Of a commit the library
 * forgets it, the file (the log, or the database itself) does not.
 */
static int failed_by_system(const struct db *s, int code, struct err *err)
{
	const bool is_io = (code & 0xff) == SQLITE_IOERR;
	int errnum = is_io ? file_errno(s, SQLITE_FCNTL_JOURNAL_POINTER) : 0;

	if (!errnum && is_io)
		errnum = file_errno(s, SQLITE_FCNTL_FILE_POINTER);
	if (!errnum)
		errnum = (code & 0xff) == SQLITE_CANTOPEN ? open_errno(s)
							  : sqlite3_system_errno(s->handle);
	return errnum ? err_sys(err, errnum, "%s", s->path)
		      : err_set(err, ERR_FAILED, "%s: %s", s->path, sqlite3_errmsg(s->handle));
}

static enum err_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_ERROR: /* the tables are not ours */
	case SQLITE_MISMATCH:
	case SQLITE_CONSTRAINT:
		return ERR_DAMAGED;
	case SQLITE_FULL:
		return ERR_NO_SPACE;
	case SQLITE_READONLY:
		return ERR_READ_ONLY;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ERR_DENIED;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ERR_BUSY;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	default:
		return ERR_FAILED;
	}
}

int db_failed(const struct db *s, int code, struct err *err)
{
	const enum err_kind kind = kind_of(code);

	if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
		return err_sys(err, ENOMEM, "%s", s->path);
	if (kind == ERR_FAILED)
		return failed_by_system(s, code, err);
	err_set(err, kind, "%s: %s", s->path, sqlite3_errmsg(s->handle));
	if (kind == ERR_BUSY)
		err_hint(err, "another process holds the database; try again when it is done");
	if (kind == ERR_DAMAGED)
		err_hint(err, "the blobs are not affected; move the file away and pull again");
	return -err_class(kind)->errnum;
}

int db_prepare(struct db *s, enum db_statement which, sqlite3_stmt **ret, struct err *err)
{
	if (!s->statements[which]) {
		const int code = sqlite3_prepare_v3(s->handle, statement_sql[which], -1,
						    SQLITE_PREPARE_PERSISTENT,
						    &s->statements[which], NULL);

		if (code != SQLITE_OK)
			return db_failed(s, code, err);
	}
	*ret = s->statements[which];
	return 0;
}

int db_step(struct db *s, sqlite3_stmt *stmt, struct err *err)
{
	const int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	const int rc = db_failed(s, code, err);

	sqlite3_reset(stmt);
	return rc;
}

int db_run(struct db *s, enum db_statement which, struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	TRY(db_prepare(s, which, &stmt, err));
	TRY(db_step(s, stmt, err));
	sqlite3_reset(stmt);
	return 0;
}

static int exec(struct db *s, const char *sql, struct err *err)
{
	const int code = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : db_failed(s, code, err);
}

/* The one number a query gives. */
static int query_int(struct db *s, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	const int code = sqlite3_prepare_v2(s->handle, sql, -1, &stmt, NULL);

	if (code != SQLITE_OK)
		return db_failed(s, code, err);
	const int rc = db_step(s, stmt, err);

	if (rc > 0)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

static int check_version(struct db *s, struct err *err)
{
	int64_t id = 0, version = 0;

	TRY(query_int(s, "PRAGMA application_id", &id, err));
	TRY(query_int(s, "PRAGMA user_version", &version, err));
	if (id != APPLICATION_ID || version < 1)
		return err_set(err, ERR_DAMAGED, "%s: a database, but not of a store of img",
			       s->path);
	if (version == STORE_VERSION)
		return 0;
	const int rc = err_set(err, ERR_UNSUPPORTED,
			       "%s: the store has version %" PRId64
			       ", this program knows version %d",
			       s->path, version, STORE_VERSION);

	err_hint(err, "use a newer img, or another folder with --store");
	return rc;
}

/* A path as a URI: what means something there is escaped. */
static char *uri_of(const char *path, const char *query)
{
	static const char hex[] = "0123456789abcdef", scheme[] = "file:";
	char *uri = xcalloc(sizeof(scheme) + 3 * strlen(path) + strlen(query), 1);
	char *to = mempcpy(uri, scheme, strlen(scheme));

	for (; *path; path++) {
		if (strchr("%?#", *path)) {
			*to++ = '%';
			*to++ = hex[(unsigned char)*path >> 4];
			*to++ = hex[*path & 15];
		} else {
			*to++ = *path;
		}
	}
	memcpy(to, query, strlen(query));
	return uri;
}

/* True when the database has a log, which says that it is in use or was when the power went. */
static bool has_log(const char *path)
{
	_free_ char *wal = xasprintf("%s-wal", path);
	_free_ char *shm = xasprintf("%s-shm", path);
	struct stat st;

	return (stat(wal, &st) == 0 && st.st_size > 0) || access(shm, F_OK) == 0;
}

static int connect_to(struct db *s, const char *uri, int access_flags, struct err *err)
{
	const int flags = access_flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
			  SQLITE_OPEN_EXRESCODE;
	const int code = sqlite3_open_v2(uri, &s->handle, flags, NULL);

	if (!s->handle)
		return err_sys(err, ENOMEM, "%s", s->path);
	return code == SQLITE_OK ? 0 : db_failed(s, code, err);
}

static int configure(struct db *s, struct err *err)
{
	sqlite3_busy_timeout(s->handle, BUSY_TIMEOUT_MS);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* KiB of page cache; the log is cut back to 1 MiB when it was larger. */
	return exec(s,
		    "PRAGMA cache_size=-512; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
		    "PRAGMA journal_size_limit=1048576",
		    err);
}

int db_relax(struct db *s, bool relaxed, struct err *err)
{
	if (s->is_relaxed == relaxed)
		return 0;
	/* The log is written back now and then, so that reading it at the next start stays cheap. */
	TRY(exec(s,
		 relaxed ? "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=64"
			 : "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000",
		 err));
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, relaxed, NULL);
	s->is_relaxed = relaxed;
	return 0;
}

static int open_and_check(struct db *s, const char *path, enum records_mode mode, struct err *err)
{
	const char *query = "";

	/* A log that is there must be read too; only without one the file alone is the truth. */
	if (mode == RECORDS_IMMUTABLE)
		query = has_log(path) ? "?readonly_shm=1" : "?immutable=1";
	_free_ char *uri = uri_of(path, query);

	TRY(connect_to(s, uri,
		       mode == RECORDS_IMMUTABLE ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE,
		       err));
	TRY(configure(s, err));
	TRY(check_version(s, err));
	return mode == RECORDS_WRITE ? 0 : exec(s, "PRAGMA query_only=1", err);
}

int db_open(const char *path, enum records_mode mode, struct db *ret, struct err *err)
{
	struct db s = { .path = xstrdup(TEXT_ESCAPED(path)) };
	const int rc = open_and_check(&s, path, mode, err);

	if (rc < 0)
		db_close(&s);
	else
		*ret = s;
	return rc;
}

static int make(struct db *s, const char *path, struct err *err)
{
	_free_ char *uri = uri_of(path, "");
	char marks[96];

	snprintf(marks, sizeof(marks), "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		 APPLICATION_ID, STORE_VERSION);
	TRY(connect_to(s, uri, SQLITE_OPEN_READWRITE, err));
	TRY(configure(s, err));
	/* Nothing of it counts before its name; synced once, by us, when it is whole. */
	TRY(exec(s, "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE", err));
	TRY(exec(s, schema_sql, err));
	TRY(exec(s, marks, err));
	/* Everything into the file itself, which is about to be renamed. */
	return exec(s, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

/*
 * An empty file is an empty database; made by us, because then the reason is known when it can't
 * be.
 */
static int make_file(const char *path, struct err *err)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? err_sys(err, errno, "%s", TEXT_ESCAPED(path)) : 0;
}

static int sync_file(const char *path, struct err *err)
{
	_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "%s", TEXT_ESCAPED(path))
		      : file_sync(fd, "records.db", err);
}

int db_create(const char *path, struct err *err)
{
	struct db s = { .path = xstrdup(TEXT_ESCAPED(path)) };
	int rc = make_file(path, err);

	if (rc == 0)
		rc = make(&s, path, err);
	db_close(&s);
	return rc < 0 ? rc : sync_file(path, err);
}

void db_close(struct db *s)
{
	for (size_t i = 0; i < DB_STATEMENT_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->handle);
	free(s->path);
	*s = (struct db){ 0 };
}
