/* SPDX-License-Identifier: Apache-2.0 */
/* What only the database of the records does: lasting, versions, damage, other processes. */
#include "base/mem.h"
#include "store/backends.h"
#include "tests/support/child.h"
#include "tests/unit/runner.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct record_value text(const char *s)
{
	return (struct record_value){ s, strlen(s) };
}

static void db_path(const struct tmp *t, char *path, size_t size)
{
	snprintf(path, size, "%s/records.db", t->path);
}

static void make_db(const char *path)
{
	struct err err = { 0 };

	if (records_create_sqlite(path, &err) < 0)
		fprintf(stderr, "# %s\n", err.msg);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
}

static struct records *open_db(const char *path, enum records_mode mode)
{
	struct records *r = NULL;
	struct err err = { 0 };

	if (records_open_sqlite(path, mode, &r, &err) < 0)
		fprintf(stderr, "# %s\n", err.msg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	return r;
}

static uint64_t generation_of(struct records *r, const char *key)
{
	_record_ struct record rec = { 0 };

	return records_get(r, key, &rec, NULL) < 0 ? 0 : rec.generation;
}

void test_db__lasts_and_goes_on_counting(void)
{
	_tmp_ struct tmp t = tmp_make();
	char path[300];

	db_path(&t, path, sizeof(path));
	CU_ASSERT_EQUAL(records_open_sqlite(path, RECORDS_WRITE, &(struct records *){ NULL }, NULL),
			-ENOENT);
	make_db(path);
	/* Complete in itself, so that it can be renamed. */
	CU_ASSERT_EQUAL(faccessat(t.fd, "records.db-wal", F_OK, 0), -1);
	struct records *r = open_db(path, RECORDS_WRITE);

	CU_ASSERT_EQUAL(records_put(r, "k", text("v"), NULL), 0);
	CU_ASSERT_EQUAL(records_put(r, "gone", text("v"), NULL), 0);
	const uint64_t last = generation_of(r, "gone");

	CU_ASSERT_EQUAL(records_remove(r, "gone", last, NULL), 0);
	r->ops->close(r);
	r = open_db(path, RECORDS_WRITE);
	CU_ASSERT_TRUE(generation_of(r, "k") > 0);
	CU_ASSERT_EQUAL(records_put(r, "gone", text("v"), NULL), 0);
	CU_ASSERT_TRUE(generation_of(r, "gone") > last);
	r->ops->close(r);
	/* Its house is in order: no log is left behind. */
	CU_ASSERT_EQUAL(faccessat(t.fd, "records.db-wal", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(t.fd, "records.db-shm", F_OK, 0), -1);
}

/* Runs some SQL on a file of its own. */
static void sql(const char *path, const char *statements)
{
	sqlite3 *db = NULL;

	CU_ASSERT_EQUAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, statements, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void expect_refused(const char *path, enum err_kind kind, const char *says)
{
	static const enum records_mode modes[] = { RECORDS_WRITE, RECORDS_READ, RECORDS_IMMUTABLE };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct records *r = NULL;
		struct err err = { 0 };

		CU_ASSERT_TRUE(records_open_sqlite(path, modes[i], &r, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, kind);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, says));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "records.db"));
		CU_ASSERT_PTR_NULL(r);
	}
}

void test_db__refuses_what_is_not_its_own(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *garbage = xcalloc(20000, 1);
	char path[300];

	db_path(&t, path, sizeof(path));
	memset(garbage, 'g', 20000);
	tmp_write(&t, "records.db", garbage, 20000);
	expect_refused(path, ERR_DAMAGED, "not a database");
	CU_ASSERT_EQUAL(unlink(path), 0);
	sql(path, "CREATE TABLE cookies (name, value)");
	expect_refused(path, ERR_DAMAGED, "not of a store");
	sql(path, "DROP TABLE cookies; PRAGMA user_version=1");
	expect_refused(path, ERR_DAMAGED, "not of a store");
}

void test_db__refuses_a_later_version(void)
{
	_tmp_ struct tmp t = tmp_make();
	char path[300];

	db_path(&t, path, sizeof(path));
	make_db(path);
	struct records *r = open_db(path, RECORDS_WRITE);

	CU_ASSERT_EQUAL(records_put(r, "k", text("v"), NULL), 0);
	r->ops->close(r);
	sql(path, "PRAGMA user_version=2");
	expect_refused(path, ERR_UNSUPPORTED, "version 2");
	sql(path, "PRAGMA user_version=1");
	r = open_db(path, RECORDS_WRITE);
	CU_ASSERT_TRUE(generation_of(r, "k") > 0);
	r->ops->close(r);
}

static int count_records(void *arg, const char *key, const struct record *rec, struct err *err)
{
	(void)key;
	(void)rec;
	(void)err;
	(*(unsigned *)arg)++;
	return 0;
}

