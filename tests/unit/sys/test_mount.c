/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by descriptor and loop devices, in a mount namespace of this process alone. */
#include "sys/mount.h"

#include "base/mem.h"
#include "base/text.h"
#include "tests/support/child.h"
#include "tests/support/tmp.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>

#define PATIENCE_MS 5000

/* Enters a namespace of its own; false, and skipped, where that can't be. */
static bool enter(void)
{
	if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	test_skip("needs root to mount");
	return false;
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static int make_tmpfs(bool read_only, const char *size, struct err *err)
{
	const struct mount_param params[] = { { "size", size, -1 }, { "mode", "0711", -1 } };
	const struct mount_new what = { .type = "tmpfs",
					.params = params,
					.count = ARRAY_SIZE(params),
					.read_only = read_only,
					.nodev = true,
					.noexec = true };

	return mount_make(&what, err);
}

static int open_path(const struct tmp *t, const char *name)
{
	return openat(t->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* --- making --- */

void test_mount__nobody_sees_it_until_it_is_attached(void)
{
	const int before = count_fds();
	struct mount_id detached, attached, below;
	struct err err = { 0 };
	struct statvfs vfs;
	struct stat st;

	if (!enter())
		return;
	struct tmp t = tmp_make();
	_free_ char *mnt = xasprintf("%s/mnt", t.path);
	_free_ char *path = NULL;

	CU_ASSERT_EQUAL(mkdirat(t.fd, "mnt", 0700), 0);
	int fd = make_tmpfs(false, "64k", &err);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(mkdirat(fd, "inside", 0700), 0);
	CU_ASSERT_EQUAL(mount_identify(fd, &detached, &err), 0);
	CU_ASSERT_EQUAL(mount_detach(mnt, false, &err), -ENOENT);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	int target = open_path(&t, "mnt");

	CU_ASSERT_EQUAL(mount_attach(fd, target, NULL), 0);
	(void)close(target);
	CU_ASSERT_EQUAL(mount_path_of(fd, &path, NULL), 0);
	CU_ASSERT_STRING_EQUAL(path, mnt);
	CU_ASSERT_EQUAL(mount_identify(fd, &attached, NULL), 0);
	CU_ASSERT_EQUAL(detached.unique, attached.unique);
	CU_ASSERT_EQUAL(strlen(attached.boot_id), 36);
	CU_ASSERT_EQUAL(mount_here(&below, NULL), 0);
	CU_ASSERT_EQUAL(below.namespace_id, attached.namespace_id);
	CU_ASSERT_EQUAL(below.unique, 0);
	if (attached.unique) {
		CU_ASSERT_EQUAL(mount_unique_at(AT_FDCWD, mnt), attached.unique);
		CU_ASSERT_EQUAL(mount_is_there(attached.unique), 1);
	}
	CU_ASSERT_EQUAL(mount_namespace_is_there(attached.namespace_id), 1);
	CU_ASSERT_EQUAL(mount_namespace_is_there(1), 0);
	CU_ASSERT_EQUAL(fstatat(t.fd, "mnt/inside", &st, 0), 0);
	CU_ASSERT_EQUAL(statvfs(mnt, &vfs), 0);
	CU_ASSERT_EQUAL(vfs.f_flag & (ST_RDONLY | ST_NODEV | ST_NOEXEC | ST_NOSUID),
			ST_NODEV | ST_NOEXEC);
	CU_ASSERT_EQUAL(vfs.f_blocks * vfs.f_frsize, 65536);
	/* Busy while it is open. */
	int inside = openat(fd, "inside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)close(fd);
	CU_ASSERT_EQUAL(mount_detach(mnt, false, &err), -EBUSY);
	CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	CU_ASSERT_EQUAL(mount_detach(mnt, true, NULL), 0);
	(void)close(inside);
	if (attached.unique)
		CU_ASSERT_EQUAL(mount_is_there(attached.unique), 0);
	CU_ASSERT_EQUAL(mount_is_there(0), -1);
	CU_ASSERT_EQUAL(mount_detach(mnt, false, NULL), -ENOENT);
	tmp_remove(&t);
	CU_ASSERT_EQUAL(count_fds(), before);
}

static void refused(const char *type, const char *key, const char *value, enum err_kind kind)
{
	const struct mount_param params[] = { { key, value, -1 } };
	const struct mount_new what = { .type = type, .params = params, .count = key != NULL };
	struct err err = { 0 };
	const int rc = mount_make(&what, &err);

	CU_ASSERT_TRUE(rc < 0);
	CU_ASSERT_EQUAL(err.kind, kind);
	if (err.kind != kind)
		printf("# %s %s: %d %s\n", type, key ? key : "", (int)err.kind, err.msg);
	CU_ASSERT_EQUAL(rc, -err.errnum);
	CU_ASSERT_TRUE(text_starts_with(err.msg, type));
	CU_ASSERT_PTR_NULL(strchr(err.msg, '\n'));
}

void test_mount__kinds_of_errors(void)
{
	const int before = count_fds();
	char longer[MOUNT_VALUE_MAX + 2];

	if (!enter())
		return;
	struct tmp t = tmp_make();
	_free_ char *file = xasprintf("%s/file", t.path);
	_free_ char *none = xasprintf("%s/none", t.path);

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	tmp_write_str(&t, "file", "no file system, but longer than none at all");
	refused("nosuchfs", NULL, NULL, ERR_UNSUPPORTED);
	refused("tmpfs", "nosuchoption", NULL, ERR_UNSUPPORTED);
	refused("tmpfs", "nosuchoption", "1", ERR_UNSUPPORTED);
	refused("tmpfs", "size", "many", ERR_UNSUPPORTED);
	refused("tmpfs", "size", longer, ERR_UNSUPPORTED);
	refused("erofs", "source", none, ERR_NOT_FOUND);
	refused("erofs", "source", file, ERR_UNSUPPORTED);
	refused("overlay", NULL, NULL, ERR_UNSUPPORTED);
	tmp_remove(&t);
	CU_ASSERT_EQUAL(count_fds(), before);
}

static int make_as_nobody(void *arg)
{
	struct err err = { 0 };

	(void)arg;
	CHILD_CHECK(make_tmpfs(false, "64k", &err) < 0 && err.kind == ERR_DENIED);
	err = (struct err){ 0 };
	CHILD_CHECK(mount_is_allowed(&err) < 0 && err.kind == ERR_DENIED);
	CHILD_CHECK(err.hint[0] != '\0');
	return 0;
}

void test_mount__not_for_everybody(void)
{
	static const struct child_setup nobody = { .unprivileged = true };

	CU_ASSERT_EQUAL(child_run(&nobody, make_as_nobody, NULL), 0);
	if (enter())
		CU_ASSERT_EQUAL(mount_is_allowed(NULL), 0);
}

/* --- clones --- */

void test_mount__a_clone_is_a_mount_of_its_own(void)
{
	const int before = count_fds();
	struct id_map map = { 0 };
	struct mount_id a, b;
	struct stat one, other;

	if (!enter())
		return;
	int fd = make_tmpfs(false, "64k", NULL);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(mkdirat(fd, "d", 0755) + mkdirat(fd, "d/e", 0755), 0);
	CU_ASSERT_EQUAL(fstatat(fd, "d", &one, 0), 0);
	int clone = mount_clone(fd, "d", NULL);

	CU_ASSERT_TRUE_FATAL(clone >= 0);
	CU_ASSERT_EQUAL(fstat(clone, &other), 0);
	CU_ASSERT_TRUE(one.st_dev == other.st_dev && one.st_ino == other.st_ino);
	CU_ASSERT_EQUAL(faccessat(clone, "e", F_OK, 0), 0);
	CU_ASSERT_EQUAL(mount_identify(fd, &a, NULL) + mount_identify(clone, &b, NULL), 0);
	CU_ASSERT_TRUE(!a.unique || a.unique != b.unique);
	/* What holds for one does not hold for the other. */
	CU_ASSERT_EQUAL(mount_restrict(clone, MOUNT_ATTR_RDONLY, NULL), 0);
	CU_ASSERT_TRUE(mkdirat(clone, "x", 0700) < 0 && errno == EROFS);
	CU_ASSERT_EQUAL(mkdirat(fd, "x", 0700), 0);
	CU_ASSERT_EQUAL(id_map_parse("0:100000:10", &map, NULL), 0);
	int userns = userns_make(&map, &map, NULL);

	CU_ASSERT_EQUAL(mount_idmap(clone, userns, NULL), 0);
	CU_ASSERT_EQUAL(fstat(clone, &other), 0);
	CU_ASSERT_EQUAL(other.st_uid, 100000);
	CU_ASSERT_EQUAL(fstatat(fd, "d", &one, 0), 0);
	CU_ASSERT_EQUAL(one.st_uid, 0);
	/* Once is all the kernel lets a mount have. */
	CU_ASSERT_TRUE(mount_idmap(clone, userns, NULL) < 0);
	CU_ASSERT_TRUE(mount_clone(fd, "nowhere", NULL) < 0);
	free(map.ranges);
	(void)close(userns);
	(void)close(clone);
	(void)close(fd);
	CU_ASSERT_EQUAL(count_fds(), before);
}

/* --- overlay by descriptors --- */

void test_mount__overlay_over_a_detached_mount(void)
{
	const int before = count_fds();
	struct err err = { 0 };

	if (!enter())
		return;
	int lower = make_tmpfs(false, "64k", NULL), work = make_tmpfs(false, "64k", NULL);

	CU_ASSERT_EQUAL(mkdirat(lower, "low", 0755), 0);
	CU_ASSERT_EQUAL(mkdirat(work, "u", 0755) + mkdirat(work, "w", 0755), 0);
	int upper = openat(work, "u", O_PATH | O_CLOEXEC),
	    w = openat(work, "w", O_PATH | O_CLOEXEC);
	const struct mount_param params[] = { { "lowerdir+", NULL, lower },
					      { "upperdir", NULL, upper },
					      { "workdir", NULL, w } };
	const struct mount_new what = { .type = "overlay", .params = params, .count = 3 };
	int fd = mount_make(&what, &err);

	if (fd < 0 && err.kind == ERR_UNSUPPORTED) {
		test_skip("overlayfs takes no descriptors here");
	} else {
		CU_ASSERT_TRUE(fd >= 0);
		CU_ASSERT_EQUAL(faccessat(fd, "low", F_OK, 0), 0);
		CU_ASSERT_EQUAL(mkdirat(fd, "new", 0755), 0);
		CU_ASSERT_EQUAL(faccessat(work, "u/new", F_OK, 0), 0);
		(void)close(fd);
	}
	(void)close(upper);
	(void)close(w);
	(void)close(lower);
	(void)close(work);
	CU_ASSERT_EQUAL(count_fds(), before);
}

/* --- loop devices --- */

/* Gone at once, or when whoever looks at new devices has looked. */
static bool is_free(const char *device)
{
	_free_ char *path = xasprintf("/sys/block/%s/loop/backing_file", device + 5);

	for (int i = 0; i < PATIENCE_MS; i++) {
		if (access(path, F_OK) < 0)
			return true;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return false;
}

void test_mount__a_loop_device_goes_with_its_user(void)
{
	const int before = count_fds();
	struct err err = { 0 };
	char path[32] = "", data[512] = "", want[1024];

	if (!enter())
		return;
	struct tmp t = tmp_make();

	memset(want, 'w', sizeof(want));
	tmp_write(&t, "file", want, sizeof(want));
	int file = openat(t.fd, "file", O_RDONLY | O_CLOEXEC);
	int fd = loop_attach(file, path, &err);

	(void)close(file);
	if (fd < 0 && err.kind == ERR_UNSUPPORTED) {
		test_skip("no loop devices here");
		tmp_remove(&t);
		return;
	}
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_TRUE_FATAL(text_starts_with(path, "/dev/loop"));
	CU_ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(pread(fd, data, sizeof(data), 512), 512);
	CU_ASSERT_EQUAL(memcmp(data, want, sizeof(data)), 0);
	int writer = open(path, O_RDWR | O_CLOEXEC);

	CU_ASSERT_TRUE(writer < 0 || pwrite(writer, data, sizeof(data), 0) < 0);
	(void)close(writer);
	CU_ASSERT_EQUAL(close(fd), 0);
	CU_ASSERT_TRUE(is_free(path));
	tmp_remove(&t);
	CU_ASSERT_EQUAL(count_fds(), before);
}

void test_mount__no_loop_device_over_what_is_no_file(void)
{
	const int before = count_fds();
	char path[32] = "unchanged";
	struct err err = { 0 };

	if (!enter())
		return;
	struct tmp t = tmp_make();

	CU_ASSERT_TRUE(loop_attach(t.fd, path, &err) < 0);
	CU_ASSERT_NOT_EQUAL(err.kind, ERR_NONE);
	CU_ASSERT_STRING_EQUAL(path, "unchanged");
	tmp_remove(&t);
	CU_ASSERT_EQUAL(count_fds(), before);
}
