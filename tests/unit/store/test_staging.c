/* SPDX-License-Identifier: Apache-2.0 */
/* Staging: who may write, what is cleaned and what stays. */
#include "store/staging.h"

#include "base/mem.h"
#include "tests/support/child.h"
#include "tests/unit/runner.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DAY ((int64_t)24 * 3600)

static void staged_name(char name[200], const char *text, const char *suffix)
{
	const struct digest d = digest_of_str(text);

	snprintf(name, 200, "store/staging/sha256-%s%s", DIGEST_HEX(&d), suffix);
}

static bool is_there(const struct fixture *f, const char *name)
{
	return faccessat(f->tmp.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void set_age(const struct fixture *f, const char *name, int64_t seconds)
{
	const struct timespec then = { .tv_sec = time(NULL) - seconds };
	const struct timespec times[2] = { then, then };

	CU_ASSERT_EQUAL(utimensat(f->tmp.fd, name, times, 0), 0);
}

/* Another process opens the store, and so cleans. */
static void clean(const struct fixture *f)
{
	struct store *other = NULL;

	CU_ASSERT_EQUAL(store_open(f->path, 0, &other, NULL), 0);
	store_close(other);
}

void test_staging__cleans_up_after_the_dead(void)
{
	static const struct {
		const char *text, *suffix, *content;
		int64_t age;
		bool stays;
	} cases[] = {
		{ "young", ".part", "bytes", 6 * DAY, true },
		{ "from a clock ahead", ".part", "bytes", -3 * DAY, true },
		{ "old", ".part", "bytes", 8 * DAY, false },
		{ "empty", ".part", "", 0, false },
		{ "committed by another", ".part", "bytes", 0, false },
		{ "layer", ".tar", "bytes", 0, false },
		{ "layer", ".idx", "bytes", 0, false },
		{ "whatever", ".other", "bytes", 0, false },
	};
	_fixture_ struct fixture f = fixture_files();
	char name[200];

	put_blob(f.store, "committed by another");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		staged_name(name, cases[i].text, cases[i].suffix);
		tmp_write_str(&f.tmp, name, cases[i].content);
		set_age(&f, name, cases[i].age);
	}
	tmp_write_str(&f.tmp, "store/staging/not-a-digest.part", "bytes");
	tmp_write_str(&f.tmp, "store/staging/sha256-abc.part", "bytes");
	CU_ASSERT_EQUAL(mkfifoat(f.tmp.fd, "store/staging/fifo", 0600), 0);
	CU_ASSERT_EQUAL(mkdirat(f.tmp.fd, "store/staging/folder", 0700), 0);
	clean(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		staged_name(name, cases[i].text, cases[i].suffix);
		CU_ASSERT_EQUAL(is_there(&f, name), cases[i].stays);
	}
	CU_ASSERT_FALSE(is_there(&f, "store/staging/not-a-digest.part"));
	CU_ASSERT_FALSE(is_there(&f, "store/staging/sha256-abc.part"));
	/* What no version of this makes is not touched. */
	CU_ASSERT_TRUE(is_there(&f, "store/staging/folder"));
	CU_ASSERT_TRUE(is_there(&f, "store/staging/fifo"));
}

void test_staging__never_touches_what_is_being_made(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct blob_writer *blob = begin_blob(f.store, "in the making");
	const struct digest d = blob->want.digest, diffid = digest_of_str("layer");
	struct layer_writer *layer = NULL;
	struct err err = { 0 };
	char name[200];

	CU_ASSERT_EQUAL(layerfiles_begin(f.store->layers, NULL, &diffid, &layer, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(layer);
	/* Neither when it is empty nor when it is old. */
	clean(&f);
	CU_ASSERT_EQUAL(blob_writer_append(blob, "in the making", 13, &err), 0);
	CU_ASSERT_EQUAL(write(layer->tar_fd, "layer", 5), 5);
	staged_name(name, "in the making", ".part");
	set_age(&f, name, 30 * DAY);
	clean(&f);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 3);
	CU_ASSERT_EQUAL(blob_writer_commit(blob, &d, &err), 0);
	CU_ASSERT_EQUAL(layer_writer_commit(layer, &diffid, &err), 0);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
	CU_ASSERT_EQUAL(check_whole(f.path), 2);
}

struct waiter {
	struct store *store;
	struct op op;
	const char *text;
	bool is_layer;
	int rc; /* of begin */
	struct err err;
	uint64_t offset;
	pthread_t thread;
};

static void *wait_for_blob(void *arg)
{
	struct waiter *w = arg;
	const struct blob_want want = { digest_of_str(w->text), strlen(w->text), false };
	struct blob_writer *blob = NULL;
	struct layer_writer *layer = NULL;

	if (w->is_layer)
		w->rc = layerfiles_begin(w->store->layers, &w->op, &want.digest, &layer, &w->err);
	else
		w->rc = blobs_begin(w->store->blobs, &w->op, &want, &blob, &w->err);
	if (blob)
		w->offset = blob->offset_bytes;
	blob_writer_abort(blob, true);
	layer_writer_abort(layer);
	return NULL;
}

static void start(struct waiter *w)
{
	CU_ASSERT_EQUAL(pthread_create(&w->thread, NULL, wait_for_blob, w), 0);
}

void test_staging__who_waits_finds_what_was_committed(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct waiter w = { .store = f.store, .text = "wanted by two" };
		struct blob_writer *blob = begin_blob(f.store, w.text);
		const struct digest d = blob->want.digest;

		start(&w);
		CU_ASSERT_EQUAL(blob_writer_append(blob, w.text, strlen(w.text), NULL), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(blob, &d, NULL), 0);
		pthread_join(w.thread, NULL);
		CU_ASSERT_EQUAL(w.rc, 1);
	}
}

void test_staging__who_waits_goes_on_where_the_other_gave_up(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct waiter w = { .store = f.store, .text = "wanted by two" };
		struct blob_writer *blob = begin_blob(f.store, w.text);

		start(&w);
		CU_ASSERT_EQUAL(blob_writer_append(blob, w.text, 6, NULL), 0);
		blob_writer_abort(blob, true);
		pthread_join(w.thread, NULL);
		CU_ASSERT_EQUAL(w.rc, 0);
		CU_ASSERT_EQUAL(w.offset, 6);
	}
}

