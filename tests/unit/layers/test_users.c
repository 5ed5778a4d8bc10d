/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.User against passwd and group files of every kind (image-spec config.md; CVE-2024-40635,
 * CVE-2024-9676).
 */
#include "layers/users.h"

#include "base/mem.h"
#include "tests/unit/layers/treemaker.h"

#include <CUnit/CUnit.h>

static const struct treemaker_entry image[] = {
	TM_DIR("etc/", 0755),
	TM_FILE("etc/passwd", 0644,
		"root:x:0:0:root:/root:/bin/sh\n"
		"broken line\n"
		"::\n"
		"web:x:33:34:www:/srv/web:/usr/sbin/nologin\n"
		"nohome:x:50:50::relative:/bin/sh\n"
		"huge:x:4294967296:0::/:\n"
		"last:x:70:71:no newline:/last:/bin/sh"),
	TM_FILE("etc/group", 0644,
		"root:x:0:\n"
		"web:x:34:\n"
		"log:x:4:web,other\n"
		"adm:x:3:other,web\n"
		"adm2:x:4:web\n"
		"webby:x:99:website\n"
		"\n"
		"tail:x:72:last"),
};

struct row {
	const char *text;
	uint32_t uid, gid;
	size_t groups;
	const char *home;
};

void test_users__all_forms_of_the_spec(void)
{
	static const struct row rows[] = {
		{ "", 0, 0, 0, "/root" },
		{ "root", 0, 0, 0, "/root" },
		{ "web", 33, 34, 2, "/srv/web" },
		{ "33", 33, 34, 2, "/srv/web" },
		{ "web:", 33, 34, 2, "/srv/web" },
		{ "web:log", 33, 4, 0, "/srv/web" },
		{ "web:7", 33, 7, 0, "/srv/web" },
		{ "1000", 1000, 0, 0, "/" },
		{ "1000:1001", 1000, 1001, 0, "/" },
		{ "1000:adm", 1000, 3, 0, "/" },
		{ ":4", 0, 4, 0, "/root" },
		{ "nohome", 50, 50, 0, "/" },
		{ "last", 70, 71, 1, "/last" },
		{ "2147483647", 2147483647, 0, 0, "/" },
	};
	struct treemaker m;
	struct err err = { 0 };

	treemaker_init(&m, image, ARRAY_SIZE(image));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct user u = { 0 };

		CU_ASSERT_EQUAL_FATAL(user_resolve(m.tree, rows[i].text, &u, &err), 0);
		CU_ASSERT_EQUAL(u.uid, rows[i].uid);
		CU_ASSERT_EQUAL(u.gid, rows[i].gid);
		CU_ASSERT_EQUAL(u.group_count, rows[i].groups);
		CU_ASSERT_STRING_EQUAL(u.home, rows[i].home);
		user_fini(&u);
	}
	treemaker_fini(&m);
}

void test_users__what_is_not_there_or_out_of_range_is_refused(void)
{
	static const char *const bad[] = {
		"nobody-here",	"4294967296",	 "2147483648", "-1",	 "0x0",
		"root:nogroup", "0:99999999999", "huge",       "web:-1", " 0"
	};
	struct treemaker m;

	treemaker_init(&m, image, ARRAY_SIZE(image));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct user u = { 0 };
		struct err err = { 0 };

		CU_ASSERT_TRUE(user_resolve(m.tree, bad[i], &u, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	}
	treemaker_fini(&m);
}

/* A link stays inside the image; a fifo, device or folder is no file of users. */
void test_users__files_that_are_not_plain(void)
{
	static const struct treemaker_entry linked[] = {
		TM_DIR("etc/", 0755),
		TM_LINK('2', "etc/passwd", "/../../usr/passwd"),
		TM_FILE("usr/passwd", 0644, "in:x:11:12::/in:/bin/sh\n"),
		{ .entry = { .type = '6', .name = "etc/group", .mode = 0644 } },
	};
	struct treemaker m;
	struct user u = { 0 };
	struct err err = { 0 };

	treemaker_init(&m, linked, ARRAY_SIZE(linked));
	CU_ASSERT_EQUAL_FATAL(user_resolve(m.tree, "in", &u, &err), 0);
	CU_ASSERT_EQUAL(u.uid, 11);
	user_fini(&u);
	CU_ASSERT_TRUE(user_resolve(m.tree, "in:group", &u, &err) < 0);
	CU_ASSERT_TRUE(user_resolve(m.tree, "root", &u, &err) < 0);
	treemaker_fini(&m);
}

void test_users__image_without_the_files(void)
{
	struct treemaker m;
	struct user u = { 0 };
	struct err err = { 0 };

	treemaker_init(&m, NULL, 0);
	CU_ASSERT_EQUAL(user_resolve(m.tree, NULL, &u, &err), 0);
	CU_ASSERT_EQUAL(u.uid, 0);
	user_fini(&u);
	CU_ASSERT_EQUAL(user_resolve(m.tree, "5:6", &u, &err), 0);
	CU_ASSERT_EQUAL(u.gid, 6);
	user_fini(&u);
	CU_ASSERT_TRUE(user_resolve(m.tree, "root", &u, &err) < 0);
	treemaker_fini(&m);
}
