/* SPDX-License-Identifier: Apache-2.0 */
/* What records say of mounts and what is true: crashes, reboots, other namespaces, lies, races. */
#include "base/mem.h"
#include "base/text.h"
#include "overlay/mount_record.h"
#include "sys/file.h"
#include "tests/support/child.h"
#include "tests/unit/overlay/mountmaker.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *const two[] = { "d etc; f etc/motd=hello; f gone=x", "f .wh.gone; f new=n",
				   NULL };

static int unmount(struct store *store, const char *name, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct umount_request q = { .store = store, .name = name };

	return mounts_umount(NULL, &q, &e, err);
}

/* A mount of that id for reading; its path, to be freed. */
static char *mount_as(struct mountimage *i, const char *id)
{
	_mount_entry_ struct mount_entry e = { 0 };
	struct mount_request q = mountimage_request(i);
	struct err err = { 0 };

	q.id = id;
	CU_ASSERT_EQUAL(mounts_mount(NULL, &q, &e, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e.path);
	return TAKE_PTR(e.path);
}

static enum mount_state state_of(struct store *store, const char *id)
{
	_mount_entry_ struct mount_entry e = { 0 };

	CU_ASSERT_EQUAL(mounts_find(store, id, &e, NULL), 0);
	return e.state;
}

static void tidy(struct store *store, uint64_t want)
{
	struct err err = { 0 };
	uint64_t count = 77;

	CU_ASSERT_EQUAL(mounts_tidy(NULL, store, &count, &err), 0);
	CU_ASSERT_EQUAL(count, want);
	if (err.kind)
		printf("# %s\n", err.msg);
}

/* --- what is listed --- */

struct listing {
	char text[200];
};

static int list_one(void *arg, const struct mount_entry *e, struct err *err)
{
	struct listing *l = arg;
	const size_t len = strlen(l->text);

	(void)err;
	snprintf(l->text + len, sizeof(l->text) - len, "%s%s:%d ", e->id,
		 e->is_writable ? "(rw)" : "", (int)e->state);
	return 0;
}

static void listed(struct store *store, const char *want)
{
	struct listing l = { "" };

	CU_ASSERT_EQUAL(mounts_list(store, list_one, &l, NULL), 0);
	CU_ASSERT_STRING_EQUAL(l.text, want);
}

void test_mounts_state__listed_by_id(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };

	if (!m.store)
		return;
	listed(m.store, "");
	mountimage_init(&i, m.store, two);
	struct mount_request q = mountimage_request(&i);

	free(mount_as(&i, "c"));
	free(mount_as(&i, "a"));
	q.id = "b";
	q.is_writable = true;
	CU_ASSERT_EQUAL(mounts_mount(NULL, &q, &e, NULL), 0);
	listed(m.store, "a:0 b(rw):0 c:0 ");
	CU_ASSERT_EQUAL(unmount(m.store, "b", NULL), 0);
	CU_ASSERT_EQUAL(unmount(m.store, "c", NULL), 0);
	listed(m.store, "a:0 b(rw):3 ");
	CU_ASSERT_EQUAL(unmount(m.store, "a", NULL), 0);
	const struct umount_request gone = { .store = m.store, .name = "b", .remove = true };

	mount_entry_fini(&e);
	CU_ASSERT_EQUAL(mounts_umount(NULL, &gone, &e, NULL), 0);
	listed(m.store, "");
}

