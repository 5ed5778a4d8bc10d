/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of blobs, for each backend. */
#include "base/mem.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>

void test_blobs__put_and_read_back(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest d = put_blob(f.store, "hello");
		uint64_t size = 0;

		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &d, &size, &err), 0);
		CU_ASSERT_EQUAL(size, 5);
		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &d, NULL, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &d, "hello"));
		CU_ASSERT_EQUAL(put_blob(f.store, "hello").alg, DIGEST_SHA256);
		CU_ASSERT_EQUAL(err.kind, ERR_NONE);
	}
}

void test_blobs__absent_is_not_found(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest d = digest_of_str("nobody has this");
		int fd = -1;

		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &d, NULL, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, DIGEST_TEXT(&d)));
		err_clear(&err);
		CU_ASSERT_EQUAL(blobs_open(f.store->blobs, &d, &fd, NULL, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(fd, -1);
		err_clear(&err);
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &d, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	}
}

void test_blobs__opened_ones_are_the_callers_own(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest d = put_blob(f.store, "shared bytes");
		_close_ int a = -1, b = -1;
		uint64_t size = 0;

		CU_ASSERT_EQUAL(blobs_open(f.store->blobs, &d, &a, &size, &err), 0);
		CU_ASSERT_EQUAL(size, 12);
		CU_ASSERT_TRUE(fd_is(a, "shared bytes"));
		/* Its own offset, and not to be written to. */
		CU_ASSERT_EQUAL(blobs_open(f.store->blobs, &d, &b, NULL, &err), 0);
		CU_ASSERT_TRUE(fd_is(b, "shared bytes"));
		CU_ASSERT_EQUAL(write(b, "x", 1), -1);
		const char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, a, 0);

		CU_ASSERT_PTR_NOT_EQUAL_FATAL(map, MAP_FAILED);
		/* Who has it open keeps it. */
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &d, &err), 0);
		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &d, NULL, NULL), -ENOENT);
		CU_ASSERT_EQUAL(memcmp(map, "shared bytes", size), 0);
		munmap((void *)(uintptr_t)map, size);
	}
}

void test_blobs__written_in_pieces(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct blob_writer *w = begin_blob(f.store, "one two three");
		const struct digest d = w->want.digest;
		const struct blob_want want = w->want;

		CU_ASSERT_EQUAL(w->offset_bytes, 0);
		CU_ASSERT_EQUAL(blob_writer_append(w, "one ", 4, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_append(w, "", 0, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_append(w, "two three", 9, &err), 0);
		CU_ASSERT_EQUAL(w->offset_bytes, 13);
		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &d, NULL, NULL), -ENOENT);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &d, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &d, "one two three"));
		w = NULL;
		CU_ASSERT_EQUAL(blobs_begin(f.store->blobs, NULL, &want, &w, &err), 1);
		CU_ASSERT_PTR_NULL(w);
	}
}

void test_blobs__empty_unknown_size_and_sha512(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest empty = put_blob(f.store, "");
		const struct digest long_one = digest512_of_str("long digest");
		const struct blob_want want = { long_one, UINT64_MAX, false };
		struct blob_writer *w = NULL;

		CU_ASSERT_TRUE(blob_is(f.store, &empty, ""));
		CU_ASSERT_EQUAL(blobs_begin(f.store->blobs, NULL, &want, &w, &err), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_EQUAL(blob_writer_append(w, "long digest", 11, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &long_one, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &long_one, "long digest"));
	}
}

void test_blobs__wrong_content_is_not_committed(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct blob_writer *w = begin_blob(f.store, "right");
		const struct digest right = w->want.digest, wrong = digest_of_str("wrong");

		CU_ASSERT_EQUAL(blob_writer_append(w, "wrong", 5, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &wrong, &err), -EBADMSG);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, DIGEST_TEXT(&right)));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, DIGEST_TEXT(&wrong)));
		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &right, NULL, NULL), -ENOENT);
		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &wrong, NULL, NULL), -ENOENT);
		/* Nothing of it is there to be resumed. */
		w = begin_blob(f.store, "right");
		CU_ASSERT_EQUAL(w->offset_bytes, 0);
		blob_writer_abort(w, false);
	}
}

