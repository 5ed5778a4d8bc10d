/* SPDX-License-Identifier: Apache-2.0 */
/* Writable roots: written to, unmounted, mounted again, read without mounting, removed. */
#include "base/mem.h"
#include "base/text.h"
#include "overlay/erofs.h"
#include "overlay/mount_record.h"
#include "overlay/mounts_parts.h"
#include "sys/file.h"
#include "tests/unit/overlay/mountmaker.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

static const char *const two[] = { "d etc:700; f etc/motd=hello; f gone=x; d .:751", "f new=n",
				   NULL };

/* A store, an image of it, and a root "r" that is mounted. */
struct rooted {
	struct mountmaker m;
	struct mountimage i;
	struct mount_request q;
	struct mount_entry e;
};

static struct rooted *rooted_new(bool is_volatile)
{
	struct rooted *r = NEW(struct rooted);
	struct err err = { 0 };

	r->m = mountmaker_make();
	if (!r->m.store) {
		free(r);
		return NULL;
	}
	mountimage_init(&r->i, r->m.store, two);
	r->q = mountimage_request(&r->i);
	r->q.id = "r";
	r->q.is_writable = true;
	r->q.is_volatile = is_volatile;
	CU_ASSERT_EQUAL(mounts_mount(NULL, &r->q, &r->e, &err), 0);
	CU_ASSERT_EQUAL_FATAL(err.kind, ERR_NONE);
	return r;
}

static int unmount(struct store *store, const char *name, bool remove, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct umount_request q = { .store = store, .name = name, .remove = remove };

	return mounts_umount(NULL, &q, &e, err);
}

static int remount(struct rooted *r, struct err *err)
{
	mount_entry_fini(&r->e);
	return mounts_remount(NULL, &r->q, &r->e, err);
}

static void rooted_free(struct rooted *r)
{
	struct err err = { 0 };

	CU_ASSERT_EQUAL(unmount(r->m.store, "r", true, &err), 0);
	if (err.kind)
		printf("# %s\n", err.msg);
	mount_entry_fini(&r->e);
	mountimage_fini(&r->i);
	mountmaker_fini(&r->m);
	free(r);
}

static void put(const char *folder, const char *name, const char *text)
{
	_free_ char *path = xasprintf("%s/%s", folder, name);
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CU_ASSERT_EQUAL(file_write_all(fd, text, strlen(text), name, NULL), 0);
}

static enum mount_state state_of(struct rooted *r)
{
	_mount_entry_ struct mount_entry e = { 0 };

	CU_ASSERT_EQUAL(mounts_find(r->m.store, "r", &e, NULL), 0);
	return e.state;
}

