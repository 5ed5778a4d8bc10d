/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a layout that is written: made on the first write, its staging, and the lock.
 *
 * Who changes index.json holds an exclusive flock on the layout's folder. umoci takes none, but
 * keeps a folder .umoci-* locked while it writes: that is waited for too. skopeo locks nothing.
 * Blobs under way are in .img-staging, on which each of us holds a shared lock, so that the last
 * one can take it away; umoci's gc leaves it alone.
 */
#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/staging.h"
#include "sys/file.h"
#include "transport/layout_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define UMOCI_PREFIX	 ".umoci-"
#define TEMPORARY_PREFIX ".img-tmp-" /* of file_replace */
#define PAUSE_MS	 20

/* --- entries --------------------------------------------------------------------------------- */

/* Returns > 0 to stop. */
typedef int entry_fn(int root, const char *name);

static int each_entry(int root, entry_fn *fn, struct err *err)
{
	/* A description of its own: the position in a folder belongs to it. */
	const int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	int rc = 0;

	if (!entries) {
		rc = err_sys(err, errno, "folder");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (rc == 0 && (errno = 0, e = readdir(entries)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = fn(root, e->d_name);
	if (rc == 0 && errno)
		rc = err_sys(err, errno, "folder");
	(void)closedir(entries);
	return rc;
}

static int is_foreign(int root, const char *name)
{
	(void)root;
	return !text_starts_with(name, TEMPORARY_PREFIX) && strcmp(name, LAYOUT_STAGING) != 0;
}

int layout_check_vacant(int root, const char *path, struct err *err)
{
	const int found = each_entry(root, is_foreign, err);

	if (found <= 0)
		return found;
	err_set(err, ERR_USAGE, "there are other things in the folder, and it is no layout");
	err_hint(err, "name a new folder: oci:%s/NEW", TEXT_ESCAPED(path));
	return -err_class(ERR_USAGE)->errnum;
}

/* Left behind by one of us who was killed while it held the lock. */
static int remove_temporary(int root, const char *name)
{
	if (text_starts_with(name, TEMPORARY_PREFIX))
		(void)unlinkat(root, name, 0);
	return 0;
}

/*
 * A umoci that writes. It makes its folder a moment before it locks it, and gives up when somebody
 * else has the lock then: a fresh one is not touched.
 */
static int is_live_umoci(int root, const char *name)
{
	struct stat st;

	if (!text_starts_with(name, UMOCI_PREFIX))
		return 0;
	_close_ int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (time(NULL) - st.st_ctime <= 1)
		return 1;
	return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* --- the lock -------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* 1: locked and nobody else is at work; 0: not now. */
static int try_lock(struct layout *l, struct err *err)
{
	struct err why = { 0 };

	if (file_lock(l->root, true, false, &why) < 0) {
		if (why.kind == ERR_BUSY)
			return 0;
		err_keep_first(err, &why);
		return -why.errnum;
	}
	const int busy = each_entry(l->root, is_live_umoci, err);

	if (busy == 0)
		return 1;
	layout_unlock(l);
	return busy < 0 ? busy : 0;
}

int layout_lock(struct layout *l, struct op *op, struct err *err)
{
	const uint64_t until_ms = now_ms() + l->busy_ms;
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int rc;

	while ((rc = try_lock(l, err)) == 0) {
		TRY(op_check(op, err));
		if (now_ms() >= until_ms)
			return err_set(err, ERR_BUSY, "another program is writing this layout");
		(void)nanosleep(&pause, NULL);
	}
	TRY(rc);
	return each_entry(l->root, remove_temporary, err);
}

void layout_unlock(struct layout *l)
{
	(void)flock(l->root, LOCK_UN);
}

/* --- staging --------------------------------------------------------------------------------- */

/* 1 when the locked folder is still the one of that name. */
static int is_current(int root, int staging)
{
	struct stat opened, named;

	return fstat(staging, &opened) == 0 &&
	       fstatat(root, LAYOUT_STAGING, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static int enter_staging(struct layout *l, struct op *op, struct err *err)
{
	for (;;) {
		_close_ int fd = -1;
		struct err why = { 0 };

		TRY(file_mkdir(l->root, LAYOUT_STAGING, 0700, err));
		fd = file_open_beneath(l->root, LAYOUT_STAGING, O_RDONLY | O_DIRECTORY, 0, &why);
		/* Who was the last one before us may just be taking it away. */
		if (fd < 0 && why.kind == ERR_NOT_FOUND && op_check(op, err) == 0)
			continue;
		if (fd < 0) {
			err_keep_first(err, &why);
			return -why.errnum;
		}
		TRY(file_lock_wait(op, fd, false, err));
		if (!is_current(l->root, fd))
			continue;
		l->staging = TAKE_FD(fd);
		staging_clean(l->staging, l->root);
		return 0;
	}
}

void layout_leave(struct layout *l)
{
	if (l->staging < 0)
		return;
	if (flock(l->staging, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(l->root, LAYOUT_STAGING, AT_REMOVEDIR);
	(void)close(TAKE_FD(l->staging));
}

/* --- making ---------------------------------------------------------------------------------- */

static int write_if_absent(int root, const char *name, const char *text, struct err *err)
{
	const struct file_content content = { text, strlen(text), 0644 };

	if (faccessat(root, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return file_replace(root, name, &content, err);
}

/* oci-layout first: from then on a repeat knows the folder as ours. */
static int make_files(struct layout *l, struct op *op, struct err *err)
{
	int rc;

	if (faccessat(l->root, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    faccessat(l->root, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	TRY(layout_lock(l, op, err));
	rc = write_if_absent(l->root, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", err);
	if (rc == 0)
		rc = write_if_absent(l->root, "index.json",
				     "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
				     "\",\"manifests\":[]}",
				     err);
	layout_unlock(l);
	return rc;
}

static int make_root(struct layout *l, struct err *err)
{
	if (l->root >= 0)
		return 0;
	const int fd = file_open_dir(l->path, true, 0755, err);

	TRY(fd);
	l->root = fd;
	/* Somebody may have made it since it was not there. */
	return layout_load(l, err);
}

/* Folders, not links to some: blobs go where they seem to go. */
static int make_blobs(const struct layout *l, enum digest_alg alg, struct err *err)
{
	TRY(file_mkdir(l->root, "blobs", 0755, err));
	_close_ int blobs = file_open_beneath(l->root, "blobs", O_RDONLY | O_DIRECTORY, 0, err);

	TRY(blobs);
	return file_mkdir(blobs, digest_alg_name(alg), 0755, err);
}

int layout_prepare(struct layout *l, struct op *op, enum digest_alg alg, struct err *err)
{
	if (l->use != LAYOUT_WRITE)
		return err_set(err, ERR_READ_ONLY, "the layout is open for reading only");
	TRY(make_root(l, err));
	if (!l->writable) {
		TRY(make_files(l, op, err));
		TRY(enter_staging(l, op, err));
		l->writable = blobs_new_files(l->root, l->staging);
	}
	return make_blobs(l, alg, err);
}
