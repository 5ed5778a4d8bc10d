/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of all sizes, ACLs, and what is left out. */
#include "base/mem.h"
#include "overlay/erofs_acl.h"
#include "tests/unit/overlay/erofsmaker.h"

#include <CUnit/CUnit.h>

/* Room for records of any size. */
#define BODY_BYTES ((size_t)900 * 1024)

static size_t add_record(char *body, size_t at, const char *name, const void *value, size_t len)
{
	_free_ char *key = xasprintf("SCHILY.xattr.%s", name);

	return at + tarmaker_record(body + at, key, value, len);
}

static void add_entry(struct tarmaker *t, const struct tm_header *h, const char *body, size_t len)
{
	tarmaker_meta(t, 'x', body, len);
	tarmaker_header(t, h);
}

/* Each size of values, so that each place of a block is some entry's start and end. */
void test_erofs_xattr__values_of_all_sizes(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	_free_ char *body = xcalloc(1, BODY_BYTES);
	char value[1200], name[32];

	memset(value, 'v', sizeof(value));
	for (size_t i = 0; i < 1200; i += i < 520 ? 1 : 37) {
		size_t len = add_record(body, 0, "user.a", value, i);

		len = add_record(body, len, "user.second-one", &i, sizeof(i));
		snprintf(name, sizeof(name), "f%zu", i);
		add_entry(&t,
			  &(struct tm_header){ .type = "025"[i % 3],
					       .name = name,
					       .link = i % 3 == 1 ? "target" : NULL },
			  body, len);
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs_xattr__trusted_on_links_and_devices(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	_free_ char *body = xcalloc(1, BODY_BYTES);
	char value[480], name[32], target[449];

	memset(value, 't', sizeof(value));
	memset(target, 'l', sizeof(target));
	for (size_t i = 0; i < sizeof(value); i += 5) {
		const size_t len = add_record(body, 0, "trusted.of-root", value, i);

		snprintf(name, sizeof(name), "l%zu", i);
		target[448 - i % 448] = '\0';
		tarmaker_meta(&t, 'K', target, strlen(target));
		target[448 - i % 448] = 'l';
		add_entry(
			&t,
			&(struct tm_header){ .type = i % 2 ? '2' : '3', .name = name, .link = "x" },
			body, len);
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs_xattr__many_and_large(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	_free_ char *body = xcalloc(1, BODY_BYTES);
	_free_ char *value = xcalloc(1, 65536);
	char name[300];
	size_t len = 0;

	memset(value, 'x', 65535);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "user.large%u", i);
		len = add_record(body, len, name, value, 65535);
	}
	add_entry(&t, &(struct tm_header){ .type = '0', .name = "large" }, body, len);
	len = 0;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "user.%u-%0240u", i, i);
		len = add_record(body, len, name, value, i);
	}
	add_entry(&t, &(struct tm_header){ .type = '5', .name = "many" }, body, len);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

/* One value, or all together, larger than EROFS can say. */
void test_erofs_xattr__too_large(void)
{
	static const struct {
		size_t bytes;
		unsigned count;
	} rows[] = { { 65536, 1 }, { 65535, 5 } };

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		_erofsmaker_ struct erofsmaker m = erofsmaker_make();
		_tarmaker_ struct tarmaker t = { 0 };
		_free_ char *body = xcalloc(1, BODY_BYTES);
		_free_ char *value = xcalloc(1, 65537);
		struct err err = { 0 };
		size_t len = 0;
		char name[32];

		for (unsigned i = 0; i < rows[r].count; i++) {
			snprintf(name, sizeof(name), "user.x%u", i);
			len = add_record(body, len, name, value, rows[r].bytes);
		}
		add_entry(&t, &(struct tm_header){ .type = '0', .name = "dir/x" }, body, len);
		tarmaker_end(&t);
		erofsmaker_layer(&m, &t);
		CU_ASSERT_TRUE(erofsmaker_write(&m, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "'dir/x'"));
	}
}

/* Version 2, then tag, bits and id: user::rwx, user:1000:r, group::r-x, mask::r-x, other::--x. */
static const unsigned char good_acl[] = {
	2, 0,	 0,    0,    1,	   0,	 7,    0, 0xff, 0xff, 0xff, 0xff, 2,	0,    4,
	0, 0xe8, 3,    0,    0,	   4,	 0,    5, 0,	0xff, 0xff, 0xff, 0xff, 0x10, 0,
	5, 0,	 0xff, 0xff, 0xff, 0xff, 0x20, 0, 1,	0,    0xff, 0xff, 0xff, 0xff,
};

void test_erofs_xattr__acls_and_what_is_left_out(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	_free_ char *body = xcalloc(1, BODY_BYTES);
	size_t len = add_record(body, 0, "system.posix_acl_access", good_acl, sizeof(good_acl));

	add_entry(&t, &(struct tm_header){ .type = '0', .name = "file", .mode = 0751 }, body, len);
	len = add_record(body, len, "system.posix_acl_default", good_acl, sizeof(good_acl));
	len = add_record(body, len, "security.selinux", "label", 6);
	len = add_record(body, len, "security.capability",
			 "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	len = add_record(body, len, "user.", "no name", 7);
	len = add_record(body, len, "com.example", "no namespace", 12);
	len = add_record(body, len, "system.posix_acl_accessory", "other", 5);
	add_entry(&t, &(struct tm_header){ .type = '0', .name = "other", .mode = 0751 }, body, len);
	len = add_record(body, 0, "user.on-a-link", "x", 1);
	add_entry(&t, &(struct tm_header){ .type = '2', .name = "link", .link = "x" }, body, len);
	len = add_record(body, 0, "system.posix_acl_access", "nonsense", 8);
	add_entry(&t, &(struct tm_header){ .type = '0', .name = "bad-acl" }, body, len);
	len = add_record(body, 0, "system.posix_acl_default", good_acl, sizeof(good_acl));
	add_entry(&t, &(struct tm_header){ .type = '5', .name = "directory" }, body, len);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs_xattr__acls_as_the_kernel_takes_them(void)
{
	unsigned char acl[sizeof(good_acl)];

	CU_ASSERT_TRUE(erofs_acl_is_valid(good_acl, sizeof(good_acl)));
	/* Without the mask, or without one of the three that are always there. */
	for (size_t len = 0; len < sizeof(good_acl); len++)
		CU_ASSERT_FALSE(erofs_acl_is_valid(good_acl, len));
	for (size_t skip = 0; skip < 5; skip++) {
		const size_t at = 4 + skip * 8;

		memcpy(acl, good_acl, at);
		memcpy(acl + at, good_acl + at + 8, sizeof(acl) - at - 8);
		/* A mask may be without named entries. */
		CU_ASSERT_EQUAL(erofs_acl_is_valid(acl, sizeof(acl) - 8), skip == 1);
	}
	for (size_t i = 0; i < 5; i++) {
		memcpy(acl, good_acl, sizeof(acl));
		acl[4 + i * 8] ^= 0x40; /* no such tag */
		CU_ASSERT_FALSE(erofs_acl_is_valid(acl, sizeof(acl)));
		memcpy(acl, good_acl, sizeof(acl));
		acl[4 + i * 8 + 2] |= 8; /* no such bit */
		CU_ASSERT_FALSE(erofs_acl_is_valid(acl, sizeof(acl)));
	}
	memcpy(acl, good_acl, sizeof(acl));
	acl[0] = 1;
	CU_ASSERT_FALSE(erofs_acl_is_valid(acl, sizeof(acl)));
}
