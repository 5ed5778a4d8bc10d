/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar reader: a row is a way to write an archive and what must come out of it, in the whole and
 * byte by byte. What is right is what Go's archive/tar does; section 4.7 of the project's notes on
 * layers.
 */
#include "layers/tar.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/layers/tarmaker.h"

#include <CUnit/CUnit.h>

struct dump {
	struct buf text;
	bool full; /* else type and name only */
};

static int dump_entry(void *arg, const struct tar_entry *e, struct err *err)
{
	struct dump *d = arg;

	TRY(buf_printf(&d->text, err, "%s%c %s", d->text.len ? "; " : "", e->type ? e->type : '?',
		       e->name));
	if (e->link_name[0])
		TRY(buf_printf(&d->text, err, "->%s", e->link_name));
	if (d->full)
		TRY(buf_printf(&d->text, err, " %o %" PRId64 ":%" PRId64 " %" PRId64 ".%09u",
			       e->mode, e->uid, e->gid, e->mtime_sec, e->mtime_nsec));
	if (e->dev_major || e->dev_minor)
		TRY(buf_printf(&d->text, err, " dev %u:%u", e->dev_major, e->dev_minor));
	TRY(buf_printf(&d->text, err, " %" PRIu64 "@%" PRIu64, e->size_bytes, e->data_offset));
	if (e->data_bytes != e->size_bytes || e->is_sparse)
		TRY(buf_printf(&d->text, err, " holds %" PRIu64, e->data_bytes));
	for (size_t i = 0; i < e->extent_count; i++)
		TRY(buf_printf(&d->text, err, " %" PRIu64 "+%" PRIu64, e->extents[i].logical_offset,
			       e->extents[i].bytes));
	for (size_t i = 0; i < e->xattr_count; i++)
		TRY(buf_printf(&d->text, err, " %s=%.*s", e->xattrs[i].name,
			       (int)e->xattrs[i].value_len, (const char *)e->xattrs[i].value));
	return 0;
}

static int read_tar(const struct tarmaker *t, size_t chunk, struct dump *d, struct err *err)
{
	struct tar_reader *r = tar_reader_new(dump_entry, d);
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < t->len;) {
		const size_t n = chunk < t->len - at ? chunk : t->len - at;
		_free_ void *copy = xmemdupz(t->data + at, n);

		rc = tar_reader_feed(r, copy, n, err);
		at += n;
	}
	if (rc == 0)
		rc = tar_reader_finish(r, err);
	tar_reader_free(r);
	return rc;
}

/* Frees the tar. `want` is the dump, or '!' and a part of the error. */
static void check(struct tarmaker *t, const char *title, bool full, const char *want)
{
	static const size_t chunks[] = { SIZE_MAX, 1, 100, 512, 700 };

	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct dump d = { .text = BUF_INIT(SIZE_MAX - 1), .full = full };
		struct err err = { 0 };
		const int rc = read_tar(t, chunks[i], &d, &err);
		const char *got = rc < 0 ? err.msg : buf_str(&d.text);
		const bool ok = rc < 0 ? want[0] == '!' && strstr(got, want + 1)
				       : !strcmp(got, want);

		if (!ok) {
			printf("# %s, in chunks of %zu\n#   got  %s\n#   want %s\n", title,
			       chunks[i], got, want);
			CU_FAIL("archive read otherwise");
		} else {
			CU_PASS("archive");
		}
		buf_fini(&d.text);
	}
	tarmaker_fini(t);
}

/* --- formats and fields --- */

