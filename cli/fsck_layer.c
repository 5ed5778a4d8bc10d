/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer in one pass: the tar is hashed and indexed as it is read, the fresh index goes to memory
 * and is compared with the one that is there.
 */
#include "base/mem.h"
#include "cli/fsck_looks.h"
#include "layers/layer.h"
#include "store/memfiles.h"
#include "stream/hash.h"
#include "stream/source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define AHEAD_CHUNKS  8
#define COMPARE_BYTES ((size_t)64 << 10)
#define THREAD_BYTES  ((off_t)8 << 20)

int fsck_same_bytes(int a, int b, struct err *err)
{
	_free_ char *left = xcalloc(COMPARE_BYTES, 1), *right = xcalloc(COMPARE_BYTES, 1);

	for (off_t at = 0;;) {
		const ssize_t n = pread(a, left, COMPARE_BYTES, at);
		const ssize_t m = pread(b, right, COMPARE_BYTES, at);

		if (n < 0 || m < 0)
			return err_sys(err, errno, "compare");
		if (n != m || memcmp(left, right, (size_t)n) != 0)
			return 0;
		if (n == 0)
			return 1;
		at += n;
	}
}

/* The pass under way. */
struct pass {
	const struct fsck_layer *layer;
	struct layer_indexer *indexer; /* NULL once the tar proved to be none */
	struct hash *hash;	       /* one of the two */
	struct hash_thread *thread;
	struct err *bad_tar;
};

static void pass_fini(struct pass *p)
{
	layer_indexer_free(p->indexer);
	hash_free(p->hash);
	hash_thread_free(p->thread);
}

/* What is wrong with the tar itself; the rest is read all the same, for its digest. */
static void no_tar(struct pass *p)
{
	layer_indexer_free(TAKE_PTR(p->indexer));
}

static void take(struct pass *p, const uint8_t *data, size_t len)
{
	if (p->thread)
		hash_thread_update(p->thread, data, len);
	else
		hash_update(p->hash, data, len);
	if (p->indexer && layer_indexer_feed(p->indexer, data, len, p->bad_tar) < 0)
		no_tar(p);
	p->layer->progress(p->layer->progress_arg, len);
}

static int read_all(struct pass *p, struct err *err)
{
	const int fd = fcntl(p->layer->tar_fd, F_DUPFD_CLOEXEC, 3);
	const uint8_t *data;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, errno, "layer");
	_source_ struct source *raw =
		source_prefetch(source_fd(fd, 0, UINT64_MAX), p->thread ? AHEAD_CHUNKS : 2);

	while ((n = source_next(raw, &data, err)) > 0) {
		TRY(op_check(p->layer->op, err));
		take(p, data, (size_t)n);
	}
	return (int)n;
}

static void check_digest(struct pass *p)
{
	struct digest computed;

	if (p->thread)
		hash_thread_final(p->thread, &computed);
	else
		hash_final(p->hash, &computed);
	if (digest_equal(&computed, p->layer->diffid))
		return;
	err_clear(p->bad_tar);
	(void)err_set(p->bad_tar, ERR_DAMAGED, "the tar hashes to %s", DIGEST_TEXT(&computed));
	no_tar(p);
}

static int compare(struct pass *p, int fresh, struct err *ret_idx, struct err *err)
{
	if (!p->indexer || layer_indexer_finish(p->indexer, p->bad_tar) < 0 || p->layer->idx_fd < 0)
		return 0;
	const int same = fsck_same_bytes(fresh, p->layer->idx_fd, err);

	if (same == 0)
		(void)err_set(ret_idx, ERR_DAMAGED, "is not the index of its tar");
	return same < 0 ? same : 0;
}

int fsck_look_at_layer(void *arg, const struct fsck_layer *layer, struct err *ret_tar,
		       struct err *ret_idx, struct err *err)
{
	_cleanup_(pass_fini) struct pass p = { .layer = layer, .bad_tar = ret_tar };
	_close_ int fresh = memfile_new(err);
	struct err why = { 0 };
	struct stat st;

	(void)arg;
	TRY(fresh);
	if (fstat(layer->tar_fd, &st) < 0)
		return err_sys(err, errno, "layer");
	p.indexer = layer_indexer_new(fresh);
	if (st.st_size > THREAD_BYTES)
		p.thread = hash_thread_new(layer->diffid->alg);
	else
		p.hash = hash_new(layer->diffid->alg);
	if (read_all(&p, &why) < 0) {
		/* The disk says so: that is damage, not the end of the check. */
		struct err *to = why.errnum == EIO ? ret_tar : err;

		err_clear(ret_tar);
		err_keep_first(to, &why);
		return to == err ? -why.errnum : 0;
	}
	check_digest(&p);
	return compare(&p, fresh, ret_idx, err);
}
