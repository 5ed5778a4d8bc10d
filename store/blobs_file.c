/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs as files blobs/ALG/HEX (the layout of image-spec image-layout.md). Made in staging as
 * ALG-HEX.part, whose lock is the right to write that blob; moved into place by one rename. What is
 * in place is whole, because nothing else ever writes there.
 */
#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/digestdir.h"
#include "store/unnamed.h"
#include "sys/file.h"

#include <sys/stat.h>

struct file_blobs {
	struct blobs base;
	struct digestdir dir;
	int staging; /* borrowed; -1 when read only */
};

struct file_writer {
	struct blob_writer base;
	struct staged staged;
	bool replace; /* a blob of another size than wanted is in place */
};

static struct file_blobs *of(struct blobs *b)
{
	return container_of(b, struct file_blobs, base);
}

/* Puts the name before an error; passes every result on. */
static int named(int rc, const struct digest *d, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "blob %s",
				 d->alg != DIGEST_NONE ? DIGEST_TEXT(d) : "being written");
	return rc;
}

static int files_stat(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err)
{
	return named(digestdir_stat(&of(b)->dir, d, ret_size, err), d, err);
}

static int files_open(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
		      struct err *err)
{
	const int fd = digestdir_open(&of(b)->dir, d, ret_size, err);

	if (fd < 0)
		return named(fd, d, err);
	*ret_fd = fd;
	return 0;
}

/* Whether the blob is there: 1 yes, 0 no (*ret_replace: yes, but it can't be the right one). */
static int is_present(struct file_blobs *b, const struct blob_want *want, bool *ret_replace,
		      struct err *err)
{
	struct err why = { 0 };
	uint64_t size;
	const int rc = digestdir_stat(&b->dir, &want->digest, &size, &why);

	*ret_replace = false;
	if (rc == -ENOENT)
		return 0;
	if (rc < 0) {
		err_keep_first(err, &why);
		return rc;
	}
	*ret_replace = want->replace ||
		       (want->size_bytes != UINT64_MAX && want->size_bytes != size);
	return !*ret_replace;
}

/* Takes over what an earlier writer left, unless it can't be a prefix. */
static int resume(struct file_writer *w, struct err *err)
{
	struct stat st;

	if (fstat(w->staged.fd, &st) < 0)
		return err_sys(err, errno, "%s", w->staged.name);
	w->base.offset_bytes = (uint64_t)st.st_size;
	w->staged.flushed_bytes = w->base.offset_bytes;
	if (w->base.offset_bytes <= w->base.want.size_bytes)
		return 0;
	if (ftruncate(w->staged.fd, 0) < 0)
		return err_sys(err, errno, "%s", w->staged.name);
	w->base.offset_bytes = 0;
	w->staged.flushed_bytes = 0;
	return 0;
}

static int check_space(const struct file_writer *w, struct err *err)
{
	uint64_t rest, free_bytes;

	if (w->base.want.size_bytes == UINT64_MAX)
		return 0;
	rest = w->base.want.size_bytes - w->base.offset_bytes;
	if (rest == 0 || file_free_bytes(w->staged.fd, &free_bytes, NULL) < 0 || rest <= free_bytes)
		return 0;
	return err_set(err, ERR_NO_SPACE, "%s needed, %s free", TEXT_SIZE(rest),
		       TEXT_SIZE(free_bytes));
}

/* Gives back the lock on a blob that could not be begun; what an earlier writer left stays. */
static void give_up(struct file_writer *w)
{
	if (w->base.offset_bytes)
		staged_close(&w->staged);
	else
		staged_discard(&w->staged);
	free(w);
}

static int begin_unnamed(struct file_blobs *b, struct op *op, struct file_writer *w,
			 struct err *err)
{
	struct digest name;

	TRY(unnamed_digest(&name, err));
	TRY(staged_open(op, &(struct staged_want){ b->staging, &name, ".new" }, &w->staged, err));
	return check_space(w, err);
}

static int begin(struct file_blobs *b, struct op *op, struct file_writer *w, struct err *err)
{
	const struct blob_want *want = &w->base.want;
	int rc;

	if (want->digest.alg == DIGEST_NONE)
		return begin_unnamed(b, op, w, err);
	rc = is_present(b, want, &w->replace, err);
	if (rc != 0)
		return rc;
	TRY(staged_open(op, &(struct staged_want){ b->staging, &want->digest, STAGING_RESUMABLE },
			&w->staged, err));
	/* Its writer of before may have published it while this one waited. */
	rc = is_present(b, want, &w->replace, err);
	if (rc != 0)
		return rc;
	TRY(resume(w, err));
	return check_space(w, err);
}

