/* SPDX-License-Identifier: Apache-2.0 */
/* Copying ranges, with the kernel's help and without. */
#include "sys/file.h"

#include "base/mem.h"
#include "tests/support/child.h"
#include "tests/support/tmp.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/syscall.h>

#define FILE_BYTES ((size_t)1 << 20)

static uint8_t byte_at(uint64_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

static void make_source(const struct tmp *t)
{
	_free_ uint8_t *data = xcalloc(1, FILE_BYTES);

	for (size_t i = 0; i < FILE_BYTES; i++)
		data[i] = byte_at(i);
	tmp_write(t, "from", data, FILE_BYTES);
}

/* Copies a range to a place of a new file and looks at every byte. */
static int copy_and_check(const struct tmp *t, uint64_t from, uint64_t to, uint64_t len)
{
	_close_ int in = openat(t->fd, "from", O_RDONLY | O_CLOEXEC);
	_close_ int out = openat(t->fd, "to", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_free_ uint8_t *back = xcalloc(1, len + 1);
	struct stat st;
	struct err err = { 0 };

	if (file_copy_range((struct file_range){ in, from }, (struct file_range){ out, to }, len,
			    &err) < 0) {
		fprintf(stderr, "# %s\n", err.msg);
		return -1;
	}
	if (fstat(out, &st) < 0 || (uint64_t)st.st_size != (len ? to + len : 0))
		return -2;
	if (file_pread_all(out, back, len, to, &err) < 0)
		return -3;
	for (uint64_t i = 0; i < len; i++)
		if (back[i] != byte_at(from + i))
			return -4;
	/* Offsets of the descriptors themselves are left alone. */
	return lseek(in, 0, SEEK_CUR) == 0 && lseek(out, 0, SEEK_CUR) == 0 ? 0 : -5;
}

static const struct {
	uint64_t from, to, len;
} ranges[] = {
	{ 0, 0, 0 },
	{ 0, 0, 1 },
	{ 512, 0, 4096 },
	{ 1, 3, 16384 },
	{ 1, 3, 16385 },
	{ 0, 0, FILE_BYTES },
	{ 512, 100, FILE_BYTES - 512 },
	{ FILE_BYTES - 1, 7, 1 },
	{ 777, 0, 300000 },
};

static int copy_all(void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		CHILD_CHECK(copy_and_check(arg, ranges[i].from, ranges[i].to, ranges[i].len) == 0);
	return 0;
}

void test_file_copy__ranges(void)
{
	_tmp_ struct tmp t = tmp_make();

	make_source(&t);
	CU_ASSERT_EQUAL(copy_all(&t), 0);
}

void test_file_copy__where_the_kernel_cannot(void)
{
	static const int refusals[] = { EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, EBADF };
	_tmp_ struct tmp t = tmp_make();

	make_source(&t);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct child_setup setup = { .failures = {
							   { SYS_copy_file_range, refusals[i] } } };

		CU_ASSERT_EQUAL(child_run(&setup, copy_all, &t), 0);
	}
}

static int copy_fails(void *arg)
{
	CHILD_CHECK(copy_and_check(arg, 0, 0, 100000) == -1);
	return 0;
}

void test_file_copy__a_real_error_is_not_retried(void)
{
	_tmp_ struct tmp t = tmp_make();

	make_source(&t);
	CU_ASSERT_EQUAL(
		child_run(&(struct child_setup){ .failures = { { SYS_copy_file_range, EIO } } },
			  copy_fails, &t),
		0);
	CU_ASSERT_EQUAL(
		child_run(&(struct child_setup){ .failures = { { SYS_copy_file_range, EXDEV },
							       { SYS_pwrite64, ENOSPC } } },
			  copy_fails, &t),
		0);
}

static int too_short(void *arg)
{
	const struct tmp *t = arg;
	_close_ int in = openat(t->fd, "from", O_RDONLY | O_CLOEXEC);
	_close_ int out = openat(t->fd, "to", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err err = { 0 };

	CHILD_CHECK(file_copy_range((struct file_range){ in, 1000 }, (struct file_range){ out, 0 },
				    FILE_BYTES, &err) == -EBADMSG);
	CHILD_CHECK(err.kind == ERR_DAMAGED);
	CHILD_CHECK(file_copy_range((struct file_range){ in, FILE_BYTES - 1 },
				    (struct file_range){ out, 0 }, 2, &err) == -EBADMSG);
	CHILD_CHECK(file_copy_range((struct file_range){ in, UINT64_MAX },
				    (struct file_range){ out, 0 }, 100000, &err) == -EBADMSG);
	CHILD_CHECK(file_copy_range((struct file_range){ in, 0 }, (struct file_range){ out, 0 },
				    UINT64_MAX, &err) == -EBADMSG);
	return 0;
}

void test_file_copy__a_file_that_ends_before_is_damaged(void)
{
	_tmp_ struct tmp t = tmp_make();

	make_source(&t);
	CU_ASSERT_EQUAL(too_short(&t), 0);
	CU_ASSERT_EQUAL(
		child_run(&(struct child_setup){ .failures = { { SYS_copy_file_range, EXDEV } } },
			  too_short, &t),
		0);
}
