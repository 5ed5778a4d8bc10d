/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling ahead in a thread: the same bytes, the same errors, in the same order; no thread left. */
#include "base/mem.h"
#include "stream/hash.h"
#include "tests/support/child.h"
#include "tests/support/tmp.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define DATA_BYTES (20 * SOURCE_CHUNK_BYTES + 12345)

static uint8_t *make_data(void)
{
	uint8_t *data = xcalloc(DATA_BYTES, 1);

	fill_noise(data, DATA_BYTES, 8);
	return data;
}

static unsigned threads_now(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2;
}

void test_prefetch__the_same_bytes(void)
{
	static const size_t chunks[] = { 0,
					 1000,
					 16384,
					 SOURCE_CHUNK_BYTES - 1,
					 SOURCE_CHUNK_BYTES,
					 SOURCE_CHUNK_BYTES + 1,
					 DATA_BYTES };
	static const unsigned rings[] = { 0, 2, 3, 8, 100000 };
	_free_ uint8_t *data = make_data();
	const unsigned threads = threads_now(); /* a sanitizer may have one */

	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rings); j++) {
			_outcome_ struct outcome o = pull_all(source_prefetch(
				source_chunked(data, DATA_BYTES, chunks[i]), rings[j]));

			CU_ASSERT_TRUE(gave(&o, data, DATA_BYTES));
		}
	_outcome_ struct outcome bytes =
		pull_all(source_prefetch(source_chunked(data, 5000, 1), 2));
	_outcome_ struct outcome none = pull_all(source_prefetch(source_chunked(data, 0, 1), 2));

	CU_ASSERT_TRUE(gave(&bytes, data, 5000));
	CU_ASSERT_TRUE(gave(&none, "", 0));
	CU_ASSERT_EQUAL(sources_open(), 0);
	CU_ASSERT_EQUAL(threads_now(), threads);
}

void test_prefetch__chunks_are_bounded_and_the_end_stays(void)
{
	_free_ uint8_t *data = make_data();
	_source_ struct source *src = source_prefetch(source_mem(data, DATA_BYTES), 4);
	const uint8_t *at;
	ssize_t n;

	while ((n = source_next(src, &at, NULL)) > 0)
		CU_ASSERT_TRUE((size_t)n <= SOURCE_CHUNK_BYTES);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
}

void test_prefetch__an_error_comes_after_the_bytes_before_it(void)
{
	_free_ uint8_t *data = make_data();
	static const size_t lengths[] = { 0, 1, 5000, DATA_BYTES };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		_outcome_ struct outcome o =
			pull_all(source_prefetch(source_cut(data, lengths[i], 0), 2));

		CU_ASSERT_TRUE(failed_with(&o, ERR_NETWORK, "cut off"));
		CU_ASSERT_EQUAL(o.out.len, lengths[i]);
		CU_ASSERT_TRUE(!lengths[i] || !memcmp(o.out.data, data, lengths[i]));
	}
	CU_ASSERT_EQUAL(sources_open(), 0);
}

/* Whatever the producer is doing: waiting for room, at its end, just starting. */
void test_prefetch__closed_at_any_time(void)
{
	_free_ uint8_t *data = make_data();
	const unsigned threads = threads_now();

	for (int round = 0; round < 200; round++) {
		struct source *src =
			source_prefetch(source_chunked(data, round % 2 ? DATA_BYTES : 10, 0), 2);
		const uint8_t *at;

		for (int i = 0; i < round % 4; i++)
			CU_ASSERT_TRUE(source_next(src, &at, NULL) >= 0);
		if (round % 3 == 0)
			sched_yield();
		source_close(src);
		CU_ASSERT_EQUAL(sources_open(), 0);
	}
	CU_ASSERT_EQUAL(threads_now(), threads);
}

/* What is there is given at once, though the source below has not filled a chunk yet. */
struct slow {
	struct source base;
	atomic_int allowed; /* chunks that may come */
	int given;
};

static ssize_t slow_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct slow *s = (struct slow *)src;

	(void)err;
	while (atomic_load(&s->allowed) <= s->given)
		sched_yield();
	if (s->given++ == 3)
		return 0;
	*ret = (const uint8_t *)"x";
	return 1;
}

static void slow_close(struct source *src)
{
	(void)src;
}

void test_prefetch__does_not_wait_for_full_chunks(void)
{
	static const struct source_ops ops = { .next = slow_next, .close = slow_close };
	struct slow slow = { .base.ops = &ops };
	struct source *src = source_prefetch(&slow.base, 4);
	const uint8_t *at;

	for (int i = 1; i <= 3; i++) {
		atomic_store(&slow.allowed, i);
		CU_ASSERT_EQUAL(source_next(src, &at, NULL), 1);
	}
	atomic_store(&slow.allowed, 4);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
	source_close(src);
}

