/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers as files layers/ALG/DIFFID.tar and .idx. The tar decides whether the layer is there; an
 * index alone is garbage, a tar alone gets its index rebuilt. So the index is moved into place
 * first and removed last, and one fsync of the folder covers both.
 */
#include "base/mem.h"
#include "store/backends.h"
#include "store/digestdir.h"
#include "store/unnamed.h"
#include "sys/file.h"

#include <sys/stat.h>

struct file_layers {
	struct layerfiles base;
	struct digestdir tars, indexes;
	int staging; /* borrowed; -1 when read only */
};

struct file_writer {
	struct layer_writer base;
	struct staged tar, idx;
};

static struct file_layers *of(struct layerfiles *l)
{
	return container_of(l, struct file_layers, base);
}

/* Puts the name before an error; passes every result on. */
static int named(int rc, const struct digest *diffid, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "layer %s",
				 diffid->alg != DIGEST_NONE ? DIGEST_TEXT(diffid)
							    : "being written");
	return rc;
}

static int files_open(struct layerfiles *base, const struct digest *diffid, int *ret_tar,
		      int *ret_idx, struct err *err)
{
	struct file_layers *l = of(base);
	_close_ int tar = digestdir_open(&l->tars, diffid, NULL, err);

	if (tar < 0)
		return named(tar, diffid, err);
	struct err why = { 0 };
	const int idx = digestdir_open(&l->indexes, diffid, NULL, &why);

	if (idx < 0 && idx != -ENOENT) {
		err_keep_first(err, &why);
		return named(idx, diffid, err);
	}
	*ret_tar = TAKE_FD(tar);
	*ret_idx = idx < 0 ? -1 : idx;
	return 0;
}

static bool files_has(struct layerfiles *l, const struct digest *diffid)
{
	return digestdir_stat(&of(l)->tars, diffid, NULL, NULL) == 0;
}

/* Throws away what a dead maker left. */
static int empty(const struct staged *s, struct err *err)
{
	return ftruncate(s->fd, 0) < 0 ? err_sys(err, errno, "staging/%s", s->name) : 0;
}

static int begin_unnamed(struct file_layers *l, struct op *op, struct file_writer *w,
			 struct err *err)
{
	struct digest name;

	TRY(unnamed_digest(&name, err));
	TRY(staged_open(op, &(struct staged_want){ l->staging, &name, ".tar" }, &w->tar, err));
	return staged_open(op, &(struct staged_want){ l->staging, &name, ".idx" }, &w->idx, err);
}

/* Returns 1 when the layer is there. */
static int begin(struct file_layers *l, struct op *op, struct file_writer *w, struct err *err)
{
	const struct digest *diffid = &w->base.diffid;

	if (diffid->alg == DIGEST_NONE)
		return begin_unnamed(l, op, w, err);
	if (files_has(&l->base, diffid))
		return 1;
	TRY(staged_open(op, &(struct staged_want){ l->staging, diffid, ".tar" }, &w->tar, err));
	/* Its writer of before may have published it while this one waited. */
	if (files_has(&l->base, diffid))
		return 1;
	/* Whoever holds the tar has the index to itself, but for one that is being replaced. */
	TRY(staged_open(op, &(struct staged_want){ l->staging, diffid, ".idx" }, &w->idx, err));
	TRY(empty(&w->tar, err));
	return empty(&w->idx, err);
}

static void discard(struct file_writer *w)
{
	staged_discard(&w->idx);
	staged_discard(&w->tar);
	free(w);
}

static int files_begin(struct layerfiles *base, struct op *op, const struct digest *diffid,
		       struct layer_writer **ret, struct err *err)
{
	struct file_writer *w = NEW(struct file_writer);

	w->base.diffid = *diffid;
	w->base.layers = base;
	w->tar = STAGED_CLOSED;
	w->idx = STAGED_CLOSED;
	const int rc = begin(of(base), op, w, err);

	if (rc != 0) {
		discard(w);
		return named(rc, diffid, err);
	}
	w->base.tar_fd = w->tar.fd;
	w->base.idx_fd = w->idx.fd;
	*ret = &w->base;
	return 0;
}

static void files_progress(struct layer_writer *base, uint64_t tar_bytes)
{
	staged_wrote(&container_of(base, struct file_writer, base)->tar, tar_bytes);
}

