/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that survive a crash: write, fsync, rename, fsync of the folder. And locks between
 * processes, which the kernel drops with the last descriptor, however its owner ended.
 */
#include "sys/file.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>

#define LOCK_PAUSE_MAX_MS 50

int file_sync(int fd, const char *what, struct err *err)
{
	while (fsync(fd) < 0) {
		if (errno == EINTR)
			continue;
		/* The file system cannot sync such a file (folders on some): nothing is pending. */
		if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
			return 0;
		return err_sys(err, errno, "%s", what);
	}
	return 0;
}

/* Makes a file of a name nobody has. Returns the fd. */
static int open_temporary(int dir, char *name, size_t name_bytes, mode_t mode)
{
	for (unsigned attempt = 0; attempt < 16; attempt++) {
		uint64_t random;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -1;
		snprintf(name, name_bytes, ".img-tmp-%016" PRIx64, random);
		const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static int write_temporary(int fd, const void *data, size_t len, struct err *err)
{
	TRY(file_write_all(fd, data, len, "temporary file", err));
	return file_sync(fd, "temporary file", err);
}

static int rename_over(int dir, const char *from, const char *to, struct err *err)
{
	if (renameat(dir, from, dir, to) < 0)
		return err_sys(err, errno, "rename");
	return 0;
}

int file_replace(int dir, const char *name, const struct file_content *content, struct err *err)
{
	char temporary[32];

	if (!*name || strchr(name, '/'))
		return err_sys(err, EINVAL, "%s", TEXT_ESCAPED(name));
	_close_ int fd = open_temporary(dir, temporary, sizeof(temporary), content->mode);

	if (fd < 0)
		return err_sys(err, errno, "%s: temporary file", TEXT_ESCAPED(name));
	int rc = write_temporary(fd, content->data, content->len, err);

	if (rc == 0)
		rc = rename_over(dir, temporary, name, err);
	if (rc < 0) {
		(void)unlinkat(dir, temporary, 0);
		(void)err_prefix(err, "%s", TEXT_ESCAPED(name));
		return rc;
	}
	return file_sync(dir, "folder", err);
}

/* RENAME_NOREPLACE on a file system without it (EINVAL): never replaces a file either. */
static int rename_by_link(struct file_name from, struct file_name to)
{
	struct stat st;

	if (fstatat(from.dir, from.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		if (linkat(from.dir, from.name, to.dir, to.name, 0) < 0)
			return -1;
		return unlinkat(from.dir, from.name, 0);
	}
	/* A folder has one link only. The race that is left replaces an empty folder at worst. */
	if (fstatat(to.dir, to.name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from.dir, from.name, to.dir, to.name);
}

int file_rename_sync(struct file_name from, struct file_name to, unsigned flags, struct err *err)
{
	int rc = renameat2(from.dir, from.name, to.dir, to.name, flags);

	if (rc < 0 && (errno == EINVAL || errno == ENOSYS) && flags == RENAME_NOREPLACE)
		rc = rename_by_link(from, to);
	if (rc < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(to.name));
	return file_sync(to.dir, "folder", err);
}

int file_lock(int fd, bool exclusive, bool wait, struct err *err)
{
	const int how = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);

	while (flock(fd, how) < 0) {
		if (errno == EINTR)
			continue;
		const int rc = err_sys(err, errno, "lock");

		if (rc == -EWOULDBLOCK && err)
			err->kind = ERR_BUSY;
		return rc;
	}
	return 0;
}

int file_lock_wait(struct op *op, int fd, bool exclusive, struct err *err)
{
	long pause_ms = 1;

	for (;;) {
		const int rc = file_lock(fd, exclusive, false, NULL);

		if (rc != -EWOULDBLOCK)
			return rc < 0 ? err_sys(err, -rc, "lock") : 0;
		/* Not before the first look: who made the file must own it to remove it. */
		TRY(op_check(op, err));
		(void)nanosleep(&(struct timespec){ .tv_nsec = pause_ms * 1000000 }, NULL);
		pause_ms = pause_ms * 2 < LOCK_PAUSE_MAX_MS ? pause_ms * 2 : LOCK_PAUSE_MAX_MS;
	}
}