static int see_mask(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	sigset_t now;

	(void)data;
	(void)len;
	(void)err;
	sigemptyset(&now);
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	*(bool *)arg = sigismember(&now, SIGINT) && sigismember(&now, SIGWINCH);
	return 0;
}

void test_prefetch__signals_are_for_others(void)
{
	bool blocked = false;
	sigset_t mine;
	_outcome_ struct outcome o =
		pull_all(source_prefetch(source_tee(source_mem("x", 1), see_mask, &blocked), 2));

	CU_ASSERT_TRUE(gave(&o, "x", 1));
	CU_ASSERT_TRUE(blocked);
	pthread_sigmask(SIG_BLOCK, NULL, &mine);
	CU_ASSERT_FALSE(sigismember(&mine, SIGINT));
}

/* Two in a row, with a decompressor between them. */
void test_prefetch__in_a_pipeline(void)
{
	_free_ uint8_t *data = make_data();
	_buf_ struct buf gz = BUF_INIT((size_t)16 << 20);

	make_gzip(&gz, data, DATA_BYTES, NULL);
	_outcome_ struct outcome o = pull_all(source_prefetch(
		source_decompress(source_prefetch(source_chunked(gz.data, gz.len, 0), 2), NULL),
		2));

	CU_ASSERT_TRUE(gave(&o, data, DATA_BYTES));
	CU_ASSERT_EQUAL(sources_open(), 0);
}

/* Sources that fill the ring themselves. */
void test_prefetch__of_files_and_of_decompressed_bytes(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ uint8_t *data = make_data();
	_buf_ struct buf gz = BUF_INIT((size_t)16 << 20);

	make_gzip(&gz, data, DATA_BYTES, NULL);
	tmp_write(&t, "gz", gz.data, gz.len);
	tmp_write(&t, "plain", data, DATA_BYTES);
	for (unsigned chunks = 2; chunks < 6; chunks++) {
		const int plain = openat(t.fd, "plain", O_RDONLY | O_CLOEXEC);
		const int twice = openat(t.fd, "plain", O_RDONLY | O_CLOEXEC);
		const int packed = openat(t.fd, "gz", O_RDONLY | O_CLOEXEC);
		_outcome_ struct outcome a =
			pull_all(source_prefetch(source_fd(plain, 0, DATA_BYTES), chunks));
		_outcome_ struct outcome b = pull_all(source_prefetch(
			source_decompress(source_prefetch(source_fd(packed, 0, gz.len), chunks),
					  NULL),
			chunks));
		_outcome_ struct outcome c = pull_all(source_prefetch(
			source_decompress(source_fd(twice, 0, DATA_BYTES + 1), NULL), chunks));

		CU_ASSERT_TRUE(gave(&a, data, DATA_BYTES));
		CU_ASSERT_TRUE(gave(&b, data, DATA_BYTES));
		CU_ASSERT_TRUE(failed_with(&c, ERR_DAMAGED, "too early"));
		CU_ASSERT_EQUAL(c.out.len, DATA_BYTES);
	}
}

/* And are stopped while they wait for room. */
void test_prefetch__of_decompressed_bytes_closed_early(void)
{
	_free_ uint8_t *data = make_data();
	_buf_ struct buf gz = BUF_INIT((size_t)16 << 20);
	const uint8_t *at;

	make_gzip(&gz, data, DATA_BYTES, NULL);
	for (int i = 0; i < 50; i++) {
		struct source *src = source_prefetch(
			source_decompress(source_chunked(gz.data, gz.len, 0), NULL), 2);

		for (int j = 0; j < i % 5; j++)
			CU_ASSERT_TRUE(source_next(src, &at, NULL) > 0);
		source_close(src);
	}
	CU_ASSERT_EQUAL(sources_open(), 0);
}

static int without_threads(void *arg)
{
	const unsigned threads = threads_now();
	_outcome_ struct outcome o =
		pull_all(source_prefetch(source_chunked(arg, DATA_BYTES, 0), 4));
	_outcome_ struct outcome cut = pull_all(source_prefetch(source_cut(arg, 5000, 0), 4));
	struct hash_thread *h = hash_thread_new(DIGEST_SHA256);
	struct digest a, b;

	CHILD_CHECK(gave(&o, arg, DATA_BYTES));
	CHILD_CHECK(failed_with(&cut, ERR_NETWORK, "cut off"));
	CHILD_CHECK(sources_open() == 0);
	hash_thread_update(h, arg, DATA_BYTES);
	hash_thread_final(h, &a);
	hash_thread_free(h);
	hash_bytes(DIGEST_SHA256, arg, DATA_BYTES, &b);
	CHILD_CHECK(digest_equal(&a, &b));
	CHILD_CHECK(threads_now() == threads);
	return 0;
}

void test_prefetch__without_threads(void)
{
	_free_ uint8_t *data = make_data();

	CU_ASSERT_EQUAL(
		child_run(&(struct child_setup){ .no_threads = true }, without_threads, data), 0);
}
