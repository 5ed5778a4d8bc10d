/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that writes blobs, layers and names is killed again and again at moments that nobody
 * chose: whatever is in place afterwards is whole, each name has all it names, and the next one
 * cleans up. (That what is in place also survives a power cut is the business of fsync, which
 * tests/fault looks after.)
 */
#include "base/mem.h"
#include "store/images.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KILLS	     25
#define LARGEST	     300000
#define MAX_DELAY_US 30000

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void fill(uint64_t seed, char *data, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		const uint64_t r = next_random(&seed) * 0x9e3779b97f4a7c15u;

		memcpy(data + i, &r, len - i < 8 ? len - i : 8);
	}
}

/* Goes on with what a killed one left, as a pull does: the prefix is hashed with the rest. */
static int write_blob(struct store *s, const struct blob_want *want, const char *data)
{
	struct blob_writer *w = NULL;
	const int rc = blobs_begin(s->blobs, NULL, want, &w, NULL);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	const size_t kept = (size_t)w->offset_bytes;
	_free_ char *prefix = xcalloc(kept, 1);

	if (pread(w->fd, prefix, kept, 0) != (ssize_t)kept || memcmp(prefix, data, kept) != 0)
		TRY(blob_writer_rewind(w, NULL));
	for (size_t at = (size_t)w->offset_bytes; at < want->size_bytes; at += 20000) {
		const size_t left = (size_t)want->size_bytes - at;

		TRY(blob_writer_append(w, data + at, left < 20000 ? left : 20000, NULL));
	}
	return blob_writer_commit(w, &want->digest, NULL);
}

static int write_layer(struct store *s, const struct digest *diffid, const char *data, size_t len)
{
	struct layer_writer *w = NULL;
	const int rc = layerfiles_begin(s->layers, NULL, diffid, &w, NULL);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (write(w->tar_fd, data, len) != (ssize_t)len || write(w->idx_fd, "index", 5) != 5)
		return -EIO;
	return layer_writer_commit(w, diffid, NULL);
}

/* One "image": a blob, the same bytes as a layer, and a name for the blob. */
static int write_image(struct store *s, uint64_t seed)
{
	_free_ char *data = xcalloc(LARGEST, 1);
	const size_t len = 1 + (size_t)(seed * 7919) % LARGEST;
	_descriptor_ struct descriptor target = { 0 };
	_reference_ struct reference ref = { 0 };
	char name[64];

	fill(seed, data, len);
	const struct blob_want want = { digest_of(data, len), len, false };

	TRY(write_blob(s, &want, data));
	TRY(write_layer(s, &want.digest, data, len));
	snprintf(name, sizeof(name), "crash.test/r%u:t%u", (unsigned)seed % 3, (unsigned)seed);
	TRY(reference_parse(name, &ref, NULL));
	descriptor_init(&target, MEDIA_TYPE_OCI_MANIFEST, &want.digest, len);
	TRY(images_put(s, &ref, &target, NULL, NULL));
	/* Some go again. */
	return seed % 5 == 0 ? images_remove(s, &ref, NULL, NULL, NULL) : 0;
}

/* Never ends by itself. *reached: the last image that was whole. */
static _Noreturn void write_forever(const char *path, _Atomic uint64_t *reached)
{
	struct store *s = NULL;

	if (store_open(path, STORE_CREATE, &s, NULL) < 0)
		_exit(2);
	for (uint64_t seed = *reached + 1;; seed++) {
		if (write_image(s, seed) < 0)
			_exit(3);
		*reached = seed;
	}
}

struct names {
	struct store *store;
	unsigned count, bad;
};

static int check_name(void *arg, const struct image_name *name, struct err *err)
{
	struct names *n = arg;
	uint64_t size = 0;

	(void)err;
	n->count++;
	if (blobs_stat(n->store->blobs, &name->target.digest, &size, NULL) < 0 ||
	    size != name->target.size || !layerfiles_has(n->store->layers, &name->target.digest))
		n->bad++;
	return 0;
}

/* Opens it as the next process would, which cleans, and looks at everything. */
static void check_store(const struct fixture *f, uint64_t reached)
{
	struct names names = { 0 };
	struct err err = { 0 };
	CU_ASSERT_EQUAL(store_open(f->path, STORE_CREATE, &names.store, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(names.store);
	CU_ASSERT_TRUE(check_whole(f->path) >= (int)(2 * reached));
	CU_ASSERT_EQUAL(images_list(names.store, check_name, &names, &err), 0);
	CU_ASSERT_EQUAL(names.bad, 0);
	/* All that were reported done, but for those removed, and at most one more. */
	CU_ASSERT_TRUE(names.count >= reached - reached / 5);
	/* What stays in staging is at most the blob that was being written. */
	CU_ASSERT_TRUE(count_entries(f, "staging") <= 1);
	store_close(names.store);
}

void test_crash__whatever_is_there_is_whole(void)
{
	struct fixture f = { .is_files = true, .tmp = tmp_make() };
	_Atomic uint64_t *reached = mmap(NULL, sizeof(*reached), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t random = 20240229;
	unsigned ended_itself = 0;

	CU_ASSERT_PTR_NOT_EQUAL_FATAL(reached, MAP_FAILED);
	snprintf(f.path, sizeof(f.path), "%s/store", f.tmp.path);
	/* On a slow machine some more, until it came somewhere. */
	for (unsigned i = 0; i < KILLS || (*reached == 0 && i < 40 * KILLS); i++) {
		int status = 0;

		fflush(NULL);
		const pid_t pid = fork();

		if (pid == 0)
			write_forever(f.path, reached);
		/* How far it comes is up to the machine; the test needs no certain point. */
		usleep((useconds_t)(next_random(&random) % MAX_DELAY_US));
		kill(pid, SIGKILL);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		ended_itself += !WIFSIGNALED(status);
		check_store(&f, *reached);
	}
	CU_ASSERT_EQUAL(ended_itself, 0);
	CU_ASSERT_TRUE(*reached > 0);
	munmap((void *)reached, sizeof(*reached));
	tmp_remove(&f.tmp);
}