void test_mounts_state__found_by_id_and_by_any_form_of_the_path(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	struct mount_entry e = { 0 };
	struct err err = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	_free_ char *path = mount_as(&i, "m");
	_free_ char *dots = xasprintf("%s/../m/.", path);
	_free_ char *link = xasprintf("%s/link", m.tmp.path);
	_free_ char *below = xasprintf("%s/etc", path);
	const char *const good[] = { "m", path, dots, link };
	const char *const bad[] = { "", ".", "n", "/", below, "M", "../m", "/nowhere/at/all" };

	CU_ASSERT_EQUAL(symlink(path, link), 0);
	for (size_t n = 0; n < ARRAY_SIZE(good); n++) {
		CU_ASSERT_EQUAL(mounts_find(m.store, good[n], &e, NULL), 0);
		CU_ASSERT_STRING_EQUAL(e.id, "m");
		mount_entry_fini(&e);
	}
	for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
		CU_ASSERT_TRUE(mounts_find(m.store, bad[n], &e, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(unmount(m.store, bad[n], NULL), 1);
	}
	CU_ASSERT_EQUAL(unmount(m.store, dots, NULL), 0);
}

/* --- crashes and reboots --- */

static void edit_boot(struct store *store, const char *id)
{
	_mount_record_ struct mount_record r = { 0 };

	CU_ASSERT_EQUAL(mount_record_get(store, id, &r, NULL), 0);
	memset(r.entry.where.boot_id, '0', 8);
	CU_ASSERT_EQUAL(mount_record_swap(store, &r, &r.entry, NULL), 0);
}

static void take_down(const struct mountmaker *m, const struct mountimage *i, const char *path)
{
	_free_ char *base = xasprintf("%s/mounts/.erofs-%s", m->path, DIGEST_HEX(&i->chain));

	CU_ASSERT_EQUAL(umount2(path, 0), 0);
	CU_ASSERT_EQUAL(umount2(base, 0), 0);
}

void test_mounts_state__gone_with_a_reboot(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		_free_ char *path = mount_as(&i, "m");

		take_down(&m, &i, path);
		edit_boot(m.store, "m");
		CU_ASSERT_EQUAL(state_of(m.store, "m"), MOUNT_STALE);
		if (by_hand)
			CU_ASSERT_EQUAL(unmount(m.store, "m", NULL), 0);
		tidy(m.store, by_hand ? 0 : 1);
		listed(m.store, "");
		CU_ASSERT_PTR_NULL(mountmaker_left(&m));
	}
}

/* A record that is wrong about its mount: the folder is ours, so what is there goes. */
void test_mounts_state__stale_and_yet_something_is_mounted(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	_free_ char *path = mount_as(&i, "m");
	_free_ char *other = mount_as(&i, "other");

	CU_ASSERT_EQUAL(mount("none", path, "tmpfs", 0, NULL), 0);
	edit_boot(m.store, "m");
	tidy(m.store, 1);
	listed(m.store, "other:0 ");
	CU_ASSERT_TRUE(shows(other, "new", "n"));
	CU_ASSERT_EQUAL(unmount(m.store, "other", NULL), 0);
}

void test_mounts_state__umount_behind_our_back(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	_free_ char *a = mount_as(&i, "a");
	_free_ char *b = mount_as(&i, "b");

	CU_ASSERT_EQUAL(umount2(a, 0), 0);
	listed(m.store, "a:2 b:0 ");
	CU_ASSERT_TRUE(shows(b, "new", "n"));
	CU_ASSERT_EQUAL(umount2(b, 0), 0);
	/* The base too is found, though nobody unmounted it. */
	tidy(m.store, 2);
}

