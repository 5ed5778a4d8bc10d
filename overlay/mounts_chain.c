/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One superblock for all mounts of an image in a mount namespace: the base, mounted at
 * mounts/.DRIVER-CHAINID, which everything else is cloned from. It goes with the last recorded
 * mount. What lies at that path is asked who it is (file system, uuid) before it is cloned, so that
 * nothing else is ever served in its place. The lock is a file that is removed with the last mount:
 * who waited for a removed one tries again.
 */
#include "overlay/mounts_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Newer than the headers this builds with: Linux 6.9. */
struct fs_uuid {
	uint8_t len;
	uint8_t bytes[16];
};
#define FS_IOC_GETFSUUID_ _IOR(0x15, 0, struct fs_uuid)

/* --- the lock --- */

static int lock_once(struct op *op, int mounts, const char *name, int *ret_fd, struct err *err)
{
	_close_ int fd = openat(mounts, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return err_sys(err, errno, "mounts/%s", name);
	TRY(file_lock_wait(op, fd, true, err));
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "mounts/%s", name);
	if (st.st_nlink == 0)
		return 0;
	*ret_fd = TAKE_FD(fd);
	return 1;
}

static char *lock_name(const struct digest *id)
{
	return xasprintf(".lock-%s", DIGEST_HEX(id));
}

int mount_chain_open(struct op *op, struct store *store, const struct digest *id,
		     struct mount_chain *ret, struct err *err)
{
	_mount_chain_ struct mount_chain c = MOUNT_CHAIN_CLOSED;
	_free_ char *name = lock_name(id);
	int got = 0;

	c.store = store;
	c.id = *id;
	TRY(store_folder(store, "mounts", &c.mounts_fd, err));
	TRY(file_lock_wait(op, c.mounts_fd, false, err));
	while (!got) {
		got = lock_once(op, c.mounts_fd, name, &c.lock_fd, err);
		TRY(got);
	}
	*ret = c;
	c.mounts_fd = c.lock_fd = -1;
	return 0;
}

void mount_chain_close(struct mount_chain *c)
{
	if (c->lock_fd >= 0)
		(void)close(c->lock_fd);
	if (c->mounts_fd >= 0)
		(void)close(c->mounts_fd);
	*c = MOUNT_CHAIN_CLOSED;
}

/* --- bases --- */

static char *base_name(const struct mount_chain *c, const struct driver *driver)
{
	return xasprintf(".%s-%s", driver->name, DIGEST_HEX(&c->id));
}

/*
 * 1: an image with the uuid that ours of this chain has; 0: something else. Kernels that tell no
 * uuid show an image all the same, and the folder is ours alone.
 */
static int is_base(int fd, const struct digest *chain_id, struct err *err)
{
	struct fs_uuid uuid = { 0 };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return err_sys(err, errno, "base of a mount");
	if (fs.f_type != EROFS_SUPER_MAGIC_V1)
		return 0;
	if (ioctl(fd, FS_IOC_GETFSUUID_, &uuid) < 0)
		return errno == ENOTTY ? 1 : err_sys(err, errno, "base of a mount");
	return uuid.len == sizeof(uuid.bytes) &&
	       !memcmp(uuid.bytes, chain_id->bytes, sizeof(uuid.bytes));
}

