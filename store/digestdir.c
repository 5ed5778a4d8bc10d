/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by digest. The path is made of a digest value, which cannot hold anything but an algorithm
 * we know and hex digits; what else lies in the folders is not ours and is passed over.
 */
#include "store/digestdir.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* KIND/ALG/HEX.SUFFIX */
struct path {
	char text[176];
};

static const char *path_of(const struct digestdir *dir, const struct digest *d, struct path *p)
{
	char hex[DIGEST_TEXT_BYTES];

	snprintf(p->text, sizeof(p->text), "%s/%s/%s%s", dir->kind, digest_alg_name(d->alg),
		 digest_hex(d, hex), dir->suffix);
	return p->text;
}

static int no_file(const struct path *p, const struct stat *st, struct err *err)
{
	return S_ISREG(st->st_mode) ? 0 : err_set(err, ERR_DAMAGED, "%s: not a file", p->text);
}

int digestdir_stat(const struct digestdir *dir, const struct digest *d, uint64_t *ret_size,
		   struct err *err)
{
	struct path p;
	struct stat st;

	if (fstatat(dir->root, path_of(dir, d, &p), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "%s", p.text);
	TRY(no_file(&p, &st, err));
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	return 0;
}

int digestdir_open(const struct digestdir *dir, const struct digest *d, uint64_t *ret_size,
		   struct err *err)
{
	struct path p;
	struct stat st;
	_close_ int fd =
		file_open_beneath(dir->root, path_of(dir, d, &p), O_RDONLY | O_NONBLOCK, 0, err);

	TRY(fd);
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "%s", p.text);
	TRY(no_file(&p, &st, err));
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	return TAKE_FD(fd);
}

int digestdir_remove(const struct digestdir *dir, const struct digest *d, struct err *err)
{
	struct path p;

	if (unlinkat(dir->root, path_of(dir, d, &p), 0) < 0)
		return err_sys(err, errno, "%s", p.text);
	return 0;
}

int digestdir_publish(const struct digestdir *dir, const struct digest *d, bool replace,
		      struct staged *from, struct err *err)
{
	struct path p;

	path_of(dir, d, &p);
	if (renameat2(from->dir, from->name, dir->root, p.text, replace ? 0 : RENAME_NOREPLACE) <
	    0) {
		/*
		 * A file system without the flag. Who makes this file holds its lock, so a look is
		 * enough.
		 */
		if (errno != EINVAL || replace)
			return err_sys(err, errno, "%s", p.text);
		if (faccessat(dir->root, p.text, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return err_sys(err, EEXIST, "%s", p.text);
		if (renameat(from->dir, from->name, dir->root, p.text) < 0)
			return err_sys(err, errno, "%s", p.text);
	}
	staged_close(from);
	return 0;
}

static int open_folder(const struct digestdir *dir, enum digest_alg alg, struct path *p,
		       struct err *err)
{
	snprintf(p->text, sizeof(p->text), "%s/%s", dir->kind, digest_alg_name(alg));
	return file_open_beneath(dir->root, p->text, O_RDONLY | O_DIRECTORY, 0, err);
}

int digestdir_sync(const struct digestdir *dir, enum digest_alg alg, struct err *err)
{
	struct path p;
	_close_ int fd = open_folder(dir, alg, &p, err);

	TRY(fd);
	return file_sync(fd, p.text, err);
}

static bool parse_name(const struct digestdir *dir, enum digest_alg alg, const char *name,
		       struct digest *ret)
{
	char text[DIGEST_TEXT_BYTES];
	const size_t hex_len = 2 * digest_alg_bytes(alg);
	const int len =
		snprintf(text, sizeof(text), "%s:%.*s", digest_alg_name(alg), (int)hex_len, name);

	return strlen(name) == hex_len + strlen(dir->suffix) &&
	       !strcmp(name + hex_len, dir->suffix) &&
	       digest_parse(text, (size_t)len, ret, NULL) == 0;
}

struct walk {
	const struct digestdir *dir;
	digestdir_fn *fn;
	void *arg;
};

/* Passes on one entry, if it is one of ours and still there. */
static int list_one(const struct walk *w, enum digest_alg alg, const char *name, struct err *err)
{
	struct err why = { 0 };
	struct digest d;
	uint64_t size = 0;

	if (!parse_name(w->dir, alg, name, &d))
		return 0;
	const int rc = digestdir_stat(w->dir, &d, &size, &why);

	if (rc == 0)
		return w->fn(w->arg, &d, size, err);
	if (rc == -ENOENT || why.kind == ERR_DAMAGED)
		return 0;
	err_keep_first(err, &why);
	return rc;
}

static int list_alg(const struct walk *w, enum digest_alg alg, DIR *entries, struct err *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(entries);

		if (!e)
			return errno ? err_sys(err, errno, "%s/%s", w->dir->kind,
					       digest_alg_name(alg))
				     : 0;
		const int rc = list_one(w, alg, e->d_name, err);

		if (rc != 0)
			return rc;
	}
}

int digestdir_list(const struct digestdir *dir, digestdir_fn *fn, void *arg, struct err *err)
{
	const struct walk w = { .dir = dir, .fn = fn, .arg = arg };

	for (enum digest_alg alg = DIGEST_SHA256; alg <= DIGEST_SHA512; alg++) {
		struct path p;
		const int fd = open_folder(dir, alg, &p, err);
		DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;

		if (fd == -ENOENT) {
			err_clear(err);
			continue;
		}
		TRY(fd);
		if (!entries) {
			(void)close(fd);
			return err_sys(err, ENOMEM, "%s", p.text);
		}
		const int rc = list_alg(&w, alg, entries, err);

		(void)closedir(entries);
		if (rc != 0)
			return rc;
	}
	return 0;
}