void test_tar__formats(void)
{
	struct tarmaker t = { 0 };

	tarmaker_header(&t, &(struct tm_header){ .type = '0',
						 .name = "u",
						 .prefix = "pre/fix",
						 .mode = 04755,
						 .uid = 1,
						 .gid = 2,
						 .mtime = 3,
						 .size = 4 });
	tarmaker_data(&t, "data", 4);
	tarmaker_header(&t, &(struct tm_header){ .type = '5',
						 .name = "g/",
						 .magic = TM_GNU,
						 .mode = 01777,
						 .uid = -2,
						 .gid = 1LL << 40,
						 .mtime = -1 });
	tarmaker_header(
		&t, &(struct tm_header){
			    .type = '2', .name = "v", .link = "to", .magic = TM_V7, .mode = 0777 });
	tarmaker_header(&t, &(struct tm_header){
				    .type = '3', .name = "c", .dev_major = 1, .dev_minor = 3 });
	tarmaker_end(&t);
	check(&t, "formats", true,
	      "0 pre/fix/u 4755 1:2 3.000000000 4@512; 5 g/ 1777 -2:1099511627776 -1.000000000 0@1536;"
	      " 2 v->to 777 0:0 0.000000000 0@2048; 3 c 0 0:0 0.000000000 dev 1:3 0@2560");
}

/* A star archive has a shorter prefix, two times after it and its own trailer. */
void test_tar__star_and_gnu_use_the_prefix_otherwise(void)
{
	struct tarmaker t = { 0 };
	const char *prefix = "00000000001";
	size_t at;

	at = tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "s", .prefix = "p" });
	tarmaker_patch(&t, at, 508, "tar", 4);
	tarmaker_patch(&t, at, 475, "x00000000001", 12); /* not part of the prefix, a time */
	check(&t, "star", false, "0 p/s 0@512");

	at = tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "s" });
	tarmaker_patch(&t, at, 508, "tar", 4);
	tarmaker_patch(&t, at, 476, "x", 1);
	check(&t, "star, bad time", false, "!a number in the header is damaged");

	tarmaker_header(&t, &(struct tm_header){
				    .type = '0', .name = "g", .magic = TM_GNU, .prefix = prefix });
	check(&t, "times, no prefix", false, "0 g 0@512");
	tarmaker_header(&t, &(struct tm_header){
				    .type = '0', .name = "g", .magic = TM_GNU, .prefix = "dir/x" });
	check(&t, "what Go before 1.8 wrote", false, "0 dir/x/g 0@512");
	tarmaker_header(&t,
			&(struct tm_header){
				.type = '0', .name = "g", .magic = TM_GNU, .prefix = "d\xc3\xa4" });
	check(&t, "no text either", false, "0 g 0@512");
}

void test_tar__names_fill_their_fields(void)
{
	char name[101], prefix[156], want[400];
	struct tarmaker t = { 0 };

	memset(name, 'n', 100);
	memset(prefix, 'p', 155);
	name[100] = prefix[155] = '\0';
	tarmaker_header(&t, &(struct tm_header){
				    .type = '2', .name = name, .prefix = prefix, .link = name });
	snprintf(want, sizeof(want), "2 %s/%s->%s 0@512", prefix, name, name);
	check(&t, "no terminators", false, want);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "a\n\xff\x1b[1m" });
	check(&t, "69 bytes as they are", false, "0 a\n\xff\x1b[1m 0@512");
}

