/* SPDX-License-Identifier: Apache-2.0 */
/* Output files: whole or not there. */
#include "base/mem.h"
#include "cli/out.h"
#include "tests/support/tmp.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <sys/stat.h>

static size_t count_files(const struct tmp *t)
{
	DIR *dir = opendir(t->path);
	size_t count = 0;

	if (!dir)
		abort();
	for (const struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

void test_out__committed(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *path = xasprintf("%s/file", t.path);
	struct err err = { 0 };
	struct out_file f = { .fd = -1 };
	struct stat st;

	tmp_write_str(&t, "file", "old");
	CU_ASSERT_EQUAL(out_file_open(path, &f, &err), 0);
	CU_ASSERT_EQUAL(write(f.fd, "newer", 5), 5);
	/* Until then the old file is untouched. */
	CU_ASSERT(stat(path, &st) == 0 && st.st_size == 3);
	CU_ASSERT_EQUAL(out_file_commit(&f, &err), 0);
	out_file_close(&f);
	CU_ASSERT(stat(path, &st) == 0 && st.st_size == 5);
	CU_ASSERT_EQUAL(count_files(&t), 1);
}

void test_out__given_up(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *path = xasprintf("%s/file", t.path);
	struct err err = { 0 };
	struct out_file f = { .fd = -1 };

	CU_ASSERT_EQUAL(out_file_open(path, &f, &err), 0);
	CU_ASSERT_EQUAL(write(f.fd, "half", 4), 4);
	out_file_close(&f);
	CU_ASSERT_EQUAL(count_files(&t), 0);
	out_file_close(&f);
}

void test_out__no_folder(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *path = xasprintf("%s/none/file", t.path);
	struct out_file f = { .fd = -1 };
	struct err err = { 0 };

	CU_ASSERT(out_file_open(path, &f, &err) < 0);
	CU_ASSERT(check_err("no folder", &err, ERR_NOT_FOUND, "none/file"));
	CU_ASSERT_EQUAL(f.fd, -1);
}

void test_out__devices_are_written_directly(void)
{
	struct out_file f = { .fd = -1 };
	struct err err = { 0 };
	struct stat st;

	CU_ASSERT_EQUAL(out_file_open("/dev/null", &f, &err), 0);
	CU_ASSERT_PTR_NULL(f.temp_path);
	CU_ASSERT_EQUAL(write(f.fd, "x", 1), 1);
	CU_ASSERT_EQUAL(out_file_commit(&f, &err), 0);
	out_file_close(&f);
	CU_ASSERT(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
}

void test_out__a_folder_is_refused(void)
{
	_tmp_ struct tmp t = tmp_make();
	struct out_file f = { .fd = -1 };
	struct err err = { 0 };

	CU_ASSERT(out_file_open(t.path, &f, &err) < 0);
}
