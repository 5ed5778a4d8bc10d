/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writable roots: roots/<id>/upper has what was written, work is overlayfs's own, merged is where
 * it is mounted. The upper folder shows as "/" of the mount, so it gets what the image's root has.
 * Nothing of overlayfs is switched on that layers/changes.h could not read back: no redirects, no
 * files without their data.
 */
#include "base/mem.h"
#include "base/text.h"
#include "overlay/mounts_parts.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEAD_PREFIX	".dead-"
#define VOLATILE_FOLDER "work/work/incompat"
#define XATTRS_MAX	((size_t)64 * 1024)

int folder_list(int dir, folder_fn *fn, void *arg, struct err *err)
{
	struct dirent **names = NULL;
	const int count = scandirat(dir, ".", &names, NULL, NULL);
	int rc = 0;

	if (count < 0)
		return err_sys(err, errno, "folder");
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;

		if (rc == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			rc = fn(arg, name, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* --- folders --- */

static int make_parts(int root, struct err *err)
{
	static const char *const names[] = { "upper", "work", "merged" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		TRY(file_mkdir(root, names[i], 0700, err));
	return 0;
}

int root_make(struct store *store, const char *id, struct err *err)
{
	_close_ int roots = -1;

	TRY(store_folder(store, "roots", &roots, err));
	if (mkdirat(roots, id, 0700) < 0) {
		if (errno == EEXIST)
			return err_set(err, ERR_EXISTS, "%s: there is a root of that id", id);
		return err_sys(err, errno, "roots/%s", id);
	}
	_close_ int root = file_open_beneath(roots, id, O_RDONLY | O_DIRECTORY, 0, err);
	const int rc = root < 0 ? root : make_parts(root, err);

	if (rc < 0) {
		(void)file_remove_tree(roots, id, NULL);
		return rc;
	}
	return TAKE_FD(root);
}

int root_open(struct store *store, const char *id, struct err *err)
{
	_close_ int roots = -1;

	TRY(store_folder(store, "roots", &roots, err));
	return file_open_beneath(roots, id, O_RDONLY | O_DIRECTORY, 0, err);
}

/* Renamed first: what is half removed is never taken for a root. */
int root_remove(struct store *store, const char *id, struct err *err)
{
	_free_ char *dead = xasprintf(DEAD_PREFIX "%s", id);
	_close_ int roots = -1;

	TRY(store_folder(store, "roots", &roots, err));
	TRY(file_remove_tree(roots, dead, err));
	if (renameat2(roots, id, roots, dead, RENAME_NOREPLACE) < 0 && errno != ENOENT)
		return err_sys(err, errno, "roots/%s", id);
	return file_remove_tree(roots, dead, err);
}

/* --- the upper folder --- */

static bool is_of_overlayfs(const char *name)
{
	return text_starts_with(name, "trusted.overlay.") ||
	       text_starts_with(name, "user.overlay.");
}

/* What this process or file system may not have is no reason not to mount. */
static bool is_xattr_refusal(int errnum)
{
	return errnum == EPERM || errnum == EOPNOTSUPP || errnum == EACCES || errnum == EINVAL ||
	       errnum == ENODATA;
}

static int copy_xattr(int from, int to, const char *name, struct err *err)
{
	_free_ char *value = xcalloc(1, XATTRS_MAX);
	const ssize_t len = fgetxattr(from, name, value, XATTRS_MAX);

	if (is_of_overlayfs(name) ||
	    (len >= 0 && fsetxattr(to, name, value, (size_t)len, 0) == 0) ||
	    is_xattr_refusal(errno))
		return 0;
	return err_sys(err, errno, "attribute %s of the root", TEXT_ESCAPED(name));
}

static int copy_xattrs(int from, int to, struct err *err)
{
	_free_ char *names = xcalloc(1, XATTRS_MAX);
	const ssize_t len = flistxattr(from, names, XATTRS_MAX);

	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : err_sys(err, errno, "attributes of the root");
	for (const char *n = names; n < names + len; n += strlen(n) + 1)
		TRY(copy_xattr(from, to, n, err));
	return 0;
}

int root_dress(int root, int lower, struct err *err)
{
	_close_ int from = openat(lower, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_close_ int to = openat(root, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		return err_sys(err, errno, "root of the image");
	const struct timespec times[2] = { st.st_mtim, st.st_mtim };

	if (fchown(to, st.st_uid, st.st_gid) < 0 || fchmod(to, st.st_mode & 07777) < 0)
		return err_sys(err, errno, "upper folder");
	TRY(copy_xattrs(from, to, err));
	return futimens(to, times) < 0 ? err_sys(err, errno, "upper folder") : 0;
}

/* --- the overlay --- */

/*
 * Whether an overlay has the upper folder, in whatever mount namespace and below whatever path:
 * records can't know of copies that namespaces took of a mount. overlayfs knows, but lets a second
 * one in unless it has an index. So it is asked by a mount with an index that comes no further: its
 * work folder is on another mount than the upper one. What can't be asked is no reason not to
 * mount.
 */
static bool is_in_use(int root)
{
	_close_ int upper = openat(root, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_close_ int work = mount_clone(root, "work", NULL);
	const struct mount_param params[] = {
		{ "lowerdir+", NULL, work },
		{ "upperdir", NULL, upper },
		{ "workdir", NULL, work },
		{ "index", "on", -1 },
	};
	const struct mount_new what = { .type = "overlay",
					.params = params,
					.count = ARRAY_SIZE(params) };
	struct err why = { 0 };

	if (upper < 0 || work < 0)
		return false;
	_close_ int mount = mount_make(&what, &why);

	return mount < 0 && why.kind == ERR_BUSY;
}

/* One that was never mounted needs not be asked. */
int root_check_rest(int root, struct err *err)
{
	if (faccessat(root, "work/work", F_OK, AT_SYMLINK_NOFOLLOW) < 0 || !is_in_use(root))
		return 0;
	const int rc = err_set(err, ERR_BUSY, "a mount of this root is still in use elsewhere");

	err_hint(err, "a mount namespace kept it when it was made; end what lives there");
	return rc;
}

int root_overlay(int root, int lower, struct root_mode mode, struct err *err)
{
	_close_ int upper = openat(root, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_close_ int work = openat(root, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct mount_param params[9] = {
		{ "lowerdir+", NULL, lower }, { "upperdir", NULL, upper },
		{ "workdir", NULL, work },    { "redirect_dir", "nofollow", -1 },
		{ "metacopy", "off", -1 },    { "index", "off", -1 },
		{ "xino", "auto", -1 },
	};
	size_t count = 7;

	if (upper < 0 || work < 0)
		return err_sys(err, errno, "folders of the root");
	TRY(root_check_rest(root, err));
	if (mode.is_volatile)
		params[count++] = (struct mount_param){ "volatile", NULL, -1 };
	if (mode.is_userxattr)
		params[count++] = (struct mount_param){ "userxattr", NULL, -1 };
	return mount_make(
		&(struct mount_new){ .type = "overlay", .params = params, .count = count }, err);
}

bool root_is_unclean(int root)
{
	return faccessat(root, VOLATILE_FOLDER "/volatile", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int root_mark_clean(int root, struct err *err)
{
	_close_ int dir = file_open_beneath(root, VOLATILE_FOLDER, O_RDONLY | O_DIRECTORY, 0, NULL);

	return dir < 0 ? 0 : file_remove_tree(dir, "volatile", err);
}

/* --- sweeping --- */

static int is_entry(void *arg, const char *name, struct err *err)
{
	(void)arg;
	(void)name;
	(void)err;
	return 1;
}

/* Nothing was ever written below. */
static bool is_untouched(int roots, const char *name)
{
	_free_ char *upper = xasprintf("%s/upper", name);
	_close_ int fd = file_open_beneath(roots, upper, O_RDONLY | O_DIRECTORY, 0, NULL);

	return fd < 0 ? fd == -ENOENT : folder_list(fd, is_entry, NULL, NULL) == 0;
}

struct sweep {
	struct store *store;
	int dir;
};

static int sweep_root(void *arg, const char *name, struct err *err)
{
	const struct sweep *s = arg;
	_mount_record_ struct mount_record r = { 0 };
	struct err why = { 0 };

	if (text_starts_with(name, DEAD_PREFIX))
		return file_remove_tree(s->dir, name, err);
	if (mount_record_get(s->store, name, &r, &why) == 0 || why.kind != ERR_NOT_FOUND ||
	    !is_untouched(s->dir, name))
		return 0;
	return file_remove_tree(s->dir, name, err);
}

int roots_sweep(struct store *store, struct err *err)
{
	_close_ int roots = -1;

	TRY(store_folder(store, "roots", &roots, err));
	return folder_list(roots, sweep_root, &(struct sweep){ store, roots }, err);
}