void test_staging__who_waits_starts_anew_when_the_other_left_nothing(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct waiter w = { .store = f.store, .text = "wanted by two" };
		struct blob_writer *blob = begin_blob(f.store, w.text);

		start(&w);
		CU_ASSERT_EQUAL(blob_writer_append(blob, w.text, 6, NULL), 0);
		blob_writer_abort(blob, false);
		pthread_join(w.thread, NULL);
		CU_ASSERT_EQUAL(w.rc, 0);
		CU_ASSERT_EQUAL(w.offset, 0);
	}
}

/* How many descriptors of this process are of that path. */
static int count_opened(const char *path)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++) {
		char name[32], target[600] = "";

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		if (readlink(name, target, sizeof(target) - 1) > 0)
			count += !strcmp(target, path);
	}
	return count;
}

/* Between its open and its lock the name came to mean another file. */
void test_staging__who_waits_gets_the_file_of_that_name(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct waiter w = { .store = f.store, .text = "swapped" };
	struct blob_writer *blob = begin_blob(f.store, w.text);
	char name[200];

	staged_name(name, w.text, ".part");
	_free_ char *path = xasprintf("%s/%s", f.tmp.path, name);

	CU_ASSERT_EQUAL(blob_writer_append(blob, "swa", 3, NULL), 0);
	start(&w);
	while (count_opened(path) < 2)
		(void)sched_yield();
	CU_ASSERT_EQUAL(unlink(path), 0);
	tmp_write_str(&f.tmp, name, "swapp");
	blob_writer_abort(blob, false);
	pthread_join(w.thread, NULL);
	CU_ASSERT_EQUAL(w.rc, 0);
	CU_ASSERT_EQUAL(w.offset, 5);
	CU_ASSERT_TRUE(is_there(&f, name));
}

