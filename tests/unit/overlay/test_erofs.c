/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of all kinds as images: verified, mounted, compared. */
#include "base/mem.h"
#include "overlay/erofs_format.h"
#include "tests/support/child.h"
#include "tests/unit/overlay/erofsmaker.h"

#include <CUnit/CUnit.h>

static char *repeat(char c, size_t len)
{
	char *s = xcalloc(1, len + 1);

	memset(s, c, len);
	return s;
}

static void add_file(struct tarmaker *t, const char *name)
{
	erofsmaker_header(t, &(struct tm_header){ .type = '0', .name = name, .mode = 0644 });
}

void test_erofs__one_of_everything(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();

	erofsmaker_text(&m,
			"d etc:700; f etc/passwd=root; l etc/link->passwd; h etc/hard->etc/passwd;"
			"p fifo; c null=1.3; b disk=4095.1048575; c big=259.256; d sticky:1777;"
			"f implied/deep/file=x; f empty; d a/b/c:555");
	erofsmaker_text(&m, "f .wh.empty; f etc/passwd=changed; d etc:750; f new=1");
	erofsmaker_build(&m);
	CU_ASSERT_EQUAL(erofs_device_count(m.image), 2);
	for (size_t i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(erofs_device_bytes(m.image, i), layer_tar_bytes(m.layers[i]));
	CU_ASSERT_EQUAL(erofs_inode_count(m.image), tree_inode_count(m.tree));
	erofsmaker_compare(&m);
}

void test_erofs__nothing_at_all(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();

	erofsmaker_text(&m, "d .:711");
	erofsmaker_build(&m);
	CU_ASSERT_EQUAL(erofs_inode_count(m.image), 1);
	erofsmaker_compare(&m);
}

void test_erofs__file_sizes_around_blocks_and_pages(void)
{
	static const size_t sizes[] = { 0,    1,    511,  512,	513,   1023,   1024,   1025,
					3584, 4095, 4096, 4097, 65535, 131073, 5000000 };
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_free_ char *name = xasprintf("f%zu", sizes[i]);

		erofsmaker_file(&t, name, sizes[i]);
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

/* A tar that ends without the padding of its last file: a block that is not whole is copied. */
void test_erofs__tar_that_ends_inside_a_block(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };

	erofsmaker_file(&t, "first", 600);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "last", .size = 1500 });
	for (size_t i = 0; i < 1500; i++)
		tarmaker_raw(&t, &(char){ (char)i }, 1);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs__link_targets_of_any_length(void)
{
	static const size_t lengths[] = { 1,   2,   31,	 32,  33,  59,	60,   99,   100,  400, 447,
					  448, 449, 511, 512, 513, 960, 1024, 2047, 4094, 4095 };
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };

	for (size_t n = 0; n < 3; n++)
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			_free_ char *name = xasprintf("l%zu.%zu", n, lengths[i]);
			_free_ char *target = repeat((char)('a' + n), lengths[i]);

			erofsmaker_header(&t, &(struct tm_header){
						      .type = '2', .name = name, .link = target });
		}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs__names_of_any_bytes(void)
{
	static const char *const names[] = {
		"-",	  "!",	  "+x",	       ".a",	   "..a",   ".-",     ".!",
		" ",	  "...",  "....",      "\xff",	   "\x01",  "\x7f",   "A",
		"a",	  "\\",	  "new\nline", "\xc3\xa9", ".\xff", "..\x01", "0",
		"/d/..b", "/d/!", "/d/.c",     "/d/z",
	};
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	_free_ char *longest = repeat('n', 255);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_file(&t, names[i]);
	add_file(&t, longest);
	for (char c = 'a'; c <= 'f'; c++) {
		_free_ char *name = repeat(c, 255);
		_free_ char *path = xasprintf("long/%s", name);

		add_file(&t, path);
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

static void add_many(struct tarmaker *t, const char *dir, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s/%x-entry", dir, i * 2654435761u);
		tarmaker_header(t, &(struct tm_header){ .type = i % 7 ? '0' : '5', .name = name });
	}
}

/* Every number of entries up to some blocks, so that each end of a block comes up. */
void test_erofs__directories_of_every_small_size(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };

	for (unsigned i = 1; i < 90; i++) {
		char dir[16];

		snprintf(dir, sizeof(dir), "d%u", i);
		add_many(&t, dir, i);
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs__directories_of_any_size(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };

	add_many(&t, "many", 10000);
	add_many(&t, "more", 100000);
	add_file(&t, "z");
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs__times_and_owners_at_their_ends(void)
{
	static const struct {
		const char *mtime, *uid, *gid;
	} rows[] = {
		{ "0", "0", "0" },
		{ "1.000000001", "65535", "65536" },
		{ "4294967296.999999999", "4294967294", "4294967294" },
		{ "-1", "1000", "2147483648" },
		{ "-0.5", "1", "1" },
		{ "-9223372036854775808", "1", "1" },
		{ "9223372036854775807.999999999", "1", "1" },
	};
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *name = xasprintf("f%zu", i);

		tarmaker_pax(&t, 'x', "mtime", rows[i].mtime, "uid", rows[i].uid, "gid",
			     rows[i].gid, NULL);
		tarmaker_header(&t,
				&(struct tm_header){ .type = '0', .name = name, .mode = 06751 });
	}
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs__hard_links_share_an_inode(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();

	/* "z" comes before "d/sub/a" in the image, and after it in a walk. */
	erofsmaker_text(&m, "f z=text; h d/sub/a->z; h d/b->z; l s->z; h d/s->s; c n=1.3; h d/n->n;"
			    "p p; h d/sub/p->p");
	erofsmaker_text(&m, "h again->d/b; f .wh.z");
	erofsmaker_build(&m);
	erofsmaker_compare(&m);
}

void test_erofs__600_layers(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();

	for (unsigned i = 0; i < 600; i++) {
		_free_ char *text =
			xasprintf("f d/f%u=%u; f each=%u; f .wh.w%u; f w%u", i, i, i, i - 1, i);

		erofsmaker_text(&m, text);
	}
	erofsmaker_build(&m);
	CU_ASSERT_EQUAL(erofs_device_count(m.image), 600);
	erofsmaker_compare(&m);
}

void test_erofs__same_tree_same_bytes(void)
{
	static const char text[] = "d a; f a/f=1; l a/l->f; f b=22; h c->b; c n=1.3";
	_erofsmaker_ struct erofsmaker one = erofsmaker_make(), two = erofsmaker_make();
	_free_ unsigned char *a = NULL, *b = NULL;
	size_t a_len, b_len;

	erofsmaker_text(&one, text);
	erofsmaker_text(&two, text);
	erofsmaker_build(&one);
	erofsmaker_build(&two);
	a = erofsmaker_bytes(&one, &a_len);
	b = erofsmaker_bytes(&two, &b_len);
	CU_ASSERT_EQUAL_FATAL(a_len, b_len);
	CU_ASSERT_EQUAL(memcmp(a, b, a_len), 0);
	CU_ASSERT_EQUAL(memcmp(a + EROFS_SUPER_OFFSET + offsetof(struct erofs_super, uuid),
			       "\1\2\3\4\0", 5),
			0);
}

void test_erofs__one_chunk_for_a_file_of_one_run(void)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_erofsmaker_ struct erofsmaker none = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	size_t len, none_len;

	erofsmaker_file(&t, "f", 3000000);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	erofsmaker_text(&none, "f f");
	erofsmaker_build(&none);
	free(erofsmaker_bytes(&m, &len));
	free(erofsmaker_bytes(&none, &none_len));
	/* Both in one block. */
	CU_ASSERT_EQUAL(len, none_len);
}

static void check_refused(const struct tm_header *h, const char *words)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	struct err err = { 0 };

	erofsmaker_header(&t, h);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	CU_ASSERT_TRUE(erofsmaker_write(&m, &err) < 0);
	CU_ASSERT_TRUE(err.kind == ERR_UNSUPPORTED || err.kind == ERR_DAMAGED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, words));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "dir/x"));
}

