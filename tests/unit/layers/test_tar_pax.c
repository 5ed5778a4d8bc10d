/* SPDX-License-Identifier: Apache-2.0 */
/* Extended headers and sparse files, read as Go's archive/tar reads them. */
#include "layers/tar.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/layers/tarcheck.h"

#include <CUnit/CUnit.h>

/* One file `f` of type '0' after an extended header of one record. */
static void check_record(const char *key, const char *value, const char *want)
{
	struct tarmaker t = { 0 };

	tarmaker_pax(&t, 'x', key, value, NULL);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
	tarcheck(&t, value, want);
}

void test_tar_pax__records(void)
{
	static const struct {
		const char *key, *value, *want;
	} rows[] = {
		{ "path", "a/b", "0 a/b 0@0-1536" },
		{ "path", "", "0 f 0@0-1536" }, /* 93 */
		{ "path", "a\nb", "0 a\nb 0@0-1536" },
		{ "linkpath", "to", "0 f->to 0@0-1536" },
		{ "uid", "5", "0 f 5:0 0@0-1536" },
		{ "uid", "+5", "0 f 5:0 0@0-1536" },
		{ "uid", "0000000000000000000000000005", "0 f 5:0 0@0-1536" },
		{ "uid", "-1", "0 f -1:0 0@0-1536" },
		{ "gid", "4294967296", "0 f 0:4294967296 0@0-1536" },
		{ "gid", "9223372036854775808", "!an extended header record is damaged" },
		{ "gid", "0x5", "!damaged" },
		{ "gid", " 5", "!damaged" },
		{ "gid", "5 ", "!damaged" },
		{ "gid", "+-5", "!damaged" },
		{ "gid", "-", "!damaged" },
		{ "gid", "1_0", "!damaged" },
		{ "size", "-1", "!a negative size" }, /* 62 */
		{ "size", "x", "!damaged" },
		{ "mtime", "1.5", "0 f at 1.500000000 0@0-1536" },
		{ "mtime", "1.999999999", "0 f at 1.999999999 0@0-1536" }, /* 53 */
		{ "mtime", "1.9999999999999", "0 f at 1.999999999 0@0-1536" },
		{ "mtime", "1.", "0 f at 1.000000000 0@0-1536" },
		{ "mtime", "-1.25", "0 f at -2.750000000 0@0-1536" },
		{ "mtime", "-0.5", "0 f at -1.500000000 0@0-1536" },
		{ "mtime", "-1", "0 f at -1.000000000 0@0-1536" },
		{ "mtime", "8589934592.000000001", "0 f at 8589934592.000000001 0@0-1536" },
		{ "mtime", "-9223372036854775808.5",
		  "0 f at -9223372036854775808.000000000 0@0-1536" },
		{ "mtime", ".5", "!damaged" },
		{ "mtime", "1.5x", "!damaged" },
		{ "mtime", "1.0000000000x", "!damaged" },
		{ "mtime", "1.-5", "!damaged" },
		{ "mtime", "1.5.5", "!damaged" },
		{ "atime", "x", "!damaged" },
		{ "ctime", "x", "!damaged" },
		{ "ctime", "", "0 f 0@0-1536" },
		{ "comment", "x", "0 f 0@0-1536" },
		{ "GNU.sparse.major", "9", "0 f 0@0-1536" }, /* a version nobody knows */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_record(rows[i].key, rows[i].value, rows[i].want);
}

/* 58: the record's own syntax. */
void test_tar_pax__record_syntax(void)
{
	static const struct {
		const char *body;
		size_t len;
		const char *want;
	} rows[] = {
		{ "10 path=a\n", 10, "0 a 0@0-1536" },
		{ "9 path=a\n", 9, "0 a 0@0-1536" },
		{ "010 path=a\n", 11, "!damaged" },
		{ "011 path=a\n", 11, "0 a 0@0-1536" },
		{ "+10 path=a\n", 11, "!damaged" },
		{ "+11 path=a\n", 11, "0 a 0@0-1536" },
		{ "9999999 path=a\n", 15, "!damaged" },
		{ "8 path=a\n", 9, "!damaged" },
		{ "-9 path=a\n", 10, "!damaged" },
		{ "9 path=a\n\n", 10, "!damaged" },
		{ "9 path=ab", 9, "!damaged" },
		{ "path=a\n", 7, "!damaged" },
		{ "5 a=\n", 5, "0 f 0@0-1536" },
		{ "4 a=", 4, "!damaged" },
		{ "5 =a\n", 5, "!damaged" },
		{ "7 path\n", 7, "!damaged" },
		{ "12 path=a\0b\n", 12, "!damaged" },
		{ "11 path=a\0\n", 11, "!damaged" },
		{ "12 uname=\0a\n", 12, "!damaged" },
		{ "9 a\0b=cd\n", 9, "!damaged" },
		{ "9 abc=\0d\n", 9, "0 f 0@0-1536" },
		{ "9 path=a\n8 path=\n", 17, "0 f 0@0-1536" }, /* the last of equal keys counts */
		{ "9 path=a\n9 path=b\n", 18, "0 b 0@0-1536" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tarmaker t = { 0 };

		tarmaker_meta(&t, 'x', rows[i].body, rows[i].len);
		tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
		tarcheck(&t, rows[i].body, rows[i].want);
	}
}

static void add_link(struct tarmaker *t)
{
	tarmaker_header(t, &(struct tm_header){ .type = '2', .name = "n", .link = "l" });
}

/* 92, 66, 59: what belongs to which entry. */
void test_tar_pax__what_belongs_to_an_entry(void)
{
	struct tarmaker t = { 0 };

	tarmaker_pax(&t, 'x', "path", "first", "uid", "7", NULL);
	tarmaker_pax(&t, 'x', "linkpath", "second", NULL);
	add_link(&t);
	add_link(&t);
	tarcheck(&t, "92 the second replaces the first",
		 "2 n->second 0@0-2560; 2 n->l 0@2560-3072");

	tarmaker_pax(&t, 'x', "path", "pax", "linkpath", "pax", NULL);
	tarmaker_meta(&t, 'L', "long\0junk", 9);
	add_link(&t);
	tarcheck(&t, "92 L beats x", "2 long->pax 0@0-2560");

	tarmaker_meta(&t, 'K', "long", 4);
	tarmaker_meta(&t, 'L', "", 0);
	tarmaker_pax(&t, 'x', "path", "pax", "linkpath", "pax", NULL);
	add_link(&t);
	add_link(&t);
	tarcheck(&t, "92 whatever comes first; an empty one does nothing",
		 "2 pax->long 0@0-3072; 2 n->l 0@3072-3584");

	tarmaker_meta(&t, 'L', "\0junk", 5);
	add_link(&t);
	tarcheck(&t, "an L that begins with NUL", "2 n->l 0@0-1536");

	tarmaker_meta(&t, 'L', "one", 4);
	tarmaker_meta(&t, 'L', "two", 4);
	add_link(&t);
	tarcheck(&t, "the second L", "2 two->l 0@0-2560");

	tarmaker_pax(&t, 'g', "path", "global", "uid", "no number", NULL);
	add_link(&t);
	tarcheck(&t, "66 global ones change nothing", "2 n->l 0@1024-1536");

	tarmaker_pax(&t, 'x', "path", "lost", NULL);
	tarmaker_meta(&t, 'L', "lost", 4);
	tarmaker_pax(&t, 'g', "path", "global", NULL);
	add_link(&t);
	tarcheck(&t, "a global one spends what stood before it", "2 n->l 0@3072-3584");
	tarmaker_meta(&t, 'g', "broken", 6);
	add_link(&t);
	tarcheck(&t, "a broken global one", "!an extended header record is damaged");
}

void test_tar_pax__size_is_of_that_entry_only(void)
{
	struct tarmaker t = { 0 };

	tarmaker_pax(&t, 'x', "size", "3", NULL);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "a", .size = 0 });
	tarmaker_data(&t, "abc", 3);
	tarmaker_file(&t, "b", "x");
	tarcheck(&t, "59 the record wins", "0 a 3@0-1536; 0 b 1@2048-2560");

	tarmaker_pax(&t, 'x', "size", "3", NULL);
	tarmaker_meta(&t, 'L', "long", 4);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "a", .size = 1000 });
	tarmaker_data(&t, "abc", 3);
	tarmaker_file(&t, "b", "x");
	tarcheck(&t, "59 not of a long name between", "0 long 3@0-2560; 0 b 1@3072-3584");

	tarmaker_pax(&t, 'x', "size", "512", NULL);
	tarmaker_header(&t, &(struct tm_header){ .type = '5', .name = "d/" });
	tarmaker_file(&t, "b", "x");
	tarcheck(&t, "46 not of a directory", "5 d/ 0@0-1536; 0 b 1@1536-2048");
}

