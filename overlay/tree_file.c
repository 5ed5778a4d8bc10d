/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata images in the store. One that does not pass its own checksum (a power cut, another
 * version of ours) is removed and made once more from the tree: nothing is lost with it. The tars
 * that it points into are trusted by their names, but not to be all there.
 */
#include "overlay/tree_file.h"

#include "base/log.h"
#include "base/mem.h"
#include "overlay/mounts.h"
#include "sys/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

/* What a loop device must have to be read in pages. */
#define TINY_BYTES_MIN 4096

void tree_file_close(struct tree_file *f)
{
	erofs_free(f->erofs);
	if (f->fd >= 0)
		(void)close(f->fd);
	*f = TREE_FILE_CLOSED;
}

/* --- making one --- */

static int write_image(struct op *op, const struct mount_request *request, struct tree_writer *w,
		       struct err *err)
{
	const struct tree *tree;

	TRY(request->tree(request->tree_arg, &tree, err));
	return erofs_write(op, tree, &w->chain_id, w->fd, err);
}

static int make_image(struct op *op, const struct mount_request *request,
		      const struct digest *chain_id, struct err *err)
{
	struct tree_writer *w = NULL;
	const int there = treefiles_begin(request->store->trees, op, chain_id, &w, err);

	if (there)
		return there;
	const int rc = write_image(op, request, w, err);

	if (rc < 0) {
		tree_writer_abort(w);
		return rc;
	}
	return tree_writer_commit(w, err);
}

static int open_image(struct store *store, const struct digest *chain_id, struct tree_file *f,
		      struct err *err)
{
	TRY(treefiles_open(store->trees, chain_id, &f->fd, err));
	return erofs_open(f->fd, &f->erofs, err);
}

static int make_and_open(const struct tree_want *want, struct tree_file *f, struct err *err)
{
	struct store *store = want->request->store;

	if (want->user)
		TRY(want->user->probe(store, err));
	TRY(make_image(want->op, want->request, want->chain_id, err));
	return open_image(store, want->chain_id, f, err);
}

/* --- the tars --- */

/* Where tars are looked for: hundreds, so that the way there is gone once. */
struct tars {
	const struct mount_request *request;
	int layers;
	int folder; /* of `alg`; -1: none yet */
	enum digest_alg alg;
};

static int open_folder(struct tars *t, enum digest_alg alg, struct err *err)
{
	if (t->folder >= 0 && t->alg == alg)
		return 0;
	if (t->folder >= 0)
		(void)close(TAKE_FD(t->folder));
	t->alg = alg;
	t->folder =
		file_open_beneath(t->layers, digest_alg_name(alg), O_PATH | O_DIRECTORY, 0, err);
	return t->folder < 0 ? t->folder : 0;
}

static int stat_tar(struct tars *t, size_t i, struct stat *ret, struct err *err)
{
	static const char suffix[] = ".tar";
	const struct digest *d = &t->request->diff_ids[i];
	char name[DIGEST_TEXT_BYTES + sizeof(suffix)];

	TRY(open_folder(t, d->alg, err));
	digest_hex(d, name);
	memcpy(name + 2 * digest_alg_bytes(d->alg), suffix, sizeof(suffix));
	if (fstatat(t->folder, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "layer %zu of %zu", i + 1, t->request->layer_count);
	return 0;
}

static int check_tar(struct tars *t, size_t i, const struct erofs *e, struct err *err)
{
	struct stat st;

	TRY(stat_tar(t, i, &st, err));
	if (S_ISREG(st.st_mode) && (!e || (uint64_t)st.st_size == erofs_device_bytes(e, i)))
		return 0;
	return err_set(err, ERR_DAMAGED, "layer %zu of %zu: %jd bytes, not %" PRIu64, i + 1,
		       t->request->layer_count, (intmax_t)st.st_size,
		       e ? erofs_device_bytes(e, i) : 0);
}

int tree_file_check_tars(const struct mount_request *request, const struct erofs *e,
			 struct err *err)
{
	_close_ int layers = -1;
	struct tars t = { .request = request, .folder = -1 };
	int rc = 0;

	TRY(store_folder(request->store, "layers", &layers, err));
	t.layers = layers;
	for (size_t i = 0; i < request->layer_count && rc == 0; i++)
		rc = check_tar(&t, i, e, err);
	if (t.folder >= 0)
		(void)close(t.folder);
	return rc;
}

static int check_count(const struct mount_request *request, const struct erofs *e, struct err *err)
{
	if (erofs_device_count(e) == request->layer_count)
		return 0;
	return err_set(err, ERR_DAMAGED, "an image of %zu layers, not %zu", erofs_device_count(e),
		       request->layer_count);
}

int tree_file_open(const struct tree_want *want, struct tree_file *ret, struct err *err)
{
	const struct mount_request *request = want->request;
	const struct digest *chain_id = want->chain_id;
	_tree_file_ struct tree_file f = TREE_FILE_CLOSED;
	struct err why = { 0 };
	int rc = open_image(request->store, chain_id, &f, &why);

	if (rc == 0)
		rc = check_count(request, f.erofs, &why);
	if (rc < 0 && why.kind == ERR_DAMAGED) {
		log_info("tree %s: %s: made anew", DIGEST_TEXT(chain_id), why.msg);
		tree_file_close(&f);
		/* Gone by itself is as good. */
		(void)treefiles_remove(request->store->trees, chain_id, NULL);
	} else if (rc < 0 && why.kind != ERR_NOT_FOUND) {
		*err = why;
		return rc;
	}
	if (rc < 0)
		TRY(make_and_open(want, &f, err));
	TRY(check_count(request, f.erofs, err));
	TRY(tree_file_check_tars(request, f.erofs, err));
	*ret = f;
	f = TREE_FILE_CLOSED;
	return 0;
}

/* --- the tiny one --- */

static int make_unlinked(int dir, struct err *err)
{
	static const char name[] = ".probe";
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* Not every file system has O_TMPFILE. Whoever else probes has unlinked its own by now. */
	fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "file for a probe");
	(void)unlinkat(dir, name, 0);
	return fd;
}

static int write_tiny(int fd, struct err *err)
{
	const struct digest id = { .alg = DIGEST_SHA256 };
	struct tree *tree = NULL;
	struct stat st;

	TRY(tree_build(NULL, NULL, 0, &tree, err));
	const int rc = erofs_write(NULL, tree, &id, fd, err);

	tree_free(tree);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0 ||
	    (st.st_size < TINY_BYTES_MIN && ftruncate(fd, TINY_BYTES_MIN) < 0))
		return err_sys(err, errno, "file for a probe");
	return 0;
}

int tree_file_tiny(struct store *store, struct err *err)
{
	_close_ int dir = -1;

	TRY(store_folder(store, "trees", &dir, err));
	_close_ int fd = make_unlinked(dir, err);

	TRY(fd);
	TRY(write_tiny(fd, err));
	return TAKE_FD(fd);
}
