/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse files: old GNU, pax 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files"), as Go's
 * archive/tar reads them.
 */
#include "layers/tar.h"

#include "base/mem.h"
#include "tests/unit/layers/tarcheck.h"

#include <CUnit/CUnit.h>

/* Pairs of an old GNU map at `at` of a block. */
static void put_pairs(unsigned char *block, size_t at, const uint64_t *pairs, size_t count)
{
	for (size_t i = 0; i < 2 * count; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%011" PRIo64, pairs[i]);
		memcpy(block + at + i * 12, text, 12);
	}
}

/* An old GNU sparse file of `count` runs, the first four in the header, 21 in each extension. */
static void add_old(struct tarmaker *t, uint64_t real_size, const uint64_t *pairs, size_t count)
{
	const size_t in_header = count < 4 ? count : 4;
	unsigned char block[512] = { 0 };
	uint64_t stored = 0;
	char text[16];
	size_t at;

	for (size_t i = 0; i < count; i++)
		stored += pairs[2 * i + 1];
	at = tarmaker_header(
		t,
		&(struct tm_header){ .type = 'S', .name = "s", .magic = TM_GNU, .size = stored });
	put_pairs(t->data + at, 386, pairs, in_header);
	t->data[at + 482] = count > 4;
	snprintf(text, sizeof(text), "%011" PRIo64, real_size);
	tarmaker_patch(t, at, 483, text, 12);
	for (size_t done = in_header; done < count; done += 21) {
		const size_t n = count - done < 21 ? count - done : 21;

		memset(block, 0, sizeof(block));
		put_pairs(block, 0, pairs + 2 * done, n);
		block[504] = done + n < count;
		tarmaker_raw(t, block, sizeof(block));
	}
	for (uint64_t i = 0; i < stored; i++)
		tarmaker_raw(t, "d", 1);
	tarmaker_data(t, NULL, 0);
	while (t->len % 512)
		tarmaker_raw(t, "", 1);
}

void test_tar_sparse__old_gnu(void)
{
	struct tarmaker t = { 0 };
	uint64_t many[60];

	add_old(&t, 100, (const uint64_t[]){ 0, 5, 10, 5, 100, 0 }, 3);
	tarmaker_file(&t, "end", "");
	tarcheck(&t, "in the header", "0 s 100@0-512 holds 10 0+5 10+5; 0 end 0@1024-1536");
	add_old(&t, 100, NULL, 0);
	tarcheck(&t, "nothing but a hole", "0 s 100@0-512 holds 0");
	for (uint64_t i = 0; i < 30; i++) {
		many[2 * i] = i * 10;
		many[2 * i + 1] = i < 28 ? 0 : 1;
	}
	add_old(&t, 1000, many, 30);
	tarmaker_file(&t, "end", "");
	tarcheck(&t, "in two extensions", "0 s 1000@0-1536 holds 2 280+1 290+1; 0 end 0@2048-2560");
	add_old(&t, 1000, many, 30);
	t.len = 1024;
	tarcheck(&t, "an extension is missing", "!'s': the archive ends inside this entry");
	add_old(&t, 1000, many, 30);
	t.data[512 + 13] = 'x';
	tarcheck(&t, "a number is none", "!the map of the sparse file is damaged");
}

