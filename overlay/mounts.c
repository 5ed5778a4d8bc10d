/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounting. The mount is made whole where nobody sees it, and its identity is known there already;
 * then its record is written, in the transaction that takes what it needs back from the collector;
 * then it is moved into place. Killed before the record, all that was made goes with the process
 * (but folders, which sweeping finds); killed after it, the record names a mount that is not there.
 */
#include "overlay/mounts.h"

#include "base/mem.h"
#include "base/text.h"
#include "overlay/mounts_parts.h"
#include "overlay/tree_file.h"
#include "store/keep.h"
#include "sys/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

/* Inode of the user namespace that the system began with (PROC_USER_INIT_INO). */
#define INITIAL_USERNS 0xEFFFFFFDu

/* One mount under way. */
struct mounting {
	struct op *op;
	struct mount_request request; /* with what an old record says */
	struct mount_chain chain;
	struct mount_entry entry;
	const struct mount_record *old; /* the root's, when it is mounted again */
	const struct driver *driver;
	int lower, mount; /* detached */
	int root;	  /* roots/<id> */
	int target;
	bool has_folder, has_root, has_record; /* to be undone */
	bool is_clean;			       /* the root, volatile, before it is mounted again */
};

static void mounting_fini(struct mounting *m)
{
	const int fds[] = { m->lower, m->mount, m->root, m->target };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	mount_chain_close(&m->chain);
	mount_entry_fini(&m->entry);
}
#define _mounting_ __attribute__((cleanup(mounting_fini)))

/* --- before --- */

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static bool is_in_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != INITIAL_USERNS;
}

static void fill_entry(struct mounting *m)
{
	const struct mount_request *q = &m->request;
	struct mount_entry *e = &m->entry;

	e->image = xstrdup(q->image ? q->image : "");
	e->manifest = q->manifest;
	mount_chain_id(q->diff_ids, q->layer_count, &e->chain_id);
	e->is_writable = q->is_writable;
	e->is_volatile = q->is_writable && q->is_volatile;
	e->uidmap = dup_or_null(q->uidmap ? q->uidmap : q->gidmap);
	e->gidmap = dup_or_null(q->gidmap ? q->gidmap : q->uidmap);
	e->is_userxattr = m->old ? m->old->entry.is_userxattr
				 : q->is_writable && is_in_user_namespace();
	e->created_at = m->old ? m->old->entry.created_at : (int64_t)time(NULL);
}

static int choose_id(struct mounting *m, struct err *err)
{
	const char *id = m->request.id;

	if (!id)
		return mount_id_make(m->entry.id, err);
	TRY(mount_id_check(id, err));
	memcpy(m->entry.id, id, strlen(id) + 1);
	return 0;
}

static int check_id_is_free(struct mounting *m, struct err *err)
{
	_mount_record_ struct mount_record r = { 0 };
	struct err why = { 0 };
	const int rc = mount_record_get(m->request.store, m->entry.id, &r, &why);

	if (rc == 0)
		return err_set(err, ERR_EXISTS, "%s: there is a mount or root of that id",
			       m->entry.id);
	if (why.kind == ERR_NOT_FOUND)
		return 0;
	*err = why;
	return rc;
}

/*
 * What a store says is mounted, with devices and suid files when writable: nobody else may have a
 * say in that, but root.
 */