/* The other keeps the lock throughout: only the cancellation ends this. */
void test_staging__waiting_can_be_cancelled(void)
{
	FOR_EACH_BACKEND(f)
	{
		for (int is_layer = 0; is_layer < 2; is_layer++) {
			const struct digest d = digest_of_str("never done");
			struct waiter w = { .store = f.store,
					    .text = "never done",
					    .is_layer = is_layer };
			struct layer_writer *layer = NULL;
			struct blob_writer *blob = begin_blob(f.store, w.text);

			CU_ASSERT_EQUAL(layerfiles_begin(f.store->layers, NULL, &d, &layer, NULL),
					0);
			start(&w);
			op_cancel(&w.op);
			pthread_join(w.thread, NULL);
			CU_ASSERT_EQUAL(w.rc, -ECANCELED);
			CU_ASSERT_EQUAL(w.err.kind, ERR_CANCELLED);
			blob_writer_abort(blob, false);
			layer_writer_abort(layer);
		}
	}
}

/* Killed between making the file read-only and its rename; the next one is no root. */
static int begin_sealed(void *arg)
{
	const char *path = arg;
	struct store *s = NULL;
	struct blob_writer *w = NULL;
	const struct blob_want want = { digest_of_str("sealed"), 6, false };
	struct err err = { 0 };

	if (store_open(path, STORE_CREATE, &s, &err) < 0)
		return 77;
	CHILD_CHECK(blobs_begin(s->blobs, NULL, &want, &w, &err) == 0);
	CHILD_CHECK(blob_writer_append(w, "seal", 4, &err) == 0);
	_free_ char *name = xasprintf("%s/staging/sha256-%s.part", path, DIGEST_HEX(&want.digest));

	CHILD_CHECK(chmod(name, 0444) == 0);
	blob_writer_abort(w, true);
	CHILD_CHECK(blobs_begin(s->blobs, NULL, &want, &w, &err) == 0);
	CHILD_CHECK(w->offset_bytes == 4);
	CHILD_CHECK(blob_writer_append(w, "ed", 2, &err) == 0);
	CHILD_CHECK(blob_writer_commit(w, &want.digest, &err) == 0);
	store_close(s);
	return 0;
}

void test_staging__a_sealed_leftover_is_taken_up(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *path = xasprintf("%s/store", t.path);

	CU_ASSERT_EQUAL(fchmod(t.fd, 0777), 0);
	const int rc = child_run(&(struct child_setup){ .unprivileged = true }, begin_sealed, path);

	if (rc == 77)
		test_skip("$TMPDIR is closed to other users");
	else
		CU_ASSERT_EQUAL(rc, 0);
}

void test_staging__says_at_once_when_there_is_no_room(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct blob_want want = { digest_of_str("huge"), (uint64_t)1 << 60, false };
	const int fds = count_fds();
	struct blob_writer *w = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(blobs_begin(f.store->blobs, NULL, &want, &w, &err), -ENOSPC);
	CU_ASSERT_EQUAL(err.kind, ERR_NO_SPACE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "free"));
	CU_ASSERT_PTR_NULL(w);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
	CU_ASSERT_EQUAL(count_fds(), fds);
}

#define CHUNK	   65536
#define CANNOT	   77
#define DISK_BYTES "size=1m"

/* Fills a disk of one MiB with a blob of unknown size. */
static int fill_with_blob(struct store *s, const char *path)
{
	static const char chunk[CHUNK] = "x";
	const struct blob_want want = { digest_of_str("endless"), UINT64_MAX, false };
	struct fixture f = { 0 };
	struct blob_writer *w = NULL;
	struct err err = { 0 };
	int rc = 0;

	snprintf(f.path, sizeof(f.path), "%s", path);
	CHILD_CHECK(blobs_begin(s->blobs, NULL, &want, &w, &err) == 0);
	while (rc == 0)
		rc = blob_writer_append(w, chunk, sizeof(chunk), &err);
	CHILD_CHECK(rc == -ENOSPC && err.kind == ERR_NO_SPACE);
	CHILD_CHECK(strstr(err.msg, "blob sha256:"));
	blob_writer_abort(w, false);
	CHILD_CHECK(count_entries(&f, "staging") == 0);
	return 0;
}

