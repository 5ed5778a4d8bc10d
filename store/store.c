/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store below a folder: opening, making, and whether it may be written. records.db is what
 * makes a folder a store and comes last; it also carries the version of the whole. Until it says
 * that the store is one of ours nothing else is touched.
 */
#include "store/store.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/staging.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static const char oci_layout[] = STORE_OCI_LAYOUT;
static const struct file_content oci_layout_file = { oci_layout, sizeof(oci_layout) - 1, 0444 };

/* Where the database is made; cleaned away with the rest when its maker died. */
#define NEW_RECORDS "staging/records.db.new"

/* The embedded backend's own. */
struct folders {
	int root, staging;
	char *path; /* absolute, without links */
};

/* Puts the folder before an error; passes every result on. */
static int named(int rc, const char *path, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "%s", TEXT_ESCAPED(path));
	return rc;
}

/* What is there before and between: ours, a crashed creation's, and mkfs's. */
static bool is_ours(const char *name)
{
	static const char *const names[] = { ".",	   "..",     "blobs",	"layers",
					     "trees",	   "roots",  "staging", "oci-layout",
					     "lost+found", "mounts", "unpacked" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return text_starts_with(name, "records.db") || text_starts_with(name, ".img-tmp-");
}

/* Whether nothing but ours is there: 1 yes, 0 no, -errno when nobody can tell. */
static int is_empty(int root)
{
	const int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	int rc = 1;

	if (!entries) {
		rc = -errno;
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (rc == 1) {
		errno = 0;
		const struct dirent *e = readdir(entries);

		if (!e) {
			rc = errno ? -errno : 1;
			break;
		}
		rc = is_ours(e->d_name);
	}
	(void)closedir(entries);
	return rc;
}

/* Refuses to make a store among somebody's files. */
static int check_empty(int root, const char *path, struct err *err)
{
	const int empty = is_empty(root);

	if (empty < 0)
		return err_sys(err, -empty, "%s", TEXT_ESCAPED(path));
	if (empty)
		return 0;
	const int rc =
		err_set(err, ERR_USAGE, "%s: not a store, and not empty", TEXT_ESCAPED(path));

	err_hint(err, "name a new or empty folder with --store");
	return rc;
}

static int make_folders(int root, struct err *err)
{
	static const char *const names[] = { "staging",	     "blobs",  "blobs/sha256",
					     "blobs/sha512", "layers", "layers/sha256",
					     "layers/sha512" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		TRY(file_mkdir(root, names[i], 0700, err));
	TRY(file_replace(root, "oci-layout", &oci_layout_file, err));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_close_ int fd = file_open_beneath(root, names[i], O_RDONLY | O_DIRECTORY, 0, err);

		TRY(fd);
		TRY(file_sync(fd, names[i], err));
	}
	_close_ int parent = openat(root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* The folder's own name. Whoever may not read the parent leaves it to the system. */
	if (parent >= 0)
		TRY(file_sync(parent, "parent folder", err));
	return file_sync(root, "folder", err);
}

static bool has_records(int root)
{
	struct stat st;

	return fstatat(root, "records.db", &st, 0) == 0 && st.st_size > 0;
}

static void remove_new_records(int root)
{
	(void)unlinkat(root, NEW_RECORDS, 0);
	(void)unlinkat(root, NEW_RECORDS "-wal", 0);
	(void)unlinkat(root, NEW_RECORDS "-shm", 0);
}

/* The database appears complete, by a rename: nobody ever sees one that is half made. */
static int make_records(int root, const char *path, struct err *err)
{
	_free_ char *made = xasprintf("%s/" NEW_RECORDS, path);

	remove_new_records(root);
	int rc = records_create_sqlite(made, err);

	if (rc == 0)
		rc = file_rename_sync((struct file_name){ root, NEW_RECORDS },
				      (struct file_name){ root, "records.db" }, 0, err);
	if (rc < 0)
		remove_new_records(root);
	return rc;
}

static int make_store(int root, const char *path, struct err *err)
{
	/* A description of its own for the lock, which ends with it. */
	_close_ int lock = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	TRY(named(file_lock(lock, true, true, err), path, err));
	/* Another process may have been faster. */
	if (has_records(root))
		return 0;
	TRY(check_empty(root, path, err));
	TRY(named(make_folders(root, err), path, err));
	return make_records(root, path, err);
}

static int no_store(const char *path, struct err *err)
{
	const int rc = err_set(err, ERR_NOT_FOUND, "%s: no store here", TEXT_ESCAPED(path));

	err_hint(err, "img pull makes one; --store DIR or IMG_STORE names another");
	return rc;
}

/* How the records can be opened; errors when the store should be written and can't. */
static int choose_mode(int root, unsigned flags, enum records_mode *ret, struct err *err)
{
	const bool folder = faccessat(root, ".", W_OK, AT_EACCESS) == 0;
	const int errnum = errno;

	if (!(flags & STORE_READ_ONLY)) {
		*ret = RECORDS_WRITE;
		return folder ? 0 : err_sys(err, errnum, "folder");
	}
	*ret = folder && faccessat(root, "records.db", W_OK, AT_EACCESS) == 0 ? RECORDS_READ
									      : RECORDS_IMMUTABLE;
	return 0;
}

static int open_records(struct store *s, const char *path, unsigned flags, struct err *err)
{
	const int root = ((struct folders *)s->backend_)->root;
	_free_ char *db = xasprintf("%s/records.db", path);
	enum records_mode mode;

	TRY(named(choose_mode(root, flags, &mode, err), path, err));
	if (!has_records(root)) {
		if (!(flags & STORE_CREATE) || mode != RECORDS_WRITE)
			return no_store(path, err);
		TRY(make_store(root, path, err));
	}
	return records_open_sqlite(db, mode, &s->records, err);
}

static int open_staging(struct folders *f, struct err *err)
{
	TRY(file_mkdir(f->root, "staging", 0700, err));
	f->staging = file_open_beneath(f->root, "staging", O_RDONLY | O_DIRECTORY, 0, err);
	TRY(f->staging);
	staging_clean(f->staging, f->root);
	return 0;
}

static int open_store(struct store *s, const char *path, unsigned flags, struct err *err)
{
	struct folders *f = s->backend_;
	const bool create = (flags & STORE_CREATE) && !(flags & STORE_READ_ONLY);

	f->root = file_open_dir(path, create, 0700, err);
	if (f->root == -ENOENT)
		return no_store(path, err);
	TRY(f->root);
	TRY(open_records(s, path, flags, err));
	if (!(flags & STORE_READ_ONLY))
		TRY(named(open_staging(f, err), path, err));
	f->path = realpath(path, NULL);
	if (!f->path)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	s->blobs = blobs_new_files(f->root, f->staging);
	s->layers = layerfiles_new_files(f->root, f->staging);
	s->trees = treefiles_new_files(f->root, f->staging);
	return 0;
}

int store_open(const char *path, unsigned flags, struct store **ret, struct err *err)
{
	struct store *s = NEW(struct store);
	struct folders *f = NEW(struct folders);

	*f = (struct folders){ .root = -1, .staging = -1 };
	s->backend_ = f;
	const int rc = open_store(s, path, flags, err);

	if (rc < 0)
		store_close(s);
	else
		*ret = s;
	return rc;
}

struct store *store_new_memory(void)
{
	struct store *s = NEW(struct store);

	s->blobs = blobs_new_memory();
	s->layers = layerfiles_new_memory();
	s->trees = treefiles_new_memory();
	s->records = records_new_memory();
	return s;
}

const char *store_path(const struct store *store)
{
	const struct folders *f = store->backend_;

	return f ? f->path : NULL;
}

int store_staging(const struct store *store)
{
	const struct folders *f = store->backend_;

	return f ? f->staging : -1;
}

int store_folder(struct store *store, const char *name, int *ret_fd, struct err *err)
{
	const struct folders *f = store->backend_;

	if (!f)
		return err_set(err, ERR_UNSUPPORTED, "a store in memory has no folders");
	/* Without staging it is open for reading only. */
	if (f->staging >= 0)
		TRY(named(file_mkdir(f->root, name, 0700, err), f->path, err));
	const int fd = file_open_beneath(f->root, name, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0)
		return named(fd, f->path, err);
	*ret_fd = fd;
	return 0;
}

static void folders_free(struct folders *f)
{
	if (!f)
		return;
	if (f->staging >= 0)
		(void)close(f->staging);
	if (f->root >= 0)
		(void)close(f->root);
	free(f->path);
	free(f);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->records)
		store->records->ops->close(store->records);
	if (store->trees)
		store->trees->ops->close(store->trees);
	if (store->layers)
		store->layers->ops->close(store->layers);
	if (store->blobs)
		store->blobs->ops->close(store->blobs);
	folders_free(store->backend_);
	free(store);
}
