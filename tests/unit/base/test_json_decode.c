/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding objects into structs by a table. */
#include "base/json.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

struct thing {
	char *name;
	uint64_t size;
	int64_t offset;
	bool on;
	struct json_strs words;
	const struct json *rest;
};

static const struct json_field fields[] = {
	{ "name", JSON_FIELD_STR, offsetof(struct thing, name), true },
	{ "size", JSON_FIELD_U64, offsetof(struct thing, size), false },
	{ "offset", JSON_FIELD_I64, offsetof(struct thing, offset), false },
	{ "on", JSON_FIELD_BOOL, offsetof(struct thing, on), false },
	{ "words", JSON_FIELD_STRS, offsetof(struct thing, words), false },
	{ "rest", JSON_FIELD_VALUE, offsetof(struct thing, rest), false },
};
static const struct json_table table = { fields, ARRAY_SIZE(fields) };

static int decode(const char *text, const char *path, struct thing *t, struct json **ret_root,
		  struct err *err)
{
	CU_ASSERT_EQUAL_FATAL(json_parse(text, strlen(text), ret_root, err), 0);
	return json_decode(*ret_root, &table, path, t, err);
}

void test_json_decode__all_types(void)
{
	struct thing t = { 0 };
	_json_ struct json *root = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(decode("{\"name\":\"n\",\"size\":9223372036854775807,\"offset\":-3,"
			       "\"on\":true,\"words\":[\"a\",\"\",\"c\"],\"rest\":{\"x\":1},"
			       "\"unknown\":[1,2]}",
			       "", &t, &root, &err),
			0);
	CU_ASSERT_STRING_EQUAL(t.name, "n");
	CU_ASSERT_EQUAL(t.size, INT64_MAX);
	CU_ASSERT_EQUAL(t.offset, -3);
	CU_ASSERT_TRUE(t.on);
	CU_ASSERT_EQUAL(t.words.count, 3);
	CU_ASSERT_STRING_EQUAL(t.words.items[2], "c");
	CU_ASSERT_EQUAL(json_int(json_get(t.rest, "x"), 0), 1);
	json_decode_free(&table, &t);
	CU_ASSERT_PTR_NULL(t.name);
	CU_ASSERT_EQUAL(t.words.count, 0);
}

void test_json_decode__absent_and_null_leave_the_default(void)
{
	struct thing t = { .size = 7, .on = true, .offset = -1 };
	_json_ struct json *root = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(decode("{\"name\":\"\",\"size\":null,\"words\":null,\"rest\":null}", "", &t,
			       &root, &err),
			0);
	CU_ASSERT_STRING_EQUAL(t.name, "");
	CU_ASSERT_EQUAL(t.size, 7);
	CU_ASSERT_EQUAL(t.offset, -1);
	CU_ASSERT_TRUE(t.on);
	CU_ASSERT_PTR_NULL(t.words.items);
	CU_ASSERT_PTR_NULL(t.rest);
	json_decode_free(&table, &t);
}

void test_json_decode__an_empty_list_is_not_absent(void)
{
	struct thing t = { 0 };
	_json_ struct json *root = NULL;

	CU_ASSERT_EQUAL(decode("{\"name\":\"n\",\"words\":[]}", "", &t, &root, NULL), 0);
	CU_ASSERT_PTR_NOT_NULL(t.words.items);
	CU_ASSERT_EQUAL(t.words.count, 0);
	json_decode_free(&table, &t);
}

void test_json_decode__errors_name_the_path(void)
{
	static const struct {
		const char *text, *path, *message;
	} rows[] = {
		{ "{}", "", "name: missing" },
		{ "{\"name\":null}", "layers[2]", "layers[2].name: missing" },
		{ "{\"name\":5}", "", "name: expected string, found integer" },
		{ "{\"name\":\"n\",\"size\":-1}", "", "size: negative" },
		{ "{\"name\":\"n\",\"size\":1.0}", "config",
		  "config.size: expected integer, found number with a fraction" },
		{ "{\"name\":\"n\",\"size\":\"1\"}", "", "size: expected integer, found string" },
		{ "{\"name\":\"n\",\"offset\":[]}", "", "offset: expected integer, found array" },
		{ "{\"name\":\"n\",\"on\":0}", "", "on: expected boolean, found integer" },
		{ "{\"name\":\"n\",\"words\":\"w\"}", "",
		  "words: expected array of strings, found string" },
		{ "{\"name\":\"n\",\"words\":{}}", "",
		  "words: expected array of strings, found object" },
		{ "{\"name\":\"n\",\"words\":[\"a\",null]}", "a.b",
		  "a.b.words[1]: expected string, found null" },
		{ "[]", "", "document: expected object, found array" },
		{ "null", "layers[0]", "layers[0]: expected object, found null" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct thing t = { 0 };
		_json_ struct json *root = NULL;
		struct err err = { 0 };

		CU_ASSERT_EQUAL(decode(rows[i].text, rows[i].path, &t, &root, &err), -EBADMSG);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		CU_ASSERT_STRING_EQUAL(err.msg, rows[i].message);
		/* Nothing is left that would have to be freed. */
		CU_ASSERT_PTR_NULL(t.name);
		CU_ASSERT_PTR_NULL(t.words.items);
	}
}

void test_json_decode__twice_into_the_same_struct(void)
{
	struct thing t = { 0 };
	_json_ struct json *a = NULL;
	_json_ struct json *b = NULL;

	CU_ASSERT_EQUAL(decode("{\"name\":\"n\",\"words\":[\"a\"]}", "", &t, &a, NULL), 0);
	CU_ASSERT_EQUAL(decode("{\"name\":\"m\",\"words\":[\"b\",\"c\"]}", "", &t, &b, NULL), 0);
	CU_ASSERT_STRING_EQUAL(t.name, "m");
	CU_ASSERT_EQUAL(t.words.count, 2);
	json_decode_free(&table, &t);
}
