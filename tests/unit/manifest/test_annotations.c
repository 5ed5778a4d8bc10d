/* SPDX-License-Identifier: Apache-2.0 */
/* String maps. */
#include "base/mem.h"
#include "manifest/annotations.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

static int parse(const char *text, struct annotations *ret, struct err *err)
{
	char *_free_ json = json_text(text);
	struct json _json_ *root = NULL;

	TRY(json_parse(json, strlen(json), &root, err));
	return annotations_parse(root, "annotations", ret, err);
}

void test_annotations__parse_copy_and_write(void)
{
	static const char *const texts[] = { "{}", "{'b':'1','a':'','':'x'}" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct annotations _cleanup_(annotations_fini) a = { 0 };
		struct annotations _cleanup_(annotations_fini) copy = { 0 };
		struct buf _buf_ out = BUF_INIT(1024);
		char *_free_ want = json_text(texts[i]);

		CU_ASSERT_EQUAL_FATAL(parse(texts[i], &a, NULL), 0);
		annotations_copy(&a, &copy);
		struct json _json_ *object = annotations_json(&copy);

		CU_ASSERT_EQUAL(json_print(object, 0, &out, NULL), 0);
		CU_ASSERT(check_text(texts[i], "json", want, buf_str(&out)));
	}
}

void test_annotations__get_and_set(void)
{
	struct annotations _cleanup_(annotations_fini) a = { 0 };

	CU_ASSERT_EQUAL_FATAL(parse("{'a':'1','n':null}", &a, NULL), 0);
	CU_ASSERT_STRING_EQUAL(annotations_get(&a, "a"), "1");
	CU_ASSERT_STRING_EQUAL(annotations_get(&a, "n"), "");
	CU_ASSERT_PTR_NULL(annotations_get(&a, "A"));
	annotations_set(&a, "a", annotations_get(&a, "a"));
	annotations_set(&a, "b", "2");
	CU_ASSERT_EQUAL(a.count, 3);
	CU_ASSERT_STRING_EQUAL(annotations_get(&a, "a"), "1");
	CU_ASSERT_STRING_EQUAL(annotations_get(&a, "b"), "2");
}

void test_annotations__absent_is_empty_and_others_are_refused(void)
{
	static const struct {
		const char *json, *msg; /* NULL: fine */
	} rows[] = {
		{ "null", NULL },
		{ "[]", "annotations: expected object" },
		{ "'x'", "annotations: expected object" },
		{ "{'a':1}", "annotations.a: expected string" },
		{ "{'a':'x','b\\n':{}}", "annotations.b\\n: expected string" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct annotations a = { 0 };
		struct err err = { 0 };
		const int rc = parse(rows[i].json, &a, &err);

		CU_ASSERT(check_int(rows[i].json, "ok", !rows[i].msg, rc == 0));
		CU_ASSERT(check_err(rows[i].json, &err, rows[i].msg ? ERR_DAMAGED : ERR_NONE,
				    rows[i].msg ? rows[i].msg : ""));
		CU_ASSERT_EQUAL(a.count, 0);
	}
}
