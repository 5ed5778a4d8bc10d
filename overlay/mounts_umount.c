/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unmounting, finding and listing, and sweeping up after those who were killed. First the mount
 * goes, then its folder, then its record: whatever is cut short is still known and done by the
 * next.
 */
#include "overlay/mounts.h"

#include "base/mem.h"
#include "base/text.h"
#include "overlay/mounts_parts.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>

/* --- one mount --- */

static int elsewhere(const struct mount_entry *e, struct err *err)
{
	const int rc = err_set(err, ERR_BUSY, "%s: mounted in another mount namespace", e->id);

	err_hint(err, "unmount it there, or end what lives there");
	return rc;
}

static int detach(const struct mount_entry *e, bool lazy, struct err *err)
{
	const uint64_t top = mount_unique_at(AT_FDCWD, e->path);

	if (e->where.unique && top != e->where.unique)
		return err_set(err, ERR_BUSY, "%s: moved, or something else is mounted over it",
			       TEXT_ESCAPED(e->path));
	const int rc = mount_detach_this(e->path, e->where.unique, lazy, err);

	if (rc < 0 && err && err->kind == ERR_BUSY)
		err_hint(err, "something is using it; --lazy takes it out of sight now");
	return rc < 0 && err && err->kind == ERR_NOT_FOUND ? 0 : rc;
}

/* The root is in order now, and not mounted. */
static int rest_root(struct store *store, const struct mount_record *r, struct err *err)
{
	struct mount_entry e = r->entry; /* borrows */

	e.path = NULL;
	return mount_record_swap(store, r, &e, err);
}

static int finish_root(const struct umount_request *request, const struct mount_record *r,
		       bool was_clean, struct err *err)
{
	_close_ int root = root_open(request->store, r->entry.id, NULL);

	if (request->remove || root == -ENOENT) {
		if (root >= 0 && !request->lazy)
			TRY(root_check_rest(root, err));
		/* A record without a folder can be removed again; a folder without one is kept. */
		TRY(root_remove(request->store, r->entry.id, err));
		return mount_record_remove(request->store, r, err);
	}
	/* What is in order survives a power cut. */
	if (was_clean && r->entry.is_volatile && root >= 0 && syncfs(root) < 0)
		return err_sys(err, errno, "roots/%s", r->entry.id);
	if (was_clean && root >= 0)
		TRY(root_mark_clean(root, err));
	return r->entry.path ? rest_root(request->store, r, err) : 0;
}