/* Fills it with records instead. */
static int fill_with_records(struct store *s)
{
	_free_ char *value = xcalloc(50000, 1);
	struct err err = { 0 };
	char key[32];
	int rc = 0;

	for (unsigned i = 0; rc == 0; i++) {
		snprintf(key, sizeof(key), "k/%u", i);
		rc = records_put(s->records, key, (struct record_value){ value, 50000 }, &err);
	}
	CHILD_CHECK(err.kind == ERR_NO_SPACE);
	/* The one that failed is not there, all before are, and reading goes on. */
	CHILD_CHECK(records_get(s->records, key, &(struct record){ 0 }, NULL) == -ENOENT);
	_record_ struct record rec = { 0 };

	CHILD_CHECK(records_get(s->records, "k/0", &rec, NULL) == 0);
	CHILD_CHECK(rec.value.len == 50000);
	return 0;
}

/* Goes on after the disk was full, as if nothing had been. */
static int overfill(struct records *r, void *arg, struct err *err)
{
	const struct record_value *value = arg;
	char key[32];
	int rc = 0;

	(void)err;
	for (unsigned i = 0; rc == 0; i++) {
		snprintf(key, sizeof(key), "t/%u", i);
		rc = records_put(r, key, *value, NULL);
	}
	(void)records_put(r, "late", (struct record_value){ "x", 1 }, NULL);
	return 0;
}

/*
 * The library gave the whole transaction up by itself: what came after must not be committed alone.
 */
static int fill_with_transaction(struct store *s)
{
	_free_ char *value = xcalloc(50000, 1);
	struct record_value big = { value, 50000 };
	struct err err = { 0 };

	CHILD_CHECK(records_transaction(s->records, overfill, &big, &err) < 0);
	CHILD_CHECK(err.kind != ERR_NONE);
	CHILD_CHECK(records_get(s->records, "t/0", &(struct record){ 0 }, NULL) == -ENOENT);
	CHILD_CHECK(records_get(s->records, "late", &(struct record){ 0 }, NULL) == -ENOENT);
	return 0;
}

static int fill_disk(void *arg)
{
	const char *path = arg;
	struct store *s = NULL;
	struct err err = { 0 };

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", path, "tmpfs", 0, DISK_BYTES) < 0)
		return CANNOT;
	CHILD_CHECK(store_open(path, STORE_CREATE, &s, &err) == 0);
	const struct digest d = put_blob(s, "small");

	CHILD_CHECK(fill_with_blob(s, path) == 0);
	CHILD_CHECK(blob_is(s, &d, "small"));
	CHILD_CHECK(fill_with_transaction(s) == 0);
	CHILD_CHECK(fill_with_records(s) == 0);
	store_close(s);
	/* And none of it is in the way of the next. */
	CHILD_CHECK(store_open(path, 0, &s, &err) == 0);
	CHILD_CHECK(blob_is(s, &d, "small"));
	store_close(s);
	CHILD_CHECK(check_whole(path) == 1);
	return 0;
}

/* No room for the store itself. */
static int create_on_full_disk(void *arg)
{
	const char *path = arg;
	struct store *s = NULL;
	struct err err = { 0 };

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", path, "tmpfs", 0, "size=16k") < 0)
		return CANNOT;
	CHILD_CHECK(store_open(path, STORE_CREATE, &s, &err) < 0);
	CHILD_CHECK(err.kind == ERR_NO_SPACE);
	CHILD_CHECK(mount("tmpfs", path, "tmpfs", MS_REMOUNT, DISK_BYTES) == 0);
	CHILD_CHECK(store_open(path, STORE_CREATE, &s, &err) == 0);
	store_close(s);
	return 0;
}

static void run_on_tmpfs(int (*fn)(void *arg))
{
	_tmp_ struct tmp t = tmp_make();
	const int rc = child_run(&(struct child_setup){ 0 }, fn, t.path);

	if (rc == CANNOT)
		test_skip("mounting is not permitted here");
	else
		CU_ASSERT_EQUAL(rc, 0);
}

void test_staging__a_full_disk_is_an_error(void)
{
	run_on_tmpfs(fill_disk);
}

void test_staging__no_room_for_the_store_is_an_error(void)
{
	run_on_tmpfs(create_on_full_disk);
}
