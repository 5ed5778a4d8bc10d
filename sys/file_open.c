/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and making: openat2 confined to a folder (our own trees) or to a root (trees of images),
 * and folders by path. Trusts no name that comes from an image: the kernel resolves it, in one
 * call, so nobody can swap a link in between. openat2 needs Linux 5.6; there is no fallback,
 * because resolving by hand cannot promise the same.
 */
#include "sys/file.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

/* Renames elsewhere on the system make RESOLVE_IN_ROOT and _BENEATH give up on ".." with EAGAIN. */
#define OPEN_ATTEMPTS 128

static int open_confined(int dir, const char *path, const struct open_how *how, struct err *err)
{
	for (unsigned attempt = 0;;) {
		const long fd = syscall(SYS_openat2, dir, path, how, sizeof(*how));

		if (fd >= 0)
			return (int)fd;
		if (errno == EINTR || (errno == EAGAIN && ++attempt < OPEN_ATTEMPTS))
			continue;
		if (errno == ENOSYS)
			return err_set(err, ERR_UNSUPPORTED,
				       "%s: openat2 is missing, Linux 5.6 or newer is needed",
				       TEXT_ESCAPED(path));
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	}
}

/* openat2 refuses a mode that would not be used, and unknown flags; open ignores both. */
static struct open_how how_of(int flags, mode_t mode, uint64_t resolve)
{
	const bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;

	return (struct open_how){
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = creates ? mode : 0,
		.resolve = resolve,
	};
}

int file_open_beneath(int dir, const char *path, int flags, mode_t mode, struct err *err)
{
	const struct open_how how =
		how_of(flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

	return open_confined(dir, path, &how, err);
}

int file_open_in_root(int root, const char *path, int flags, mode_t mode, struct err *err)
{
	const struct open_how how = how_of(flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	return open_confined(root, path, &how, err);
}

/* Opens folder `name` in `dir`, making it when it is not there; follows links. */
static int step_into(int dir, const char *name, mode_t mode)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int fd = openat(dir, name, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(dir, name, mode) < 0 && errno != EEXIST)
		return -1;
	return openat(dir, name, flags);
}

/*
 * Walks the path a name at a time, so its length does not matter and each missing folder is made.
 */
static int make_path(const char *path, mode_t mode, struct err *err)
{
	_close_ int at = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	for (const char *s = path; *s;) {
		const size_t len = strcspn(s, "/");

		if (len) {
			_free_ char *name = xmemdupz(s, len);
			const int next = step_into(at, name, mode);

			if (next < 0)
				return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
			(void)close(at);
			at = next;
		}
		s += len + (s[len] == '/');
	}
	const int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : err_sys(err, errno, "%s", TEXT_ESCAPED(path));
}

int file_open_dir(const char *path, bool make, mode_t mode, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	/* ENAMETOOLONG: longer than open takes at once. An empty path names nothing. */
	if (make && *path && (errno == ENOENT || errno == ENAMETOOLONG))
		return make_path(path, mode, err);
	return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
}

int file_mkdir(int dir, const char *name, mode_t mode, struct err *err)
{
	struct stat st;

	if (mkdirat(dir, name, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(name));
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(name));
	return S_ISDIR(st.st_mode) ? 0 : err_sys(err, ENOTDIR, "%s", TEXT_ESCAPED(name));
}
