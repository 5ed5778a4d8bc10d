/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of ids from text (user_namespaces(7)), both ways, and user namespaces that carry them. */
#include "base/mem.h"
#include "sys/mount.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct {
	const char *text;
	size_t count; /* 0: not a map */
} texts[] = {
	{ "0:100000:65536", 1 },
	{ "0:0:1", 1 },
	{ "0:4294967294:1", 1 },
	{ "4294967294:0:1", 1 },
	{ "0:1000:1,1:100000:65536", 2 },
	{ "5:0:5,0:5:5", 2 },
	{ "0:0:4294967295", 1 },
	{ "", 0 },
	{ ",", 0 },
	{ "0", 0 },
	{ "0:0", 0 },
	{ "0:0:0", 0 },
	{ "0:0:1,", 0 },
	{ ",0:0:1", 0 },
	{ "0:0:1,,1:1:1", 0 },
	{ "0:0:1:1", 0 },
	{ "0,0:1:1", 0 },
	{ ":0:1", 0 },
	{ "0::1", 0 },
	{ "-1:0:1", 0 },
	{ "+1:0:1", 0 },
	{ " 0:0:1", 0 },
	{ "0:0:1 ", 0 },
	{ "0x1:0:1", 0 },
	{ "a:b:c", 0 },
	{ "0:0:1\n", 0 },
	{ "0:0:4294967296", 0 },
	{ "4294967296:0:1", 0 },
	/* -1 is no id. */
	{ "4294967295:0:1", 0 },
	{ "0:4294967295:1", 0 },
	{ "1:0:4294967295", 0 },
	{ "0:1:4294967295", 0 },
	{ "18446744073709551616:0:1", 0 },
	/* No id twice, inside or outside. */
	{ "0:0:2,1:5:1", 0 },
	{ "0:0:2,5:1:1", 0 },
	{ "0:10:5,4:20:5", 0 },
	{ "0:10:5,5:14:5", 0 },
};

void test_id_map__texts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct id_map map = { 0 };
		struct err err = { 0 };
		const int rc = id_map_parse(texts[i].text, &map, &err);

		if ((rc == 0) != (texts[i].count != 0) || map.count != texts[i].count)
			printf("# '%s'\n", texts[i].text);
		CU_ASSERT_EQUAL(rc == 0, texts[i].count != 0);
		CU_ASSERT_EQUAL(map.count, texts[i].count);
		CU_ASSERT_EQUAL(err.kind, rc ? ERR_USAGE : ERR_NONE);
		free(map.ranges);
	}
}

/* As many as the kernel takes: 340. */
void test_id_map__as_many_ranges_as_there_may_be(void)
{
	char text[341 * 24] = "";
	struct id_map map = { 0 };

	for (int n = 0; n < 341; n++) {
		const size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%d:%d:1", n ? "," : "", n, n + 1000);
		if (n == 339) {
			CU_ASSERT_EQUAL(id_map_parse(text, &map, NULL), 0);
			CU_ASSERT_EQUAL(map.count, 340);
			free(map.ranges);
			map = (struct id_map){ 0 };
		}
	}
	CU_ASSERT_TRUE(id_map_parse(text, &map, NULL) < 0);
	CU_ASSERT_PTR_NULL(map.ranges);
}

void test_id_map__both_ways(void)
{
	static const struct {
		uint32_t inside, outside;
		bool in, out; /* whether it is mapped */
	} ids[] = {
		{ 0, 1000, true, true },	   { 1, 100000, true, true },
		{ 9, 100008, true, true },	   { 10, 999, false, false },
		{ 11, 100009, false, false },	   { 100, UINT32_MAX - 1, true, true },
		{ 101, UINT32_MAX, false, false },
	};
	struct id_map map = { 0 };

	CU_ASSERT_EQUAL_FATAL(id_map_parse("0:1000:1,1:100000:9,100:4294967294:1", &map, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		uint32_t got = 7;

		CU_ASSERT_EQUAL(id_map_out(&map, ids[i].inside, &got), ids[i].out);
		CU_ASSERT_EQUAL(got, ids[i].out ? ids[i].outside : 7);
		got = 7;
		CU_ASSERT_EQUAL(id_map_in(&map, ids[i].outside, &got), ids[i].in);
		CU_ASSERT_EQUAL(got, ids[i].in ? ids[i].inside : 7);
	}
	free(map.ranges);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

void test_id_map__a_namespace_without_a_process(void)
{
	struct id_map map = { 0 };
	struct err err = { 0 };
	struct stat ours = { 0 }, theirs = { 0 };
	const int before = count_fds();

	if (geteuid() != 0) {
		test_skip("needs root");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(id_map_parse("0:100000:1000,2000:2000:1", &map, NULL), 0);
	const int fd = userns_make(&map, &map, &err);

	if (err.kind)
		printf("# %s\n", err.msg);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(stat("/proc/self/ns/user", &ours), 0);
	CU_ASSERT_EQUAL(fstat(fd, &theirs), 0);
	CU_ASSERT_EQUAL(ours.st_dev, theirs.st_dev);
	CU_ASSERT_NOT_EQUAL(ours.st_ino, theirs.st_ino);
	/* Whoever waits for any child finds none. */
	CU_ASSERT_TRUE(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
	CU_ASSERT_EQUAL(close(fd), 0);
	CU_ASSERT_EQUAL(count_fds(), before);
	free(map.ranges);
}

/* What the kernel takes no map of is an error, and nothing is left of it. */
void test_id_map__a_namespace_that_cannot_be(void)
{
	struct id_range twice[] = { { 0, 0, 10 }, { 5, 50, 10 } };
	const struct id_map bad = { twice, 2 };
	struct err err = { 0 };
	const int before = count_fds();

	CU_ASSERT_TRUE(userns_make(&bad, &bad, &err) < 0);
	CU_ASSERT_NOT_EQUAL(err.kind, ERR_NONE);
	CU_ASSERT_TRUE(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
	CU_ASSERT_EQUAL(count_fds(), before);
}
