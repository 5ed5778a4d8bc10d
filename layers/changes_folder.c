/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One upper folder and the marks of overlayfs on what is in it (overlayfs.rst, "Whiteouts and
 * opaque directories"). Containers write there: names are any bytes, nothing is opened but folders,
 * and xattrs are read by name through /proc, as opening a file may have effects.
 */
#include "layers/changes_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* XATTR_LIST_MAX of linux/limits.h: no list is longer. */
#define LIST_BYTES ((size_t)64 * 1024)
#define TEXT_MAX   ((size_t)1 << 30)

/*
 * What overlayfs says by an attribute: the part behind its prefix, "" when it says nothing; false
 * of one that has no such prefix. Of the other namespace it says nothing: user.overlay.* is for anybody
 * to set where overlayfs uses trusted.overlay.* (and stands for no file's contents anywhere).
 */
static bool overlay_name(const char *xattr, bool is_userxattr, const char **ret)
{
	static const char *const prefixes[] = { "trusted.overlay.", "user.overlay." };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (!text_starts_with(xattr, prefixes[i]))
			continue;
		*ret = is_userxattr == (i == 1) ? xattr + strlen(prefixes[i]) : "";
		return true;
	}
	return false;
}

/* 1 when the value is "y". */
static int is_yes(const char *path, const char *xattr, struct err *err)
{
	char value[16];
	const ssize_t len = lgetxattr(path, xattr, value, sizeof(value));

	if (len < 0 && errno != ENODATA && errno != ERANGE)
		return err_sys(err, errno, "attribute %s", xattr);
	return len == 1 && value[0] == 'y';
}

static int mark(const struct marked *what, const char *path, const char *xattr, struct marks *m,
		struct err *err)
{
	const char *name;

	if (!overlay_name(xattr, what->is_userxattr, &name)) {
		m->has_others |= strcmp(xattr, "security.selinux") != 0;
	} else if (!strcmp(name, "whiteout")) {
		m->is_whiteout = true;
	} else if (!strcmp(name, "opaque")) {
		const int yes = is_yes(path, xattr, err);

		TRY(yes);
		m->is_opaque |= yes;
	} else if (!strcmp(name, "redirect")) {
		m->is_redirected = true;
	} else if (!strcmp(name, "metacopy")) {
		m->is_metacopy = true;
	}
	return 0;
}

int marks_read(const struct marked *what, struct marks *ret, struct err *err)
{
	_free_ char *path = xasprintf("/proc/self/fd/%d/%s", what->dir, what->name);
	_free_ char *list = NULL;
	struct marks m = { 0 };
	ssize_t len = llistxattr(path, NULL, 0);

	if (len < 0 && errno != EOPNOTSUPP)
		return err_sys(err, errno, "attributes");
	/* Most have none. */
	if (len > 0) {
		list = xcalloc(1, LIST_BYTES);
		len = llistxattr(path, list, LIST_BYTES);
		if (len < 0)
			return err_sys(err, errno, "attributes");
		for (const char *x = list; x < list + len; x += strlen(x) + 1)
			TRY(mark(what, path, x, &m, err));
	}
	*ret = m;
	return 0;
}

void folder_init(struct folder *f)
{
	*f = (struct folder){ .text = BUF_INIT(TEXT_MAX) };
}

void folder_fini(struct folder *f)
{
	buf_fini(&f->text);
	free(f->names);
	*f = (struct folder){ 0 };
}

const char *folder_text(const struct folder *f, size_t n)
{
	return f->text.data + f->names[n].at;
}

int folder_add(struct folder *f, const char *name, enum folder_what what, struct err *err)
{
	const size_t at = f->text.len;

	TRY(buf_append(&f->text, name, strlen(name) + 1, err));
	if (f->count == f->alloc) {
		f->alloc = f->alloc ? f->alloc * 2 : 16;
		f->names = xreallocarray(f->names, f->alloc, sizeof(f->names[0]));
	}
	f->names[f->count++] = (struct folder_name){ .at = at, .what = what };
	return 0;
}

static int read_names(DIR *entries, struct folder *f, struct err *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(entries);

		if (!e)
			return errno ? err_sys(err, errno, "folder") : 0;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		TRY(folder_add(f, e->d_name, FOLDER_ENTRY, err));
		f->names[f->count - 1].type = e->d_type;
	}
}

/* A device 0/0, or an empty file with the mark. */
static int find_whiteout(struct marked at, struct folder *f, size_t n, struct err *err)
{
	const char *name = folder_text(f, n);
	struct marks marks = { 0 };
	struct stat st;

	if (f->names[n].type != DT_CHR && f->names[n].type != DT_REG &&
	    f->names[n].type != DT_UNKNOWN)
		return 0;
	/* One that went away meanwhile is told when its turn comes. */
	if (fstatat(at.dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "stat");
	at.name = name;
	if (S_ISCHR(st.st_mode) && st.st_rdev == 0)
		marks.is_whiteout = true;
	else if (S_ISREG(st.st_mode) && st.st_size == 0)
		TRY(marks_read(&at, &marks, err));
	if (marks.is_whiteout)
		f->names[n].what = FOLDER_WHITEOUT;
	return 0;
}

int folder_read(int fd, bool is_userxattr, struct folder *f, struct err *err)
{
	const struct marked here = { .dir = fd, .is_userxattr = is_userxattr };

	/* A description of its own: the position in a folder belongs to it. */
	const int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = own >= 0 ? fdopendir(own) : NULL;

	if (!entries) {
		const int why = errno;

		if (own >= 0)
			(void)close(own);
		return err_sys(err, why, "folder");
	}
	int rc = read_names(entries, f, err);

	(void)closedir(entries);
	for (size_t n = 0; rc == 0 && n < f->count; n++)
		rc = find_whiteout(here, f, n, err);
	return rc;
}

struct order {
	const char *text;
	bool whiteouts_first;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct folder_name *x = a, *y = b;
	const struct order *order = arg;
	const bool x_first = order->whiteouts_first && x->what == FOLDER_WHITEOUT;
	const bool y_first = order->whiteouts_first && y->what == FOLDER_WHITEOUT;

	if (x_first != y_first)
		return x_first ? -1 : 1;
	return strcmp(order->text + x->at, order->text + y->at);
}

void folder_sort(struct folder *f, bool whiteouts_first)
{
	struct order order = { f->text.data, whiteouts_first };

	if (f->count)
		qsort_r(f->names, f->count, sizeof(f->names[0]), compare, &order);
}
