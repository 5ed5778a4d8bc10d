/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of a tree of files on disk, whatever its depth: folders wait in a list as paths from
 * where it began, so one descriptor is open at a time. What can't be read counts nothing.
 */
#include "base/mem.h"
#include "store/usage.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
	int dir;
	dev_t device;
	uint64_t bytes;
	char **waiting; /* paths of folders */
	size_t count, alloc;
};

static void push(struct walk *w, char *path)
{
	if (w->count == w->alloc) {
		w->alloc = w->alloc ? 2 * w->alloc : 16;
		w->waiting = xreallocarray(w->waiting, w->alloc, sizeof(w->waiting[0]));
	}
	w->waiting[w->count++] = path;
}

/* A file with many names is counted in parts, which make one when all of them are here. */
static void add(struct walk *w, const struct stat *st)
{
	const uint64_t bytes = (uint64_t)st->st_blocks * 512;

	w->bytes += S_ISDIR(st->st_mode) || st->st_nlink < 2 ? bytes : bytes / st->st_nlink;
}

static void look(struct walk *w, const char *path, int fd, const char *name)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != w->device)
		return;
	add(w, &st);
	if (S_ISDIR(st.st_mode))
		push(w, xasprintf("%s/%s", path, name));
}

static void walk_one(struct walk *w, const char *path)
{
	const int fd = file_open_beneath(w->dir, path, O_RDONLY | O_DIRECTORY | O_NOATIME, 0, NULL);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;

	if (!entries) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(entries));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			look(w, path, fd, e->d_name);
	(void)closedir(entries);
}

int usage_of_folder(int dir, const char *name, uint64_t *ret_bytes, struct err *err)
{
	struct walk w = { .dir = dir };
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return err_sys(err, errno, "%s", name);
		*ret_bytes = 0;
		return 0;
	}
	w.device = st.st_dev;
	add(&w, &st);
	if (S_ISDIR(st.st_mode))
		push(&w, xstrdup(name));
	while (w.count) {
		_free_ char *path = w.waiting[--w.count];

		walk_one(&w, path);
	}
	free(w.waiting);
	*ret_bytes = w.bytes;
	return 0;
}
