/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a tree that somebody else shaped. No recursion and no path: a folder is held by its
 * descriptor, at most LEVELS_MAX of them at once; what lies deeper is first moved up to the top
 * of the tree that goes, so depth costs neither descriptors nor memory. Never follows a link and
 * never enters a mount (openat2 with RESOLVE_NO_XDEV, so bind mounts too): what is mounted inside
 * is not ours to delete. Goes on after a failure and reports the first.
 */
#include "sys/file.h"

#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#define LEVELS_MAX 32

/* A folder being emptied. */
struct level {
	DIR *dir;
	char *name;	/* in the folder above; owned */
	bool progress;	/* something went since its reading began */
	bool permitted; /* we gave ourselves permission already */
};

struct removal {
	int dir;	  /* of the caller */
	const char *name; /* in it: what goes */
	struct level levels[LEVELS_MAX];
	unsigned depth;	 /* levels in use */
	unsigned moved;	 /* for names at the top */
	struct err *err; /* first failure */
	int rc;
};

static void note(struct removal *r, int errnum, const char *name)
{
	if (r->rc == 0)
		r->rc = err_sys(r->err, errnum, "%s", TEXT_ESCAPED(name));
}

static int open_folder(int dir, const char *name)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

/* Opens a folder, made readable first when that is what it lacks. */
static int open_permitted(int dir, const char *name)
{
	const int fd = open_folder(dir, name);

	if (fd >= 0 || errno != EACCES)
		return fd;
	if (fchmodat(dir, name, S_IRWXU, AT_SYMLINK_NOFOLLOW) < 0) {
		errno = EACCES;
		return -1;
	}
	return open_folder(dir, name);
}

/* After EACCES in a folder: true when it is worth another try. */
static bool permit(struct level *at)
{
	const int saved = errno;
	const bool tried = saved == EACCES && !at->permitted;

	at->permitted = true;
	if (tried && fchmod(dirfd(at->dir), S_IRWXU) == 0)
		return true;
	errno = saved;
	return false;
}

static int unlink_permitted(struct level *at, const char *name, int flags)
{
	if (unlinkat(dirfd(at->dir), name, flags) == 0)
		return 0;
	return permit(at) ? unlinkat(dirfd(at->dir), name, flags) : -1;
}

/* Takes over fd. */
static int push(struct removal *r, int fd, const char *name)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		(void)close(fd);
		return -1;
	}
	r->levels[r->depth++] = (struct level){ .dir = dir, .name = xstrdup(name) };
	return 0;
}

static void pop(struct removal *r)
{
	struct level *at = &r->levels[--r->depth];

	(void)closedir(at->dir);
	free(at->name);
}

static int move_once(const struct level *at, const char *name, const struct level *top,
		     struct removal *r)
{
	char fresh[32];

	for (;;) {
		snprintf(fresh, sizeof(fresh), ".img-rm-%u", r->moved++);
		if (renameat(dirfd(at->dir), name, dirfd(top->dir), fresh) == 0)
			return 0;
		/* The name is taken by something of the tree. */
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return -1;
	}
}

/* Too deep to descend: moves the folder to the top, where its turn comes. */
static int move_up(struct removal *r, struct level *at, const char *name)
{
	struct level *top = &r->levels[0];

	if (move_once(at, name, top, r) < 0) {
		if (errno != EACCES)
			return -1;
		/* Moving a folder writes its "..", so it needs permission as well. */
		(void)permit(at);
		errno = EACCES;
		(void)permit(top);
		if (fchmodat(dirfd(at->dir), name, S_IRWXU, AT_SYMLINK_NOFOLLOW) < 0 ||
		    move_once(at, name, top, r) < 0)
			return -1;
	}
	top->progress = true;
	return 0;
}

/* A folder that is not empty: into it, or out of the way. */
static int descend(struct removal *r, struct level *at, const char *name)
{
	if (r->depth == LEVELS_MAX)
		return move_up(r, at, name);
	int fd = open_permitted(dirfd(at->dir), name);

	if (fd < 0 && permit(at))
		fd = open_permitted(dirfd(at->dir), name);
	return fd < 0 ? -1 : push(r, fd, name);
}

static bool is_full(int errnum)
{
	return errnum == ENOTEMPTY || errnum == EEXIST;
}

static void remove_entry(struct removal *r, struct level *at, const struct dirent *entry)
{
	const char *name = entry->d_name;
	bool folder = entry->d_type == DT_DIR;

	if (unlink_permitted(at, name, folder ? AT_REMOVEDIR : 0) == 0) {
		at->progress = true;
		return;
	}
	/* The type was unknown, or has changed since. */
	if (!folder && (errno == EISDIR || errno == EPERM)) {
		folder = true;
		if (unlink_permitted(at, name, AT_REMOVEDIR) == 0) {
			at->progress = true;
			return;
		}
		if (errno == ENOTDIR)
			errno = EPERM;
	}
	if (errno == ENOENT)
		return;
	if (folder && is_full(errno) && descend(r, at, name) == 0)
		return;
	note(r, errno, name);
}

static int remove_folder(struct removal *r, const struct level *at)
{
	if (r->depth == 1)
		return unlinkat(r->dir, r->name, AT_REMOVEDIR);
	return unlink_permitted(&r->levels[r->depth - 2], at->name, AT_REMOVEDIR);
}

/* The folder on top of the stack has been read to its end. */
static void leave(struct removal *r)
{
	struct level *at = &r->levels[r->depth - 1];

	if (remove_folder(r, at) == 0 || errno == ENOENT) {
		if (r->depth > 1)
			r->levels[r->depth - 2].progress = true;
		pop(r);
		return;
	}
	/* Entries come while others go (moved ones, too); without progress it would never end. */
	if (is_full(errno) && at->progress) {
		at->progress = false;
		rewinddir(at->dir);
		return;
	}
	note(r, errno, at->name);
	pop(r);
}

static void empty_folders(struct removal *r)
{
	while (r->depth) {
		struct level *at = &r->levels[r->depth - 1];

		errno = 0;
		const struct dirent *entry = readdir(at->dir);

		if (!entry) {
			if (errno)
				note(r, errno, at->name);
			leave(r);
		} else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			remove_entry(r, at, entry);
		}
	}
}

int file_remove_tree(int dir, const char *name, struct err *err)
{
	struct removal r = { .dir = dir, .name = name, .err = err };

	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_sys(err, EINVAL, "%s", TEXT_ESCAPED(name));
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(name));
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (!is_full(errno))
		return err_sys(err, errno == ENOTDIR ? EPERM : errno, "%s", TEXT_ESCAPED(name));
	const int fd = open_permitted(dir, name);

	if (fd < 0 || push(&r, fd, name) < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(name));
	empty_folders(&r);
	return r.rc;
}
