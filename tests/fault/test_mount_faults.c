/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounting, unmounting and tidying up while the system fails, or while we are killed. Whatever
 * happened: what is mounted is the image, the store is sound, and after the next tidying nothing is
 * there that no record is of.
 */
#include "base/mem.h"
#include "base/text.h"
#include "overlay/erofs.h"
#include "overlay/mount_record.h"
#include "overlay/mounts_parts.h"
#include "sys/file.h"
#include "tests/fault/sweep.h"
#include "tests/unit/overlay/mountmaker.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

/* Few: each of them mounts. IMG_FAULT_ALL=1 takes all. */
#define POINTS	    3
#define KILL_POINTS 24
#define PATIENCE_MS 2000

/* What is there before the operation. */
enum before {
	BEFORE_NOTHING, /* not even the metadata image */
	BEFORE_TREE,	/* the metadata image */
	BEFORE_SHARED,	/* another mount of the same image */
	BEFORE_MOUNT,	/* the mount "m" */
	BEFORE_ROOT,	/* the root "m", mounted, written to */
	BEFORE_RESTING, /* the same, unmounted */
	BEFORE_MESS,	/* what a crash may leave */
};

struct world {
	struct mountmaker m;
	struct mountimage i;
	enum before before;
	const char *driver, *uidmap;
	bool is_writable, is_volatile; /* to be mounted */
	bool remove;		       /* to be unmounted */
	bool alone;		       /* the operation opens the store by itself */
};

static void must(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "# mount faults: %s\n", err->msg);
	abort();
}

static struct mount_request request_of(struct world *w, struct store *store)
{
	w->i.store = store;
	struct mount_request q = mountimage_request(&w->i);

	q.id = "m";
	q.driver = w->driver;
	q.uidmap = w->uidmap;
	q.is_writable = w->is_writable;
	q.is_volatile = w->is_volatile;
	return q;
}

/* --- the operations --- */

static int mount_with(struct world *w, struct store *store, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct mount_request q = request_of(w, store);

	return mounts_mount(NULL, &q, &e, err);
}

static int unmount(struct store *store, const char *id, bool remove, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct umount_request q = { .store = store, .name = id, .remove = remove };
	const int rc = mounts_umount(NULL, &q, &e, err);

	return rc < 0 ? rc : 0;
}

/* A mount that a killed one had made is there; so says the next, and who wants it anew says so. */
static int run_mount(struct world *w, struct store *store, struct err *err)
{
	struct err why = { 0 };
	const int rc = mount_with(w, store, &why);

	if (rc < 0 && why.kind == ERR_EXISTS) {
		TRY(unmount(store, "m", true, err));
		return mount_with(w, store, err);
	}
	if (rc < 0)
		*err = why;
	return rc;
}

/* The same: mounted already. */
static int run_remount(struct world *w, struct store *store, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct mount_request q = request_of(w, store);
	struct err why = { 0 };
	const int rc = mounts_remount(NULL, &q, &e, &why);

	if (rc < 0 && text_starts_with(why.msg, "m: mounted already"))
		return 0;
	if (rc < 0)
		*err = why;
	return rc;
}

static int run_unmount(struct world *w, struct store *store, struct err *err)
{
	return unmount(store, "m", w->remove, err);
}

static int run_clean(struct world *w, struct store *store, struct err *err)
{
	uint64_t count = 0;

	(void)w;
	return mounts_clean(NULL, store, &count, err);
}

typedef int run_fn(struct world *w, struct store *store, struct err *err);

static int run_by(struct world *w, run_fn *fn, struct err *err)
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

/* --- before --- */

static void write_below(const char *folder, const char *name)
{
	_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || mkdirat(dir, name, 0755) < 0)
		abort();
}