/* Moves the index into place, when there is one. */
static int publish_index(const struct file_layers *l, struct file_writer *w,
			 const struct digest *diffid, struct err *err)
{
	struct stat st;

	if (fstat(w->idx.fd, &st) < 0)
		return err_sys(err, errno, "staging/%s", w->idx.name);
	if (st.st_size == 0)
		return 0;
	TRY(staged_seal(&w->idx, err));
	return digestdir_publish(&l->indexes, diffid, true, &w->idx, err);
}

static int publish_tar(const struct file_layers *l, struct file_writer *w,
		       const struct digest *diffid, struct err *err)
{
	const int rc = digestdir_publish(&l->tars, diffid, false, &w->tar, err);

	if (rc == -EEXIST) {
		/* Somebody who is not us put it there; it is what was wanted all the same. */
		err_clear(err);
		return 0;
	}
	/* Without its tar an index is garbage. */
	if (rc < 0)
		(void)digestdir_remove(&l->indexes, diffid, NULL);
	return rc;
}

static int publish(struct file_layers *l, struct file_writer *w, const struct digest *diffid,
		   struct err *err)
{
	if (w->base.diffid.alg == DIGEST_NONE && files_has(&l->base, diffid))
		return 0;
	/* The tar's fsync first: it is the one that takes long or fails. */
	TRY(staged_seal(&w->tar, err));
	TRY(publish_index(l, w, diffid, err));
	TRY(publish_tar(l, w, diffid, err));
	return digestdir_sync(&l->tars, diffid->alg, err);
}

static int files_commit(struct layer_writer *base, const struct digest *diffid, struct err *err)
{
	struct file_writer *w = container_of(base, struct file_writer, base);
	const int rc = named(publish(of(base->layers), w, diffid, err), diffid, err);

	discard(w);
	return rc;
}

static void files_abort(struct layer_writer *base)
{
	discard(container_of(base, struct file_writer, base));
}

static int stage_index(struct file_layers *l, const struct digest *diffid, struct staged *ret,
		       struct err *err)
{
	TRY(digestdir_stat(&l->tars, diffid, NULL, err));
	TRY(staged_open(NULL, &(struct staged_want){ l->staging, diffid, ".idx" }, ret, err));
	return empty(ret, err);
}

static int publish_new_index(struct file_layers *l, const struct digest *diffid, struct staged *idx,
			     struct err *err)
{
	TRY(staged_seal(idx, err));
	TRY(digestdir_publish(&l->indexes, diffid, true, idx, err));
	return digestdir_sync(&l->indexes, diffid->alg, err);
}

static int files_replace_index(struct layerfiles *base, const struct digest *diffid,
			       const void *data, size_t len, struct err *err)
{
	_staged_ struct staged idx = STAGED_CLOSED;
	int rc = stage_index(of(base), diffid, &idx, err);

	if (rc == 0)
		rc = file_pwrite_all(idx.fd, data, len, 0, err);
	if (rc == 0)
		rc = publish_new_index(of(base), diffid, &idx, err);
	return named(rc, diffid, err);
}

static int files_remove(struct layerfiles *base, const struct digest *diffid, struct err *err)
{
	struct file_layers *l = of(base);

	if (l->staging < 0)
		return err_set(err, ERR_READ_ONLY, "the store is open for reading only");
	int rc = digestdir_remove(&l->tars, diffid, err);

	if (rc < 0)
		return named(rc, diffid, err);
	struct err why = { 0 };

	rc = digestdir_remove(&l->indexes, diffid, &why);
	if (rc < 0 && rc != -ENOENT) {
		err_keep_first(err, &why);
		return named(rc, diffid, err);
	}
	return 0;
}

static int files_list(struct layerfiles *l, layerfiles_fn *fn, void *arg, struct err *err)
{
	return digestdir_list(&of(l)->tars, fn, arg, err);
}

static void files_close(struct layerfiles *l)
{
	free(of(l));
}

struct layerfiles *layerfiles_new_files(int root, int staging)
{
	static const struct layerfiles_ops ops = {
		.open = files_open,
		.has = files_has,
		.begin = files_begin,
		.progress = files_progress,
		.commit = files_commit,
		.abort = files_abort,
		.replace_index = files_replace_index,
		.remove = files_remove,
		.list = files_list,
		.close = files_close,
	};
	struct file_layers *l = NEW(struct file_layers);

	l->base.ops = &ops;
	l->tars = (struct digestdir){ .root = root, .kind = "layers", .suffix = ".tar" };
	l->indexes = (struct digestdir){ .root = root, .kind = "layers", .suffix = ".idx" };
	l->staging = staging;
	return &l->base;
}