void test_erofs__what_it_cannot_hold_is_refused_by_name(void)
{
	static const struct {
		struct tm_header h;
		const char *words;
	} rows[] = {
		{ { .type = '3', .name = "dir/x", .dev_major = 4096 }, "device number" },
		{ { .type = '4', .name = "dir/x", .dev_minor = 1 << 20 }, "device number" },
		{ { .type = '0', .name = "dir/x", .uid = UINT32_MAX }, "out of range" },
		{ { .type = '0', .name = "dir/x", .gid = (int64_t)1 << 32 }, "out of range" },
		{ { .type = '0', .name = "dir/x", .uid = -1 }, "out of range" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_refused(&rows[i].h, rows[i].words);
}

void test_erofs__ends_when_cancelled(void)
{
	static const struct digest chain = { .alg = DIGEST_SHA256 };
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	struct op op = { .jobs = 1 };
	struct err err = { 0 };

	add_many(&t, "many", 9000);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	op_cancel(&op);
	CU_ASSERT_TRUE(erofs_verify(&op, m.image, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
	err_clear(&err);
	CU_ASSERT_TRUE(erofs_write(&op, m.tree, &chain, m.fd, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
}

static int write_to_full(void *arg)
{
	static const struct digest chain = { .alg = DIGEST_SHA256 };
	struct erofsmaker *m = arg;
	struct err err = { 0 };

	CHILD_CHECK(erofs_write(NULL, m->tree, &chain, m->fd, &err) == -EFBIG);
	CHILD_CHECK(err.errnum == EFBIG);
	return 0;
}

/* A file that can't grow, at several lengths: an error, whichever write meets it. */
void test_erofs__ends_when_the_disk_does(void)
{
	static const unsigned long rooms[] = { 1, 4096, 1048576, 1400000 };
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	struct err err = { 0 };

	add_many(&t, "many", 15000);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	CU_ASSERT_EQUAL_FATAL(erofsmaker_write(&m, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		const struct child_setup setup = { .max_file_bytes = rooms[i] };

		CU_ASSERT_EQUAL(ftruncate(m.fd, 0), 0);
		CU_ASSERT_EQUAL(child_run(&setup, write_to_full, &m), 0);
	}
}