static void make_root(struct world *w, bool is_mounted)
{
	_mount_entry_ struct mount_entry e = { 0 };
	struct mount_request q = request_of(w, w->m.store);
	struct err err = { 0 };

	q.is_writable = true;
	must(mounts_mount(NULL, &q, &e, &err), &err);
	write_below(e.path, "written");
	if (!is_mounted)
		must(unmount(w->m.store, "m", false, &err), &err);
}

/* A mount that umount(8) took away, a base that nobody uses, folders and an unpacked image. */
static void make_mess(struct world *w)
{
	_mount_entry_ struct mount_entry e = { 0 };
	struct mount_request q = request_of(w, w->m.store);
	struct err err = { 0 };
	int root;

	q.driver = "unpacked";
	must(mounts_mount(NULL, &q, &e, &err), &err);
	must(unmount(w->m.store, "m", false, &err), &err);
	mount_entry_fini(&e);
	q.driver = NULL;
	must(mounts_mount(NULL, &q, &e, &err), &err);
	if (umount2(e.path, 0) < 0)
		abort();
	_close_ int mounts = -1;

	must(store_folder(w->m.store, "mounts", &mounts, &err), &err);
	if (mkdirat(mounts, "orphan", 0700) < 0)
		abort();
	root = root_make(w->m.store, "orphan", &err);
	must(root, &err);
	(void)close(root);
	root = root_make(w->m.store, ".dead-x", &err);
	must(root, &err);
	(void)close(root);
}

static void forget_tree(struct world *w)
{
	struct err err = { 0 };

	if (treefiles_remove(w->m.store->trees, &w->i.chain, &err) < 0 && err.kind != ERR_NOT_FOUND)
		must(-1, &err);
}

static void prepare(void *arg)
{
	struct world *w = arg;
	struct mount_request q;
	_mount_entry_ struct mount_entry e = { 0 };
	struct err err = { 0 };

	must(store_open(w->m.path, STORE_CREATE, &w->m.store, &err), &err);
	q = request_of(w, w->m.store);
	switch (w->before) {
	case BEFORE_NOTHING:
		forget_tree(w);
		break;
	case BEFORE_TREE:
	case BEFORE_SHARED:
		q.id = "other";
		q.is_writable = false;
		must(mounts_mount(NULL, &q, &e, &err), &err);
		if (w->before == BEFORE_TREE)
			must(unmount(w->m.store, "other", false, &err), &err);
		break;
	case BEFORE_MOUNT:
		must(mounts_mount(NULL, &q, &e, &err), &err);
		break;
	case BEFORE_ROOT:
	case BEFORE_RESTING:
		make_root(w, w->before == BEFORE_ROOT);
		break;
	case BEFORE_MESS:
		make_mess(w);
		break;
	}
	if (w->alone)
		store_close(TAKE_PTR(w->m.store));
}

/* --- after --- */

static bool has(const char *path, const char *name, const char *text)
{
	_free_ char *full = xasprintf("%s/%s", path, name);
	_buf_ struct buf data = BUF_INIT(1000);

	return file_read_path(full, &data, NULL) == 0 && !strcmp(buf_str(&data), text);
}

/* What records say, and whether it is so. */
struct look {
	struct world *w;
	unsigned active, active_roots, roots, all;
	bool by_erofs, by_loop;
	const char *wrong;
};

static int look_at(void *arg, const struct mount_entry *e, struct err *err)
{
	struct look *l = arg;

	(void)err;
	l->all++;
	l->roots += e->is_writable;
	if (e->state == MOUNT_ACTIVE) {
		l->active++;
		l->active_roots += e->is_writable;
		l->by_erofs |= !strcmp(e->driver, "erofs");
		l->by_loop |= !strcmp(e->driver, "loop");
		if (!has(e->path, "etc/motd", "hello") || has(e->path, "gone", "x"))
			l->wrong = "another image is mounted";
	} else if (e->state != MOUNT_NONE) {
		l->wrong = "a stale record is left";
	}
	return 0;
}

