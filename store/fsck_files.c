/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a store: the file that makes it an OCI image layout, and whatever lies there that
 * is not ours. That is told and never touched.
 */
#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/fsck_parts.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

static void tell(struct fsck *f, const char *path, enum fsck_problem problem, const char *what)
{
	fsck_tell(f, &(struct fsck_finding){
			     .thing = FSCK_FILE, .problem = problem, .name = path, .what = what });
}

/* HEX and one of the suffixes, separated by spaces in `suffixes`, as they are in this folder. */
static bool is_digest_name(const char *name, size_t hex_len, const char *const *suffixes)
{
	if (strspn(name, "0123456789abcdef") < hex_len)
		return false;
	for (; *suffixes; suffixes++)
		if (!strcmp(name + hex_len, *suffixes))
			return true;
	return false;
}

struct folder {
	const char *name;	     /* "blobs/sha256" */
	size_t hex_len;		     /* 0: names are as in `names` */
	const char *const *names;    /* or suffixes */
	const char *const *prefixes; /* NULL: none */
};

static bool is_ours(const struct folder *folder, const char *name)
{
	if (folder->hex_len)
		return is_digest_name(name, folder->hex_len, folder->names);
	for (const char *const *n = folder->names; *n; n++)
		if (!strcmp(name, *n))
			return true;
	for (const char *const *p = folder->prefixes; p && *p; p++)
		if (text_starts_with(name, *p))
			return true;
	return false;
}

static int look(struct fsck *f, int root, const struct folder *folder, struct err *err)
{
	const int fd = openat(root, folder->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;

	if (!entries) {
		const int errnum = errno;

		if (fd >= 0)
			(void)close(fd);
		return errnum == ENOENT ? 0 : err_sys(err, errnum, "%s", folder->name);
	}
	for (const struct dirent *e; (e = readdir(entries));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    is_ours(folder, e->d_name))
			continue;
		_free_ char *path = xasprintf("%s/%s", folder->name, e->d_name);

		tell(f, text_starts_with(path, "./") ? path + 2 : path, FSCK_STRANGE,
		     "not a file of a store");
	}
	(void)closedir(entries);
	return 0;
}

static int check_layout(struct fsck *f, int root, struct err *err)
{
	static const char expected[] = STORE_OCI_LAYOUT;
	_buf_ struct buf content = BUF_INIT(4096);
	struct err why = { 0 };

	if (file_read(root, "oci-layout", &content, &why) < 0) {
		if (why.kind != ERR_NOT_FOUND && why.kind != ERR_LIMIT) {
			err_keep_first(err, &why);
			return -why.errnum;
		}
		tell(f, "oci-layout", why.kind == ERR_NOT_FOUND ? FSCK_MISSING : FSCK_DAMAGED,
		     why.msg);
		return 0;
	}
	if (content.len != strlen(expected) || strcmp(buf_str(&content), expected) != 0)
		tell(f, "oci-layout", FSCK_DAMAGED, "says something else");
	return 0;
}

int fsck_files(struct fsck *f, struct err *err)
{
	static const char *const top[] = { "blobs",	 "layers",     "trees",	 "roots",
					   "staging",	 "oci-layout", "mounts", "unpacked",
					   "lost+found", NULL };
	static const char *const top_prefixes[] = { "records.db", ".img-tmp-", NULL };
	static const char *const algs[] = { "sha256", "sha512", NULL };
	static const char *const plain[] = { "", NULL }, *const layer[] = { ".tar", ".idx", NULL },
				 *const tree[] = { ".erofs", NULL };
	static const struct folder folders[] = {
		{ ".", 0, top, top_prefixes },	      { "blobs", 0, algs, NULL },
		{ "layers", 0, algs, NULL },	      { "trees", 0, algs, NULL },
		{ "blobs/sha256", 64, plain, NULL },  { "blobs/sha512", 128, plain, NULL },
		{ "layers/sha256", 64, layer, NULL }, { "layers/sha512", 128, layer, NULL },
		{ "trees/sha256", 64, tree, NULL },   { "trees/sha512", 128, tree, NULL },
	};
	const char *path = store_path(f->store);

	if (!path)
		return 0;
	_close_ int root = file_open_dir(path, false, 0, err);

	TRY(root);
	TRY(check_layout(f, root, err));
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		TRY(look(f, root, &folders[i], err));
	return 0;
}