int mount_folder_remove(struct store *store, int mounts, const char *id, struct err *err)
{
	_free_ char *path = xasprintf("%s/mounts/%s", store_path(store), id);

	for (;;) {
		if (unlinkat(mounts, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return err_sys(err, errno, "mounts/%s", id);
		if (mount_detach(path, true, err) < 0)
			return err_prefix(err, "mounts/%s", id);
	}
}

/* The folder that was made for it, when it is the one that it is mounted on. */
static int finish_mount(const struct mount_chain *c, const struct mount_record *r, struct err *err)
{
	TRY(mount_folder_remove(c->store, c->mounts_fd, r->entry.id, err));
	return mount_record_remove(c->store, r, err);
}

static int umount_record(const struct mount_chain *c, const struct umount_request *request,
			 const struct mount_record *r, struct err *err)
{
	const struct mount_entry *e = &r->entry;
	const bool is_active = e->state == MOUNT_ACTIVE;

	if (e->state == MOUNT_ELSEWHERE)
		return elsewhere(e, err);
	if (is_active)
		TRY(detach(e, request->lazy, err));
	if (e->is_writable)
		TRY(finish_root(request, r, is_active && !request->lazy, err));
	else
		TRY(finish_mount(c, r, err));
	return mount_chain_release(c, err);
}

/* By id, under the lock of its chain, as it is by then. */
static int umount_locked(struct op *op, const struct umount_request *request,
			 const struct mount_entry *seen, struct mount_entry *ret, struct err *err)
{
	_mount_chain_ struct mount_chain c = MOUNT_CHAIN_CLOSED;
	_mount_record_ struct mount_record r = { 0 };
	struct err why = { 0 };

	TRY(mount_chain_open(op, request->store, &seen->chain_id, &c, err));
	const int rc = mount_record_get(request->store, seen->id, &r, &why);

	/* Somebody else was faster. */
	if (rc < 0 && why.kind == ERR_NOT_FOUND)
		return 1;
	if (rc < 0) {
		*err = why;
		return rc;
	}
	TRY(umount_record(&c, request, &r, err));
	*ret = r.entry;
	r.entry = (struct mount_entry){ 0 };
	return 0;
}

int mounts_umount(struct op *op, const struct umount_request *request, struct mount_entry *ret,
		  struct err *err)
{
	struct mount_entry seen = { 0 };
	struct err why = { 0 };
	int rc = mounts_find(request->store, request->name, &seen, &why);

	if (rc < 0 && why.kind == ERR_NOT_FOUND)
		return 1;
	if (rc < 0) {
		*err = why;
		return rc;
	}
	rc = umount_locked(op, request, &seen, ret, err);
	if (rc == 1) {
		*ret = seen;
		return 0;
	}
	mount_entry_fini(&seen);
	return rc;
}

/* --- finding --- */

struct search {
	const char *path;
	uint64_t top;
	struct mount_entry *ret;
	bool is_found;
};

static int match_path(void *arg, const struct mount_record *r, struct err *err)
{
	struct search *s = arg;
	struct mount_record *mine = (struct mount_record *)r;

	(void)err;
	if (!r->entry.path || strcmp(r->entry.path, s->path) != 0)
		return 0;
	if (s->is_found)
		mount_entry_fini(s->ret);
	*s->ret = mine->entry;
	mine->entry = (struct mount_entry){ 0 };
	s->is_found = true;
	/* What can be seen there is meant, whatever is below it. */
	return s->ret->where.unique == s->top;
}

/* As far as it can be followed; what is gone is taken as it is written. */
static char *absolute(const char *name)
{
	char *real = realpath(name, NULL);

	if (real || name[0] == '/')
		return real ? real : xstrdup(name);
	_free_ char *cwd = getcwd(NULL, 0);

	return xasprintf("%s/%s", cwd ? cwd : "", name);
}

static int find_path(struct store *store, const char *name, struct mount_entry *ret,
		     struct err *err)
{
	_free_ char *path = absolute(name);
	struct mount_entry found = { 0 };
	struct search s = { path, mount_unique_at(AT_FDCWD, path), &found, false };
	const int rc = mount_record_list(store, NULL, match_path, &s, err);

	if (rc >= 0 && s.is_found) {
		*ret = found;
		return 0;
	}
	mount_entry_fini(&found);
	return rc < 0 ? rc
		      : err_set(err, ERR_NOT_FOUND, "%s: no mount and no root of ours",
				TEXT_ESCAPED(name));
}

int mounts_find(struct store *store, const char *name, struct mount_entry *ret, struct err *err)
{
	struct mount_record r = { 0 };
	struct err why = { 0 };
	const int rc = mount_id_check(name, NULL) < 0 ? -ENOENT
						      : mount_record_get(store, name, &r, &why);

	if (rc == 0) {
		*ret = r.entry;
		return 0;
	}
	if (why.kind != ERR_NONE && why.kind != ERR_NOT_FOUND) {
		*err = why;
		return rc;
	}
	return find_path(store, name, ret, err);
}

/* --- listing --- */

struct entries {
	struct mount_entry *items;
	size_t count;
};

static void entries_fini(struct entries *e)
{
	for (size_t i = 0; i < e->count; i++)
		mount_entry_fini(&e->items[i]);
	free(e->items);
}
#define _entries_ __attribute__((cleanup(entries_fini)))

static int collect(void *arg, const struct mount_record *r, struct err *err)
{
	struct mount_record *mine = (struct mount_record *)r;
	struct entries *e = arg;

	(void)err;
	if ((e->count & (e->count - 1)) == 0)
		e->items = xreallocarray(e->items, e->count ? e->count * 2 : 1, sizeof(*e->items));
	e->items[e->count++] = mine->entry;
	mine->entry = (struct mount_entry){ 0 };
	return 0;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct mount_entry *)a)->id, ((const struct mount_entry *)b)->id);
}

int mounts_list(struct store *store, mounts_fn *fn, void *arg, struct err *err)
{
	_entries_ struct entries all = { 0 };

	TRY(mount_record_list(store, NULL, collect, &all, err));
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), by_id);
	for (size_t i = 0; i < all.count; i++) {
		const int rc = fn(arg, &all.items[i], err);

		if (rc)
			return rc;
	}
	return 0;
}