/* A metadata image that is visible is whole. */
static const char *check_tree(struct world *w, struct store *store)
{
	struct erofs *image = NULL;
	struct err err = { 0 };
	int fd = -1;

	if (treefiles_open(store->trees, &w->i.chain, &fd, &err) < 0)
		return err.kind == ERR_NOT_FOUND ? NULL : "the tree can't be opened";
	const int rc = erofs_open(fd, &image, &err);

	erofs_free(image);
	(void)close(fd);
	return rc < 0 ? "the tree is damaged" : NULL;
}

static unsigned entries_of(const struct world *w, const char *folder)
{
	return mountmaker_entries(&w->m, folder);
}

/* What was written is there: in the upper folder, or the root is gone with all that was in it. */
static const char *check_written(struct world *w, const struct look *l, struct sweep_state state)
{
	_free_ char *path = xasprintf("%s/roots/m/upper/written", w->m.path);
	const bool is_there = access(path, F_OK) == 0;

	if (w->before != BEFORE_ROOT && w->before != BEFORE_RESTING)
		return NULL;
	if (!w->remove)
		return is_there ? NULL : "what was written is lost";
	if (state.end == SWEEP_DONE)
		return is_there || l->roots ? "the root is not removed" : NULL;
	return !is_there || l->roots ? NULL : "a root without a record";
}

static const char *check_left(struct world *w, const struct look *l)
{
	/* The mounts, those in folders of their own, the bases of them, the lock. */
	const unsigned bases = (unsigned)l->by_erofs + (unsigned)l->by_loop;
	const unsigned mounts = mounts_below(w->m.tmp.path);
	const unsigned folders = l->active ? l->active - l->active_roots + bases + 1 : 0;

	if (mounts != l->active + bases)
		return "mounts are left, or missing";
	if (entries_of(w, "mounts") != folders)
		return "folders of mounts are left, or missing";
	if (entries_of(w, "roots") > l->roots)
		return "a folder of roots is left";
	if (!l->active && loops_below(w->m.tmp.path, 0))
		return "loop devices are left";
	return NULL;
}

/* Whether it came to the end that the operation has. */
static const char *check_done(struct world *w, const struct look *l)
{
	const bool is_mounting = w->before < BEFORE_MOUNT || w->before == BEFORE_RESTING;
	const unsigned others = w->before == BEFORE_SHARED;

	if (w->before == BEFORE_MESS && (l->all || entries_of(w, "unpacked/sha256")))
		return "it is not clean";
	if (is_mounting && l->active != 1 + others)
		return "it is not mounted";
	return !is_mounting && l->active ? "it is still mounted" : NULL;
}

static const char *check_once(struct world *w, struct store *store, struct sweep_state state)
{
	struct look l = { .w = w };
	struct err err = { 0 };
	uint64_t count = 0;

	if (mounts_tidy(NULL, store, &count, &err) < 0) {
		printf("#   %s\n", err.msg);
		return "it can't be tidied";
	}
	if (state.end == SWEEP_DONE && count && w->before != BEFORE_MESS)
		return "a record was stale";
	if (mounts_list(store, look_at, &l, &err) < 0)
		return "records can't be listed";
	if (!l.wrong)
		l.wrong = check_tree(w, store);
	if (!l.wrong)
		l.wrong = check_left(w, &l);
	if (!l.wrong)
		l.wrong = check_written(w, &l, state);
	if (!l.wrong && state.end == SWEEP_DONE)
		l.wrong = check_done(w, &l);
	return l.wrong;
}

/*
 * A child of the one that was killed ends with it, a moment later, and holds its locks until then:
 * tidying leaves alone what may be in use.
 */
static const char *check_with(struct world *w, struct store *store, struct sweep_state state)
{
	const char *wrong = check_once(w, store, state);

	for (int i = 0; i < PATIENCE_MS && wrong && state.end == SWEEP_KILLED; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		wrong = check_once(w, store, state);
	}
	if (!wrong && !state.untidy && entries_of(w, "staging"))
		wrong = "something is left in staging";
	return wrong;
}