/* Bytes are overwritten everywhere in turn: whatever happens, no crash and no kind but these. */
void test_db__damage_is_an_error(void)
{
	_tmp_ struct tmp t = tmp_make();
	static const struct records_range all = { 0 };
	char path[300], key[64];
	unsigned refused = 0;
	struct stat st;

	db_path(&t, path, sizeof(path));
	make_db(path);
	struct records *r = open_db(path, RECORDS_WRITE);

	for (unsigned i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "some/longish/key/%u", i);
		CU_ASSERT_EQUAL(records_put(r, key, text("some value or other"), NULL), 0);
	}
	r->ops->close(r);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	_free_ char *good = xcalloc((size_t)st.st_size, 1);
	_free_ char *bad = xcalloc((size_t)st.st_size, 1);
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	CU_ASSERT_EQUAL(read(fd, good, (size_t)st.st_size), st.st_size);
	for (size_t at = 0; at + 64 <= (size_t)st.st_size; at += 511) {
		struct err err = { 0 };
		unsigned count = 0;

		memcpy(bad, good, (size_t)st.st_size);
		memset(bad + at, 0xa5, 64);
		tmp_write(&t, "records.db", bad, (size_t)st.st_size);
		r = NULL;
		int rc = records_open_sqlite(path, RECORDS_READ, &r, &err);

		if (rc == 0)
			rc = records_list(r, &all, count_records, &count, &err);
		if (rc < 0) {
			refused++;
			CU_ASSERT_TRUE(err.kind == ERR_DAMAGED || err.kind == ERR_UNSUPPORTED ||
				       err.kind == ERR_LIMIT || err.kind == ERR_FAILED);
			CU_ASSERT_NOT_EQUAL(err.msg[0], '\0');
		}
		if (r)
			r->ops->close(r);
		(void)unlinkat(t.fd, "records.db-wal", 0);
		(void)unlinkat(t.fd, "records.db-shm", 0);
	}
	CU_ASSERT_TRUE(refused > 5);
}

/* What a child returns that may not even walk into $TMPDIR. */
#define CLOSED 77

static void check_child(int rc)
{
	if (rc == CLOSED)
		test_skip("$TMPDIR is closed to other users");
	else
		CU_ASSERT_EQUAL(rc, 0);
}

/* Without the right to write: the folder and the file of somebody else. */
static int read_as_nobody(void *arg)
{
	struct records *r = NULL;
	struct err err = { 0 };

	if (access(arg, R_OK) < 0)
		return CLOSED;
	CHILD_CHECK(records_open_sqlite(arg, RECORDS_IMMUTABLE, &r, &err) == 0);
	CHILD_CHECK(generation_of(r, "k") > 0);
	CHILD_CHECK(records_put(r, "k", text("w"), &err) < 0);
	CHILD_CHECK(err.kind == ERR_READ_ONLY);
	r->ops->close(r);
	return 0;
}

void test_db__reads_where_it_cannot_write(void)
{
	const struct child_setup nobody = { .unprivileged = true };
	_tmp_ struct tmp t = tmp_make();
	char path[300];

	db_path(&t, path, sizeof(path));
	make_db(path);
	struct records *r = open_db(path, RECORDS_WRITE);

	CU_ASSERT_EQUAL(records_put(r, "k", text("v"), NULL), 0);
	CU_ASSERT_EQUAL(fchmod(t.fd, 0555), 0);
	/* While another process has it open (its log is there) and after. */
	CU_ASSERT_EQUAL(fchmodat(t.fd, "records.db-wal", 0444, 0), 0);
	CU_ASSERT_EQUAL(fchmodat(t.fd, "records.db-shm", 0444, 0), 0);
	check_child(child_run(&nobody, read_as_nobody, path));
	CU_ASSERT_EQUAL(fchmod(t.fd, 0755), 0);
	r->ops->close(r);
	CU_ASSERT_EQUAL(fchmod(t.fd, 0555), 0);
	check_child(child_run(&nobody, read_as_nobody, path));
	CU_ASSERT_EQUAL(fchmod(t.fd, 0755), 0);
}

/* A writer that is killed right after its commit, with the log not yet merged. */
static int write_and_die(void *arg)
{
	struct records *r = NULL;

	CHILD_CHECK(records_open_sqlite(arg, RECORDS_WRITE, &r, NULL) == 0);
	CHILD_CHECK(records_put(r, "k", text("v"), NULL) == 0);
	raise(SIGKILL);
	return 1;
}

void test_db__a_killed_writers_commit_is_there(void)
{
	const struct child_setup plain = { 0 }, nobody = { .unprivileged = true };
	_tmp_ struct tmp t = tmp_make();
	char path[300];

	db_path(&t, path, sizeof(path));
	make_db(path);
	CU_ASSERT_EQUAL(child_run(&plain, write_and_die, path), 128 + SIGKILL);
	CU_ASSERT_EQUAL(faccessat(t.fd, "records.db-wal", F_OK, 0), 0);
	/* Also for one who may not write, and so can't merge it. */
	CU_ASSERT_EQUAL(fchmod(t.fd, 0555), 0);
	check_child(child_run(&nobody, read_as_nobody, path));
	CU_ASSERT_EQUAL(fchmod(t.fd, 0755), 0);
	struct records *r = open_db(path, RECORDS_WRITE);

	CU_ASSERT_TRUE(generation_of(r, "k") > 0);
	r->ops->close(r);
}