void test_tar__types(void)
{
	static const struct {
		char type;
		const char *name, *want;
	} rows[] = {
		{ '\0', "a", "0 a 4@512; 0 end 0@1536" },
		{ '\0', "a/", "5 a/ 0@512; 0 end 0@1024" }, /* no data: the next header follows */
		{ '0', "a/", "0 a/ 4@512; 0 end 0@1536" },  /* 91 */
		{ '7', "a", "0 a 4@512; 0 end 0@1536" },
		{ '1', "a", "1 a 0@512; 0 end 0@1024" }, /* 46 */
		{ '2', "a", "2 a 0@512; 0 end 0@1024" },
		{ '3', "a", "3 a 0@512; 0 end 0@1024" },
		{ '4', "a", "4 a 0@512; 0 end 0@1024" },
		{ '5', "a", "5 a 0@512; 0 end 0@1024" }, /* 90 */
		{ '6', "a", "6 a 0@512; 0 end 0@1024" },
		{ 'D', "a", "D a 4@512; 0 end 0@1536" },
		{ 'A', "a", "A a 4@512; 0 end 0@1536" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tarmaker t = { 0 };

		tarmaker_header(&t, &(struct tm_header){ .type = rows[i].type,
							 .name = rows[i].name,
							 .size = 4 });
		if (strstr(rows[i].want, "1536"))
			tarmaker_data(&t, "data", 4);
		tarmaker_file(&t, "end", "");
		tarmaker_end(&t);
		check(&t, rows[i].want, false, rows[i].want);
	}
}

void test_tar__numbers(void)
{
	static const struct {
		size_t at, len;
		char bytes[13];
		const char *want;
	} rows[] = {
		{ 100, 8, " 644  \0 ", "0 f 644 0:0 0.000000000 0@512" },
		{ 100, 8, "\0\0 7 \0\0", "0 f 7 0:0 0.000000000 0@512" },
		{ 100, 8, "7\0xxxxxx", "0 f 7 0:0 0.000000000 0@512" },
		{ 100, 8, "        ", "0 f 0 0:0 0.000000000 0@512" },
		{ 100, 8, "0000008", "!a number in the header is damaged" },
		{ 100, 8, "-000001", "!a number in the header is damaged" },
		{ 100, 8, "0x1ff", "!a number in the header is damaged" },
		{ 108, 8, "\x80\0\0\0\xff\xff\xff\xff", "0 f 0 4294967295:0 0.000000000 0@512" },
		{ 108, 8, "\xff\xff\xff\xff\xff\xff\xff\xfe", "0 f 0 -2:0 0.000000000 0@512" },
		{ 108, 8, "\xc0\0\0\0\0\0\0\0", "0 f 0 -4611686018427387904:0 0.000000000 0@512" },
		{ 108, 8, "\xa0\0\0\0\0\0\0\0", "0 f 0 2305843009213693952:0 0.000000000 0@512" },
		{ 116, 8, "77777777", "0 f 0 0:16777215 0.000000000 0@512" },
		{ 124, 12, "\x80\0\0\0\x80\0\0\0\0\0\0\0", "!a number in the header is damaged" },
		{ 124, 12, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "!a negative size" },
		{ 124, 12, "\x80\x01\0\0\0\0\0\0\0\0\0\0", "!a number in the header is damaged" },
		{ 136, 12, "\xff\xff\xff\xff\x80\0\0\0\0\0\0\0",
		  "0 f 0 0:0 -9223372036854775808.000000000 0@512" },
		{ 136, 12, "\x80\0\0\0\0\0\0\x02\0\0\0\0", "0 f 0 0:0 8589934592.000000000 0@512" },
		{ 329, 8, "x", "!a number in the header is damaged" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tarmaker t = { 0 };

		tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
		tarmaker_patch(&t, 0, rows[i].at, rows[i].bytes, rows[i].len);
		check(&t, rows[i].want, true, rows[i].want);
	}
}

void test_tar__device_numbers_are_bounded(void)
{
	struct tarmaker t = { 0 };

	tarmaker_header(&t, &(struct tm_header){ .type = '3', .name = "c" });
	tarmaker_patch(&t, 0, 329, "\x80\0\0\x01\0\0\0\0", 8);
	check(&t, "major", false, "!'c': a device number out of range");
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
	tarmaker_patch(&t, 0, 329, "\x80\0\0\x01\0\0\0\0", 8);
	check(&t, "of a file", false, "0 f 0@512");
}

/* --- checksums, the end --- */

void test_tar__checksums(void)
{
	struct tarmaker t = { 0 };

	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "\xff\xfe" });
	tarmaker_sum(&t, 0, 1);
	check(&t, "94 signed", false, "0 \xff\xfe 0@512");
	tarmaker_file(&t, "a", "x");
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
	t.data[1024 + 50] ^= 1;
	check(&t, "64 wrong", false,
	      "!tar: offset 1024: '': not a tar header: the checksum is wrong");
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
	memcpy(t.data + 148, "9", 1);
	check(&t, "no number", false, "!the checksum is wrong");
}