static const char *check(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	_store_ struct store *own = NULL;
	struct err err = { 0 };

	if (check_whole(w->m.path) < 0)
		return "a file is not what its name says";
	if (!w->m.store && store_open(w->m.path, 0, &own, &err) < 0) {
		printf("#   %s\n", err.msg);
		return "the store can't be opened";
	}
	return check_with(w, own ? own : w->m.store, state);
}

static const char *cleanup(void *arg)
{
	struct world *w = arg;
	struct err err = { 0 };
	uint64_t count = 0;
	int rc = 0;

	if (!w->m.store)
		must(store_open(w->m.path, 0, &w->m.store, &err), &err);
	rc = unmount(w->m.store, "m", true, &err);
	if (rc == 0)
		rc = unmount(w->m.store, "other", true, &err);
	if (rc == 0)
		rc = mounts_clean(NULL, w->m.store, &count, &err);
	if (rc < 0)
		printf("#   %s\n", err.msg);
	store_close(TAKE_PTR(w->m.store));
	/* Whoever opens it next clears staging. */
	must(store_open(w->m.path, 0, &w->m.store, &err), &err);
	store_close(TAKE_PTR(w->m.store));
	return rc < 0 ? "it can't be cleaned up" : mountmaker_left(&w->m);
}

/* --- the sweeps --- */

static bool world_init(struct world *w, struct mountmaker (*make)(void))
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
static void sweep_in(struct mountmaker (*make)(void), struct world *w, const char *name,
		     int (*run)(void *arg, struct err *err))
{
	struct sweep_op op = { .name = name,
			       .arg = w,
			       .prepare = prepare,
			       .run = run,
			       .check = check,
			       .cleanup = cleanup,
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

static void sweep(struct world w, const char *name, int (*run)(void *arg, struct err *err))
{
	sweep_in(mountmaker_make, &w, name, run);
}

void test_mount_faults__first(void)
{
	sweep((struct world){ .before = BEFORE_NOTHING }, "first mount", do_mount);
}

void test_mount_faults__later(void)
{
	sweep((struct world){ .before = BEFORE_TREE }, "later mount", do_mount);
}

void test_mount_faults__shared(void)
{
	sweep((struct world){ .before = BEFORE_SHARED, .uidmap = "0:1000:100" },
	      "another mount, with mapped ids", do_mount);
}

void test_mount_faults__by_loop_devices(void)
{
	struct world w = { .before = BEFORE_NOTHING, .driver = "loop" };

	sweep_in(mountmaker_make_in_memory, &w, "mount by loop devices", do_mount);
}

void test_mount_faults__unpacked(void)
{
	sweep((struct world){ .before = BEFORE_NOTHING, .driver = "unpacked" }, "unpacked mount",
	      do_mount);
}

void test_mount_faults__writable(void)
{
	sweep((struct world){ .before = BEFORE_TREE, .is_writable = true }, "writable mount",
	      do_mount);
}

void test_mount_faults__again(void)
{
	sweep((struct world){ .before = BEFORE_RESTING, .is_volatile = true }, "mount again",
	      do_remount);
}

void test_mount_faults__unmount(void)
{
	sweep((struct world){ .before = BEFORE_MOUNT }, "umount", do_unmount);
}

void test_mount_faults__unmount_root(void)
{
	sweep((struct world){ .before = BEFORE_ROOT, .is_volatile = true }, "umount of a root",
	      do_unmount);
}

void test_mount_faults__unmount_and_remove(void)
{
	sweep((struct world){ .before = BEFORE_ROOT, .remove = true }, "umount --remove",
	      do_unmount);
}

void test_mount_faults__clean(void)
{
	sweep((struct world){ .before = BEFORE_MESS }, "cleaning", do_clean);
}
