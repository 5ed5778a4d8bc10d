/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees as files trees/ALG/CHAINID.erofs. Nothing is synced: whoever reads one checks its own
 * checksum, and what a power cut damaged is made again from the layers. A store of a version that
 * knew no trees gets the folder with its first one.
 */
#include "base/mem.h"
#include "store/backends.h"
#include "store/digestdir.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>

struct file_trees {
	struct treefiles base;
	struct digestdir dir;
	int staging; /* borrowed; -1 when read only */
};

struct file_writer {
	struct tree_writer base;
	struct staged file;
};

static struct file_trees *of(struct treefiles *t)
{
	return container_of(t, struct file_trees, base);
}

/* Puts the name before an error; passes every result on. */
static int named(int rc, const struct digest *chain_id, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "tree %s", DIGEST_TEXT(chain_id));
	return rc;
}

static int files_open(struct treefiles *t, const struct digest *chain_id, int *ret_fd,
		      struct err *err)
{
	const int fd = digestdir_open(&of(t)->dir, chain_id, NULL, err);

	if (fd < 0)
		return named(fd, chain_id, err);
	*ret_fd = fd;
	return 0;
}

static bool has(const struct file_trees *t, const struct digest *chain_id)
{
	return digestdir_stat(&t->dir, chain_id, NULL, NULL) == 0;
}

static int make_folder(const struct file_trees *t, enum digest_alg alg, struct err *err)
{
	TRY(file_mkdir(t->dir.root, t->dir.kind, 0700, err));
	_close_ int kind =
		file_open_beneath(t->dir.root, t->dir.kind, O_RDONLY | O_DIRECTORY, 0, err);

	TRY(kind);
	return file_mkdir(kind, digest_alg_name(alg), 0700, err);
}

/* Returns 1 when the tree is there. */
static int begin(const struct file_trees *t, struct op *op, struct file_writer *w, struct err *err)
{
	const struct digest *chain_id = &w->base.chain_id;
	const struct staged_want want = { t->staging, chain_id, t->dir.suffix };

	if (has(t, chain_id))
		return 1;
	TRY(staged_open(op, &want, &w->file, err));
	/* Its writer of before may have published it while this one waited. */
	if (has(t, chain_id))
		return 1;
	TRY(make_folder(t, chain_id->alg, err));
	/* Throws away what a dead maker left. */
	if (ftruncate(w->file.fd, 0) < 0)
		return err_sys(err, errno, "staging/%s", w->file.name);
	return 0;
}

static void discard(struct tree_writer *base)
{
	struct file_writer *w = container_of(base, struct file_writer, base);

	staged_discard(&w->file);
	free(w);
}

static int files_begin(struct treefiles *base, struct op *op, const struct digest *chain_id,
		       struct tree_writer **ret, struct err *err)
{
	struct file_writer *w = NEW(struct file_writer);

	w->base.chain_id = *chain_id;
	w->base.trees = base;
	w->file = STAGED_CLOSED;
	const int rc = begin(of(base), op, w, err);

	if (rc != 0) {
		discard(&w->base);
		return named(rc, chain_id, err);
	}
	w->base.fd = w->file.fd;
	*ret = &w->base;
	return 0;
}

static int files_commit(struct tree_writer *base, struct err *err)
{
	struct file_writer *w = container_of(base, struct file_writer, base);
	int rc = 0;

	if (fchmod(w->file.fd, 0444) < 0)
		rc = err_sys(err, errno, "staging/%s", w->file.name);
	if (rc == 0)
		rc = digestdir_publish(&of(base->trees)->dir, &base->chain_id, true, &w->file, err);
	rc = named(rc, &base->chain_id, err);
	discard(base);
	return rc;
}

static int files_remove(struct treefiles *t, const struct digest *chain_id, struct err *err)
{
	if (of(t)->staging < 0)
		return err_set(err, ERR_READ_ONLY, "the store is open for reading only");
	return named(digestdir_remove(&of(t)->dir, chain_id, err), chain_id, err);
}

static int files_list(struct treefiles *t, treefiles_fn *fn, void *arg, struct err *err)
{
	return digestdir_list(&of(t)->dir, fn, arg, err);
}

static void files_close(struct treefiles *t)
{
	free(of(t));
}

struct treefiles *treefiles_new_files(int root, int staging)
{
	static const struct treefiles_ops ops = {
		.open = files_open,
		.begin = files_begin,
		.commit = files_commit,
		.abort = discard,
		.remove = files_remove,
		.list = files_list,
		.close = files_close,
	};
	struct file_trees *t = NEW(struct file_trees);

	t->base.ops = &ops;
	t->dir = (struct digestdir){ .root = root, .kind = "trees", .suffix = ".erofs" };
	t->staging = staging;
	return &t->base;
}
