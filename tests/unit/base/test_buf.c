/* SPDX-License-Identifier: Apache-2.0 */
/* The capped buffer. */
#include "base/buf.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

void test_buf__appends_and_terminates(void)
{
	_buf_ struct buf b = BUF_INIT(1000);
	struct err err = { 0 };

	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
	CU_ASSERT_EQUAL(buf_append(&b, "ab\0c", 4, &err), 0);
	CU_ASSERT_EQUAL(buf_append_str(&b, "de", &err), 0);
	CU_ASSERT_EQUAL(buf_append_char(&b, 'f', &err), 0);
	CU_ASSERT_EQUAL(buf_printf(&b, &err, "%05d", 42), 0);
	CU_ASSERT_EQUAL(b.len, 12);
	CU_ASSERT_EQUAL(memcmp(b.data, "ab\0cdef00042", 13), 0);
	buf_reset(&b);
	CU_ASSERT_EQUAL(b.len, 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
}

void test_buf__cap_is_exact(void)
{
	_buf_ struct buf b = BUF_INIT(5);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(buf_append_str(&b, "12345", &err), 0);
	CU_ASSERT_EQUAL(buf_append_char(&b, '6', &err), -E2BIG);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	CU_ASSERT_STRING_EQUAL(err.msg, "more than 5 bytes");
	CU_ASSERT_EQUAL(buf_printf(&b, &err, "x"), -E2BIG);
	CU_ASSERT_EQUAL(buf_append(&b, "", 0, &err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "12345");
	CU_ASSERT_TRUE(b.alloc <= 6);
}

void test_buf__cap_zero_holds_nothing(void)
{
	_buf_ struct buf b = BUF_INIT(0);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(buf_append(&b, "", 0, &err), 0);
	CU_ASSERT_EQUAL(buf_append_char(&b, 'x', &err), -E2BIG);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
}

void test_buf__sizes_cannot_overflow(void)
{
	_buf_ struct buf b = BUF_INIT(SIZE_MAX);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(buf_append_char(&b, 'x', &err), 0);
	CU_ASSERT_EQUAL(buf_reserve(&b, SIZE_MAX, &err), -E2BIG);
	CU_ASSERT_EQUAL(buf_reserve(&b, SIZE_MAX - 1, &err), -E2BIG);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "x");
}

/* More than the machine has is an ordinary error. Sanitizers abort on it instead. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void test_buf__no_memory_is_an_error(void)
{
	_buf_ struct buf b = BUF_INIT(SIZE_MAX);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(buf_reserve(&b, SIZE_MAX / 4, &err), -ENOMEM);
	CU_ASSERT_EQUAL(err.errnum, ENOMEM);
	CU_ASSERT_EQUAL(buf_append_char(&b, 'x', &err), 0);
}
#else
void test_buf__no_memory_is_an_error(void)
{
}
#endif

void test_buf__grows_by_doubling(void)
{
	_buf_ struct buf b = BUF_INIT((size_t)1 << 20);
	size_t moves = 0, alloc = 0;

	for (size_t i = 0; i < (size_t)1 << 20; i++) {
		if (buf_append_char(&b, (char)('a' + i % 26), NULL) < 0)
			break;
		moves += b.alloc != alloc;
		alloc = b.alloc;
	}
	CU_ASSERT_EQUAL(b.len, (size_t)1 << 20);
	CU_ASSERT_TRUE(moves < 20);
	CU_ASSERT_EQUAL(b.data[1000], 'a' + 1000 % 26);
	CU_ASSERT_EQUAL(b.data[b.len], '\0');
}

void test_buf__take_hands_over(void)
{
	struct buf b = BUF_INIT(100);

	buf_append_str(&b, "mine", NULL);
	_free_ char *s = buf_take(&b);
	_free_ char *nothing = buf_take(&b);

	CU_ASSERT_STRING_EQUAL(s, "mine");
	CU_ASSERT_STRING_EQUAL(nothing, "");
	CU_ASSERT_EQUAL(b.len, 0);
	CU_ASSERT_EQUAL(b.cap_bytes, 100);
	buf_fini(&b);
	buf_fini(&b);
	CU_ASSERT_EQUAL(b.cap_bytes, 100);
}
