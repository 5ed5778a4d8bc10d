/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounting, unmounting and tidying up while the system fails, or while we are killed. Whatever
 * happened: what is mounted is the image, the store is sound, and after the next tidying nothing is
 * there that no record is of.
 */
#include "base/mem.h"
#include "base/text.h"
#include "tests/fault/mount_world.h"

/* Few: each of them mounts. IMG_FAULT_ALL=1 takes all. */
#define POINTS	    3
#define KILL_POINTS 24

/* --- the operations --- */

static int mount_with(struct mount_world *w, struct store *store, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct mount_request q = mount_world_request(w, store);

	return mounts_mount(NULL, &q, &e, err);
}

/* A mount that a killed one had made is there; so says the next, and who wants it anew says so. */
static int run_mount(struct mount_world *w, struct store *store, struct err *err)
{
	struct err why = { 0 };
	const int rc = mount_with(w, store, &why);

	if (rc < 0 && why.kind == ERR_EXISTS) {
		TRY(mount_world_unmount(store, "m", true, err));
		return mount_with(w, store, err);
	}
	if (rc < 0)
		*err = why;
	return rc;
}

/* The same: mounted already. */
static int run_remount(struct mount_world *w, struct store *store, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct mount_request q = mount_world_request(w, store);
	struct err why = { 0 };
	const int rc = mounts_remount(NULL, &q, &e, &why);

	if (rc < 0 && text_starts_with(why.msg, "m: mounted already"))
		return 0;
	if (rc < 0)
		*err = why;
	return rc;
}

static int run_unmount(struct mount_world *w, struct store *store, struct err *err)
{
	return mount_world_unmount(store, "m", w->remove, err);
}

static int run_clean(struct mount_world *w, struct store *store, struct err *err)
{
	uint64_t count = 0;

	(void)w;
	return mounts_clean(NULL, store, &count, err);
}

typedef int run_fn(struct mount_world *w, struct store *store, struct err *err);

static int run_by(struct mount_world *w, run_fn *fn, struct err *err)
{
	_store_ struct store *own = NULL;

	if (w->alone)
		TRY(store_open(w->m.path, 0, &own, err));
	return fn(w, own ? own : w->m.store, err);
}

static int do_mount(void *arg, struct err *err)
{
	return run_by(arg, run_mount, err);
}

static int do_remount(void *arg, struct err *err)
{
	return run_by(arg, run_remount, err);
}

static int do_unmount(void *arg, struct err *err)
{
	return run_by(arg, run_unmount, err);
}

static int do_clean(void *arg, struct err *err)
{
	return run_by(arg, run_clean, err);
}

/* --- the sweeps --- */

static bool world_init(struct mount_world *w, struct mountmaker (*make)(void))
{
	static const char *const layers[] = { "d etc:700; f etc/motd=hello; f gone=x",
					      "f .wh.gone; f new=n; h hard->new", NULL };

	w->m = make();
	if (!w->m.store)
		return false;
	mountimage_init(&w->i, w->m.store, layers);
	store_close(TAKE_PTR(w->m.store));
	return true;
}

/* Both sweeps of one operation. */
static void sweep_in(struct mountmaker (*make)(void), struct mount_world *w, const char *name,
		     int (*run)(void *arg, struct err *err))
{
	struct sweep_op op = { .name = name,
			       .arg = w,
			       .prepare = mount_world_prepare,
			       .run = run,
			       .check = mount_world_check,
			       .cleanup = mount_world_cleanup,
			       .points = POINTS,
			       .whole_writes = w->uidmap != NULL };

	if (!world_init(w, make))
		return;
	sweep_faults(&op);
	w->alone = true;
	op.points = KILL_POINTS;
	sweep_kills(&op);
	mountimage_fini(&w->i);
	mountmaker_fini(&w->m);
}

static void sweep(struct mount_world w, const char *name, int (*run)(void *arg, struct err *err))
{
	sweep_in(mountmaker_make, &w, name, run);
}

void test_mount_faults__first(void)
{
	sweep((struct mount_world){ .before = BEFORE_NOTHING }, "first mount", do_mount);
}

void test_mount_faults__later(void)
{
	sweep((struct mount_world){ .before = BEFORE_TREE }, "later mount", do_mount);
}

void test_mount_faults__shared(void)
{
	sweep((struct mount_world){ .before = BEFORE_SHARED, .uidmap = "0:1000:100" },
	      "another mount, with mapped ids", do_mount);
}

void test_mount_faults__by_loop_devices(void)
{
	struct mount_world w = { .before = BEFORE_NOTHING, .driver = "loop" };

	sweep_in(mountmaker_make_in_memory, &w, "mount by loop devices", do_mount);
}

void test_mount_faults__unpacked(void)
{
	sweep((struct mount_world){ .before = BEFORE_NOTHING, .driver = "unpacked" },
	      "unpacked mount", do_mount);
}

void test_mount_faults__writable(void)
{
	sweep((struct mount_world){ .before = BEFORE_TREE, .is_writable = true }, "writable mount",
	      do_mount);
}

void test_mount_faults__again(void)
{
	sweep((struct mount_world){ .before = BEFORE_RESTING, .is_volatile = true }, "mount again",
	      do_remount);
}

void test_mount_faults__unmount(void)
{
	sweep((struct mount_world){ .before = BEFORE_MOUNT }, "umount", do_unmount);
}

void test_mount_faults__unmount_root(void)
{
	sweep((struct mount_world){ .before = BEFORE_ROOT, .is_volatile = true },
	      "umount of a root", do_unmount);
}

void test_mount_faults__unmount_and_remove(void)
{
	sweep((struct mount_world){ .before = BEFORE_ROOT, .remove = true }, "umount --remove",
	      do_unmount);
}

void test_mount_faults__clean(void)
{
	sweep((struct mount_world){ .before = BEFORE_MESS }, "cleaning", do_clean);
}
