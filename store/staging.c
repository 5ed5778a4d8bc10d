/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks and cleaning in staging/. A name may be unlinked or renamed between the open and the lock,
 * so whoever got a lock checks that the file is still the one of that name, and tries again if not:
 * that makes cleaner, makers and those who wait safe from each other without a further lock.
 */
#include "store/staging.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/digestdir.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>

/*
 * So much is handed to the disk at once: enough to be sequential, little enough for a short fsync.
 */
#define FLUSH_BYTES ((uint64_t)8 << 20)

/* Whether an open file is the one of that name: 1 yes, 0 no, -errno when nobody can tell. */
static int is_still_there(int dir, const char *name, int fd)
{
	struct stat opened, named;

	if (fstat(fd, &opened) < 0)
		return -errno;
	if (fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/*
 * *ret_sealed: the file is read-only, its maker was about to publish it (root opens it all the
 * same).
 */
static int open_file(const struct staged *s, bool *ret_sealed, struct err *err)
{
	const int flags = O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(s->dir, s->name, flags | O_RDWR, 0600);

	*ret_sealed = false;
	if (fd < 0 && errno == EACCES) {
		*ret_sealed = true;
		fd = openat(s->dir, s->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	return fd >= 0 ? fd : err_sys(err, errno, "staging/%s", s->name);
}

/* Opens and locks once. Returns 1 when it was the file of that name, 0 to try again. */
static int try_open(struct staged *s, struct op *op, struct err *err)
{
	bool sealed;
	_close_ int fd = open_file(s, &sealed, err);

	if (fd == -ENOENT && sealed)
		return 0;
	TRY(fd);
	TRY(file_lock_wait(op, fd, true, err));
	const int there = is_still_there(s->dir, s->name, fd);

	if (there <= 0)
		return there < 0 ? err_sys(err, -there, "staging/%s", s->name) : 0;
	if (sealed) {
		if (fchmod(fd, 0600) < 0)
			return err_sys(err, errno, "staging/%s", s->name);
		return 0;
	}
	s->fd = TAKE_FD(fd);
	return 1;
}

int staged_open(struct op *op, const struct staged_want *want, struct staged *ret, struct err *err)
{
	struct staged s = { .fd = -1, .dir = want->dir };
	char hex[DIGEST_TEXT_BYTES];
	int rc;

	if (want->dir < 0)
		return err_set(err, ERR_READ_ONLY, "the store is open for reading only");
	snprintf(s.name, sizeof(s.name), "%s-%s%s", digest_alg_name(want->digest->alg),
		 digest_hex(want->digest, hex), want->suffix);
	do
		rc = try_open(&s, op, err);
	while (rc == 0);
	if (rc > 0)
		*ret = s;
	return rc < 0 ? rc : 0;
}

int staged_open_fresh(int dir, const char *prefix, struct staged *ret, struct err *err)
{
	struct staged s = { .fd = -1, .dir = dir };
	int rc;

	do {
		uint64_t number;

		if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
			return err_sys(err, errno, "getrandom");
		snprintf(s.name, sizeof(s.name), "%s%016" PRIx64, prefix, number);
		/* A cleaner may take it for a dead one's until it is locked. */
		rc = try_open(&s, NULL, err);
	} while (rc == 0);
	if (rc > 0)
		*ret = s;
	return rc < 0 ? rc : 0;
}

void staged_wrote(struct staged *s, uint64_t bytes)
{
	if (bytes < s->flushed_bytes)
		s->flushed_bytes = 0;
	if (bytes - s->flushed_bytes < FLUSH_BYTES)
		return;
	/* Only a hint: what fails here fails again in fsync, and is told there. */
	(void)sync_file_range(s->fd, (off_t)s->flushed_bytes, (off_t)(bytes - s->flushed_bytes),
			      SYNC_FILE_RANGE_WRITE);
	s->flushed_bytes = bytes;
}

int staged_seal(struct staged *s, struct err *err)
{
	if (fchmod(s->fd, 0444) < 0)
		return err_sys(err, errno, "staging/%s", s->name);
	return file_sync(s->fd, s->name, err);
}

void staged_close(struct staged *s)
{
	if (s->fd >= 0)
		(void)close(TAKE_FD(s->fd));
}

void staged_discard(struct staged *s)
{
	/* While the lock is held the name can only be this file's, or nobody's. */
	if (s->fd >= 0 && is_still_there(s->dir, s->name, s->fd) != 0)
		(void)unlinkat(s->dir, s->name, 0);
	staged_close(s);
}

/* Passes on one file of the folder, if it is one and still there. */
static int walk_one(int dir, const char *name, staging_fn *fn, void *arg, struct err *err)
{
	_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct staging_entry e = { .name = name, .fd = fd };

	if (fd < 0 || fstat(fd, &e.st) < 0 || !S_ISREG(e.st.st_mode))
		return 0;
	e.is_live = file_lock(fd, true, false, NULL) < 0;
	/* Again under the lock: its maker may have written, or published, in between. */
	if (fstat(fd, &e.st) < 0 || is_still_there(dir, name, fd) <= 0)
		return 0;
	return fn(arg, &e, err);
}

int staging_walk(int dir, staging_fn *fn, void *arg, struct err *err)
{
	/* A description of its own: the position in a folder belongs to it. */
	const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	int rc = 0;

	if (!entries) {
		rc = err_sys(err, errno, "staging");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (rc == 0) {
		errno = 0;
		const struct dirent *e = readdir(entries);

		if (!e) {
			rc = errno ? err_sys(err, errno, "staging") : 0;
			break;
		}
		if (e->d_type == DT_REG || e->d_type == DT_UNKNOWN)
			rc = walk_one(dir, e->d_name, fn, arg, err);
	}
	(void)closedir(entries);
	return rc;
}

/* The digest in "ALG-HEX.part". */
static bool parse_resumable(const char *name, struct digest *ret)
{
	char text[DIGEST_TEXT_BYTES];
	const size_t len = strlen(name), suffix = strlen(STAGING_RESUMABLE);
	const char *dash = strchr(name, '-');

	if (!text_ends_with(name, STAGING_RESUMABLE) || !dash || len - suffix >= sizeof(text))
		return false;
	memcpy(text, name, len - suffix);
	text[len - suffix] = '\0';
	text[dash - name] = ':';
	return digest_parse(text, len - suffix, ret, NULL) == 0;
}

static bool is_worth_keeping(const struct digestdir *blobs, const char *name, const struct stat *st)
{
	struct digest d;

	return st->st_size > 0 && parse_resumable(name, &d) &&
	       (int64_t)time(NULL) - (int64_t)st->st_mtime < STAGING_RESUME_SECONDS &&
	       digestdir_stat(blobs, &d, NULL, NULL) < 0;
}

static void clean_one(int dir, const struct digestdir *blobs, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    is_worth_keeping(blobs, name, &st))
		return;
	_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || file_lock(fd, true, false, NULL) < 0)
		return;
	/* Again under the lock: its maker may have written, or published, in between. */
	if (fstat(fd, &st) < 0 || is_worth_keeping(blobs, name, &st))
		return;
	if (is_still_there(dir, name, fd) > 0)
		(void)unlinkat(dir, name, 0);
}

void staging_clean(int dir, int root)
{
	const struct digestdir blobs = { .root = root, .kind = "blobs", .suffix = "" };
	/* A description of its own: the position in a folder belongs to it. */
	const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;

	if (!entries) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	for (const struct dirent *e; (e = readdir(entries));)
		if (e->d_type == DT_REG || e->d_type == DT_UNKNOWN)
			clean_one(dir, &blobs, e->d_name);
	(void)closedir(entries);
}
