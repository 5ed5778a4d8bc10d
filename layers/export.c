/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flattened root file system as a tar: the walk of the tree is the order of the archive, so
 * parents and link targets always come first.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "layers/tar_write.h"
#include "layers/unpack.h"

#include <sys/stat.h>

#define XATTRS_MAX 4096

struct export
{
	struct op *op;
	const struct tree *tree;
	struct tar_writer *writer;
	struct tar_xattr *xattrs; /* of one entry, reused */
	size_t xattr_alloc;
};

static int gather_xattrs(struct export *x, uint32_t node, struct tar_entry *e, struct err *err)
{
	struct tar_xattr one;
	size_t n = 0;

	for (; tree_xattr(x->tree, node, n, &one); n++) {
		if (n >= XATTRS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d attributes", XATTRS_MAX);
		if (n == x->xattr_alloc) {
			x->xattr_alloc = x->xattr_alloc ? x->xattr_alloc * 2 : 16;
			x->xattrs = xreallocarray(x->xattrs, x->xattr_alloc, sizeof(one));
		}
		x->xattrs[n] = one;
	}
	e->xattrs = x->xattrs;
	e->xattr_count = n;
	return 0;
}

/* A sparse file is written out in full: other readers differ on sparse tars. */
static int export_sparse(struct export *x, uint32_t node, const struct tree_stat *st,
			 struct err *err)
{
	const int fd = layer_tar_fd(tree_layer(x->tree, st->layer));
	uint64_t at = 0, from = st->data_offset;
	struct tar_extent run;

	for (size_t i = 0; tree_extent(x->tree, node, i, &run); i++) {
		TRY(op_check(x->op, err));
		TRY(tar_writer_zeros(x->writer, run.logical_offset - at, err));
		TRY(tar_writer_file(x->writer, fd, from, run.bytes, err));
		from += run.bytes;
		at = run.logical_offset + run.bytes;
	}
	return tar_writer_zeros(x->writer, st->size_bytes - at, err);
}

static int export_data(struct export *x, uint32_t node, const struct tree_stat *st, struct err *err)
{
	if (!st->size_bytes)
		return 0;
	if (st->is_sparse)
		return export_sparse(x, node, st, err);
	return tar_writer_file(x->writer, layer_tar_fd(tree_layer(x->tree, st->layer)),
			       st->data_offset, st->size_bytes, err);
}

static int export_node(struct export *x, uint32_t node, const char *path, struct err *err)
{
	_buf_ struct buf first_path = BUF_INIT((size_t)1 << 30);
	struct tree_stat st;

	tree_stat(x->tree, node, &st);
	struct tar_entry e = { .type = tar_type_of(st.mode),
			       .name = path,
			       .link_name = st.link_target ? st.link_target : "",
			       .mode = st.mode & 07777,
			       .uid = st.uid,
			       .gid = st.gid,
			       .mtime_sec = st.mtime_sec,
			       .mtime_nsec = st.mtime_nsec,
			       .dev_major = st.dev_major,
			       .dev_minor = st.dev_minor,
			       .size_bytes = st.size_bytes };

	if (e.type != '5' && st.nlink > 1) {
		const uint32_t first = tree_first_name(x->tree, st.inode);

		if (first != node) {
			TRY(tree_path(x->tree, first, &first_path, err));
			e.type = '1';
			e.link_name = first_path.data;
			return tar_writer_entry(x->writer, &e, err);
		}
	}
	TRY(gather_xattrs(x, node, &e, err));
	TRY(tar_writer_entry(x->writer, &e, err));
	return e.type == '0' ? export_data(x, node, &st, err) : 0;
}

static int export_all(struct export *x, struct err *err)
{
	_buf_ struct buf path = BUF_INIT((size_t)1 << 30);
	struct tree_stat root;
	char shown[256];

	tree_stat(x->tree, TREE_ROOT, &root);
	if (root.layer != UINT16_MAX)
		TRY(export_node(x, TREE_ROOT, "./", err));
	for (uint32_t node = tree_walk_next(x->tree, TREE_ROOT, TREE_ROOT); node != TREE_NONE;
	     node = tree_walk_next(x->tree, TREE_ROOT, node)) {
		TRY(op_check(x->op, err));
		buf_reset(&path);
		TRY(tree_path(x->tree, node, &path, err));
		if (export_node(x, node, path.data, err) < 0)
			return err_prefix(err, "%s",
					  text_escape(shown, sizeof(shown), path.data, path.len));
	}
	return 0;
}

int export_tree(struct op *op, const struct tree *tree, int fd, uint64_t *ret_bytes,
		struct err *err)
{
	struct export x = { .op = op, .tree = tree, .writer = tar_writer_new(fd) };
	int rc = export_all(&x, err);

	if (rc == 0)
		rc = tar_writer_finish(x.writer, ret_bytes, err);
	tar_writer_free(x.writer);
	free(x.xattrs);
	return rc;
}
