/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sweeping up after those who were killed: records whose mount is gone, bases and folders that no
 * record is of. Folders are looked at only while nobody mounts (the lock of the folder), because
 * theirs come before their records.
 */
#include "overlay/mounts.h"

#include "base/mem.h"
#include "base/text.h"
#include "overlay/mounts_parts.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>

/* --- records --- */

struct ids {
	char (*items)[MOUNT_ID_BYTES];
	size_t count;
};

static void ids_fini(struct ids *ids)
{
	free(ids->items);
}
#define _ids_ __attribute__((cleanup(ids_fini)))

static int add_stale(void *arg, const struct mount_record *r, struct err *err)
{
	struct ids *ids = arg;

	(void)err;
	if (r->entry.state != MOUNT_STALE)
		return 0;
	ids->items = xreallocarray(ids->items, ids->count + 1, sizeof(*ids->items));
	memcpy(ids->items[ids->count++], r->entry.id, MOUNT_ID_BYTES);
	return 0;
}

/* One that can't be forgotten keeps nobody from the others. */
static int forget_stale(struct op *op, struct store *store, uint64_t *ret_count, struct err *err)
{
	_ids_ struct ids ids = { 0 };
	struct err first = { 0 };
	uint64_t count = 0;

	TRY(mount_record_list(store, NULL, add_stale, &ids, err));
	for (size_t i = 0; i < ids.count; i++) {
		const struct umount_request request = { .store = store, .name = ids.items[i] };
		_mount_entry_ struct mount_entry e = { 0 };
		struct err why = { 0 };

		if (mounts_umount(op, &request, &e, &why) >= 0)
			count++;
		else if (!first.kind)
			first = why;
	}
	*ret_count = count;
	if (!first.kind)
		return 0;
	if (err)
		*err = first;
	return -first.errnum;
}

/* --- folders --- */

struct sweep {
	struct store *store;
	int dir;
	enum digest_alg alg;
};

/* ".KIND-HEX" of a base or a lock. */
static bool chain_of(const char *name, struct digest *ret)
{
	const char *hex = strrchr(name, '-');
	const size_t len = hex ? strlen(hex + 1) : 0;

	if (len != 64 && len != 128)
		return false;
	_free_ char *text = xasprintf("%s:%s", len == 64 ? "sha256" : "sha512", hex + 1);

	return digest_parse(text, strlen(text), ret, NULL) == 0;
}

/* Without a record; nothing of ours is mounted there, but maybe something of a lost database. */
static int sweep_mount(const struct sweep *s, const char *name, struct err *err)
{
	_mount_record_ struct mount_record r = { 0 };
	struct err why = { 0 };

	if (mount_record_get(s->store, name, &r, &why) == 0 || why.kind != ERR_NOT_FOUND)
		return 0;
	return mount_folder_remove(s->store, s->dir, name, err);
}

static int sweep_name(void *arg, const char *name, struct err *err)
{
	const struct sweep *s = arg;
	struct mount_chain c = { .store = s->store, .mounts_fd = s->dir, .lock_fd = -1 };

	if (name[0] != '.')
		return sweep_mount(s, name, err);
	return chain_of(name, &c.id) ? mount_chain_release(&c, err) : 0;
}

/* While nobody mounts. */
static int sweep_locked(struct store *store, int mounts, struct err *err)
{
	struct sweep s = { .store = store, .dir = mounts };

	TRY(folder_list(mounts, sweep_name, &s, err));
	return roots_sweep(store, err);
}

/* 1: locked; 0: somebody mounts, and it is left for the next time. */
static int lock_mounts(int mounts, struct err *err)
{
	struct err why = { 0 };
	const int rc = file_lock(mounts, true, false, &why);

	if (rc == 0 || rc == -EWOULDBLOCK)
		return rc == 0;
	if (err)
		*err = why;
	return rc;
}

static int sweep_folders(struct store *store, struct err *err)
{
	_close_ int mounts = -1;

	TRY(store_folder(store, "mounts", &mounts, err));
	const int locked = lock_mounts(mounts, err);

	return locked == 1 ? sweep_locked(store, mounts, err) : locked;
}

/* Whether there is something of that id in a folder of the store. */
static int has_folder(struct store *store, const char *kind, const char *id, struct err *err)
{
	_close_ int dir = -1;

	TRY(store_folder(store, kind, &dir, err));
	return faccessat(dir, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int mounts_free_id(struct op *op, struct store *store, const char *id, struct err *err)
{
	_close_ int mounts = -1;
	int there = has_folder(store, "mounts", id, err);

	if (there == 0)
		there = has_folder(store, "roots", id, err);
	if (there <= 0)
		return there;
	TRY(store_folder(store, "mounts", &mounts, err));
	TRY(file_lock_wait(op, mounts, true, err));
	return sweep_locked(store, mounts, err);
}

int mounts_tidy(struct op *op, struct store *store, uint64_t *ret_count, struct err *err)
{
	TRY(forget_stale(op, store, ret_count, err));
	return sweep_folders(store, err);
}

/* --- unpacked images --- */

static int sweep_unpacked(void *arg, const char *name, struct err *err)
{
	const struct sweep *s = arg;
	_free_ char *text = xasprintf("%s:%s", digest_alg_name(s->alg), name);
	struct digest chain;

	if (digest_parse(text, strlen(text), &chain, NULL) == 0) {
		const int used = mount_record_names(s->store, &chain, err);

		if (used)
			return used < 0 ? used : 0;
	}
	return file_remove_tree(s->dir, name, err);
}

static int sweep_unpacked_alg(struct store *store, int unpacked, enum digest_alg alg,
			      struct err *err)
{
	struct err why = { 0 };
	_close_ int dir =
		file_open_beneath(unpacked, digest_alg_name(alg), O_RDONLY | O_DIRECTORY, 0, &why);
	struct sweep s = { store, dir, alg };

	if (dir >= 0)
		return folder_list(dir, sweep_unpacked, &s, err);
	if (why.kind == ERR_NOT_FOUND)
		return 0;
	if (err)
		*err = why;
	return dir;
}

int mounts_clean(struct op *op, struct store *store, uint64_t *ret_count, struct err *err)
{
	_close_ int mounts = -1;
	_close_ int unpacked = -1;

	TRY(mounts_tidy(op, store, ret_count, err));
	TRY(store_folder(store, "mounts", &mounts, err));
	TRY(store_folder(store, "unpacked", &unpacked, err));
	/* Who unpacks holds the folder of mounts. */
	const int locked = lock_mounts(mounts, err);

	if (locked != 1)
		return locked;
	TRY(sweep_unpacked_alg(store, unpacked, DIGEST_SHA256, err));
	return sweep_unpacked_alg(store, unpacked, DIGEST_SHA512, err);
}

/* --- after a repair --- */

struct renewal {
	struct op *op;
	struct store *store;
	uint64_t count;
};

static int renew(void *arg, const struct mount_record *r, struct err *err)
{
	struct renewal *x = arg;
	_mount_chain_ struct mount_chain c = MOUNT_CHAIN_CLOSED;

	if (r->entry.state != MOUNT_ACTIVE)
		return 0;
	x->count++;
	TRY(mount_chain_open(x->op, x->store, &r->entry.chain_id, &c, err));
	return mount_chain_renew(&c, err);
}

int mounts_renew(struct op *op, struct store *store, uint64_t *ret_count, struct err *err)
{
	struct renewal x = { op, store, 0 };

	TRY(mount_record_list(store, NULL, renew, &x, err));
	*ret_count = x.count;
	return 0;
}