void test_blobs__wrong_size_is_refused(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct blob_writer *w = begin_blob(f.store, "12345");
		const struct digest d = w->want.digest;

		CU_ASSERT_EQUAL(blob_writer_append(w, "123456", 6, &err), -EBADMSG);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		CU_ASSERT_EQUAL(w->offset_bytes, 0);
		err_clear(&err);
		CU_ASSERT_EQUAL(blob_writer_append(w, "1234", 4, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_append(w, "56", 2, &err), -EBADMSG);
		/* A caller that lies about the digest does not get it past the size either. */
		err_clear(&err);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &d, &err), -EBADMSG);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		CU_ASSERT_EQUAL(blobs_stat(f.store->blobs, &d, NULL, NULL), -ENOENT);
	}
}

void test_blobs__resumes_what_was_kept(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct blob_writer *w = begin_blob(f.store, "first half, second half");
		const struct digest d = w->want.digest;
		char prefix[32] = "";

		CU_ASSERT_EQUAL(blob_writer_append(w, "first half", 10, &err), 0);
		blob_writer_abort(w, true);
		w = begin_blob(f.store, "first half, second half");
		CU_ASSERT_EQUAL(w->offset_bytes, 10);
		CU_ASSERT_EQUAL(pread(w->fd, prefix, sizeof(prefix), 0), 10);
		CU_ASSERT_STRING_EQUAL(prefix, "first half");
		CU_ASSERT_EQUAL(blob_writer_append(w, ", second half", 13, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &d, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &d, "first half, second half"));
	}
}

void test_blobs__rewind_forgets_a_bad_prefix(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct blob_writer *w = begin_blob(f.store, "good");
		const struct digest d = w->want.digest;

		CU_ASSERT_EQUAL(blob_writer_append(w, "bad!", 4, &err), 0);
		blob_writer_abort(w, true);
		w = begin_blob(f.store, "good");
		CU_ASSERT_EQUAL(w->offset_bytes, 4);
		CU_ASSERT_EQUAL(blob_writer_rewind(w, &err), 0);
		CU_ASSERT_EQUAL(w->offset_bytes, 0);
		CU_ASSERT_EQUAL(blob_writer_append(w, "good", 4, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &d, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &d, "good"));
	}
}

void test_blobs__rewind_leaves_nothing_behind_the_end(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct blob_want want = { digest_of_str("short"), UINT64_MAX, false };
		struct blob_writer *w = NULL;

		CU_ASSERT_EQUAL(blobs_begin(f.store->blobs, NULL, &want, &w, &err), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_EQUAL(blob_writer_append(w, "something longer", 16, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_rewind(w, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_append(w, "short", 5, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &want.digest, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &want.digest, "short"));
	}
}

void test_blobs__put_does_not_trust_a_kept_prefix(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct blob_writer *w = begin_blob(f.store, "document");

		CU_ASSERT_EQUAL(blob_writer_append(w, "???", 3, &err), 0);
		blob_writer_abort(w, true);
		const struct digest d = put_blob(f.store, "document");

		CU_ASSERT_TRUE(blob_is(f.store, &d, "document"));
	}
}

void test_blobs__abort_without_keeping_leaves_nothing(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct blob_writer *w = begin_blob(f.store, "never");

		CU_ASSERT_EQUAL(blob_writer_append(w, "nev", 3, &err), 0);
		blob_writer_abort(w, false);
		w = begin_blob(f.store, "never");
		CU_ASSERT_EQUAL(w->offset_bytes, 0);
		/* Nothing to keep is nothing kept. */
		blob_writer_abort(w, true);
		blob_writer_abort(NULL, true);
		if (f.is_files)
			CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
	}
}

void test_blobs__kept_more_than_wanted_starts_over(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct blob_want larger = { digest_of_str("tiny"), UINT64_MAX, false };
		struct blob_writer *w = NULL;

		CU_ASSERT_EQUAL(blobs_begin(f.store->blobs, NULL, &larger, &w, &err), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_EQUAL(blob_writer_append(w, "much more", 9, &err), 0);
		blob_writer_abort(w, true);
		w = begin_blob(f.store, "tiny");
		CU_ASSERT_EQUAL(w->offset_bytes, 0);
		CU_ASSERT_EQUAL(blob_writer_append(w, "tiny", 4, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &larger.digest, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &larger.digest, "tiny"));
	}
}

