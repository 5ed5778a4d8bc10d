/* SPDX-License-Identifier: Apache-2.0 */
/* IMAGE[:PATH], rows of ls -l, and paths in one layer. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/look.h"
#include "cli/look_layer.h"
#include "cli/look_row.h"
#include "tests/unit/cli/check.h"
#include "tests/unit/cli/lookmaker.h"

#include <CUnit/CUnit.h>
#include <sys/stat.h>

void test_look__split(void)
{
	static const struct {
		const char *operand, *image, *path;
	} rows[] = {
		{ "debian", "debian", NULL },
		{ "debian:12", "debian:12", NULL },
		{ "debian:/etc", "debian", "/etc" },
		{ "debian:12:/etc", "debian:12", "/etc" },
		{ "debian:12:/", "debian:12", "/" },
		{ "127.0.0.1:5000/x:/etc", "127.0.0.1:5000/x", "/etc" },
		{ "127.0.0.1:5000/x:1:/etc/a:b", "127.0.0.1:5000/x:1", "/etc/a:b" },
		{ "x@sha256:00:/etc", "x@sha256:00", "/etc" },
		{ "docker://debian", "docker://debian", NULL },
		{ "docker://debian:12:/etc", "docker://debian:12", "/etc" },
		{ "docker://h:1/x:/etc", "docker://h:1/x", "/etc" },
		{ "store:x:/etc", "store:x", "/etc" },
		{ "debian:/a:/b", "debian", "/a:/b" },
		{ "oci:/dir", "oci:/dir", NULL },
		{ "oci:/dir:tag:/etc", "oci:/dir:tag", "/etc" },
		{ "oci-archive:/f.tar:/etc", "oci-archive:/f.tar", "/etc" },
		{ "docker-archive:f:r:1:/etc", "docker-archive:f:r:1", "/etc" },
		{ ":/etc", "", "/etc" },
		{ "", "", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *image = NULL;
		const char *path = "";

		look_split(rows[i].operand, &image, &path);
		CU_ASSERT(check_text(rows[i].operand, rows[i].image, image));
		CU_ASSERT_EQUAL(path == NULL, rows[i].path == NULL);
		CU_ASSERT(check_text(rows[i].operand, rows[i].path ? rows[i].path : "",
				     path ? path : ""));
	}
}

void test_look__modes_and_times(void)
{
	static const struct {
		uint32_t mode;
		const char *text, *type;
	} rows[] = {
		{ S_IFREG | 04755, "-rwsr-xr-x", "file" },
		{ S_IFDIR | 01777, "drwxrwxrwt", "directory" },
		{ S_IFLNK | 0777, "lrwxrwxrwx", "symlink" },
		{ S_IFCHR | 0600, "crw-------", "char" },
		{ S_IFBLK | 0660, "brw-rw----", "block" },
		{ S_IFIFO | 0, "p---------", "fifo" },
	};
	char mode[11], time[24];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CU_ASSERT(check_text("mode", rows[i].text, look_mode(mode, rows[i].mode)));
		CU_ASSERT(check_text("type", rows[i].type, look_type(rows[i].mode)));
	}
	CU_ASSERT(check_text("time", "1970-01-01 00:00", look_time(time, 0)));
	CU_ASSERT(check_text("time", "1969-12-31 23:59", look_time(time, -1)));
	CU_ASSERT(check_text("far", " 999999999999999", look_time(time, 999999999999999)));
	CU_ASSERT(check_text("farthest", "-9223372036854775808", look_time(time, INT64_MIN)));
}

void test_look__json_loses_no_byte(void)
{
	static const struct lookmaker_entry entries[] = {
		{ { .type = '0', .name = "\xff", .mode = 0644, .uid = 4294967294 }, "x" },
	};
	_lookmaker_ struct lookmaker m = { 0 };
	_buf_ struct buf text = BUF_INIT(1 << 16);
	uint32_t node;

	lookmaker_init(&m, entries, 1);
	CU_ASSERT_EQUAL_FATAL(tree_lookup(m.tree, "\xff", false, &node, NULL), 0);
	_json_ struct json *o = look_json(m.tree, node, "/\xff");

	CU_ASSERT_EQUAL(json_print(o, 0, &text, NULL), 0);
	CU_ASSERT(check_has("base64", "\"PathBase64\":\"L/8=\"", buf_str(&text)));
	CU_ASSERT(check_has("uid", "\"Uid\":4294967294", buf_str(&text)));
	CU_ASSERT(check_has("layer", "\"Layer\":1", buf_str(&text)));
}

/* --- one layer -------------------------------------------------------------------------------------- */

