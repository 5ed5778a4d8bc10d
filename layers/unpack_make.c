/* SPDX-License-Identifier: Apache-2.0 */
/* Making one name of each kind, and writing a file's data straight from its layer's tar. */
#include "base/mem.h"
#include "layers/unpack_int.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

/*
 * One read of the tar serves the small files that lie in it; larger files are copied inside the
 * kernel.
 */
#define WINDOW_BYTES ((size_t)256 * 1024)
#define SMALL_BYTES  ((size_t)128 * 1024)
#define COPY_ONCE    ((uint64_t)64 << 20)

/* Reads the tar around `offset`; at least `len` bytes of it. */
static int window_fill(struct unpack_window *w, uint64_t offset, size_t len, struct err *err)
{
	const uint64_t total = layer_tar_bytes(w->layer);
	const uint64_t rest = offset < total ? total - offset : 0;
	const size_t want = rest < WINDOW_BYTES ? (size_t)rest : WINDOW_BYTES;

	if (want < len)
		return err_set(err, ERR_DAMAGED, "layer tar is shorter than its index says");
	if (!w->data)
		w->data = xcalloc(1, WINDOW_BYTES);
	w->len = 0;
	TRY(file_pread_all(layer_tar_fd(w->layer), w->data, want, offset, err));
	w->offset = offset;
	w->len = want;
	return 0;
}

/* Writes a small run by way of the window. */
static int copy_small(struct unpack_name *n, int fd, uint64_t from, struct tar_extent run,
		      struct err *err)
{
	struct unpack_window *w = n->window;
	const struct layer *layer = tree_layer(n->unpack->tree, n->st.layer);

	if (w->layer != layer) {
		w->layer = layer;
		w->len = 0;
	}
	if (from < w->offset || from + run.bytes > w->offset + w->len)
		TRY(window_fill(w, from, (size_t)run.bytes, err));
	return file_pwrite_all(fd, w->data + (from - w->offset), (size_t)run.bytes,
			       run.logical_offset, err);
}

/* A run of data from the tar to the file. */
static int copy_run(struct unpack_name *n, int fd, uint64_t from, struct tar_extent run,
		    struct err *err)
{
	const struct layer *layer = tree_layer(n->unpack->tree, n->st.layer);

	if (run.bytes <= SMALL_BYTES)
		return run.bytes ? copy_small(n, fd, from, run, err) : 0;
	while (run.bytes) {
		const uint64_t once = run.bytes < COPY_ONCE ? run.bytes : COPY_ONCE;

		TRY(op_check(n->op, err));
		TRY(file_copy_range((struct file_range){ layer_tar_fd(layer), from },
				    (struct file_range){ fd, run.logical_offset }, once, err));
		from += once;
		run.logical_offset += once;
		run.bytes -= once;
	}
	return 0;
}

int unpack_copy(struct unpack_name *n, int fd, struct err *err)
{
	struct tar_extent run;
	uint64_t from = n->st.data_offset;

	if (!n->st.is_sparse)
		return copy_run(n, fd, from, (struct tar_extent){ 0, n->st.size_bytes }, err);
	for (size_t i = 0; tree_extent(n->unpack->tree, n->node, i, &run); i++) {
		TRY(copy_run(n, fd, from, run, err));
		from += run.bytes;
	}
	if (ftruncate(fd, (off_t)n->st.size_bytes) < 0)
		return err_sys(err, errno, "truncate to %" PRIu64 " bytes", n->st.size_bytes);
	return 0;
}

/* Some file systems (NFS, those with quotas) tell only now that bytes could not be kept. */
static int close_written(int fd, struct err *err)
{
	return close(fd) < 0 && errno != EINTR ? err_sys(err, errno, "close") : 0;
}

static int make_file(struct unpack_name *n, struct err *err)
{
	const mode_t mode = n->st.mode & 0777;
	_close_ int fd = -1;

	fd = openat(n->dir_fd, n->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(err, errno, "create");
	TRY(unpack_copy(n, fd, err));
	atomic_fetch_add_explicit(&n->unpack->bytes, n->st.size_bytes, memory_order_relaxed);
	TRY(unpack_attributes(n, fd, mode & ~n->unpack->umask, err));
	return close_written(TAKE_FD(fd), err);
}

static int make_symlink(struct unpack_name *n, struct err *err)
{
	if (symlinkat(n->st.link_target, n->dir_fd, n->name) < 0)
		return err_sys(err, errno, "symlink");
	return unpack_attributes(n, -1, n->st.mode & 07777, err);
}

/* Where a device can't be made there is an empty file nobody may read, and a remark. */
static int make_placeholder(struct unpack_name *n, struct err *err)
{
	_close_ int fd =
		openat(n->dir_fd, n->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, errno, "create");
	unpack_lose(n->unpack, UNPACK_LOSS_DEVICE, n->node);
	return 0;
}

static int make_device(struct unpack_name *n, struct err *err)
{
	const dev_t dev = makedev(n->st.dev_major, n->st.dev_minor);

	if (!n->unpack->keep_owner && !S_ISFIFO(n->st.mode))
		return make_placeholder(n, err);
	if (mknodat(n->dir_fd, n->name, n->st.mode & (S_IFMT | 0777), dev) < 0) {
		if (errno == EPERM && !S_ISFIFO(n->st.mode))
			return make_placeholder(n, err);
		return err_sys(err, errno, "make device");
	}
	return unpack_attributes(n, -1, n->st.mode & 0777 & ~n->unpack->umask, err);
}

int unpack_make(struct unpack_name *n, struct err *err)
{
	int rc;

	switch (n->st.mode & S_IFMT) {
	case S_IFREG:
		rc = make_file(n, err);
		break;
	case S_IFLNK:
		rc = make_symlink(n, err);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		rc = make_device(n, err);
		break;
	default:
		return err_set(err, ERR_DAMAGED, "unknown file type %o", n->st.mode & S_IFMT);
	}
	TRY(rc);
	return 0;
}
