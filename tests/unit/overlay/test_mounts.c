/* SPDX-License-Identifier: Apache-2.0 */
/* Images mounted for reading: what is there, what is shared, what is refused, what is left. */
#include "base/mem.h"
#include "base/text.h"
#include "overlay/mount_record.h"
#include "sys/file.h"
#include "tests/unit/overlay/mountmaker.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

static const char *const three[] = { "d etc:700; f etc/motd=hello; f gone=x",
				     "f .wh.gone; f new=n; h hard->new", "l link->etc/motd", NULL };

static int unmount(struct store *store, const char *name, bool lazy, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct umount_request q = { .store = store, .name = name, .lazy = lazy };

	return mounts_umount(NULL, &q, &e, err);
}

static void must_unmount(struct store *store, const char *name)
{
	struct err err = { 0 };

	CU_ASSERT_EQUAL(unmount(store, name, false, &err), 0);
	if (err.kind)
		printf("# %s\n", err.msg);
}

/* --- what is there --- */

void test_mounts__the_image_itself_and_no_overlay(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };
	struct statvfs vfs;
	struct statfs fs;

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	const struct mount_request q = mountimage_request(&i);

	e = mounted(&q);
	CU_ASSERT_TRUE(shows(e.path, "etc/motd", "hello"));
	CU_ASSERT_TRUE(shows(e.path, "hard", "n"));
	CU_ASSERT_TRUE(shows(e.path, "link", "hello"));
	CU_ASSERT_FALSE(shows(e.path, "gone", "x"));
	CU_ASSERT_EQUAL(statfs(e.path, &fs), 0);
	CU_ASSERT_EQUAL(fs.f_type, EROFS_SUPER_MAGIC_V1);
	CU_ASSERT_EQUAL(statvfs(e.path, &vfs), 0);
	CU_ASSERT_EQUAL(vfs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC),
			ST_RDONLY | ST_NOSUID | ST_NODEV);
	CU_ASSERT_EQUAL(i.asked, 1);
	/* What is told of it. */
	CU_ASSERT_TRUE(text_starts_with(e.path, m.path));
	CU_ASSERT_STRING_EQUAL(e.image, "example.com/a:1");
	CU_ASSERT_STRING_EQUAL(e.driver, "erofs");
	CU_ASSERT_TRUE(digest_equal(&e.chain_id, &i.chain));
	CU_ASSERT_EQUAL(e.state, MOUNT_ACTIVE);
	CU_ASSERT_EQUAL(strlen(e.id), 12);
	/* The mount and the base that it is a clone of. */
	CU_ASSERT_EQUAL(mounts_below(m.path), 2);
	must_unmount(m.store, e.id);
	/* Known by now, not mounted, no error; never heard of. */
	CU_ASSERT_EQUAL(unmount(m.store, e.id, false, NULL), 1);
}

void test_mounts__one_superblock_until_the_last_goes(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry a = { 0 };
	_mount_entry_ struct mount_entry b = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	struct mount_request q = mountimage_request(&i);
	_free_ char *there = xasprintf("%s/there", m.tmp.path);

	CU_ASSERT_EQUAL(mkdirat(m.tmp.fd, "there", 0700), 0);
	a = mounted(&q);
	q.path = there;
	b = mounted(&q);
	CU_ASSERT_STRING_EQUAL(b.path, there);
	CU_ASSERT_EQUAL(i.asked, 1);
	CU_ASSERT_EQUAL(device_of(a.path), device_of(b.path));
	must_unmount(m.store, a.id);
	CU_ASSERT_TRUE(shows(there, "etc/motd", "hello"));
	CU_ASSERT_EQUAL(mounts_below(m.path), 1); /* the base */
	/* By its path, which stays: it was there before. */
	must_unmount(m.store, there);
	CU_ASSERT_EQUAL(access(there, F_OK), 0);
	CU_ASSERT_EQUAL(mounts_below(m.tmp.path), 0);
}

