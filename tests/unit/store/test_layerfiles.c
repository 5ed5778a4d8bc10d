/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of layers as files, for each backend. */
#include "base/mem.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>

static struct layer_writer *begin_layer(struct store *store, const struct digest *diffid)
{
	struct layer_writer *w = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(layerfiles_begin(store->layers, NULL, diffid, &w, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	return w;
}

static void put(int fd, const char *text)
{
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static struct digest put_layer(struct store *store, const char *tar, const char *idx)
{
	const struct digest diffid = digest_of_str(tar);
	struct layer_writer *w = begin_layer(store, &diffid);
	struct err err = { 0 };

	put(w->tar_fd, tar);
	layer_writer_progress(w, strlen(tar));
	put(w->idx_fd, idx);
	CU_ASSERT_EQUAL(layer_writer_commit(w, &diffid, &err), 0);
	return diffid;
}

static bool layer_is(struct store *store, const struct digest *diffid, const char *tar,
		     const char *idx)
{
	_close_ int tar_fd = -1, idx_fd = -1;
	struct err err = { 0 };

	if (layerfiles_open(store->layers, diffid, &tar_fd, &idx_fd, &err) < 0)
		return false;
	return fd_is(tar_fd, tar) && (idx ? fd_is(idx_fd, idx) : idx_fd == -1);
}

void test_layerfiles__written_and_opened(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest diffid = put_layer(f.store, "the tar", "the index");
		struct layer_writer *w = NULL;

		CU_ASSERT_TRUE(layerfiles_has(f.store->layers, &diffid));
		CU_ASSERT_TRUE(layer_is(f.store, &diffid, "the tar", "the index"));
		CU_ASSERT_EQUAL(layerfiles_begin(f.store->layers, NULL, &diffid, &w, &err), 1);
		CU_ASSERT_PTR_NULL(w);
	}
}

void test_layerfiles__absent_is_not_found(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest diffid = digest_of_str("absent");
		int tar = -7, idx = -7;

		CU_ASSERT_FALSE(layerfiles_has(f.store->layers, &diffid));
		CU_ASSERT_EQUAL(layerfiles_open(f.store->layers, &diffid, &tar, &idx, &err),
				-ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(tar, -7);
		CU_ASSERT_EQUAL(idx, -7);
		err_clear(&err);
		CU_ASSERT_EQUAL(layerfiles_replace_index(f.store->layers, &diffid, "x", 1, &err),
				-ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		err_clear(&err);
		CU_ASSERT_EQUAL(layerfiles_remove(f.store->layers, &diffid, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	}
}

void test_layerfiles__without_index(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest diffid = put_layer(f.store, "tar only", "");

		CU_ASSERT_TRUE(layer_is(f.store, &diffid, "tar only", NULL));
		CU_ASSERT_EQUAL(
			layerfiles_replace_index(f.store->layers, &diffid, "rebuilt", 7, &err), 0);
		CU_ASSERT_TRUE(layer_is(f.store, &diffid, "tar only", "rebuilt"));
		CU_ASSERT_EQUAL(
			layerfiles_replace_index(f.store->layers, &diffid, "better", 6, &err), 0);
		CU_ASSERT_TRUE(layer_is(f.store, &diffid, "tar only", "better"));
		CU_ASSERT_EQUAL(err.kind, ERR_NONE);
	}
}

void test_layerfiles__wrong_content_is_not_committed(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest diffid = digest_of_str("right"), wrong = digest_of_str("wrong");
		struct layer_writer *w = begin_layer(f.store, &diffid);

		put(w->tar_fd, "wrong");
		put(w->idx_fd, "index");
		CU_ASSERT_EQUAL(layer_writer_commit(w, &wrong, &err), -EBADMSG);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		CU_ASSERT_FALSE(layerfiles_has(f.store->layers, &diffid));
		CU_ASSERT_FALSE(layerfiles_has(f.store->layers, &wrong));
		if (f.is_files) {
			CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
			CU_ASSERT_EQUAL(count_entries(&f, "layers/sha256"), 0);
		}
	}
}

void test_layerfiles__aborted_starts_from_nothing(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct digest diffid = digest_of_str("tar");
		struct layer_writer *w = begin_layer(f.store, &diffid);

		put(w->tar_fd, "half of somethi");
		put(w->idx_fd, "an index of somethi");
		layer_writer_abort(w);
		layer_writer_abort(NULL);
		CU_ASSERT_FALSE(layerfiles_has(f.store->layers, &diffid));
		put_layer(f.store, "tar", "idx");
		CU_ASSERT_TRUE(layer_is(f.store, &diffid, "tar", "idx"));
	}
}

void test_layerfiles__what_a_killed_writer_left_is_dropped(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest diffid = digest_of_str("tar");
	_free_ char *tar = xasprintf("store/staging/sha256-%s.tar", DIGEST_HEX(&diffid));
	_free_ char *idx = xasprintf("store/staging/sha256-%s.idx", DIGEST_HEX(&diffid));

	tmp_write_str(&f.tmp, tar, "garbage that is longer");
	tmp_write_str(&f.tmp, idx, "garbage that is longer");
	put_layer(f.store, "tar", "idx");
	CU_ASSERT_TRUE(layer_is(f.store, &diffid, "tar", "idx"));
	CU_ASSERT_EQUAL(check_whole(f.path), 1);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
}

void test_layerfiles__stale_index_is_replaced(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest diffid = digest_of_str("tar");
	_free_ char *idx = xasprintf("store/layers/sha256/%s.idx", DIGEST_HEX(&diffid));

	/* Killed between the two renames: an index without its tar. */
	tmp_write_str(&f.tmp, idx, "of a writer that was killed");
	CU_ASSERT_FALSE(layerfiles_has(f.store->layers, &diffid));
	put_layer(f.store, "tar", "idx");
	CU_ASSERT_TRUE(layer_is(f.store, &diffid, "tar", "idx"));
}

void test_layerfiles__removed_but_open_ones_stay(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		const struct digest diffid = put_layer(f.store, "tar", "idx");
		_close_ int tar = -1, idx = -1;

		CU_ASSERT_EQUAL(layerfiles_open(f.store->layers, &diffid, &tar, &idx, &err), 0);
		CU_ASSERT_EQUAL(layerfiles_remove(f.store->layers, &diffid, &err), 0);
		CU_ASSERT_FALSE(layerfiles_has(f.store->layers, &diffid));
		CU_ASSERT_TRUE(fd_is(tar, "tar"));
		CU_ASSERT_TRUE(fd_is(idx, "idx"));
		if (f.is_files)
			CU_ASSERT_EQUAL(count_entries(&f, "layers/sha256"), 0);
		put_layer(f.store, "tar", "");
		CU_ASSERT_TRUE(layer_is(f.store, &diffid, "tar", NULL));
	}
}

struct seen {
	uint64_t total;
	int count;
};

static int see(void *arg, const struct digest *diffid, uint64_t tar_bytes, struct err *err)
{
	struct seen *seen = arg;

	(void)diffid;
	(void)err;
	seen->total += tar_bytes;
	seen->count++;
	return 0;
}

void test_layerfiles__list_names_each(void)
{
	FOR_EACH_BACKEND(f)
	{
		struct err err = { 0 };
		struct seen seen = { 0 };

		put_layer(f.store, "12345", "idx");
		put_layer(f.store, "123", "");
		CU_ASSERT_EQUAL(layerfiles_list(f.store->layers, see, &seen, &err), 0);
		CU_ASSERT_EQUAL(seen.count, 2);
		CU_ASSERT_EQUAL(seen.total, 8);
	}
}

/* A few MiB, so that some of it is handed to the disk on the way. */
void test_layerfiles__large_ones_are_whole(void)
{
	_fixture_ struct fixture f = fixture_files();
	const size_t len = (size_t)20 << 20, step = (size_t)1 << 20;
	_free_ uint8_t *data = xcalloc(len, 1);
	struct err err = { 0 };

	for (size_t i = 0; i < len; i += 64)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	const struct digest diffid = digest_of(data, len);
	struct layer_writer *w = begin_layer(f.store, &diffid);

	for (size_t at = 0; at < len; at += step) {
		CU_ASSERT_EQUAL(write(w->tar_fd, data + at, step), (ssize_t)step);
		layer_writer_progress(w, at + step);
	}
	CU_ASSERT_EQUAL(layer_writer_commit(w, &diffid, &err), 0);
	CU_ASSERT_EQUAL(check_whole(f.path), 1);
}

/* A DiffID that is known only at the end. */
void test_layerfiles__digest_at_the_end(void)
{
	static const struct digest none = { .alg = DIGEST_NONE };

	FOR_EACH_BACKEND(f)
	{
		const struct digest diffid = digest_of_str("the tar");
		struct layer_writer *a = begin_layer(f.store, &none);
		struct layer_writer *b = begin_layer(f.store, &none);
		struct layer_writer *c = begin_layer(f.store, &none);
		struct err err = { 0 };

		put(a->tar_fd, "the tar");
		put(a->idx_fd, "index a");
		put(b->tar_fd, "the tar");
		put(b->idx_fd, "index b");
		put(c->tar_fd, "other");
		CU_ASSERT_EQUAL(layer_writer_commit(a, &diffid, &err), 0);
		CU_ASSERT_EQUAL(layer_writer_commit(b, &diffid, &err), 0);
		layer_writer_abort(c);
		CU_ASSERT_TRUE(layer_is(f.store, &diffid, "the tar", "index a"));
		put_layer(f.store, "the tar2", "i");
	}
}
