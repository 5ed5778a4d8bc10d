/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives that GNU tar, bsdtar and Python make of real files, in every format they know, come back
 * as the files they were made of.
 */
#include "layers/tree.h"

#include "base/mem.h"
#include "sys/process.h"
#include "tests/support/tmp.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LONG_NAME                                                                                       \
	"long/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"890123456789012345678901234567890123456789"

/* What the archives are made of. */
static const char *const names[] = {
	"empty", "file",     "hard",	"link",	     "fifo", "sparse", "dir",
	"dir/x", "dir/\xff", LONG_NAME, "long-link", "old",  ".",      "gap",
};

static void must(int ok)
{
	if (!ok)
		abort();
}

static void set_time(int dir, const char *name, int64_t sec, long nsec)
{
	const struct timespec times[2] = { { sec, nsec }, { sec, nsec } };

	must(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == 0);
}

static void make_sparse(int dir, const char *name, off_t size, const off_t *at, size_t count)
{
	_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	must(fd >= 0 && ftruncate(fd, size) == 0);
	for (size_t i = 0; i < count; i++)
		must(pwrite(fd, "data", 4, at[i]) == 4);
}

static void make_files(const struct tmp *t)
{
	off_t many[40];

	must(mkdirat(t->fd, "src", 0755) == 0);
	_close_ int dir = openat(t->fd, "src", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	tmp_write_str(t, "src/empty", "");
	tmp_write_str(t, "src/file", "the content of the file");
	must(fchmodat(dir, "file", 04751, 0) == 0);
	must(linkat(dir, "file", dir, "hard", 0) == 0 && symlinkat("dir/x", dir, "link") == 0);
	must(mkfifoat(dir, "fifo", 0640) == 0 && mkdirat(dir, "dir", 0755) == 0);
	tmp_write_str(t, "src/dir/x", "x");
	tmp_write_str(t, "src/dir/\xff", "bytes");
	must(mkdirat(dir, "long", 0755) == 0);
	tmp_write_str(t, "src/" LONG_NAME, "long");
	must(symlinkat(LONG_NAME, dir, "long-link") == 0);
	tmp_write_str(t, "src/old", "old");
	set_time(dir, "old", -1000000, 250000000);
	make_sparse(dir, "sparse", 3000000, (const off_t[]){ 2000000 }, 1);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (off_t)i * 65536;
	make_sparse(dir, "gap", 40 * 65536, many, ARRAY_SIZE(many));
	set_time(dir, "file", 1234567890, 123456789);
	must(fchmodat(dir, "dir", 01755, 0) == 0);
	set_time(dir, "dir", 2001, 1);
}

/* --- comparing --- */

static bool same_content(const struct tree *tree, uint32_t node, int fd, uint64_t size)
{
	_free_ char *want = xcalloc(1, (size_t)size + 1), *got = xcalloc(1, (size_t)size + 1);
	struct err err = { 0 };

	return pread(fd, want, (size_t)size, 0) == (ssize_t)size &&
	       tree_read(tree, (struct tree_place){ node, 0 }, got, (size_t)size + 1, &err) ==
		       (ssize_t)size &&
	       !memcmp(got, want, (size_t)size);
}

static bool same_target(const struct tree_stat *got, int dir, const char *name)
{
	char target[512] = { 0 };

	must(readlinkat(dir, name, target, sizeof(target) - 1) > 0);
	return got->link_target && !strcmp(got->link_target, target);
}

/* What a program's archives are known to lose. */
enum loses {
	LOSES_NOTHING = 0,
	LOSES_LONG_NAMES = 1,
	LOSES_FIFOS = 2,
	LOSES_OLD_TIMES = 4, /* before 1970, or written in a way that Go reads otherwise */
	LOSES_FRACTIONS = 8, /* of a second, or some of their digits */
	LOSES_BYTES = 16,    /* names that are not UTF-8 */
};

static bool same_time(const struct tree_stat *got, const struct stat *want, unsigned loses)
{
	return got->mtime_sec == want->st_mtim.tv_sec &&
	       (got->mtime_nsec == (uint32_t)want->st_mtim.tv_nsec || loses & LOSES_FRACTIONS);
}

static bool same_file(const struct tree *tree, int dir, const char *name, unsigned loses)
{
	struct tree_stat got;
	struct stat want;
	struct err err = { 0 };
	uint32_t node = 0;

	must(fstatat(dir, name, &want, AT_SYMLINK_NOFOLLOW) == 0);
	if (tree_lookup(tree, name, false, &node, &err) < 0)
		return false;
	tree_stat(tree, node, &got);
	if (got.mode != want.st_mode || got.uid != want.st_uid || got.gid != want.st_gid)
		return false;
	if (!same_time(&got, &want, loses))
		return false;
	if (!S_ISDIR(want.st_mode) && got.nlink != want.st_nlink)
		return false;
	if (S_ISLNK(want.st_mode))
		return same_target(&got, dir, name);
	if (!S_ISREG(want.st_mode))
		return true;
	_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return got.size_bytes == (uint64_t)want.st_size &&
	       same_content(tree, node, fd, got.size_bytes);
}

static bool is_lost(const char *name, unsigned loses)
{
	return (loses & LOSES_LONG_NAMES && !strncmp(name, "long", 4)) ||
	       (loses & LOSES_FIFOS && !strcmp(name, "fifo")) ||
	       (loses & LOSES_OLD_TIMES && !strcmp(name, "old")) ||
	       (loses & LOSES_BYTES && strchr(name, '\xff'));
}

static void compare(const struct tmp *t, const struct tree *tree, unsigned loses, const char *title)
{
	_close_ int dir = openat(t->fd, "src", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (is_lost(names[i], loses))
			continue;
		const bool same = same_file(tree, dir, names[i], loses);

		if (!same)
			printf("# %s: %s differs\n", title, names[i]);
		CU_ASSERT_TRUE(same);
	}
}

/* --- making archives --- */

/* Runs a program in the folder; false when there is none. */
static bool run(const struct tmp *t, const char *const *argv)
{
	_buf_ struct buf out = BUF_INIT(100000);
	_close_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct process_call call = { .argv = argv, .timeout_ms = 60000 };
	struct process_result result = { 0 };
	struct err err = { 0 };
	int rc;

	must(here >= 0 && fchdir(t->fd) == 0);
	rc = process_run(NULL, &call, &out, &result, &err);
	must(fchdir(here) == 0);
	return rc == 0;
}

static void check_archive(const struct tmp *t, unsigned loses, const char *title)
{
	const int fd = openat(t->fd, "a.tar", O_RDONLY | O_CLOEXEC);
	struct layer *layer = NULL;
	struct tree *tree = NULL;
	struct err err = { 0 };

	if (layer_open(NULL, (struct layer_files){ fd, -1, false }, &layer, &err) == 0 &&
	    tree_build(NULL, &layer, 1, &tree, &err) == 0) {
		compare(t, tree, loses, title);
	} else {
		printf("# %s: %s\n", title, err.msg);
		CU_FAIL("archive refused");
	}
	tree_free(tree);
	layer_free(layer);
	must(unlinkat(t->fd, "a.tar", 0) == 0);
}

/* What v7 and ustar could not hold is left out, so that tar does not complain. */
#define OLD_ONLY  "--exclude=long*", "--exclude=old", "--exclude=fifo"
#define OLD_LOSES (LOSES_LONG_NAMES | LOSES_OLD_TIMES | LOSES_FRACTIONS | LOSES_FIFOS)

void test_tar_real__gnu_tar(void)
{
	static const struct {
		const char *args[6];
		unsigned loses;
	} rows[] = {
		{ { "--format=v7", OLD_ONLY }, OLD_LOSES },
		{ { "--format=ustar", OLD_ONLY }, OLD_LOSES },
		{ { "--format=oldgnu" }, LOSES_FRACTIONS },
		{ { "--format=gnu" }, LOSES_FRACTIONS },
		{ { "--format=gnu", "-S" }, LOSES_FRACTIONS },
		{ { "--format=oldgnu", "-S" }, LOSES_FRACTIONS },
		{ { "--format=posix" }, LOSES_NOTHING },
		{ { "--format=posix", "-S", "--sparse-version=0.0" }, LOSES_NOTHING },
		{ { "--format=posix", "-S", "--sparse-version=0.1" }, LOSES_NOTHING },
		{ { "--format=posix", "-S", "--sparse-version=1.0" }, LOSES_NOTHING },
	};
	_tmp_ struct tmp t = tmp_make();

	make_files(&t);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *argv[16] = { "tar", "-c", "-f", "a.tar", "-C", "src" };
		size_t n = 6;

		for (size_t k = 0; rows[i].args[k]; k++)
			argv[n++] = rows[i].args[k];
		argv[n] = ".";
		if (!run(&t, argv)) {
			test_skip("no tar");
			return;
		}
		check_archive(&t, rows[i].loses, rows[i].args[2] ? rows[i].args[2] : argv[6]);
	}
}

