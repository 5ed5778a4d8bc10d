/* SPDX-License-Identifier: Apache-2.0 */
/* Layers in memory, for tests: the same contract as the files, kept by the same tests. */
#include "base/mem.h"
#include "store/backends.h"
#include "store/memfiles.h"
#include "sys/file.h"

/* The parts of a memfile. */
enum { TAR, IDX };

struct memory_layers {
	struct layerfiles base;
	struct memfiles files;
};

static struct memory_layers *of(struct layerfiles *l)
{
	return container_of(l, struct memory_layers, base);
}

/* Puts the name before an error; passes every result on. */
static int named(int rc, const struct digest *diffid, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "layer %s", DIGEST_TEXT(diffid));
	return rc;
}

static int memory_open(struct layerfiles *l, const struct digest *diffid, int *ret_tar,
		       int *ret_idx, struct err *err)
{
	const int tar = memfiles_open(&of(l)->files, diffid, TAR, NULL, err);

	if (tar < 0)
		return named(tar, diffid, err);
	const int idx = memfiles_open(&of(l)->files, diffid, IDX, NULL, NULL);

	*ret_tar = tar;
	*ret_idx = idx < 0 ? -1 : idx;
	return 0;
}

static bool memory_has(struct layerfiles *l, const struct digest *diffid)
{
	_close_ int tar = memfiles_open(&of(l)->files, diffid, TAR, NULL, NULL);

	return tar >= 0;
}

static bool is_present(const struct memfile *f, const void *arg)
{
	(void)arg;
	return f->fds[TAR] >= 0;
}

static void end(struct layer_writer *w)
{
	if (w->diffid.alg != DIGEST_NONE)
		memfiles_end(&of(w->layers)->files, &w->diffid, -1);
	if (w->tar_fd >= 0)
		(void)close(w->tar_fd);
	if (w->idx_fd >= 0)
		(void)close(w->idx_fd);
	free(w);
}

static int memory_begin(struct layerfiles *base, struct op *op, const struct digest *diffid,
			struct layer_writer **ret, struct err *err)
{
	int rc = 0;

	if (diffid->alg != DIGEST_NONE)
		rc = memfiles_begin(&of(base)->files, op, diffid, is_present, NULL);
	if (rc < 0)
		return named(op_check(op, err), diffid, err);
	if (rc > 0)
		return 1;
	struct layer_writer *w = NEW(struct layer_writer);

	*w = (struct layer_writer){ .diffid = *diffid, .layers = base };
	rc = w->tar_fd = memfile_new(err);
	w->idx_fd = -1;
	if (rc >= 0)
		rc = w->idx_fd = memfile_new(err);
	if (rc < 0) {
		end(w);
		return named(rc, diffid, err);
	}
	*ret = w;
	return 0;
}

static void memory_progress(struct layer_writer *w, uint64_t tar_bytes)
{
	(void)w;
	(void)tar_bytes;
}

/* One whose DiffID was not known at begin becomes the maker of it now, unless it is there. */
static int memory_commit(struct layer_writer *w, const struct digest *diffid, struct err *err)
{
	struct memfiles *files = &of(w->layers)->files;
	int present = 0;

	(void)err;
	if (w->diffid.alg == DIGEST_NONE)
		present = memfiles_begin(files, NULL, diffid, is_present, NULL);
	if (!present) {
		w->diffid = *diffid;
		if (memfile_bytes(w->idx_fd))
			memfiles_publish(files, diffid, IDX, TAKE_FD(w->idx_fd));
		memfiles_publish(files, diffid, TAR, TAKE_FD(w->tar_fd));
	}
	end(w);
	return 0;
}

static int memory_replace_index(struct layerfiles *l, const struct digest *diffid, const void *data,
				size_t len, struct err *err)
{
	if (!memory_has(l, diffid))
		return named(err_sys(err, ENOENT, "no tar"), diffid, err);
	_close_ int idx = memfile_new(err);
	const int rc = idx < 0 ? idx : file_pwrite_all(idx, data, len, 0, err);

	if (rc == 0)
		memfiles_publish(&of(l)->files, diffid, IDX, TAKE_FD(idx));
	return named(rc, diffid, err);
}

static int memory_remove(struct layerfiles *l, const struct digest *diffid, struct err *err)
{
	return named(memfiles_remove(&of(l)->files, diffid, err), diffid, err);
}

static int memory_list(struct layerfiles *l, layerfiles_fn *fn, void *arg, struct err *err)
{
	return memfiles_list(&of(l)->files, fn, arg, err);
}

static void memory_close(struct layerfiles *l)
{
	memfiles_fini(&of(l)->files);
	free(of(l));
}

struct layerfiles *layerfiles_new_memory(void)
{
	static const struct layerfiles_ops ops = {
		.open = memory_open,
		.has = memory_has,
		.begin = memory_begin,
		.progress = memory_progress,
		.commit = memory_commit,
		.abort = end,
		.replace_index = memory_replace_index,
		.remove = memory_remove,
		.list = memory_list,
		.close = memory_close,
	};
	struct memory_layers *l = NEW(struct memory_layers);

	l->base.ops = &ops;
	memfiles_init(&l->files);
	return &l->base;
}