void test_tar__ends(void)
{
	static const struct {
		const char *title;
		size_t zeros, junk;
		const char *want;
	} rows[] = {
		{ "65 no marker", 0, 0, "0 a 1@512" },
		{ "65 one zero block", 512, 0, "0 a 1@512" },
		{ "65 two", 1024, 0, "0 a 1@512" },
		{ "65 many", 10240, 0, "0 a 1@512" },
		{ "65 junk after the marker", 1024, 700, "0 a 1@512" },
		{ "95 one zero block, then junk", 512, 512,
		  "!tar: offset 1536: data after a single zero block" },
		{ "junk without a marker", 0, 512, "!tar: offset 1024: '" },
		{ "half a header", 0, 100, "!tar: offset 1024: the archive ends inside a header" },
		{ "half a zero block", 100, 0,
		  "!tar: offset 1024: the archive ends inside a header" },
		{ "one and a half", 600, 0, "!tar: offset 1536: the archive ends inside a header" },
	};
	static const char zeros[10240];
	char junk[1024];

	memset(junk, 'j', sizeof(junk));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tarmaker t = { 0 };

		tarmaker_file(&t, "a", "x");
		tarmaker_raw(&t, zeros, rows[i].zeros);
		tarmaker_raw(&t, junk, rows[i].junk);
		check(&t, rows[i].title, false, rows[i].want);
	}
}

void test_tar__is_cut_short(void)
{
	struct tarmaker t = { 0 };

	check(&t, "empty", false, "");
	tarmaker_file(&t, "a", "x");
	t.len = 513;
	check(&t, "no padding", false, "0 a 1@512");
	tarmaker_file(&t, "a", "xy");
	t.len = 513;
	check(&t, "64 half the data", false,
	      "!tar: offset 0: 'a': the archive ends inside this entry");
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "a", .size = 1ULL << 62 });
	check(&t, "64 no data", false, "!the archive ends inside this entry");
	tarmaker_meta(&t, 'x', "12 path=abc\n", 12);
	t.len = 520;
	check(&t, "half a record", false, "!the archive ends inside this entry");
	tarmaker_meta(&t, 'x', "12 path=abc\n", 12);
	check(&t, "a header that belongs to nothing", false, "");
}

/* The callback's own error ends the reading. */
static int refuse(void *arg, const struct tar_entry *e, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_USAGE, "not %s", e->name);
}

void test_tar__callback_may_stop(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct tar_reader *r = tar_reader_new(refuse, NULL);
	struct err err = { 0 };

	tarmaker_file(&t, "a", "x");
	CU_ASSERT_TRUE(tar_reader_feed(r, t.data, t.len, &err) < 0);
	CU_ASSERT_STRING_EQUAL(err.msg, "not a");
	tar_reader_free(r);
	tar_reader_free(NULL);
}

void test_tar__counts_bytes(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct dump d = { .text = BUF_INIT(1000) };
	struct tar_reader *r = tar_reader_new(dump_entry, &d);
	struct err err = { 0 };

	tarmaker_file(&t, "a", "x");
	tarmaker_end(&t);
	tarmaker_raw(&t, "tail", 4);
	CU_ASSERT_EQUAL(tar_reader_feed(r, t.data, 700, &err), 0);
	CU_ASSERT_EQUAL(tar_reader_offset(r), 700);
	CU_ASSERT_EQUAL(tar_reader_feed(r, t.data + 700, t.len - 700, &err), 0);
	CU_ASSERT_EQUAL(tar_reader_offset(r), t.len);
	tar_reader_free(r);
	buf_fini(&d.text);
}
