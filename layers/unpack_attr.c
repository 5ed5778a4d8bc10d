/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes in the order that keeps them: owner, then mode (chown clears set-id bits), then xattrs
 * (chown also clears file capabilities), then times. What an ordinary user, or the file system,
 * can't keep is booked, not hidden.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "layers/unpack_int.h"

#include <fcntl.h>
#include <sys/xattr.h>

void unpack_lose(struct unpack *u, enum unpack_loss loss, uint32_t node)
{
	_buf_ struct buf path = BUF_INIT((size_t)1 << 30);

	pthread_mutex_lock(&u->lock);
	if (u->report.lost[loss]++ == 0 && tree_path(u->tree, node, &path, NULL) == 0)
		u->report.first[loss] = xstrdup(buf_str(&path));
	pthread_mutex_unlock(&u->lock);
}

const char *unpack_loss_name(enum unpack_loss loss)
{
	static const char *const names[UNPACK_LOSS_COUNT] = {
		[UNPACK_LOSS_OWNER] = "owner", [UNPACK_LOSS_DEVICE] = "device",
		[UNPACK_LOSS_XATTR] = "xattr", [UNPACK_LOSS_MODE] = "mode",
		[UNPACK_LOSS_TIME] = "time",
	};

	return (unsigned)loss < UNPACK_LOSS_COUNT ? names[loss] : "?";
}

void unpack_report_fini(struct unpack_report *report)
{
	for (size_t i = 0; i < UNPACK_LOSS_COUNT; i++)
		free(report->first[i]);
	*report = (struct unpack_report){ 0 };
}

/* Refusals that depend on who we are or where we write, not on the image. */
static bool is_refusal(int errnum)
{
	return errnum == EPERM || errnum == EACCES || errnum == EOPNOTSUPP || errnum == EINVAL ||
	       errnum == E2BIG || errnum == ERANGE || errnum == EOVERFLOW;
}

static int set_owner(struct unpack_name *n, int fd, struct err *err)
{
	const struct tree_stat *st = &n->st;
	int rc;

	/* (uid_t)-1 would mean "leave it". */
	if (st->uid < 0 || st->gid < 0 || st->uid >= UINT32_MAX || st->gid >= UINT32_MAX)
		return err_set(err, ERR_DAMAGED, "owner %" PRIi64 ":%" PRIi64 " is out of range",
			       st->uid, st->gid);
	if (st->uid == n->unpack->uid && st->gid == n->unpack->gid)
		return 0;
	if (!n->unpack->keep_owner) {
		unpack_lose(n->unpack, UNPACK_LOSS_OWNER, n->node);
		return 0;
	}
	if (fd >= 0)
		rc = fchown(fd, (uid_t)st->uid, (gid_t)st->gid);
	else
		rc = fchownat(n->dir_fd, n->name, (uid_t)st->uid, (gid_t)st->gid,
			      AT_SYMLINK_NOFOLLOW);
	if (rc < 0) {
		if (!is_refusal(errno))
			return err_sys(err, errno, "chown");
		unpack_lose(n->unpack, UNPACK_LOSS_OWNER, n->node);
	}
	return 1;
}

static int set_mode(struct unpack_name *n, int fd, struct err *err)
{
	const mode_t mode = n->st.mode & 07777;
	int rc;

	if (fd >= 0)
		rc = fchmod(fd, mode);
	else /* a device or fifo that we made; a neighbour may have put a link there since */
		rc = fchmodat(n->dir_fd, n->name, mode, AT_SYMLINK_NOFOLLOW);
	if (rc < 0) {
		if (!is_refusal(errno))
			return err_sys(err, errno, "chmod");
		unpack_lose(n->unpack, UNPACK_LOSS_MODE, n->node);
	}
	return 0;
}

/* Labels of another machine's policy, and ACLs of another file system. */
static bool is_foreign_xattr(const char *name)
{
	return !strcmp(name, "security.selinux") || !strcmp(name, "system.nfs4_acl");
}

static int set_xattr(struct unpack_name *n, int fd, const struct tar_xattr *x, struct err *err)
{
	int rc;

	if (fd >= 0) {
		rc = fsetxattr(fd, x->name, x->value, x->value_len, 0);
	} else {
		_free_ char *path = xasprintf("/proc/self/fd/%d/%s", n->dir_fd, n->name);

		rc = lsetxattr(path, x->name, x->value, x->value_len, 0);
	}
	if (rc < 0) {
		if (!is_refusal(errno))
			return err_sys(err, errno, "set attribute");
		unpack_lose(n->unpack, UNPACK_LOSS_XATTR, n->node);
	}
	return 0;
}

static int set_xattrs(struct unpack_name *n, int fd, struct err *err)
{
	struct tar_xattr x;

	for (size_t i = 0; tree_xattr(n->unpack->tree, n->node, i, &x); i++)
		if (!is_foreign_xattr(x.name))
			TRY(set_xattr(n, fd, &x, err));
	return 0;
}

int unpack_times(struct unpack_name *n, int fd, struct err *err)
{
	const struct timespec t = { .tv_sec = n->st.mtime_sec, .tv_nsec = n->st.mtime_nsec };
	const struct timespec both[2] = { t, t };
	int rc;

	if (fd >= 0)
		rc = futimens(fd, both);
	else
		rc = utimensat(n->dir_fd, n->name, both, AT_SYMLINK_NOFOLLOW);
	if (rc < 0) {
		if (!is_refusal(errno))
			return err_sys(err, errno, "set times");
		unpack_lose(n->unpack, UNPACK_LOSS_TIME, n->node);
	}
	return 0;
}

int unpack_attributes(struct unpack_name *n, int fd, uint32_t fresh_mode, struct err *err)
{
	const int chowned = set_owner(n, fd, err);

	TRY(chowned);
	if (!S_ISLNK(n->st.mode) &&
	    (fresh_mode != (n->st.mode & 07777) || (chowned && (n->st.mode & 07000))))
		TRY(set_mode(n, fd, err));
	TRY(set_xattrs(n, fd, err));
	return unpack_times(n, fd, err);
}