void test_mounts_state__what_is_mounted_over_it_is_not_taken_down(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	struct err err = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	_free_ char *path = mount_as(&i, "m");

	CU_ASSERT_EQUAL(mount("none", path, "tmpfs", 0, NULL), 0);
	CU_ASSERT_TRUE(unmount(m.store, "m", &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	CU_ASSERT_EQUAL(state_of(m.store, "m"), MOUNT_ACTIVE);
	CU_ASSERT_EQUAL(umount2(path, 0), 0);
	CU_ASSERT_EQUAL(unmount(m.store, "m", NULL), 0);
}

/* A database that was lost: folders and mounts that no record is of. */
void test_mounts_state__mounts_without_a_record(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_record_ struct mount_record r = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	free(mount_as(&i, "m"));
	CU_ASSERT_EQUAL(mount_record_get(m.store, "m", &r, NULL), 0);
	CU_ASSERT_EQUAL(mount_record_remove(m.store, &r, NULL), 0);
	tidy(m.store, 0);
}

/* --- another mount namespace --- */

struct elsewhere {
	struct mountmaker *m;
	struct mountimage *i;
	int ready[2], end[2];
};

/* Mounts in a namespace of its own and stays until it is told. */
static int live_elsewhere(void *arg)
{
	struct elsewhere *x = arg;
	_store_ struct store *store = NULL;
	char byte;

	(void)close(x->end[1]);
	CHILD_CHECK(unshare(CLONE_NEWNS) == 0);
	CHILD_CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHILD_CHECK(store_open(x->m->path, 0, &store, NULL) == 0);
	x->i->store = store;
	_mount_entry_ struct mount_entry e = { 0 };
	struct mount_request q = mountimage_request(x->i);

	q.id = "far";
	CHILD_CHECK(mounts_mount(NULL, &q, &e, NULL) == 0);
	CHILD_CHECK(write(x->ready[1], "r", 1) == 1);
	CHILD_CHECK(read(x->end[0], &byte, 1) == 0);
	return shows(e.path, "new", "n") ? 0 : 2;
}

void test_mounts_state__in_another_namespace(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	struct elsewhere x = { .m = &m, .i = &i };
	struct err err = { 0 };
	int status = -1;
	char byte;

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	CU_ASSERT_EQUAL_FATAL(pipe2(x.ready, O_CLOEXEC) + pipe2(x.end, O_CLOEXEC), 0);
	fflush(NULL);
	const pid_t pid = fork();

	if (pid == 0)
		_exit(live_elsewhere(&x));
	(void)close(x.end[0]);
	(void)close(x.ready[1]);
	CU_ASSERT_EQUAL(read(x.ready[0], &byte, 1), 1);
	listed(m.store, "far:1 ");
	CU_ASSERT_TRUE(unmount(m.store, "far", &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	tidy(m.store, 0);
	/* Ours comes and goes; theirs stays, and is a superblock of its own or the same. */
	free(mount_as(&i, "near"));
	CU_ASSERT_EQUAL(unmount(m.store, "near", NULL), 0);
	CU_ASSERT_EQUAL(mounts_below(m.path), 0);
	(void)close(x.end[1]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	(void)close(x.ready[0]);
	CU_ASSERT_EQUAL(state_of(m.store, "far"), MOUNT_STALE);
	tidy(m.store, 1);
}

/* --- kernels that tell less --- */

static int mount_without_ids(void *arg)
{
	struct mountmaker *m = arg;
	_mountimage_ struct mountimage i = { 0 };
	_store_ struct store *store = NULL;
	struct stat a, b;

	CHILD_CHECK(store_open(m->path, 0, &store, NULL) == 0);
	mountimage_init(&i, store, two);
	_free_ char *one = mount_as(&i, "one");
	_free_ char *other = mount_as(&i, "other");

	CHILD_CHECK(stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev);
	CHILD_CHECK(mounts_below(m->path) == 3);
	CHILD_CHECK(unmount(store, "one", NULL) == 0);
	CHILD_CHECK(shows(other, "new", "n"));
	CHILD_CHECK(unmount(store, other, NULL) == 0);
	CHILD_CHECK(mountmaker_left(m) == NULL);
	return 0;
}

/* Before Linux 6.8 and 6.9: no unique ids, no uuid of a file system. */
void test_mounts_state__kernels_that_tell_less(void)
{
	static const struct child_setup old = { .failures = { { SYS_statx, ENOSYS },
							      { 457 /* statmount */, ENOSYS },
							      { SYS_ioctl, ENOTTY } } };
	_mountmaker_ struct mountmaker m = mountmaker_make();

	if (!m.store)
		return;
	CU_ASSERT_EQUAL(child_run(&old, mount_without_ids, &m), 0);
}

/* --- records that lie --- */

#define A    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define GOOD "\"manifest\":\"" A "\",\"chain\":\"" A "\",\"driver\":\"erofs\",\"path\":\"/proc\""

/* Not to be read: as if they were not there, but for whoever asks for them. */
static const char *const unreadable[] = {
	"",
	"x",
	"null",
	"[]",
	"\"\"",
	"{",
	"{}",
	"{\"manifest\":1}",
	"{\"manifest\":\"" A "\"}",
	"{\"manifest\":\"sha256:a\",\"chain\":\"" A "\"}",
	"{\"manifest\":\"" A "\",\"chain\":\"../../etc\",\"driver\":\"erofs\"}",
	"{" GOOD ",\"path-base64\":\"%\"}",
	"{\"manifest\":\"" A "\",\"chain\":\"" A "\",\"driver\":\"erofs\",\"path\":\"\"}",
	"{\"manifest\":\"" A "\",\"chain\":\"" A "\",\"driver\":\"erofs\",\"path\":\"etc\"}",
	"{\"manifest\":\"" A "\",\"chain\":\"" A "\",\"driver\":\"erofs\",\"path-base64\":\"\"}",
	"{\"manifest\":\"" A "\",\"chain\":\"" A
	"\",\"driver\":\"erofs\",\"path-base64\":\"AGE=\"}",
	"{\"manifest\":\"" A "\",\"chain\":\"" A "\",\"path\":\"/proc\"}",
};
/* Read, and nothing of it is true. */
static const char *const lies[] = {
	"{" GOOD "}",
	"{" GOOD ",\"boot\":\"\",\"namespace\":-1,\"mount\":-1}",
	"{" GOOD ",\"boot\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
	"{" GOOD ",\"boot\":7,\"namespace\":\"x\",\"mount\":{}}",
	"{" GOOD ",\"created\":1e300,\"volatile\":\"yes\",\"image\":[],\"uidmap\":1}",
};

static void put_record(struct store *store, const char *key, const char *text)
{
	CU_ASSERT_EQUAL(records_put(store->records, key,
				    (struct record_value){ text, strlen(text) }, NULL),
			0);
}

static void drop_record(struct store *store, const char *key)
{
	_record_ struct record rec = { 0 };

	CU_ASSERT_EQUAL(records_get(store->records, key, &rec, NULL), 0);
	CU_ASSERT_EQUAL(records_remove(store->records, key, rec.generation, NULL), 0);
}

void test_mounts_state__records_that_cannot_be_read(void)
{
	static const char *const keys[] = { "mount/x", "root/x" };
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	struct mount_entry e = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	_free_ char *path = mount_as(&i, "m");

	for (size_t n = 0; n < 2 * ARRAY_SIZE(unreadable); n++) {
		struct err err = { 0 };

		put_record(m.store, keys[n % 2], unreadable[n / 2]);
		if (mounts_find(m.store, "x", &e, &err) >= 0) {
			printf("# readable: %s\n", unreadable[n / 2]);
			mount_entry_fini(&e);
		}
		CU_ASSERT_TRUE(err.kind != ERR_NONE && err.kind != ERR_NOT_FOUND);
		listed(m.store, "m:0 ");
		tidy(m.store, 0);
		drop_record(m.store, keys[n % 2]);
	}
	put_record(m.store, "mount/../x", "{" GOOD "}");
	put_record(m.store, "mount/", "{" GOOD "}");
	listed(m.store, "m:0 ");
	drop_record(m.store, "mount/../x");
	drop_record(m.store, "mount/");
	CU_ASSERT_TRUE(shows(path, "new", "n"));
	CU_ASSERT_EQUAL(unmount(m.store, "m", NULL), 0);
}

void test_mounts_state__records_that_lie(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();

	if (!m.store)
		return;
	const unsigned before = mounts_below("/proc");

	for (size_t n = 0; n < ARRAY_SIZE(lies); n++) {
		put_record(m.store, "mount/x", lies[n]);
		listed(m.store, "x:2 ");
		tidy(m.store, 1);
		listed(m.store, "");
		/* Nobody unmounts on their word. */
		CU_ASSERT_EQUAL(mounts_below("/proc"), before);
		put_record(m.store, "root/x", lies[n]);
		tidy(m.store, 1);
		CU_ASSERT_EQUAL(mounts_below("/proc"), before);
	}
	listed(m.store, "");
}