#define E(kind, path, to)                                                                 \
	{                                                                                 \
		{ .type = (kind), .name = (path), .link_name = (to), .mode = 0755 }, NULL \
	}
static const struct lookmaker_entry layer[] = {
	E('5', "./", NULL),	 E('0', "./z", NULL),	     E('5', "./d/", NULL),
	E('0', "d/a", NULL),	 E('0', "d/.wh.gone", NULL), E('0', "d/e/f/deep", NULL),
	E('0', "d/a", NULL),	 E('2', "d/l", "a"),	     E('2', "d/up", "../z"),
	E('2', "loop", "/loop"), E('1', "h", "d/a"),	     E('1', "h2", "lower"),
	E('5', "empty/", NULL),	 E('0', "d-not/in/d", NULL),
};

static char *list_text(const struct lookmaker *m, const struct look_query *query)
{
	struct look_entries found = { 0 };
	struct buf out = BUF_INIT(1 << 16);
	struct err err = { 0 };

	if (look_entries_find(m->layer, query, &found, &err) < 0)
		(void)buf_printf(&out, NULL, "!%s", err.msg);
	for (size_t i = 0; i < found.count; i++)
		(void)buf_printf(&out, NULL, "%s%.*s=%zd", i ? " " : "",
				 (int)found.items[i].path_len, found.items[i].path,
				 (ssize_t)found.items[i].index);
	look_entries_fini(&found);
	return buf_take(&out);
}

void test_look__layer_entries(void)
{
	static const struct {
		struct look_query query;
		const char *want;
	} rows[] = {
		{ { "/", false, false }, "d=2 d-not=-1 empty=12 h=10 h2=11 loop=9 z=1" },
		{ { "/d", false, false }, "d/.wh.gone=4 d/a=3 d/a=6 d/e=-1 d/l=7 d/up=8" },
		{ { "/d/", true, false }, "d/.wh.gone=4 d/a=3 d/a=6 d/e/f/deep=5 d/l=7 d/up=8" },
		{ { "/d", false, true }, "d=2" },
		{ { "/d/a", false, false }, "d/a=3 d/a=6" },
		{ { "/d/e", false, false }, "d/e/f=-1" },
		{ { "/empty", false, false }, "" },
		{ { "/e", false, false }, "!'/e': not in this layer" },
		{ { "/d-not/in", false, false }, "d-not/in/d=13" },
	};
	_lookmaker_ struct lookmaker m = { 0 };

	lookmaker_layer(&m, layer, ARRAY_SIZE(layer));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *got = list_text(&m, &rows[i].query);

		CU_ASSERT(check_text(rows[i].query.path, rows[i].want, got));
	}
}

void test_look__layer_file(void)
{
	static const struct {
		const char *path;
		long entry;
		const char *says;
	} rows[] = {
		{ "/d/a", 6, NULL },
		{ "d//./a", 6, NULL },
		{ "/d/l", 6, NULL },
		{ "/d/up", 1, NULL },
		{ "/h", 6, NULL },
		{ "/d/../z", 1, NULL },
		{ "/h2", -1, "'/lower': not in this layer" },
		{ "/loop", -1, "too many links" },
		{ "/d", -1, "not a regular file" },
		{ "/nope", -1, "'/nope': not in this layer" },
		{ "/", -1, "not a regular file" },
	};
	_lookmaker_ struct lookmaker m = { 0 };

	lookmaker_layer(&m, layer, ARRAY_SIZE(layer));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };
		size_t entry = SIZE_MAX;
		const int rc = look_layer_file(m.layer, rows[i].path, &entry, &err);

		CU_ASSERT_EQUAL(rc < 0, rows[i].says != NULL);
		CU_ASSERT_EQUAL((long)entry, rows[i].entry);
		if (rows[i].says)
			CU_ASSERT(check_has(rows[i].path, rows[i].says, err.msg));
	}
}