void test_tar_sparse__old_gnu_is_checked(void)
{
	struct tarmaker t = { 0 };

	add_old(&t, 100, (const uint64_t[]){ 10, 5, 0, 5 }, 2);
	tarcheck(&t, "60 descending", "!the map of the sparse file is damaged");
	add_old(&t, 100, (const uint64_t[]){ 0, 5, 4, 5 }, 2);
	tarcheck(&t, "60 overlapping", "!the map of the sparse file is damaged");
	add_old(&t, 100, (const uint64_t[]){ 100, 0, 50, 5 }, 2);
	tarcheck(&t, "60 descending after an empty one", "!the map of the sparse file is damaged");
	add_old(&t, 100, (const uint64_t[]){ 96, 5 }, 1);
	tarcheck(&t, "60 beyond the end", "!the map of the sparse file disagrees");
	add_old(&t, 100, (const uint64_t[]){ 101, 0 }, 1);
	tarcheck(&t, "60 nothing, beyond the end", "!the map of the sparse file disagrees");
	add_old(&t, 100, (const uint64_t[]){ 0, 5 }, 1);
	tarmaker_patch(&t, 0, 124, "00000000006", 12);
	tarcheck(&t, "more data than runs", "!the map of the sparse file disagrees");
	add_old(&t, 100, (const uint64_t[]){ 0, 5 }, 1);
	tarmaker_patch(&t, 0, 124, "00000000004", 12);
	tarcheck(&t, "less data than runs", "!the map of the sparse file disagrees");
	add_old(&t, 100, (const uint64_t[]){ 0, 5 }, 1);
	tarmaker_patch(&t, 0, 257, TM_USTAR, 8);
	tarcheck(&t, "outside GNU", "!a sparse file outside the GNU format");
	add_old(&t, 100, (const uint64_t[]){ 0, 5 }, 1);
	tarmaker_patch(&t, 0, 483, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	tarcheck(&t, "negative size", "!the map of the sparse file is damaged");
	add_old(&t, 100, (const uint64_t[]){ 0, 5 }, 1);
	tarmaker_patch(&t, 0, 386, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	tarcheck(&t, "negative offset", "!the map of the sparse file is damaged");
	add_old(&t, 100, (const uint64_t[]){ 0, 5 }, 1);
	tarmaker_patch(&t, 0, 483, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
	tarcheck(&t, "61 8 EiB", "0 s 9223372036854775807@0-512 holds 5 0+5");
}

/* A file of `stored` bytes after an extended header of up to five records. */
static void check_pax(const char *const *r, size_t stored, const char *want)
{
	struct tarmaker t = { 0 };

	tarmaker_pax(&t, 'x', r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], NULL);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f", .size = stored });
	for (size_t i = 0; i < stored; i++)
		tarmaker_raw(&t, "d", 1);
	while (t.len % 512)
		tarmaker_raw(&t, "", 1);
	tarmaker_file(&t, "end", "");
	tarcheck(&t, want, want);
}

#define NUM    "GNU.sparse.numblocks"
#define MAP    "GNU.sparse.map"
#define OFFSET "GNU.sparse.offset"
#define BYTES  "GNU.sparse.numbytes"
#define SIZE   "GNU.sparse.size"
#define REAL   "GNU.sparse.realsize"

void test_tar_sparse__in_records(void)
{
	static const struct {
		const char *records[12];
		size_t stored;
		const char *want;
	} rows[] = {
		{ { NUM, "2", MAP, "0,5,10,1", SIZE, "20", "GNU.sparse.name", "real" },
		  6,
		  "0 real 20@0-1536 holds 6 0+5 10+1; 0 end 0@2048-2560" },
		{ { NUM, "1", MAP, "0,5", REAL, "20" },
		  5,
		  "0 f 20@0-1536 holds 5 0+5; 0 end 0@2048-2560" },
		{ { NUM, "1", MAP, "0,5", REAL, "20", SIZE, "10" },
		  5,
		  "0 f 10@0-1536 holds 5 0+5; 0 end 0@2048-2560" },
		{ { NUM, "1", MAP, "0,5" }, 5, "0 f 5@0-1536 holds 5 0+5; 0 end 0@2048-2560" },
		{ { NUM, "1", OFFSET, "0", BYTES, "5", SIZE, "9" },
		  5,
		  "0 f 9@0-1536 holds 5 0+5; 0 end 0@2048-2560" },
		{ { NUM, "2", OFFSET, "0", BYTES, "2", OFFSET, "4", BYTES, "2" },
		  4,
		  "!the map of the sparse file disagrees" },
		{ { NUM, "1", BYTES, "5", OFFSET, "0", SIZE, "9" },
		  5,
		  "!an extended header record is damaged" },
		{ { NUM, "1", OFFSET, "0", OFFSET, "0" },
		  5,
		  "!an extended header record is damaged" },
		{ { NUM, "1", OFFSET, "0,5", BYTES, "5" },
		  5,
		  "!an extended header record is damaged" },
		{ { NUM, "1", OFFSET, "0" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "2", MAP, "0,5" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "0", MAP, "0,5" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "x", MAP, "0,5" }, 5, "!the map of the sparse file is damaged" },
		{ { MAP, "0,5" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, "0,5," }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, "0" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, ",5" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, "0,-5" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, "0,5", SIZE, "-1" },
		  5,
		  "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, "0,5", SIZE, "x" }, 5, "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, "9223372036854775807,1" },
		  1,
		  "!the map of the sparse file is damaged" },
		{ { NUM, "1", MAP, "1,5", SIZE, "5" }, 5, "!the map of the sparse file disagrees" },
		{ { "GNU.sparse.major", "2", "GNU.sparse.minor", "0", NUM, "1", MAP, "0,5" },
		  5,
		  "0 f 5@0-1536; 0 end 0@2048-2560" }, /* a version nobody knows: a plain file */
		{ { "GNU.sparse.major", "0", "GNU.sparse.minor", "1", NUM, "0", SIZE, "7" },
		  0,
		  "0 f 7@0-1536 holds 0; 0 end 0@1536-2048" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_pax(rows[i].records, rows[i].stored, rows[i].want);
}

static void check_map(const char *map, size_t map_len, size_t stored, const char *want)
{
	struct tarmaker t = { 0 };
	const size_t map_blocks = (map_len + 511) / 512 * 512;
	_free_ char *data = xcalloc(1, map_blocks + stored + 1);

	memcpy(data, map, map_len);
	tarmaker_pax(&t, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", REAL, "100",
		     "GNU.sparse.name", "s", NULL);
	tarmaker_header(
		&t, &(struct tm_header){ .type = '0', .name = "f", .size = map_blocks + stored });
	tarmaker_data(&t, data, map_blocks + stored);
	tarmaker_file(&t, "end", "");
	tarcheck(&t, want, want);
}

void test_tar_sparse__in_front_of_the_data(void)
{
	static const struct {
		const char *map;
		size_t stored;
		const char *want;
	} rows[] = {
		{ "1\n0\n5\n", 5, "0 s 100@0-2048 holds 5 0+5; 0 end 0@2560-3072" },
		{ "2\n0\n5\n90\n10\n", 15, "0 s 100@0-2048 holds 15 0+5 90+10; 0 end 0@2560-3072" },
		{ "2\n0\n5\n100\n0\n", 5, "0 s 100@0-2048 holds 5 0+5; 0 end 0@2560-3072" },
		{ "0\n", 0, "0 s 100@0-2048 holds 0; 0 end 0@2048-2560" },
		{ "+1\n+0\n05\njunk", 5, "0 s 100@0-2048 holds 5 0+5; 0 end 0@2560-3072" },
		{ "-1\n", 0, "!the map of the sparse file is damaged" },
		{ "x\n", 0, "!the map of the sparse file is damaged" },
		{ "\n", 0, "!the map of the sparse file is damaged" },
		{ "1\n0\n \n", 0, "!the map of the sparse file is damaged" },
		{ "1\n-1\n5\n", 5, "!the map of the sparse file is damaged" },
		{ "1\n0\n-5\n", 5, "!the map of the sparse file is damaged" },
		{ "2\n5\n5\n0\n5\n", 10, "!the map of the sparse file is damaged" },
		{ "9223372036854775808\n", 0, "!the map of the sparse file is damaged" },
		{ "1\n9223372036854775807\n1\n", 1, "!the map of the sparse file is damaged" },
		{ "262145\n", 0, "!a sparse file of too many runs" }, /* 60 */
		{ "1000000000\n", 0, "!a sparse file of too many runs" },
		{ "1\n0\n5\n", 4, "!the map of the sparse file disagrees" },
		{ "1\n0\n5\n", 6, "!the map of the sparse file disagrees" },
		{ "1\n0\n", 0, "!the map of the sparse file is cut short" },
		{ "", 0, "!the map of the sparse file is cut short" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_map(rows[i].map, strlen(rows[i].map), rows[i].stored, rows[i].want);
}

/* Numbers cross the ends of blocks. */
void test_tar_sparse__long_maps(void)
{
	char map[2048];
	size_t len;

	len = (size_t)snprintf(map, sizeof(map), "1\n%0507d\n5\n", 7);
	check_map(map, len, 5, "0 s 100@0-2048 holds 5 7+5; 0 end 0@2560-3072");
	len = (size_t)snprintf(map, sizeof(map), "1\n%0508d\n5\n", 7);
	check_map(map, len, 5, "0 s 100@0-2560 holds 5 7+5; 0 end 0@3072-3584");
	len = (size_t)snprintf(map, sizeof(map), "1\n%0600d\n5\n", 7);
	check_map(map, len, 5, "0 s 100@0-2560 holds 5 7+5; 0 end 0@3072-3584");
}

void test_tar_sparse__only_files_are(void)
{
	struct tarmaker t = { 0 };

	tarmaker_pax(&t, 'x', NUM, "0", "GNU.sparse.major", "0", "GNU.sparse.minor", "0", NULL);
	tarmaker_header(&t, &(struct tm_header){ .type = '5', .name = "d" });
	tarcheck(&t, "a directory", "!'d': a sparse map on something that is no file");
	tarmaker_meta(&t, 'x',
		      "22 GNU.sparse.major=0\n22 GNU.sparse.minor=0\n26 GNU.sparse.numblocks=0\n"
		      "24 GNU.sparse.name=a\0b\n",
		      22 + 22 + 26 + 23);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f" });
	tarcheck(&t, "a NUL in the name", "!");
}