void test_mounts_roots__what_is_written_stays(void)
{
	struct rooted *r = rooted_new(false);
	struct stat st = { 0 };
	struct statfs fs = { 0 };

	if (!r)
		return;
	CU_ASSERT_TRUE(shows(r->e.path, "etc/motd", "hello"));
	CU_ASSERT_EQUAL(stat(r->e.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0751); /* as the image's root */
	CU_ASSERT_EQUAL(statfs(r->e.path, &fs), 0);
	CU_ASSERT_EQUAL(fs.f_type, OVERLAYFS_SUPER_MAGIC);
	put(r->e.path, "etc/motd", "changed");
	put(r->e.path, "mine", "m");
	CU_ASSERT_EQUAL(unmount(r->m.store, r->e.path, false, NULL), 0);
	CU_ASSERT_EQUAL(mounts_below(r->m.tmp.path), 0);
	CU_ASSERT_EQUAL(state_of(r), MOUNT_NONE);
	/* Again is no error, and changes nothing. */
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	CU_ASSERT_EQUAL(state_of(r), MOUNT_NONE);
	CU_ASSERT_EQUAL(remount(r, NULL), 0);
	CU_ASSERT_EQUAL(r->e.state, MOUNT_ACTIVE);
	CU_ASSERT_TRUE(shows(r->e.path, "etc/motd", "changed"));
	CU_ASSERT_TRUE(shows(r->e.path, "mine", "m"));
	CU_ASSERT_TRUE(shows(r->e.path, "new", "n"));
	rooted_free(r);
}

static void not_again(const struct mount_request *q, enum err_kind kind)
{
	struct mount_entry e = { 0 };
	struct err err = { 0 };

	CU_ASSERT_TRUE(mounts_remount(NULL, q, &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, kind);
	CU_ASSERT_PTR_NULL(e.path);
}

void test_mounts_roots__not_everything_is_mounted_again(void)
{
	struct rooted *r = rooted_new(false);
	_mount_entry_ struct mount_entry e = { 0 };

	if (!r)
		return;
	struct mount_request q = r->q;

	not_again(&q, ERR_BUSY);
	q.id = "unknown";
	not_again(&q, ERR_NOT_FOUND);
	q.id = "../r";
	not_again(&q, ERR_USAGE);
	/* One that can only be read. */
	q.id = "ro";
	q.is_writable = false;
	CU_ASSERT_EQUAL(mounts_mount(NULL, &q, &e, NULL), 0);
	not_again(&q, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(unmount(r->m.store, "ro", false, NULL), 0);
	/* Other layers. */
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	q = r->q;
	q.layer_count = 1;
	not_again(&q, ERR_USAGE);
	rooted_free(r);
}

void test_mounts_roots__what_it_is_it_stays(void)
{
	struct rooted *r = rooted_new(true);

	if (!r)
		return;
	CU_ASSERT_TRUE(r->e.is_volatile);
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	r->q.is_volatile = false;
	r->q.is_writable = false;
	r->q.uidmap = "0:5:5";
	CU_ASSERT_EQUAL(remount(r, NULL), 0);
	CU_ASSERT_TRUE(r->e.is_volatile && r->e.is_writable);
	CU_ASSERT_PTR_NULL(r->e.uidmap);
	rooted_free(r);
}

void test_mounts_roots__sides_without_mounting(void)
{
	struct rooted *r = rooted_new(false);
	struct root_sides sides = { .upper_fd = -1 };
	struct mount_request q;
	struct err err = { 0 };

	if (!r)
		return;
	put(r->e.path, "mine", "m");
	for (int mounted = 1; mounted >= 0; mounted--) {
		CU_ASSERT_EQUAL_FATAL(mounts_open_root(NULL, &r->q, &sides, &err), 0);
		CU_ASSERT_EQUAL(faccessat(sides.upper_fd, "mine", F_OK, 0), 0);
		CU_ASSERT_TRUE(faccessat(sides.upper_fd, "new", F_OK, 0) < 0);
		CU_ASSERT_EQUAL(erofs_device_count(sides.erofs), 2);
		root_sides_fini(&sides);
		CU_ASSERT_EQUAL(mounts_below(r->m.tmp.path), mounted ? 2 : 0);
		if (mounted)
			CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	}
	q = r->q;
	q.id = "unknown";
	CU_ASSERT_TRUE(mounts_open_root(NULL, &q, &sides, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	rooted_free(r);
}

void test_mounts_roots__removed_with_all_that_was_written(void)
{
	struct rooted *r = rooted_new(false);
	struct mount_request q;

	if (!r)
		return;
	put(r->e.path, "mine", "m");
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", true, NULL), 0);
	CU_ASSERT_EQUAL(mountmaker_entries(&r->m, "roots"), 0);
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", true, NULL), 1);
	q = r->q;
	not_again(&q, ERR_NOT_FOUND);
	/* The id is free again. */
	mount_entry_fini(&r->e);
	CU_ASSERT_EQUAL(mounts_mount(NULL, &r->q, &r->e, NULL), 0);
	CU_ASSERT_FALSE(shows(r->e.path, "mine", "m"));
	rooted_free(r);
}

/* A mount namespace that somebody made meanwhile holds a copy of the mount that no record knows. */
void test_mounts_roots__not_twice_whoever_holds_the_first(void)
{
	struct rooted *r = rooted_new(false);

	if (!r)
		return;
	const int copy = mount_clone(AT_FDCWD, r->e.path, NULL);

	CU_ASSERT_TRUE_FATAL(copy >= 0);
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	not_again(&r->q, ERR_BUSY);
	CU_ASSERT_EQUAL(mounts_below(r->m.tmp.path), 0);
	/* Nor is what he writes to removed. */
	CU_ASSERT_TRUE(unmount(r->m.store, "r", true, NULL) < 0);
	CU_ASSERT_EQUAL(mountmaker_entries(&r->m, "roots"), 1);
	CU_ASSERT_EQUAL(close(copy), 0);
	mount_entry_fini(&r->e);
	CU_ASSERT_EQUAL(mounts_remount(NULL, &r->q, &r->e, NULL), 0);
	rooted_free(r);
}

/* Somebody removed the folder: there is nothing to keep the record for. */
void test_mounts_roots__without_a_folder_it_is_forgotten(void)
{
	struct rooted *r = rooted_new(false);

	if (!r)
		return;
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	CU_ASSERT_EQUAL(root_remove(r->m.store, "r", NULL), 0);
	not_again(&r->q, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 1);
	mount_entry_fini(&r->e);
	CU_ASSERT_EQUAL(mounts_mount(NULL, &r->q, &r->e, NULL), 0);
	rooted_free(r);
}

/* --- volatile --- */

/* As if the system had gone down since: the record is of another boot. */
static void reboot(struct rooted *r)
{
	_mount_record_ struct mount_record rec = { 0 };

	CU_ASSERT_EQUAL(mount_record_get(r->m.store, "r", &rec, NULL), 0);
	memset(rec.entry.where.boot_id, '0', 8);
	CU_ASSERT_EQUAL(mount_record_swap(r->m.store, &rec, &rec.entry, NULL), 0);
}

/* umount(8), or a system that went down. */
static void take_down(struct rooted *r)
{
	_free_ char *base = xasprintf("%s/mounts/.erofs-%s", r->m.path, DIGEST_HEX(&r->i.chain));

	CU_ASSERT_EQUAL(umount2(r->e.path, 0), 0);
	CU_ASSERT_EQUAL(umount2(base, 0), 0);
}

void test_mounts_roots__volatile_is_not_trusted_after_a_crash(void)
{
	struct rooted *r = rooted_new(true);
	uint64_t count = 0;

	if (!r)
		return;
	put(r->e.path, "mine", "m");
	take_down(r);
	reboot(r);
	CU_ASSERT_EQUAL(state_of(r), MOUNT_STALE);
	not_again(&r->q, ERR_DAMAGED);
	/* Tidying does not make it better, and removes no root. */
	CU_ASSERT_EQUAL(mounts_tidy(NULL, r->m.store, &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(state_of(r), MOUNT_NONE);
	not_again(&r->q, ERR_DAMAGED);
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	not_again(&r->q, ERR_DAMAGED);
	rooted_free(r);
}

void test_mounts_roots__volatile_in_order_or_in_one_boot(void)
{
	struct rooted *r = rooted_new(true);

	if (!r)
		return;
	put(r->e.path, "mine", "m");
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	reboot(r);
	CU_ASSERT_EQUAL(remount(r, NULL), 0);
	CU_ASSERT_TRUE(shows(r->e.path, "mine", "m"));
	/* Taken down by somebody else, but the system ran on. */
	take_down(r);
	CU_ASSERT_EQUAL(remount(r, NULL), 0);
	CU_ASSERT_TRUE(shows(r->e.path, "mine", "m"));
	rooted_free(r);
}

/* Mounting again failed after overlayfs had left its mark: nothing was written meanwhile. */
void test_mounts_roots__volatile_that_could_not_be_mounted(void)
{
	struct rooted *r = rooted_new(true);
	const struct digest gone = { .alg = DIGEST_SHA256, .bytes = { 9 } };

	if (!r)
		return;
	CU_ASSERT_EQUAL(unmount(r->m.store, "r", false, NULL), 0);
	reboot(r);
	/* The record is the last thing before; it can't be written for a manifest that is gone. */
	_mount_record_ struct mount_record rec = { 0 };

	CU_ASSERT_EQUAL(mount_record_get(r->m.store, "r", &rec, NULL), 0);
	rec.entry.manifest = gone;
	CU_ASSERT_EQUAL(mount_record_swap(r->m.store, &rec, &rec.entry, NULL), 0);
	not_again(&r->q, ERR_NOT_FOUND);
	mount_record_fini(&rec);
	CU_ASSERT_EQUAL(mount_record_get(r->m.store, "r", &rec, NULL), 0);
	CU_ASSERT_TRUE(text_starts_with(rec.entry.where.boot_id, "00000000"));
	rec.entry.manifest = r->i.manifest;
	CU_ASSERT_EQUAL(mount_record_swap(r->m.store, &rec, &rec.entry, NULL), 0);
	CU_ASSERT_EQUAL(remount(r, NULL), 0);
	rooted_free(r);
}

/* --- what is left by who was killed --- */

void test_mounts_roots__sweeping_keeps_what_was_written(void)
{
	struct rooted *r = rooted_new(false);
	uint64_t count;

	if (!r)
		return;
	/* Made, but never recorded: nothing in it, and something in it. */
	int untouched = root_make(r->m.store, "untouched", NULL);
	int written = root_make(r->m.store, "written", NULL);

	CU_ASSERT_EQUAL(mkdirat(written, "upper/d", 0755), 0);
	(void)close(untouched);
	(void)close(written);
	CU_ASSERT_EQUAL(mountmaker_entries(&r->m, "roots"), 3);
	CU_ASSERT_EQUAL(mounts_tidy(NULL, r->m.store, &count, NULL), 0);
	CU_ASSERT_EQUAL(mountmaker_entries(&r->m, "roots"), 2);
	CU_ASSERT_EQUAL(root_remove(r->m.store, "written", NULL), 0);
	CU_ASSERT_TRUE(shows(r->e.path, "new", "n"));
	rooted_free(r);
}

/* An id that is wanted again must not wait for a sweep. */
void test_mounts_roots__the_folder_of_a_killed_one_is_in_nobodys_way(void)
{
	struct rooted *r = rooted_new(false);
	_mount_entry_ struct mount_entry e = { 0 };
	struct mount_request q;
	struct err err = { 0 };

	if (!r)
		return;
	const int store = open(r->m.path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	q = r->q;
	q.id = "again";
	CU_ASSERT_EQUAL(mkdirat(store, "roots/again", 0700), 0);
	CU_ASSERT_EQUAL(mounts_mount(NULL, &q, &e, &err), 0);
	CU_ASSERT_EQUAL(unmount(r->m.store, "again", true, NULL), 0);
	mount_entry_fini(&e);
	CU_ASSERT_EQUAL(mkdirat(store, "mounts/again", 0700), 0);
	q.is_writable = false;
	CU_ASSERT_EQUAL(mounts_mount(NULL, &q, &e, &err), 0);
	CU_ASSERT_EQUAL(unmount(r->m.store, "again", false, NULL), 0);
	/* But never one that was written to. */
	CU_ASSERT_EQUAL(mkdirat(store, "roots/again", 0700), 0);
	CU_ASSERT_EQUAL(mkdirat(store, "roots/again/upper", 0700), 0);
	CU_ASSERT_EQUAL(mkdirat(store, "roots/again/upper/d", 0700), 0);
	q.is_writable = true;
	CU_ASSERT_TRUE(mounts_mount(NULL, &q, &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_EXISTS);
	CU_ASSERT_EQUAL(faccessat(store, "roots/again/upper/d", F_OK, 0), 0);
	CU_ASSERT_EQUAL(root_remove(r->m.store, "again", NULL), 0);
	CU_ASSERT_EQUAL(close(store), 0);
	rooted_free(r);
}
