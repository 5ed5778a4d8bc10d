/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders by descriptor: fd first, path second. Everything is O_CLOEXEC. Inside a tree
 * that somebody else shaped, names go through openat2 (Linux 5.6) so that no link leads out.
 */
#ifndef IMG_SYS_FILE_H
#define IMG_SYS_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS): for folders of our own.
 * Returns the fd.
 */
int file_open_beneath(int dir, const char *path, int flags, mode_t mode, struct err *err);
/*
 * openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS): for image trees; links are followed as if
 * `root` were "/". Returns the fd.
 */
int file_open_in_root(int root, const char *path, int flags, mode_t mode, struct err *err);
/*
 * Opens a folder (O_DIRECTORY), making it and its parents with `mode` when `make`. Returns the fd.
 */
int file_open_dir(const char *path, bool make, mode_t mode, struct err *err);
/* mkdir that is content with a folder (not a link) that is there. */
int file_mkdir(int dir, const char *name, mode_t mode, struct err *err);

/*
 * All of it, also to a pipe that does not block. `what` (shown as it is) names the file in errors.
 */
int file_write_all(int fd, const void *data, size_t len, const char *what, struct err *err);
int file_pwrite_all(int fd, const void *data, size_t len, uint64_t offset, struct err *err);
/* Exactly `len` bytes, else ERR_DAMAGED. */
int file_pread_all(int fd, void *data, size_t len, uint64_t offset, struct err *err);
/*
 * Appends the whole regular file (no link, no device) to `out`, whose cap is the limit.
 * ERR_NOT_FOUND when absent.
 */
int file_read(int dir, const char *path, struct buf *out, struct err *err);
/*
 * The same for a file that the user named or placed: links are followed, a pipe (/dev/fd/63) is
 * read to its end.
 */
int file_read_path(const char *path, struct buf *out, struct err *err);
/*
 * Replaces `name` (no slash) in `dir` atomically: temporary file beside it, write, fsync, rename,
 * fsync of the folder. A link of that name is replaced itself. The umask applies to `mode`.
 */
struct file_content {
	const void *data;
	size_t len;
	mode_t mode;
};
int file_replace(int dir, const char *name, const struct file_content *content, struct err *err);
int file_sync(int fd, const char *what, struct err *err);
/*
 * renameat2 with flags (RENAME_NOREPLACE: ERR_EXISTS when it is taken); then fsync of the target
 * folder.
 */
struct file_name {
	int dir;
	const char *name;
};
int file_rename_sync(struct file_name from, struct file_name to, unsigned flags, struct err *err);
/*
 * Removes file or tree `name` (no slash) in `dir` without following a link or entering a mount,
 * whatever its depth, giving itself permission as it goes. Absent is fine. Goes on after a failure
 * and returns the first.
 */
int file_remove_tree(int dir, const char *name, struct err *err);

/*
 * Advisory whole-file lock (flock, bound to the open file). Returns 0, or -EWOULDBLOCK (ERR_BUSY)
 * when `wait` is false and it is taken. Waiting here cannot be interrupted: what may take long
 * waits with file_lock_wait.
 */
int file_lock(int fd, bool exclusive, bool wait, struct err *err);
/*
 * Waits for the lock, looking every 50 ms at most, until the operation is cancelled
 * (ERR_CANCELLED).
 */
int file_lock_wait(struct op *op, int fd, bool exclusive, struct err *err);

/*
 * Copies `len` bytes between regular files: copy_file_range where it can, else read and write.
 * ERR_DAMAGED when `from` ends before.
 */
struct file_range {
	int fd;
	uint64_t offset;
};
int file_copy_range(struct file_range from, struct file_range to, uint64_t len, struct err *err);

/* Free bytes of the file system below fd for an unprivileged writer. */
int file_free_bytes(int fd, uint64_t *ret, struct err *err);

#endif