static int check_owner(const struct store *store, struct err *err)
{
	const char *path = store_path(store);
	struct stat st;

	if (path && stat(path, &st) < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	if (!path || st.st_uid == geteuid() || st.st_uid == 0)
		return 0;
	const int rc = err_set(err, ERR_DENIED, "%s: the store belongs to user %u",
			       TEXT_ESCAPED(path), st.st_uid);

	err_hint(err, "who can write to a store decides what is mounted from it: use one of "
		      "your own");
	return rc;
}

static int begin(struct mounting *m, struct err *err)
{
	TRY(mount_is_allowed(err));
	TRY(check_owner(m->request.store, err));
	fill_entry(m);
	return mount_chain_open(m->op, m->request.store, &m->entry.chain_id, &m->chain, err);
}

/* --- the place --- */

static int make_mount_folder(struct mounting *m, struct err *err)
{
	if (mkdirat(m->chain.mounts_fd, m->entry.id, 0700) < 0)
		return err_sys(err, errno, "mounts/%s", m->entry.id);
	m->has_folder = true;
	return 0;
}

/* Follows links, as mount(8) does. */
static int open_target(struct mounting *m, struct err *err)
{
	static const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	const char *path = m->request.path;

	if (path)
		m->target = open(path, flags);
	else if (m->entry.is_writable)
		m->target = openat(m->root, "merged", flags | O_NOFOLLOW);
	else
		m->target = openat(m->chain.mounts_fd, m->entry.id, flags | O_NOFOLLOW);
	if (m->target < 0)
		return err_sys(err, errno, "%s", path ? TEXT_ESCAPED(path) : "folder to mount on");
	return mount_path_of(m->target, &m->entry.path, err);
}

static int make_place(struct mounting *m, struct err *err)
{
	if (!m->entry.is_writable && !m->request.path)
		TRY(make_mount_folder(m, err));
	if (m->entry.is_writable && !m->old) {
		m->root = root_make(m->request.store, m->entry.id, err);
		TRY(m->root);
		m->has_root = true;
	}
	return open_target(m, err);
}

/* --- the mount --- */

static int map_ids(const struct mounting *m, struct err *err)
{
	struct id_map uids = { 0 }, gids = { 0 };
	int rc = id_map_parse(m->entry.uidmap, &uids, err);

	if (rc == 0)
		rc = id_map_parse(m->entry.gidmap, &gids, err);
	_close_ int userns = rc == 0 ? userns_make(&uids, &gids, err) : -1;

	free(uids.ranges);
	free(gids.ranges);
	if (rc < 0 || userns < 0)
		return rc < 0 ? rc : userns;
	return mount_idmap(m->lower, userns, err);
}

static int make_lower(struct mounting *m, struct err *err)
{
	const struct mount_lowering w = { m->op, &m->chain, &m->request };

	TRY(mount_chain_lower(&w, &m->driver, &m->lower, err));
	m->entry.driver = xstrdup(m->driver->name);
	return m->entry.uidmap ? map_ids(m, err) : 0;
}

static int make_overlay(struct mounting *m, struct err *err)
{
	const struct root_mode mode = { m->entry.is_volatile, m->entry.is_userxattr };

	if (!m->old)
		TRY(root_dress(m->root, m->lower, err));
	m->mount = root_overlay(m->root, m->lower, mode, err);
	return m->mount < 0 ? m->mount : 0;
}

static int make_mount(struct mounting *m, struct err *err)
{
	TRY(make_lower(m, err));
	if (m->entry.is_writable)
		TRY(make_overlay(m, err));
	else {
		TRY(mount_restrict(m->lower, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err));
		m->mount = TAKE_FD(m->lower);
	}
	return mount_identify(m->mount, &m->entry.where, err);
}

/* --- the record --- */

static int write_record(struct records *records, void *arg, struct err *err)
{
	struct mounting *m = arg;

	(void)records;
	TRY(keep_manifest(m->request.store, &m->entry.manifest, false, err));
	if (m->old)
		return mount_record_swap(m->request.store, m->old, &m->entry, err);
	return mount_record_create(m->request.store, &m->entry, err);
}

/*
 * From the transaction on nothing is swept; before it something may have been. What is mounted
 * holds its layers, but a root is to be mounted again.
 */
static int check_layers(const struct mounting *m, struct err *err)
{
	return tree_file_check_tars(&m->request, NULL, err);
}

static int record(struct mounting *m, struct err *err)
{
	struct records *records = m->request.store->records;

	/* A mount is gone with the power; a root is not. */
	TRY(m->entry.is_writable ? records_transaction(records, write_record, m, err)
				 : records_transaction_relaxed(records, write_record, m, err));
	m->has_record = true;
	return m->entry.is_writable ? check_layers(m, err) : 0;
}

/* --- all of it --- */

/* The root as it was before, or nothing at all. */
static void undo_record(struct mounting *m)
{
	_mount_record_ struct mount_record r = { 0 };

	if (mount_record_get(m->request.store, m->entry.id, &r, NULL) < 0)
		return;
	if (m->old)
		(void)mount_record_swap(m->request.store, &r, &m->old->entry, NULL);
	else
		(void)mount_record_remove(m->request.store, &r, NULL);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		(void)close(TAKE_FD(*fd));
}

static void undo(struct mounting *m)
{
	if (m->has_record)
		undo_record(m);
	/* A mount that was never attached goes with its descriptor; only then is its folder free. */
	close_one(&m->mount);
	close_one(&m->lower);
	/* Nothing was written to it, but overlayfs marks it all the same. */
	if (m->is_clean)
		(void)root_mark_clean(m->root, NULL);
	close_one(&m->root);
	if (m->has_folder)
		(void)unlinkat(m->chain.mounts_fd, m->entry.id, AT_REMOVEDIR);
	if (m->has_root)
		(void)root_remove(m->request.store, m->entry.id, NULL);
	if (m->chain.mounts_fd >= 0)
		(void)mount_chain_release(&m->chain, NULL);
}

static int mount_all(struct mounting *m, struct err *err)
{
	TRY(make_place(m, err));
	TRY(make_mount(m, err));
	TRY(op_check(m->op, err));
	TRY(record(m, err));
	return mount_attach(m->mount, m->target, err);
}

static int finish(struct mounting *m, int rc, struct mount_entry *ret)
{
	if (rc < 0) {
		undo(m);
		return rc;
	}
	m->entry.state = MOUNT_ACTIVE;
	*ret = m->entry;
	m->entry = (struct mount_entry){ 0 };
	return 0;
}

static struct mounting mounting_of(struct op *op, const struct mount_request *request)
{
	return (struct mounting){ .op = op,
				  .request = *request,
				  .chain = MOUNT_CHAIN_CLOSED,
				  .lower = -1,
				  .mount = -1,
				  .root = -1,
				  .target = -1 };
}

int mounts_mount(struct op *op, const struct mount_request *request, struct mount_entry *ret,
		 struct err *err)
{
	_mounting_ struct mounting m = mounting_of(op, request);

	TRY(choose_id(&m, err));
	if (request->id)
		TRY(mounts_free_id(op, request->store, m.entry.id, err));
	TRY(begin(&m, err));
	int rc = check_id_is_free(&m, err);

	if (rc == 0)
		rc = mount_all(&m, err);
	return finish(&m, rc, ret);
}

/* --- a root again --- */

static int check_old(const struct mount_record *r, const struct mount_request *request,
		     struct err *err)
{
	const struct mount_entry *e = &r->entry;
	struct digest chain;

	if (!e->is_writable)
		return err_set(err, ERR_NOT_FOUND, "%s: a mount, not a writable root", e->id);
	if (e->state == MOUNT_ACTIVE || e->state == MOUNT_ELSEWHERE)
		return err_set(err, ERR_BUSY, "%s: mounted already%s%s", e->id,
			       e->state == MOUNT_ACTIVE ? " at " : ", in another mount namespace",
			       e->state == MOUNT_ACTIVE ? TEXT_ESCAPED(e->path) : "");
	mount_chain_id(request->diff_ids, request->layer_count, &chain);
	if (!digest_equal(&e->chain_id, &chain))
		return err_set(err, ERR_USAGE, "%s: a root of another image", e->id);
	return 0;
}

/*
 * What overlayfs did not sync is safe as long as the system ran on: only the mark is in the way.
 */
static int check_volatile(const struct mounting *m, const struct mount_id *last, struct err *err)
{
	struct mount_id here;

	if (!root_is_unclean(m->root))
		return 0;
	TRY(mount_here(&here, err));
	if (!strcmp(here.boot_id, last->boot_id))
		return root_mark_clean(m->root, err);
	const int rc = err_set(err, ERR_DAMAGED,
			       "%s: volatile, and the system went down while it was mounted",
			       m->entry.id);

	err_hint(err, "its files may be damaged: img umount --remove %s", m->entry.id);
	return rc;
}

static int remount_all(struct mounting *m, const struct mount_id *last, struct err *err)
{
	m->root = root_open(m->request.store, m->entry.id, err);
	TRY(m->root);
	TRY(check_volatile(m, last, err));
	m->is_clean = m->entry.is_volatile;
	return mount_all(m, err);
}

int mounts_remount(struct op *op, const struct mount_request *request, struct mount_entry *ret,
		   struct err *err)
{
	_mount_record_ struct mount_record old = { 0 };
	_mounting_ struct mounting m = mounting_of(op, request);

	TRY(choose_id(&m, err));
	TRY(mount_record_get(request->store, m.entry.id, &old, err));
	/* What a root is, it stays. */
	m.request.is_writable = true;
	m.request.is_volatile = old.entry.is_volatile;
	m.request.uidmap = old.entry.uidmap;
	m.request.gidmap = old.entry.gidmap;
	m.request.manifest = old.entry.manifest;
	m.old = &old;
	TRY(check_old(&old, request, err));
	TRY(begin(&m, err));
	return finish(&m, remount_all(&m, &old.entry.where, err), ret);
}

/* --- what commit and changes need --- */

void root_sides_fini(struct root_sides *r)
{
	erofs_free(r->erofs);
	if (r->upper_fd >= 0)
		(void)close(r->upper_fd);
	*r = (struct root_sides){ .upper_fd = -1 };
}

int mounts_open_root(struct op *op, const struct mount_request *request, struct root_sides *ret,
		     struct err *err)
{
	_tree_file_ struct tree_file tree = TREE_FILE_CLOSED;
	_mount_record_ struct mount_record r = { 0 };

	TRY(mount_record_get(request->store, request->id, &r, err));
	if (!r.entry.is_writable)
		return err_set(err, ERR_NOT_FOUND, "%s: a mount, not a writable root", r.entry.id);
	_close_ int root = root_open(request->store, r.entry.id, err);

	TRY(root);
	const struct tree_want want = { op, request, &r.entry.chain_id, NULL };

	TRY(tree_file_open(&want, &tree, err));
	const int upper = file_open_beneath(root, "upper", O_RDONLY | O_DIRECTORY, 0, err);

	TRY(upper);
	*ret = (struct root_sides){ upper, TAKE_PTR(tree.erofs) };
	return 0;
}