void test_tar_pax__bounds(void)
{
	struct tarmaker t = { 0 };
	_free_ char *big = xcalloc(1, TAR_META_MAX + 1);

	memset(big, 'x', TAR_META_MAX + 1);
	tarmaker_meta(&t, 'L', big, TAR_META_MAX + 1);
	tarcheck(&t, "63 a long name", "!an extended header of more than 1 MiB");
	tarmaker_meta(&t, 'x', big, TAR_META_MAX + 1);
	tarcheck(&t, "an extended header", "!an extended header of more than 1 MiB");
	tarmaker_header(&t, &(struct tm_header){ .type = 'L', .name = "n", .size = 1ULL << 31 });
	tarcheck(&t, "63 2 GiB", "!an extended header of more than 1 MiB");
	tarmaker_header(&t, &(struct tm_header){ .type = 'x', .name = "n" });
	tarmaker_patch(&t, 0, 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	tarcheck(&t, "negative", "!a negative size");
}

void test_tar_pax__xattrs(void)
{
	static const struct {
		const char *records[8], *want;
	} rows[] = {
		{ { "SCHILY.xattr.user.a", "1", "SCHILY.xattr.user.b", "2" },
		  " user.a=1 user.b=2" },
		{ { "SCHILY.xattr.user.a", "1", "SCHILY.xattr.user.a", "2" }, " user.a=2" },
		{ { "SCHILY.xattr.user.a", "1", "SCHILY.xattr.user.a", "" }, "" },
		{ { "SCHILY.xattr.user.a", "" }, "" }, /* as Go */
		{ { "SCHILY.xattr.", "1" }, " =1" },
		{ { "LIBARCHIVE.xattr.user.a", "MQ==" }, " user.a=1" },
		{ { "LIBARCHIVE.xattr.user.a", "MTIz" }, " user.a=123" },
		{ { "LIBARCHIVE.xattr.user.a", "MTI" }, " user.a=12" },
		{ { "LIBARCHIVE.xattr.user.%c3%A4%3D%", "MTI=" }, " user.\xc3\xa4=%=12" },
		{ { "LIBARCHIVE.xattr.user.a", "M" }, "" },
		{ { "LIBARCHIVE.xattr.user.a", "MTIzM" }, "" },
		{ { "LIBARCHIVE.xattr.user.a", "M?==" }, "" },
		{ { "LIBARCHIVE.xattr.user.a%00", "MQ==" }, "" },
		{ { "LIBARCHIVE.xattr.", "MQ==" }, "" },
		{ { "LIBARCHIVE.xattr.user.a", "MQ==", "SCHILY.xattr.user.a", "2" }, " user.a=2" },
		{ { "SCHILY.xattr.user.a", "2", "LIBARCHIVE.xattr.user.a", "MQ==" }, " user.a=2" },
		{ { "xattr.user.a", "2" }, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const *r = rows[i].records;
		struct tarmaker t = { 0 };
		char want[200];

		tarmaker_pax(&t, 'x', r[0], r[1], r[2], r[3], NULL);
		tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
		snprintf(want, sizeof(want), "0 f 0@0-1536%s", rows[i].want);
		tarcheck(&t, r[0], want);
	}
}

/* 57: as many as fit, values with any bytes. */
void test_tar_pax__many_xattrs(void)
{
	static char body[128 * 1024];

	for (size_t count = TAR_XATTRS_MAX; count <= TAR_XATTRS_MAX + 1; count++) {
		struct tarmaker t = { 0 };
		size_t len = 0;
		struct err err = { 0 };
		_buf_ struct buf text = BUF_INIT(1024 * 1024);

		for (size_t i = 0; i < count; i++) {
			char key[64];

			snprintf(key, sizeof(key), "SCHILY.xattr.user.%zu", i);
			len += tarmaker_record(body + len, key, "a\0\n=b", 5);
		}
		tarmaker_meta(&t, 'x', body, len);
		tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
		const int rc = tarcheck_read(&t, SIZE_MAX, &text, &err);

		CU_ASSERT_EQUAL(rc, count > TAR_XATTRS_MAX ? -err_class(ERR_LIMIT)->errnum : 0);
		CU_ASSERT_EQUAL(err.kind, count > TAR_XATTRS_MAX ? ERR_LIMIT : ERR_NONE);
		tarmaker_fini(&t);
	}
}