void test_blobs__one_of_another_size_is_replaced(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest d = digest_of_str("the whole content");
		const struct blob_want bad = { d, 5, false };
		struct blob_writer *w = NULL;
		_close_ int old = -1;

		/* As a crash of the file system might leave it: a blob that is too short. */
		CU_ASSERT_EQUAL(blobs_begin(f.store->blobs, NULL, &bad, &w, &err), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_EQUAL(blob_writer_append(w, "the w", 5, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(w, &d, &err), 0);
		CU_ASSERT_EQUAL(blobs_open(f.store->blobs, &d, &old, NULL, &err), 0);
		w = begin_blob(f.store, "the whole content");
		CU_ASSERT_EQUAL(blob_writer_append(w, "the whole content", 17, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &d, "the w"));
		CU_ASSERT_EQUAL(blob_writer_commit(w, &d, &err), 0);
		CU_ASSERT_TRUE(blob_is(f.store, &d, "the whole content"));
		CU_ASSERT_TRUE(fd_is(old, "the w"));
	}
}

void test_blobs__read_keeps_to_the_cap(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest d = put_blob(f.store, "123456");
		_buf_ struct buf out = BUF_INIT(7);

		CU_ASSERT_EQUAL(buf_append_str(&out, "ab", NULL), 0);
		CU_ASSERT_EQUAL(blobs_read(f.store->blobs, &d, &out, &err), -E2BIG);
		CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), "ab");
		buf_reset(&out);
		CU_ASSERT_EQUAL(buf_append_str(&out, "a", NULL), 0);
		err_clear(&err);
		CU_ASSERT_EQUAL(blobs_read(f.store->blobs, &d, &out, &err), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), "a123456");
	}
}

struct seen {
	uint64_t total;
	int count, stop_at;
};

static int see(void *arg, const struct digest *d, uint64_t size_bytes, struct err *err)
{
	struct seen *seen = arg;

	(void)d;
	(void)err;
	seen->total += size_bytes;
	return ++seen->count == seen->stop_at ? 42 : 0;
}

void test_blobs__list_names_each(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct seen seen = { 0 };

		CU_ASSERT_EQUAL(blobs_list(f.store->blobs, see, &seen, &err), 0);
		CU_ASSERT_EQUAL(seen.count, 0);
		put_blob(f.store, "a");
		put_blob(f.store, "bc");
		const struct digest gone = put_blob(f.store, "gone");

		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &gone, &err), 0);
		struct blob_writer *w = begin_blob(f.store, "not committed");

		CU_ASSERT_EQUAL(blobs_list(f.store->blobs, see, &seen, &err), 0);
		CU_ASSERT_EQUAL(seen.count, 2);
		CU_ASSERT_EQUAL(seen.total, 3);
		blob_writer_abort(w, false);
		seen = (struct seen){ .stop_at = 1 };
		CU_ASSERT_EQUAL(blobs_list(f.store->blobs, see, &seen, &err), 42);
		CU_ASSERT_EQUAL(seen.count, 1);
	}
}

static struct blob_writer *begin_unnamed(struct store *store)
{
	const struct blob_want want = { { .alg = DIGEST_NONE }, UINT64_MAX, false };
	struct blob_writer *w = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(blobs_begin(store->blobs, NULL, &want, &w, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	return w;
}

/* A digest that is known only at the end. */
void test_blobs__digest_at_the_end(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct digest d = digest_of_str("content");
		struct blob_writer *a = begin_unnamed(f.store), *b = begin_unnamed(f.store);
		struct blob_writer *c = begin_unnamed(f.store);
		_buf_ struct buf out = BUF_INIT(100);
		struct err err = { 0 };

		CU_ASSERT_EQUAL(blob_writer_append(a, "con", 3, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_append(b, "content", 7, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_append(a, "tent", 4, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_append(c, "other", 5, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(a, &d, &err), 0);
		CU_ASSERT_EQUAL(blob_writer_commit(b, &d, &err), 0);
		blob_writer_abort(c, true);
		CU_ASSERT_EQUAL(blobs_read(f.store->blobs, &d, &out, &err), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), "content");
	}
}
