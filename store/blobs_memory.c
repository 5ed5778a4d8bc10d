/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs in memory, for tests: the same contract as the files, kept by the same tests. */
#include "base/mem.h"
#include "store/backends.h"
#include "store/memfiles.h"
#include "sys/file.h"

struct memory_blobs {
	struct blobs base;
	struct memfiles files;
};

struct memory_writer {
	struct blob_writer base;
	int fd; /* owned */
};

static struct memory_blobs *of(struct blobs *b)
{
	return container_of(b, struct memory_blobs, base);
}

static struct memory_writer *writer_of(struct blob_writer *w)
{
	return container_of(w, struct memory_writer, base);
}

/* Puts the name before an error; passes every result on. */
static int named(int rc, const struct digest *d, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "blob %s", DIGEST_TEXT(d));
	return rc;
}

static int memory_open(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
		       struct err *err)
{
	const int fd = memfiles_open(&of(b)->files, d, 0, ret_size, err);

	if (fd < 0)
		return named(fd, d, err);
	*ret_fd = fd;
	return 0;
}

static int memory_stat(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err)
{
	_close_ int fd = -1;

	return memory_open(b, d, &fd, ret_size, err);
}

static bool is_present(const struct memfile *f, const void *arg)
{
	const struct blob_want *want = arg;

	return f->fds[0] >= 0 && !want->replace &&
	       (want->size_bytes == UINT64_MAX || want->size_bytes == memfile_bytes(f->fds[0]));
}

/* Ends a writer; `kept_fd` says what is left of it. */
static void end(struct memory_writer *w, int kept_fd)
{
	if (w->base.want.digest.alg != DIGEST_NONE)
		memfiles_end(&of(w->base.blobs)->files, &w->base.want.digest, kept_fd);
	else if (kept_fd >= 0)
		(void)close(kept_fd);
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}

static int start(struct memory_writer *w, struct memfiles *files, struct err *err)
{
	w->fd = -1;
	if (w->base.want.digest.alg != DIGEST_NONE)
		w->fd = memfiles_take_kept(files, &w->base.want.digest);
	if (w->fd >= 0 && memfile_bytes(w->fd) > w->base.want.size_bytes)
		(void)close(TAKE_FD(w->fd));
	if (w->fd < 0)
		w->fd = memfile_new(err);
	if (w->fd < 0)
		return w->fd;
	w->base.fd = w->fd;
	w->base.offset_bytes = memfile_bytes(w->fd);
	return 0;
}

static int memory_begin(struct blobs *base, struct op *op, const struct blob_want *want,
			struct blob_writer **ret, struct err *err)
{
	struct memfiles *files = &of(base)->files;
	int rc = 0;

	if (want->digest.alg != DIGEST_NONE)
		rc = memfiles_begin(files, op, &want->digest, is_present, want);
	if (rc < 0)
		return named(op_check(op, err), &want->digest, err);
	if (rc > 0)
		return 1;
	struct memory_writer *w = NEW(struct memory_writer);

	w->base.want = *want;
	w->base.blobs = base;
	rc = start(w, files, err);
	if (rc < 0) {
		end(w, -1);
		return named(rc, &want->digest, err);
	}
	*ret = &w->base;
	return 0;
}

static int memory_append(struct blob_writer *w, const void *data, size_t len, struct err *err)
{
	return named(file_pwrite_all(w->fd, data, len, w->offset_bytes, err), &w->want.digest, err);
}

static int memory_rewind(struct blob_writer *w, struct err *err)
{
	if (ftruncate(w->fd, 0) == 0)
		return 0;
	return named(err_sys(err, errno, "memory file"), &w->want.digest, err);
}

/* One whose digest was not known at begin becomes the maker of it now, unless it is there. */
static int memory_commit(struct blob_writer *base, const struct digest *d, struct err *err)
{
	struct memory_writer *w = writer_of(base);
	struct memfiles *files = &of(base->blobs)->files;
	const struct blob_want found = { .digest = *d, .size_bytes = base->offset_bytes };
	int present = 0;

	(void)err;
	if (base->want.digest.alg == DIGEST_NONE)
		present = memfiles_begin(files, NULL, d, is_present, &found);
	if (!present) {
		base->want.digest = *d;
		memfiles_publish(files, d, 0, TAKE_FD(w->fd));
	}
	end(w, -1);
	return 0;
}

static void memory_abort(struct blob_writer *base, bool keep_for_resume)
{
	struct memory_writer *w = writer_of(base);
	const bool keep = keep_for_resume && base->offset_bytes &&
			  ftruncate(w->fd, (off_t)base->offset_bytes) == 0;

	end(w, keep ? TAKE_FD(w->fd) : -1);
}

static int memory_remove(struct blobs *b, const struct digest *d, struct err *err)
{
	return named(memfiles_remove(&of(b)->files, d, err), d, err);
}

static int memory_list(struct blobs *b, blobs_fn *fn, void *arg, struct err *err)
{
	return memfiles_list(&of(b)->files, fn, arg, err);
}

static void memory_close(struct blobs *b)
{
	memfiles_fini(&of(b)->files);
	free(of(b));
}

struct blobs *blobs_new_memory(void)
{
	static const struct blobs_ops ops = {
		.stat = memory_stat,
		.open = memory_open,
		.begin = memory_begin,
		.append = memory_append,
		.rewind = memory_rewind,
		.commit = memory_commit,
		.abort = memory_abort,
		.remove = memory_remove,
		.list = memory_list,
		.close = memory_close,
	};
	struct memory_blobs *b = NEW(struct memory_blobs);

	b->base.ops = &ops;
	memfiles_init(&b->files);
	return &b->base;
}