/* Opens it into *ret_fd and returns 1; 0 when there is none. */
static int open_base(const struct mount_chain *c, const char *name, int *ret_fd, struct err *err)
{
	_close_ int fd =
		openat(c->mounts_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return err_sys(err, errno, "mounts/%s", name);
	const int rc = is_base(fd, &c->id, err);

	if (rc == 1)
		*ret_fd = TAKE_FD(fd);
	return rc;
}

static int attach_base(const struct mount_chain *c, const char *name, int mount, struct err *err)
{
	TRY(file_mkdir(c->mounts_fd, name, 0700, err));
	_close_ int dir = openat(c->mounts_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return err_sys(err, errno, "mounts/%s", name);
	return mount_attach(mount, dir, err);
}

/* With this driver. */
static int lower_by(const struct mount_lowering *w, const struct driver *driver, int *ret_mount,
		    struct err *err)
{
	_free_ char *name = base_name(w->chain, driver);
	_close_ int base = -1;

	if (driver->is_superblock)
		TRY(open_base(w->chain, name, &base, err));
	if (base < 0) {
		TRY(driver->lower(w->op, w->request, &w->chain->id, &base, err));
		if (!driver->is_superblock) {
			*ret_mount = TAKE_FD(base);
			return 0;
		}
		TRY(attach_base(w->chain, name, base, err));
	}
	const int mount = mount_clone(base, "", err);

	TRY(mount);
	*ret_mount = mount;
	return 0;
}

/* Whether another driver may do what this one could not. */
static bool is_refusal(const struct err *why)
{
	return why->kind == ERR_UNSUPPORTED || why->kind == ERR_DENIED;
}

/* One that works here but not for this image is no secret. */
static void refuse(const struct mount_lowering *w, const struct driver *driver,
		   const struct err *why, struct buf *said)
{
	if (driver->probe(w->chain->store, NULL) == 0)
		op_note(w->op, "%s can't mount this image: %s", driver->name, why->msg);
	(void)buf_printf(said, NULL, "%s%s: %s", said->len ? "; " : "", driver->name, why->msg);
}

static int lower_by_any(const struct mount_lowering *w, const struct driver **ret_driver,
			int *ret_mount, struct err *err)
{
	_buf_ struct buf said = BUF_INIT(4096);

	for (const struct driver *const *d = drivers; *d; d++) {
		struct err why = { 0 };
		const int rc = lower_by(w, *d, ret_mount, &why);

		if (rc == 0) {
			*ret_driver = *d;
			return 0;
		}
		if (!is_refusal(&why)) {
			*err = why;
			return rc;
		}
		refuse(w, *d, &why, &said);
	}
	return err_set(err, ERR_UNSUPPORTED, "no driver can mount it: %s", buf_str(&said));
}

int mount_chain_lower(const struct mount_lowering *w, const struct driver **ret_driver,
		      int *ret_mount, struct err *err)
{
	const struct driver *driver;

	TRY(driver_find(w->request->driver, &driver, err));
	if (!driver)
		return lower_by_any(w, ret_driver, ret_mount, err);
	if (lower_by(w, driver, ret_mount, err) < 0)
		return err_prefix(err, "driver %s", driver->name);
	*ret_driver = driver;
	return 0;
}

/* --- release --- */

/* Who uses a chain: mounts here by the order of drivers[], and in other namespaces. */
struct users {
	size_t here[8], here_any, elsewhere;
};

static int count_user(void *arg, const struct mount_record *r, struct err *err)
{
	struct users *u = arg;

	(void)err;
	u->elsewhere += r->entry.state == MOUNT_ELSEWHERE;
	if (r->entry.state != MOUNT_ACTIVE)
		return 0;
	u->here_any++;
	for (size_t i = 0; drivers[i] && i < ARRAY_SIZE(u->here); i++)
		u->here[i] += !strcmp(drivers[i]->name, r->entry.driver);
	return 0;
}

static int detach_base(const struct mount_chain *c, const char *name, struct err *err)
{
	_free_ char *path = xasprintf("%s/mounts/%s", store_path(c->store), name);

	for (;;) {
		_close_ int base = -1;
		const int there = open_base(c, name, &base, err);

		if (there <= 0)
			return there;
		/* Lazy, so that nobody's working folder keeps it: clones live on by themselves. */
		TRY(mount_detach(path, true, err));
	}
}

int mount_chain_renew(const struct mount_chain *c, struct err *err)
{
	for (size_t i = 0; drivers[i]; i++) {
		_free_ char *name = base_name(c, drivers[i]);

		if (drivers[i]->is_superblock)
			TRY(detach_base(c, name, err));
	}
	return 0;
}

static int release_base(const struct mount_chain *c, const struct driver *driver, bool is_elsewhere,
			struct err *err)
{
	_free_ char *name = base_name(c, driver);

	TRY(detach_base(c, name, err));
	/* Removing the folder would take the base of another namespace down. */
	if (!is_elsewhere && unlinkat(c->mounts_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT &&
	    errno != EBUSY)
		return err_sys(err, errno, "mounts/%s", name);
	return 0;
}

int mount_chain_release(const struct mount_chain *c, struct err *err)
{
	_free_ char *lock = lock_name(&c->id);
	struct users users = { 0 };

	TRY(mount_record_list(c->store, &c->id, count_user, &users, err));
	for (size_t i = 0; drivers[i]; i++)
		if (drivers[i]->is_superblock && !users.here[i])
			TRY(release_base(c, drivers[i], users.elsewhere != 0, err));
	if (!users.here_any && !users.elsewhere && unlinkat(c->mounts_fd, lock, 0) < 0 &&
	    errno != ENOENT)
		return err_sys(err, errno, "mounts/%s", lock);
	return 0;
}
