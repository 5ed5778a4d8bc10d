/* SPDX-License-Identifier: Apache-2.0 */
/* Before and after mounting, unmounting and tidying up. */
#include "tests/fault/mount_world.h"

#include "base/mem.h"
#include "overlay/erofs.h"
#include "overlay/mount_record.h"
#include "overlay/mounts_parts.h"
#include "sys/file.h"
#include "tests/unit/store/support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#define PATIENCE_MS 2000

static void must(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "# mount faults: %s\n", err->msg);
	abort();
}

struct mount_request mount_world_request(struct mount_world *w, struct store *store)
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

int mount_world_unmount(struct store *store, const char *id, bool remove, struct err *err)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct umount_request q = { .store = store, .name = id, .remove = remove };
	const int rc = mounts_umount(NULL, &q, &e, err);

	return rc < 0 ? rc : 0;
}

/* --- before --- */

static void write_below(const char *folder, const char *name)
{
	_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || mkdirat(dir, name, 0755) < 0)
		abort();
}

static void make_root(struct mount_world *w, bool is_mounted)
{
	_mount_entry_ struct mount_entry e = { 0 };
	struct mount_request q = mount_world_request(w, w->m.store);
	struct err err = { 0 };

	q.is_writable = true;
	must(mounts_mount(NULL, &q, &e, &err), &err);
	write_below(e.path, "written");
	if (!is_mounted)
		must(mount_world_unmount(w->m.store, "m", false, &err), &err);
}

/* A mount that umount(8) took away, a base that nobody uses, folders and an unpacked image. */
static void make_mess(struct mount_world *w)
{
	_mount_entry_ struct mount_entry e = { 0 };
	struct mount_request q = mount_world_request(w, w->m.store);
	struct err err = { 0 };
	int root;

	q.driver = "unpacked";
	must(mounts_mount(NULL, &q, &e, &err), &err);
	must(mount_world_unmount(w->m.store, "m", false, &err), &err);
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

static void forget_tree(struct mount_world *w)
{
	struct err err = { 0 };

	if (treefiles_remove(w->m.store->trees, &w->i.chain, &err) < 0 && err.kind != ERR_NOT_FOUND)
		must(-1, &err);
}

void mount_world_prepare(void *arg)
{
	struct mount_world *w = arg;
	struct mount_request q;
	_mount_entry_ struct mount_entry e = { 0 };
	struct err err = { 0 };

	must(store_open(w->m.path, STORE_CREATE, &w->m.store, &err), &err);
	q = mount_world_request(w, w->m.store);
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
			must(mount_world_unmount(w->m.store, "other", false, &err), &err);
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
	struct mount_world *w;
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
static const char *check_tree(struct mount_world *w, struct store *store)
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

static unsigned entries_of(const struct mount_world *w, const char *folder)
{
	return mountmaker_entries(&w->m, folder);
}

/* What was written is there: in the upper folder, or the root is gone with all that was in it. */
static const char *check_written(struct mount_world *w, const struct look *l,
				 struct sweep_state state)
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

static const char *check_left(struct mount_world *w, const struct look *l)
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
static const char *check_done(struct mount_world *w, const struct look *l)
{
	const bool is_mounting = w->before < BEFORE_MOUNT || w->before == BEFORE_RESTING;
	const unsigned others = w->before == BEFORE_SHARED;

	if (w->before == BEFORE_MESS && (l->all || entries_of(w, "unpacked/sha256")))
		return "it is not clean";
	if (is_mounting && l->active != 1 + others)
		return "it is not mounted";
	return !is_mounting && l->active ? "it is still mounted" : NULL;
}

static const char *check_once(struct mount_world *w, struct store *store, struct sweep_state state)
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
static const char *check_with(struct mount_world *w, struct store *store, struct sweep_state state)
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

const char *mount_world_check(void *arg, struct sweep_state state)
{
	struct mount_world *w = arg;
	_store_ struct store *own = NULL;
	struct err err = { 0 };

	if (check_whole(w->m.path) < 0)
		return "a file is not what its name says";
	if (!w->m.store && store_open(w->m.path, 0, &own, &err) < 0) {
		printf("#   %s\n", err.msg);
		return "the store can't be opened";
	}
	struct store *store = own ? own : w->m.store;

	return store ? check_with(w, store, state) : "there is no store";
}

const char *mount_world_cleanup(void *arg)
{
	struct mount_world *w = arg;
	struct err err = { 0 };
	uint64_t count = 0;
	int rc = 0;

	if (!w->m.store)
		must(store_open(w->m.path, 0, &w->m.store, &err), &err);
	rc = mount_world_unmount(w->m.store, "m", true, &err);
	if (rc == 0)
		rc = mount_world_unmount(w->m.store, "other", true, &err);
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