void test_mounts__two_on_one_folder(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mountimage_ struct mountimage j = { 0 };
	_mount_entry_ struct mount_entry a = { 0 };
	_mount_entry_ struct mount_entry b = { 0 };
	struct err err = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	mountimage_init(&j, m.store, (const char *const[]){ "f other=o", NULL });
	_free_ char *there = xasprintf("%s/there", m.tmp.path);
	struct mount_request q = mountimage_request(&i), r = mountimage_request(&j);

	CU_ASSERT_EQUAL(mkdirat(m.tmp.fd, "there", 0700), 0);
	q.path = r.path = there;
	q.id = "zz";
	r.id = "aa";
	a = mounted(&q);
	b = mounted(&r);
	CU_ASSERT_TRUE(shows(there, "other", "o"));
	/* What lies below can't go first. */
	CU_ASSERT_TRUE(unmount(m.store, "zz", false, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	must_unmount(m.store, there);
	CU_ASSERT_TRUE(shows(there, "etc/motd", "hello"));
	must_unmount(m.store, there);
}

/* --- drivers --- */

static void mount_by(struct mountmaker *m, const char *driver, const char *got, unsigned loops)
{
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };

	mountimage_init(&i, m->store, three);
	struct mount_request q = mountimage_request(&i);

	q.driver = driver;
	e = mounted(&q);
	CU_ASSERT_STRING_EQUAL(e.driver, got);
	CU_ASSERT_TRUE(shows(e.path, "etc/motd", "hello"));
	CU_ASSERT_FALSE(shows(e.path, "gone", "x"));
	CU_ASSERT_EQUAL(loops_below(m->path, loops), loops);
	must_unmount(m->store, e.id);
}

void test_mounts__drivers(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	uint64_t count = 77;

	if (!m.store)
		return;
	mount_by(&m, NULL, "erofs", 0);
	mount_by(&m, "auto", "erofs", 0);
	mount_by(&m, "loop", "loop", 4);
	mount_by(&m, "unpacked", "unpacked", 0);
	CU_ASSERT_EQUAL(mountmaker_entries(&m, "unpacked/sha256"), 1);
	CU_ASSERT_EQUAL(mounts_clean(NULL, m.store, &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 0);
	CU_ASSERT_EQUAL(mountmaker_entries(&m, "unpacked/sha256"), 0);
}

/* tmpfs backs no file mount: found out by trying, and told. */
void test_mounts__the_next_driver_where_one_cannot(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make_in_memory();
	_mountimage_ struct mountimage i = { 0 };
	struct mount_entry e = { 0 };
	struct err err = { 0 };

	if (!m.store)
		return;
	if (driver_erofs.probe(m.store, NULL) < 0)
		mount_by(&m, NULL, "loop", 4);
	mountimage_init(&i, m.store, three);
	struct mount_request q = mountimage_request(&i);

	q.driver = "fuse";
	CU_ASSERT_TRUE(mounts_mount(NULL, &q, &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
	CU_ASSERT_TRUE(text_starts_with(err.msg, "driver fuse"));
	CU_ASSERT_EQUAL(i.asked, 0);
}

void test_mounts__unpacked_images_that_are_used_stay(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };
	uint64_t count;

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	struct mount_request q = mountimage_request(&i);

	q.driver = "unpacked";
	e = mounted(&q);
	CU_ASSERT_EQUAL(mounts_clean(NULL, m.store, &count, NULL), 0);
	CU_ASSERT_TRUE(shows(e.path, "etc/motd", "hello"));
	must_unmount(m.store, e.id);
	/* What an unpacking that was killed left. */
	_free_ char *left = xasprintf("unpacked/sha256/.new-%s", DIGEST_HEX(&i.chain));
	_close_ int store = open(m.path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	CU_ASSERT_EQUAL(mkdirat(store, left, 0700), 0);
	CU_ASSERT_EQUAL(mounts_clean(NULL, m.store, &count, NULL), 0);
	CU_ASSERT_EQUAL(mountmaker_entries(&m, "unpacked/sha256"), 0);
}

void test_mounts__mapped_ids(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry a = { 0 };
	_mount_entry_ struct mount_entry b = { 0 };
	struct stat st = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	struct mount_request q = mountimage_request(&i);

	q.uidmap = "0:100000:1000";
	q.gidmap = "0:200000:1000";
	a = mounted(&q);
	CU_ASSERT_EQUAL(stat(a.path, &st), 0);
	CU_ASSERT_TRUE(st.st_uid == 100000 && st.st_gid == 200000);
	/* One stands for both. */
	q.gidmap = NULL;
	b = mounted(&q);
	CU_ASSERT_EQUAL(stat(b.path, &st), 0);
	CU_ASSERT_TRUE(st.st_uid == 100000 && st.st_gid == 100000);
	CU_ASSERT_STRING_EQUAL(b.gidmap, "0:100000:1000");
	CU_ASSERT_EQUAL(device_of(a.path), device_of(b.path));
	must_unmount(m.store, a.id);
	must_unmount(m.store, b.id);
}

/* --- what is refused --- */

static void refused(const struct mount_request *q, enum err_kind kind)
{
	struct mount_entry e = { 0 };
	struct err err = { 0 };

	CU_ASSERT_TRUE(mounts_mount(NULL, q, &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, kind);
	if (err.kind != kind)
		printf("# %d: %s\n", (int)err.kind, err.msg);
	CU_ASSERT_PTR_NULL(e.path);
}

void test_mounts__refusals_leave_nothing(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	const struct mount_request good = mountimage_request(&i);
	struct mount_request q = good;

	q.path = "/proc/nowhere";
	refused(&q, ERR_NOT_FOUND);
	q.path = "/proc/version"; /* no folder */
	refused(&q, ERR_FAILED);
	q = good;
	q.driver = "zfs";
	refused(&q, ERR_USAGE);
	q = good;
	q.uidmap = "0:0";
	refused(&q, ERR_USAGE);
	q = good;
	q.manifest = i.chain; /* no blob of that digest */
	refused(&q, ERR_NOT_FOUND);
	q.is_writable = true;
	refused(&q, ERR_NOT_FOUND);
	q.driver = "unpacked";
	q.is_writable = false;
	refused(&q, ERR_NOT_FOUND);
	for (const char *const *id =
		     (const char *const[]){ "", ".a", "A", "a/b", "-", "a b", NULL };
	     *id; id++) {
		q = good;
		q.id = *id;
		refused(&q, ERR_USAGE);
	}
}

void test_mounts__cancelled_leaves_nothing(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	struct mount_entry e = { 0 };
	struct op op = { 0 };
	struct err err = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	const struct mount_request q = mountimage_request(&i);

	op_cancel(&op);
	CU_ASSERT_TRUE(mounts_mount(&op, &q, &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
}

void test_mounts__an_id_is_given_once(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	struct mount_request q = mountimage_request(&i);

	q.id = "here";
	e = mounted(&q);
	refused(&q, ERR_EXISTS);
	q.is_writable = true;
	refused(&q, ERR_EXISTS);
	CU_ASSERT_TRUE(shows(e.path, "etc/motd", "hello"));
	CU_ASSERT_EQUAL(mounts_below(m.path), 2);
	must_unmount(m.store, "here");
}

/* --- busy --- */

void test_mounts__busy_unless_lazy(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };
	struct err err = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	const struct mount_request q = mountimage_request(&i);

	e = mounted(&q);
	int inside = open(e.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CU_ASSERT_TRUE(unmount(m.store, e.id, false, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	CU_ASSERT_TRUE(shows(e.path, "etc/motd", "hello"));
	CU_ASSERT_EQUAL(unmount(m.store, e.id, true, &err), 0);
	CU_ASSERT_EQUAL(mounts_below(m.tmp.path), 0);
	CU_ASSERT_EQUAL(close(inside), 0);
}

/* --- what is wrong in the store --- */

static char *tree_path_of(const struct mountmaker *m, const struct mountimage *i)
{
	return xasprintf("%s/trees/sha256/%s.erofs", m->path, DIGEST_HEX(&i->chain));
}

void test_mounts__a_damaged_tree_is_made_anew(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	const struct mount_request q = mountimage_request(&i);

	for (off_t at = 1024; at < 4096; at += 500) {
		e = mounted(&q);
		must_unmount(m.store, e.id);
		mount_entry_fini(&e);
		const unsigned asked = i.asked;
		_free_ char *path = tree_path_of(&m, &i);
		char byte = 0;

		CU_ASSERT_EQUAL(chmod(path, 0600), 0);
		_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
		struct stat st;

		CU_ASSERT_EQUAL_FATAL(fstat(fd, &st), 0);
		if (at >= st.st_size)
			break;
		CU_ASSERT_EQUAL_FATAL(pread(fd, &byte, 1, at), 1);
		byte = (char)~byte;
		CU_ASSERT_EQUAL_FATAL(pwrite(fd, &byte, 1, at), 1);
		e = mounted(&q);
		CU_ASSERT_EQUAL(i.asked, asked + 1);
		CU_ASSERT_TRUE(shows(e.path, "etc/motd", "hello"));
		must_unmount(m.store, e.id);
		mount_entry_fini(&e);
	}
}

void test_mounts__a_truncated_tar_is_noticed(void)
{
	static const char *const driver[] = { "erofs", "loop" };
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	struct mount_request q = mountimage_request(&i);
	_free_ char *tar = xasprintf("%s/layers/sha256/%s.tar", m.path, DIGEST_HEX(&i.diff_ids[1]));
	struct stat st;

	e = mounted(&q);
	must_unmount(m.store, e.id);
	CU_ASSERT_EQUAL(stat(tar, &st), 0);
	CU_ASSERT_EQUAL(truncate(tar, st.st_size - 512), 0);
	for (size_t n = 0; n < ARRAY_SIZE(driver); n++) {
		q.driver = driver[n];
		refused(&q, ERR_DAMAGED);
	}
	CU_ASSERT_EQUAL(unlink(tar), 0);
	for (size_t n = 0; n < ARRAY_SIZE(driver); n++) {
		q.driver = driver[n];
		refused(&q, ERR_NOT_FOUND);
	}
}

void test_mounts__what_lies_over_the_base_is_not_served(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry a = { 0 };
	_mount_entry_ struct mount_entry b = { 0 };
	uint64_t count;

	if (!m.store)
		return;
	mountimage_init(&i, m.store, three);
	const struct mount_request q = mountimage_request(&i);
	_free_ char *base = xasprintf("%s/mounts/.erofs-%s", m.path, DIGEST_HEX(&i.chain));

	a = mounted(&q);
	CU_ASSERT_EQUAL_FATAL(mount("none", base, "tmpfs", 0, NULL), 0);
	b = mounted(&q);
	CU_ASSERT_TRUE(shows(b.path, "etc/motd", "hello"));
	must_unmount(m.store, a.id);
	must_unmount(m.store, b.id);
	/* It is not ours to take away, and what is below it is found as soon as it is gone. */
	CU_ASSERT_EQUAL(umount2(base, 0), 0);
	CU_ASSERT_EQUAL(mounts_tidy(NULL, m.store, &count, NULL), 0);
}
