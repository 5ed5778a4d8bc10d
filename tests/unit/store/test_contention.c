/* SPDX-License-Identifier: Apache-2.0 */
/* Many processes with many threads want the same blobs and layers: each is written once. */
#include "base/mem.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PROCESSES 3
#define THREADS	  3
#define BLOBS	  12
#define BLOB_SIZE 40000

/* Shared between all processes. */
struct shared {
	atomic_uint written[2 * BLOBS], found[2 * BLOBS], failed;
};

struct job {
	struct store *store;
	struct shared *shared;
	unsigned start; /* each begins elsewhere */
};

static void content(unsigned n, char data[BLOB_SIZE])
{
	for (size_t i = 0; i < BLOB_SIZE; i++)
		data[i] = (char)('a' + (i * 31 + n * 7) % 26);
}

/* As a blob. Returns what begin said. */
static int write_blob(struct store *store, const char *data)
{
	const struct blob_want want = { digest_of(data, BLOB_SIZE), BLOB_SIZE, false };
	struct blob_writer *w = NULL;
	const int rc = blobs_begin(store->blobs, NULL, &want, &w, NULL);

	if (rc != 0)
		return rc;
	if (w->offset_bytes)
		TRY(blob_writer_rewind(w, NULL));
	for (size_t at = 0; at < BLOB_SIZE; at += 10000)
		if (blob_writer_append(w, data + at, 10000, NULL) < 0) {
			blob_writer_abort(w, false);
			return -EIO;
		}
	return blob_writer_commit(w, &want.digest, NULL);
}

static int write_layer(struct store *store, const char *data)
{
	const struct digest diffid = digest_of(data, BLOB_SIZE);
	struct layer_writer *w = NULL;
	const int rc = layerfiles_begin(store->layers, NULL, &diffid, &w, NULL);

	if (rc != 0)
		return rc;
	if (write(w->tar_fd, data, BLOB_SIZE) != BLOB_SIZE || write(w->idx_fd, "index", 5) != 5) {
		layer_writer_abort(w);
		return -EIO;
	}
	return layer_writer_commit(w, &diffid, NULL);
}

static void *run_job(void *arg)
{
	const struct job *job = arg;
	_free_ char *data = xcalloc(BLOB_SIZE, 1);

	for (unsigned i = 0; i < 2 * BLOBS; i++) {
		const unsigned n = (i + job->start) % (2 * BLOBS);

		content(n, data);
		const int rc = n % 2 ? write_layer(job->store, data) : write_blob(job->store, data);

		if (rc < 0)
			atomic_fetch_add(&job->shared->failed, 1);
		else
			atomic_fetch_add(rc ? &job->shared->found[n] : &job->shared->written[n], 1);
	}
	return NULL;
}

static int run_threads(const struct job *job)
{
	struct job jobs[THREADS];
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		jobs[i] = *job;
		jobs[i].start = job->start + (unsigned)i * 5;
		if (pthread_create(&threads[i], NULL, run_job, &jobs[i]) != 0)
			return 1;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* In a process of its own, with a store of its own, opened and cleaned while others write. */
static pid_t start_process(const char *path, struct shared *shared, unsigned number)
{
	const pid_t pid = fork();

	if (pid == 0) {
		struct job job = { .shared = shared, .start = number * 3 };

		if (store_open(path, 0, &job.store, NULL) < 0)
			_exit(2);
		const int rc = run_threads(&job);

		store_close(job.store);
		_exit(rc);
	}
	return pid;
}

static void check_counts(const struct shared *shared, unsigned workers)
{
	CU_ASSERT_EQUAL(shared->failed, 0);
	for (size_t n = 0; n < ARRAY_SIZE(shared->written); n++) {
		CU_ASSERT_EQUAL(shared->written[n], 1);
		CU_ASSERT_EQUAL(shared->found[n], workers - 1);
	}
}

void test_contention__each_is_written_once_by_processes_and_threads(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[PROCESSES];

	CU_ASSERT_PTR_NOT_EQUAL_FATAL(shared, MAP_FAILED);
	fflush(NULL);
	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start_process(f.path, shared, i);
	for (unsigned i = 0; i < PROCESSES; i++) {
		int status = -1;

		CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
		CU_ASSERT_EQUAL(status, 0);
	}
	check_counts(shared, PROCESSES * THREADS);
	CU_ASSERT_EQUAL(check_whole(f.path), 2 * BLOBS);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
	munmap(shared, sizeof(*shared));
}

void test_contention__each_is_written_once_by_threads(void)
{
	FOR_EACH_BACKEND(f)
	{
		_free_ struct shared *shared = NEW(struct shared);
		const struct job job = { .store = f.store, .shared = shared };

		CU_ASSERT_EQUAL(run_threads(&job), 0);
		check_counts(shared, THREADS);
	}
}