static int files_begin(struct blobs *base, struct op *op, const struct blob_want *want,
		       struct blob_writer **ret, struct err *err)
{
	struct file_writer *w = NEW(struct file_writer);

	w->base.want = *want;
	w->base.blobs = base;
	w->staged = STAGED_CLOSED;
	const int rc = begin(of(base), op, w, err);

	if (rc != 0) {
		give_up(w);
		return named(rc, &want->digest, err);
	}
	w->base.fd = w->staged.fd;
	*ret = &w->base;
	return 0;
}

static int files_append(struct blob_writer *base, const void *data, size_t len, struct err *err)
{
	struct file_writer *w = container_of(base, struct file_writer, base);

	const int rc = file_pwrite_all(w->staged.fd, data, len, base->offset_bytes, err);

	if (rc < 0)
		return named(rc, &base->want.digest, err);
	staged_wrote(&w->staged, base->offset_bytes + len);
	return 0;
}

static int files_rewind(struct blob_writer *base, struct err *err)
{
	struct file_writer *w = container_of(base, struct file_writer, base);

	if (ftruncate(w->staged.fd, 0) < 0)
		return named(err_sys(err, errno, "truncate"), &base->want.digest, err);
	w->staged.flushed_bytes = 0;
	return 0;
}

/* One whose digest was not known at begin may be there by now. */
static int look_again(struct file_writer *w, const struct digest *d, struct err *err)
{
	const struct blob_want found = { .digest = *d, .size_bytes = w->base.offset_bytes };

	if (w->base.want.digest.alg != DIGEST_NONE)
		return 0;
	return is_present(of(w->base.blobs), &found, &w->replace, err);
}

static int publish(struct file_writer *w, const struct digest *d, struct err *err)
{
	const int present = look_again(w, d, err);
	const struct digestdir *dir = &of(w->base.blobs)->dir;

	if (present != 0)
		return present < 0 ? present : 0;
	TRY(staged_seal(&w->staged, err));
	const int rc = digestdir_publish(dir, d, w->replace, &w->staged, err);

	/* Somebody who is not us put it there; it is what was wanted all the same. */
	if (rc == -EEXIST)
		err_clear(err);
	else
		TRY(rc);
	return digestdir_sync(dir, d->alg, err);
}

static int files_commit(struct blob_writer *base, const struct digest *d, struct err *err)
{
	struct file_writer *w = container_of(base, struct file_writer, base);
	const int rc = named(publish(w, d, err), d, err);

	staged_discard(&w->staged);
	free(w);
	return rc;
}

static void files_abort(struct blob_writer *base, bool keep_for_resume)
{
	struct file_writer *w = container_of(base, struct file_writer, base);

	/* A failed append may have left bytes that nobody counted. */
	if (keep_for_resume && base->want.digest.alg != DIGEST_NONE && base->offset_bytes &&
	    ftruncate(w->staged.fd, (off_t)base->offset_bytes) == 0)
		staged_close(&w->staged);
	staged_discard(&w->staged);
	free(w);
}

static int files_remove(struct blobs *base, const struct digest *d, struct err *err)
{
	struct file_blobs *b = of(base);

	if (b->staging < 0)
		return err_set(err, ERR_READ_ONLY, "the store is open for reading only");
	return named(digestdir_remove(&b->dir, d, err), d, err);
}

static int files_list(struct blobs *b, blobs_fn *fn, void *arg, struct err *err)
{
	return digestdir_list(&of(b)->dir, fn, arg, err);
}

static void files_close(struct blobs *b)
{
	free(of(b));
}

struct blobs *blobs_new_files(int root, int staging)
{
	static const struct blobs_ops ops = {
		.stat = files_stat,
		.open = files_open,
		.begin = files_begin,
		.append = files_append,
		.rewind = files_rewind,
		.commit = files_commit,
		.abort = files_abort,
		.remove = files_remove,
		.list = files_list,
		.close = files_close,
	};
	struct file_blobs *b = NEW(struct file_blobs);

	b->base.ops = &ops;
	b->dir = (struct digestdir){ .root = root, .kind = "blobs", .suffix = "" };
	b->staging = staging;
	return &b->base;
}