void test_tar_real__bsdtar(void)
{
	static const struct {
		const char *format;
		unsigned loses;
	} rows[] = {
		{ "pax", LOSES_OLD_TIMES | LOSES_BYTES },
		{ "paxr", LOSES_OLD_TIMES | LOSES_FRACTIONS | LOSES_BYTES },
		{ "gnutar", LOSES_OLD_TIMES | LOSES_FRACTIONS | LOSES_BYTES },
	};
	_tmp_ struct tmp t = tmp_make();

	make_files(&t);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!run(&t, (const char *const[]){ "bsdtar", "-C", "src", "--format",
						    rows[i].format, "--exclude", "./dir/\xff",
						    "-cf", "a.tar", ".", NULL })) {
			test_skip("no bsdtar");
			return;
		}
		check_archive(&t, rows[i].loses, rows[i].format);
	}
}

void test_tar_real__python(void)
{
	static const char program[] =
		"import sys, tarfile\n"
		"t = tarfile.open('a.tar', 'w', format=int(sys.argv[1]), errors='surrogateescape')\n"
		"t.add('src', '.')\n"
		"t.close()\n";
	static const char *const formats[] = { "1", "2" }; /* GNU, pax */
	_tmp_ struct tmp t = tmp_make();

	make_files(&t);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!run(&t, (const char *const[]){ "python3", "-c", program, formats[i], NULL })) {
			test_skip("no python3");
			return;
		}
		check_archive(&t, LOSES_OLD_TIMES | LOSES_FRACTIONS, formats[i]);
	}
}