#define PROCESSES  4
#define INCREMENTS 40

static int increment(struct records *r, void *arg, struct err *err)
{
	_record_ struct record rec = { 0 };
	unsigned n = 0;

	(void)arg;
	if (records_get(r, "n", &rec, NULL) == 0)
		memcpy(&n, rec.value.data, sizeof(n));
	n++;
	return records_put(r, "n", (struct record_value){ &n, sizeof(n) }, err);
}

/* By compare-and-swap without a transaction. */
static int swap_up(struct records *r, struct err *err)
{
	int rc;

	do {
		_record_ struct record rec = { 0 };
		unsigned n = 0;

		rc = records_get(r, "n", &rec, NULL);
		if (rc == 0)
			memcpy(&n, rec.value.data, sizeof(n));
		n++;
		err_clear(err);
		const struct record_value value = { &n, sizeof(n) };

		rc = rc == 0 ? records_swap(r, "n", rec.generation, value, err)
			     : records_create(r, "n", value, err);
	} while (rc < 0 && (err->kind == ERR_CHANGED || err->kind == ERR_EXISTS));
	return rc;
}

static pid_t start_incrementing(const char *path, bool by_swap)
{
	fflush(NULL);
	const pid_t pid = fork();

	if (pid == 0) {
		struct records *r = NULL;
		struct err err = { 0 };
		int rc = records_open_sqlite(path, RECORDS_WRITE, &r, &err);

		for (int i = 0; rc == 0 && i < INCREMENTS; i++)
			rc = by_swap ? swap_up(r, &err)
				     : records_transaction(r, increment, NULL, &err);
		if (rc < 0)
			fprintf(stderr, "# %s\n", err.msg);
		_exit(rc == 0 ? 0 : 1);
	}
	return pid;
}

static void count_by_processes(bool by_swap)
{
	_tmp_ struct tmp t = tmp_make();
	_record_ struct record rec = { 0 };
	pid_t pids[PROCESSES];
	char path[300];
	unsigned n = 0;

	db_path(&t, path, sizeof(path));
	make_db(path);
	for (size_t i = 0; i < PROCESSES; i++)
		pids[i] = start_incrementing(path, by_swap);
	for (size_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
		CU_ASSERT_EQUAL(status, 0);
	}
	struct records *r = open_db(path, RECORDS_READ);

	CU_ASSERT_EQUAL(records_get(r, "n", &rec, NULL), 0);
	memcpy(&n, rec.value.data, sizeof(n));
	CU_ASSERT_EQUAL(n, PROCESSES * INCREMENTS);
	r->ops->close(r);
}

void test_db__processes_count_together_by_transactions(void)
{
	count_by_processes(false);
}

void test_db__processes_count_together_by_swaps(void)
{
	count_by_processes(true);
}

struct view {
	struct records *writer;
	int before, after;
};

static int look_twice(struct records *r, void *arg, struct err *err)
{
	struct view *v = arg;

	(void)err;
	v->before = generation_of(r, "k") > 0;
	/* Another connection (as another process would) writes meanwhile, and does not wait. */
	CU_ASSERT_EQUAL(records_put(v->writer, "k", text("v"), NULL), 0);
	v->after = generation_of(r, "k") > 0;
	return 0;
}

void test_db__a_snapshot_sees_one_state(void)
{
	_tmp_ struct tmp t = tmp_make();
	char path[300];

	db_path(&t, path, sizeof(path));
	make_db(path);
	struct records *writer = open_db(path, RECORDS_WRITE);
	struct records *reader = open_db(path, RECORDS_READ);
	struct view v = { .writer = writer };

	CU_ASSERT_EQUAL(records_snapshot(reader, look_twice, &v, NULL), 0);
	CU_ASSERT_EQUAL(v.before, 0);
	CU_ASSERT_EQUAL(v.after, 0);
	CU_ASSERT_TRUE(generation_of(reader, "k") > 0);
	CU_ASSERT_TRUE(records_put(reader, "k", text("w"), NULL) < 0);
	reader->ops->close(reader);
	writer->ops->close(writer);
}

/* Characters that mean something in the library's URIs. */
void test_db__any_path_will_do(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *folder = xasprintf("%s/a%%20b?c#d &e=f", t.path);
	_free_ char *path = xasprintf("%s/records.db", folder);

	CU_ASSERT_EQUAL(mkdir(folder, 0700), 0);
	make_db(path);
	struct records *r = open_db(path, RECORDS_WRITE);

	CU_ASSERT_EQUAL(records_put(r, "k", text("v"), NULL), 0);
	r->ops->close(r);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	r = open_db(path, RECORDS_IMMUTABLE);
	CU_ASSERT_TRUE(generation_of(r, "k") > 0);
	r->ops->close(r);
}
