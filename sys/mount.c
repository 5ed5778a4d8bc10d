/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount API of Linux 5.2 by glibc's wrappers. Errors of making a file system come in two parts:
 * an errno, which is all that decides, and a line of the kernel's in the log of the context, which
 * is for people.
 */
#include "sys/mount.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <sys/mount.h>

#define LOG_LINE_BYTES 512

static enum err_kind kind_of(int errnum)
{
	switch (errnum) {
	case ENODEV:
	case ENOTBLK:
	case EINVAL:
	case EOPNOTSUPP:
	case ENOSYS:
	case ENXIO:
		return ERR_UNSUPPORTED;
	case EPERM:
	case EACCES:
		return ERR_DENIED;
	case EUCLEAN:
	case EBADMSG:
		return ERR_DAMAGED;
	case EBUSY:
		return ERR_BUSY;
	default:
		return ERR_NONE;
	}
}

static int failed(struct err *err, int errnum, const char *what)
{
	const enum err_kind kind = kind_of(errnum);

	(void)err_sys(err, errnum, "%s", what);
	if (err && kind != ERR_NONE)
		err->kind = kind;
	return -errnum;
}

/* The first error of the context's log ("e overlay: ..."), in place of what the errno says. */
static void explain(int context, const char *type, struct err *err)
{
	char line[LOG_LINE_BYTES];
	ssize_t n;

	while ((n = read(context, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != 'e' || line[1] != ' ' || !err)
			continue;
		const struct err was = *err;

		(void)err_set(err, was.kind, "%s (errno %d)", TEXT_ESCAPED(line + 2), was.errnum);
		err->errnum = was.errnum;
		if (!text_starts_with(line + 2, type))
			(void)err_prefix(err, "%s", type);
		return;
	}
}

static int set_param(int context, const struct mount_param *p, struct err *err)
{
	int rc;

	if (p->value && strlen(p->value) > MOUNT_VALUE_MAX)
		return err_set(err, ERR_UNSUPPORTED, "mount option %s is longer than %d bytes",
			       p->key, MOUNT_VALUE_MAX);
	if (p->value)
		rc = fsconfig(context, FSCONFIG_SET_STRING, p->key, p->value, 0);
	else if (p->fd >= 0)
		rc = fsconfig(context, FSCONFIG_SET_FD, p->key, NULL, p->fd);
	else
		rc = fsconfig(context, FSCONFIG_SET_FLAG, p->key, NULL, 0);
	return rc < 0 ? failed(err, errno, p->key) : 0;
}

static unsigned attributes(const struct mount_new *what)
{
	return (what->read_only ? MOUNT_ATTR_RDONLY : 0) | (what->nodev ? MOUNT_ATTR_NODEV : 0) |
	       (what->nosuid ? MOUNT_ATTR_NOSUID : 0) | (what->noexec ? MOUNT_ATTR_NOEXEC : 0);
}

static int make(int context, const struct mount_new *what, struct err *err)
{
	static const struct mount_param read_only = { "ro", NULL, -1 };

	if (what->read_only)
		TRY(set_param(context, &read_only, err));
	for (size_t i = 0; i < what->count; i++)
		TRY(set_param(context, &what->params[i], err));
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return failed(err, errno, "mount");
	const int fd = fsmount(context, FSMOUNT_CLOEXEC, attributes(what));

	return fd < 0 ? failed(err, errno, "fsmount") : fd;
}

int mount_make(const struct mount_new *what, struct err *err)
{
	_close_ int context = fsopen(what->type, FSOPEN_CLOEXEC);

	if (context < 0) {
		(void)failed(err, errno, "no such file system here");
		return err_prefix(err, "%s", what->type);
	}
	const int fd = make(context, what, err);

	if (fd >= 0)
		return fd;
	(void)err_prefix(err, "%s", what->type);
	explain(context, what->type, err);
	return fd;
}

int mount_clone(int dir, const char *path, struct err *err)
{
	const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
			       (*path ? 0 : AT_EMPTY_PATH);
	const int fd = open_tree(dir, path, flags);

	return fd < 0 ? failed(err, errno, "clone of a mount") : fd;
}

static int set_attributes(int mount, struct mount_attr *attr, const char *what, struct err *err)
{
	if (mount_setattr(mount, "", AT_EMPTY_PATH, attr, sizeof(*attr)) < 0)
		return failed(err, errno, what);
	return 0;
}

int mount_restrict(int mount, uint64_t set, struct err *err)
{
	return set_attributes(mount, &(struct mount_attr){ .attr_set = set }, "mount attributes",
			      err);
}

int mount_idmap(int mount, int userns, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };

	return set_attributes(mount, &attr, "mapping of ids", err);
}

int mount_attach(int mount, int target, struct err *err)
{
	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
	    0)
		return failed(err, errno, "mount");
	return 0;
}

/* `path` is what people call it. */
static int detach(const char *target, bool lazy, const char *path, struct err *err)
{
	if (umount2(target, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	/* What EINVAL means of umount2: this is no mount. */
	if (errno == EINVAL)
		return err_set(err, ERR_NOT_FOUND, "%s: not mounted", TEXT_ESCAPED(path));
	return failed(err, errno, TEXT_ESCAPED(path));
}

int mount_detach(const char *path, bool lazy, struct err *err)
{
	return detach(path, lazy, path, err);
}

int mount_detach_this(const char *path, uint64_t unique, bool lazy, struct err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_free_ char *above = slash == path ? xstrdup("/") : xmemdupz(path, (size_t)(name - path));
	/* The folder it lies in, not the mount itself: that would be busy by us. */
	_close_ int dir = open(*above ? above : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	if (unique && mount_unique_at(dir, *name ? name : ".") != unique)
		return err_set(err, ERR_BUSY, "%s: moved, or something else is mounted over it",
			       TEXT_ESCAPED(path));
	_free_ char *here = xasprintf("/proc/self/fd/%d/%s", dir, name);

	return detach(here, lazy, path, err);
}

int mount_is_allowed(struct err *err)
{
	_close_ int fd = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	/* It may also fail for what is mounted below. */
	if (fd >= 0 || errno != EPERM)
		return 0;
	const int rc = err_set(err, ERR_DENIED, "mounting is for root alone");

	err_hint(err, "run it inside a user namespace of your own: unshare -rm img mount ...");
	return rc;
}
