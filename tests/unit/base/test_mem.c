/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation and handing over. */
#include "base/mem.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>

void test_mem__calloc_gives_zeros_even_of_nothing(void)
{
	_free_ char *p = xcalloc(3, 5);
	_free_ char *none = xcalloc(0, 0);
	char sum = 0;

	for (int i = 0; i < 15; i++)
		sum |= p[i];
	CU_ASSERT_EQUAL(sum, 0);
	CU_ASSERT_PTR_NOT_NULL(none);
}

void test_mem__memdupz_terminates(void)
{
	_free_ char *p = xmemdupz("a\0b", 3);
	_free_ char *none = xmemdupz(NULL, 0);

	CU_ASSERT_EQUAL(memcmp(p, "a\0b", 4), 0);
	CU_ASSERT_STRING_EQUAL(none, "");
}

void test_mem__strings(void)
{
	_free_ char *a = xstrdup("abc");
	_free_ char *b = xasprintf("%s-%d", a, 5);
	char *c = xreallocarray(NULL, 2, 2);

	c = xreallocarray(c, 100, 4);
	CU_ASSERT_STRING_EQUAL(b, "abc-5");
	free(c);
}

void test_mem__take_leaves_nothing_to_clean_up(void)
{
	_free_ char *p = xstrdup("x");
	_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int kept = fd;
	char *q = TAKE_PTR(p);
	const int taken = TAKE_FD(fd);

	CU_ASSERT_PTR_NULL(p);
	CU_ASSERT_EQUAL(fd, -1);
	CU_ASSERT_EQUAL(taken, kept);
	CU_ASSERT_STRING_EQUAL(q, "x");
	free(q);
	CU_ASSERT_EQUAL(close(taken), 0);
}

void test_mem__cleanup_closes_and_keeps_errno(void)
{
	int seen;

	{
		_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		seen = fd;
		CU_ASSERT_TRUE(fd >= 0);
		errno = ENOTTY;
	}
	CU_ASSERT_EQUAL(errno, ENOTTY);
	CU_ASSERT_EQUAL(fcntl(seen, F_GETFD), -1);
}

struct outer {
	int a;
	int inner;
};

void test_mem__container_of(void)
{
	struct outer o;

	CU_ASSERT_PTR_EQUAL(container_of(&o.inner, struct outer, inner), &o);
	CU_ASSERT_EQUAL(ARRAY_SIZE(((int[7]){ 0 })), 7);
}
