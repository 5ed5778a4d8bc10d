/* SPDX-License-Identifier: Apache-2.0 */
/* Unmounting what is meant, while somebody renames the folders on the way to it. */
#include "base/mem.h"
#include "sys/mount.h"
#include "tests/support/tmp.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Mounts a tmpfs at a folder that it makes; its unique id. */
static uint64_t put(const struct tmp *t, const char *name)
{
	const struct mount_new what = { .type = "tmpfs" };

	CU_ASSERT_EQUAL(mkdirat(t->fd, name, 0700), 0);
	_close_ int target = openat(t->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_close_ int mount = mount_make(&what, NULL);

	CU_ASSERT_EQUAL_FATAL(mount_attach(mount, target, NULL), 0);
	return mount_unique_at(t->fd, name);
}

void test_mount_this__only_what_is_meant(void)
{
	struct err err = { 0 };

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		test_skip("needs root to mount");
		return;
	}
	_tmp_ struct tmp t = tmp_make();

	CU_ASSERT_EQUAL(mkdirat(t.fd, "a", 0700), 0);
	CU_ASSERT_EQUAL(mkdirat(t.fd, "b", 0700), 0);
	const uint64_t mine = put(&t, "a/m"), other = put(&t, "b/m");
	_free_ char *path = xasprintf("%s/a/m", t.path);

	CU_ASSERT_TRUE(mine && other && mine != other);
	/* The way to it leads to another one now. */
	CU_ASSERT_EQUAL(renameat(t.fd, "a", t.fd, "c"), 0);
	CU_ASSERT_EQUAL(symlinkat("b", t.fd, "a"), 0);
	for (int lazy = 0; lazy < 2; lazy++) {
		err_clear(&err);
		CU_ASSERT_TRUE(mount_detach_this(path, mine, lazy, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	}
	CU_ASSERT_EQUAL(mount_unique_at(t.fd, "b/m"), other);
	CU_ASSERT_EQUAL(mount_unique_at(t.fd, "c/m"), mine);
	CU_ASSERT_EQUAL(unlinkat(t.fd, "a", 0), 0);
	CU_ASSERT_TRUE(mount_detach_this(path, mine, false, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(renameat(t.fd, "c", t.fd, "a"), 0);
	CU_ASSERT_EQUAL(mount_detach_this(path, mine, false, &err), 0);
	CU_ASSERT_NOT_EQUAL(mount_unique_at(t.fd, "a/m"), mine);
	_free_ char *second = xasprintf("%s/b/m", t.path);

	CU_ASSERT_EQUAL(mount_detach_this(second, 0, false, NULL), 0);
	CU_ASSERT_EQUAL(mount_detach_this(second, 0, false, &err), -ENOENT);
}
