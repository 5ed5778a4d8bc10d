/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values: what is refused from outside, reading, building, printing. */
#include "base/json.h"

#include "base/mem.h"
#include "base/text.h"

#include <CUnit/CUnit.h>

static struct json *parse(const char *text)
{
	struct json *v = NULL;
	struct err err = { 0 };

	if (json_parse(text, strlen(text), &v, &err) < 0)
		printf("# %s: %s\n", text, err.msg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	return v;
}

/* A table of refusals; `why` occurs in the message. */
static const struct {
	const char *text;
	enum err_kind kind;
	const char *why;
} bad_rows[] = {
	/* RFC 8259 section 2: one value, nothing else. */
	{ "", ERR_DAMAGED, "JSON at byte" },
	{ "  ", ERR_DAMAGED, "JSON at byte" },
	{ "{} {}", ERR_DAMAGED, "end of file expected" },
	{ "{}x", ERR_DAMAGED, "end of file expected" },
	{ "{", ERR_DAMAGED, "" },
	{ "[1,]", ERR_DAMAGED, "" },
	{ "[1 2]", ERR_DAMAGED, "" },
	{ "{\"a\":1,}", ERR_DAMAGED, "" },
	{ "{\"a\"}", ERR_DAMAGED, "" },
	{ "{a:1}", ERR_DAMAGED, "" },
	{ "{'a':1}", ERR_DAMAGED, "" },
	{ "[}", ERR_DAMAGED, "" },
	{ "]", ERR_DAMAGED, "" },
	{ "}}}}", ERR_DAMAGED, "" },
	{ "// no\n{}", ERR_DAMAGED, "" },
	{ "TRUE", ERR_DAMAGED, "" },
	/* Section 6: numbers. */
	{ "NaN", ERR_DAMAGED, "" },
	{ "[Infinity]", ERR_DAMAGED, "" },
	{ "[-]", ERR_DAMAGED, "" },
	{ "[01]", ERR_DAMAGED, "" },
	{ "[1.]", ERR_DAMAGED, "" },
	{ "[.5]", ERR_DAMAGED, "" },
	{ "[0x10]", ERR_DAMAGED, "" },
	{ "[1e400]", ERR_DAMAGED, "" },
	{ "[9223372036854775808]", ERR_DAMAGED, "too big integer" },
	{ "[-9223372036854775809]", ERR_DAMAGED, "" },
	/* Section 7: strings. */
	{ "[\"a]", ERR_DAMAGED, "" },
	{ "[\"a\\\"]", ERR_DAMAGED, "" },
	{ "[\"a\nb\"]", ERR_DAMAGED, "" },
	{ "[\"\\x41\"]", ERR_DAMAGED, "" },
	{ "[\"\\u12\"]", ERR_DAMAGED, "" },
	{ "[\"\\ud800\"]", ERR_DAMAGED, "" },	     /* a lone surrogate */
	{ "[\"\\udc00\\ud800\"]", ERR_DAMAGED, "" }, /* the wrong way round */
	{ "[\"\\u0000\"]", ERR_DAMAGED, "" },	     /* NUL ends a C string */
	{ "{\"\\u0000\":1}", ERR_DAMAGED, "" },
	{ "{\"a\\u0000b\":1}", ERR_DAMAGED, "" },
	{ "[\"\xff\"]", ERR_DAMAGED, "" },
	{ "[\"\xed\xa0\x80\"]", ERR_DAMAGED, "" },
	{ "[\"\xc0\x80\"]", ERR_DAMAGED, "" },
	/* Section 8.1: no byte order mark. */
	{ "\xef\xbb\xbf{}", ERR_DAMAGED, "byte order mark" },
	{ "\xff\xfe{", ERR_DAMAGED, "" },
	/* RFC 7493 section 2.3: duplicate names, also when spelled differently. */
	{ "{\"a\":1,\"a\":1}", ERR_DAMAGED, "duplicate" },
	{ "{\"a\":1,\"b\":{\"c\":1,\"c\":2}}", ERR_DAMAGED, "duplicate" },
	{ "{\"a\":1,\"\\u0061\":2}", ERR_DAMAGED, "duplicate" },
};

void test_json__refuses(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		struct json *v = NULL;
		struct err err = { 0 };
		const int rc = json_parse(bad_rows[i].text, strlen(bad_rows[i].text), &v, &err);

		if (rc >= 0 || err.kind != bad_rows[i].kind || !strstr(err.msg, bad_rows[i].why))
			printf("# row %zu: %s: %s\n", i, bad_rows[i].text, err.msg);
		CU_ASSERT_TRUE(rc < 0);
		CU_ASSERT_EQUAL(err.kind, bad_rows[i].kind);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, bad_rows[i].why));
		CU_ASSERT_PTR_NULL(v);
		if (rc >= 0)
			json_free(v);
	}
}

/* jansson's lexer drops such bytes here and there. */
void test_json__refuses_raw_nul_bytes_anywhere(void)
{
	static const char *const rows[] = { "1\0", "[1\0]", "{\"a\0\":1}", "\0", "[\0]", "tru\0e" };
	static const size_t lengths[] = { 2, 4, 8, 1, 3, 5 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json *v = NULL;
		struct err err = { 0 };

		CU_ASSERT_EQUAL(json_parse(rows[i], lengths[i], &v, &err), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "NUL byte"));
	}
}

static void check_depth(const char *open, const char *close, size_t levels, int want)
{
	_buf_ struct buf text = BUF_INIT((size_t)4 << 20);
	struct json *v = NULL;
	struct err err = { 0 };

	for (size_t i = 0; i < levels; i++)
		buf_append_str(&text, open, NULL);
	buf_append_str(&text, "1", NULL);
	for (size_t i = 0; i < levels; i++)
		buf_append_str(&text, close, NULL);
	CU_ASSERT_EQUAL(json_parse(text.data, text.len, &v, &err), want);
	CU_ASSERT_EQUAL(err.kind, want ? ERR_LIMIT : ERR_NONE);
	json_free(v);
}

void test_json__depth_is_bounded(void)
{
	check_depth("[", "]", JSON_DEPTH_MAX, 0);
	check_depth("[", "]", JSON_DEPTH_MAX + 1, -E2BIG);
	check_depth("{\"a\":", "}", JSON_DEPTH_MAX, 0);
	check_depth("{\"a\":", "}", JSON_DEPTH_MAX + 1, -E2BIG);
	check_depth("[", "]", 100000, -E2BIG);
	check_depth("[", "", 1000000, -E2BIG);
	/* Brackets in strings are no nesting, however the string is written. */
#define TEN	"[[[[[[[[[["
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN
	_json_ struct json *v = parse("[\"" SEVENTY "\\\"" SEVENTY "\\\\\",\"]\"]");

	CU_ASSERT_EQUAL(json_count(v), 2);
}

static int parse_many(const char *unit, size_t count, enum err_kind *ret_kind)
{
	_buf_ struct buf text = BUF_INIT((size_t)64 << 20);
	struct json *v = NULL;
	struct err err = { 0 };

	buf_append_char(&text, '[', NULL);
	for (size_t i = 0; i < count; i++) {
		buf_append_str(&text, i ? "," : "", NULL);
		buf_append_str(&text, unit, NULL);
	}
	buf_append_char(&text, ']', NULL);
	const int rc = json_parse(text.data, text.len, &v, &err);

	*ret_kind = err.kind;
	json_free(v);
	return rc;
}

void test_json__values_are_counted(void)
{
	enum err_kind kind;

	CU_ASSERT_EQUAL(parse_many("1", JSON_VALUES_MAX - 10, &kind), 0);
	CU_ASSERT_EQUAL(parse_many("1", JSON_VALUES_MAX + 10, &kind), -E2BIG);
	CU_ASSERT_EQUAL(kind, ERR_LIMIT);
	CU_ASSERT_EQUAL(parse_many("{}", JSON_VALUES_MAX / 2 + 10, &kind), -E2BIG);
	CU_ASSERT_EQUAL(parse_many("[{\"a\":[]}]", 1000, &kind), 0);
	CU_ASSERT_EQUAL(parse_many("\",,,,,,,,,,,,\"", JSON_VALUES_MAX / 10, &kind), 0);
}

void test_json__hostile_text_is_escaped_in_the_error(void)
{
	struct json *v;
	struct err err = { 0 };

	CU_ASSERT_TRUE(json_parse("[\033[2J]", 6, &v, &err) < 0);
	CU_ASSERT_PTR_NULL(strchr(err.msg, '\033'));
	CU_ASSERT_TRUE(json_parse("\"\\ud800\xc2\x9b\"", 10, &v, &err) < 0);
	CU_ASSERT_PTR_NULL(strstr(err.msg, "\xc2\x9b"));
}

void test_json__reads_every_type(void)
{
	_json_ struct json *v =
		parse("{\"s\":\"t\\u00e4\\ud83d\\ude00\",\"i\":-5,\"r\":1.0,\"t\":true,"
		      "\"f\":false,\"n\":null,\"a\":[1,[2]],\"o\":{\"k\":9}}");

	CU_ASSERT_EQUAL(json_type(v), JSON_OBJECT_);
	CU_ASSERT_EQUAL(json_count(v), 8);
	CU_ASSERT_STRING_EQUAL(json_str(json_get(v, "s"), ""), "t\xc3\xa4\xf0\x9f\x98\x80");
	CU_ASSERT_EQUAL(json_int(json_get(v, "i"), 0), -5);
	CU_ASSERT_EQUAL(json_type(json_get(v, "r")), JSON_REAL_);
	CU_ASSERT_EQUAL(json_int(json_get(v, "r"), 77), 77);
	CU_ASSERT_TRUE(json_bool(json_get(v, "t"), false));
	CU_ASSERT_FALSE(json_bool(json_get(v, "f"), true));
	CU_ASSERT_EQUAL(json_type(json_get(v, "n")), JSON_NULL_);
	CU_ASSERT_EQUAL(json_count(json_get(v, "a")), 2);
	CU_ASSERT_EQUAL(json_int(json_at(json_at(json_get(v, "a"), 1), 0), 0), 2);
	CU_ASSERT_EQUAL(json_int(json_get(json_get(v, "o"), "k"), 0), 9);
}

void test_json__the_absent_and_the_wrong_give_the_fallback(void)
{
	_json_ struct json *v = parse("{\"s\":\"x\",\"a\":[]}");

	CU_ASSERT_PTR_NULL(json_get(v, "none"));
	CU_ASSERT_PTR_NULL(json_get(json_get(v, "none"), "deeper"));
	CU_ASSERT_PTR_NULL(json_get(json_get(v, "s"), "x"));
	CU_ASSERT_PTR_NULL(json_at(json_get(v, "a"), 0));
	CU_ASSERT_PTR_NULL(json_at(v, 0));
	CU_ASSERT_PTR_NULL(json_at(NULL, 0));
	CU_ASSERT_EQUAL(json_type(NULL), JSON_NULL_);
	CU_ASSERT_EQUAL(json_count(NULL), 0);
	CU_ASSERT_EQUAL(json_count(json_get(v, "s")), 0);
	CU_ASSERT_PTR_NULL(json_str(json_get(v, "a"), NULL));
	CU_ASSERT_EQUAL(json_int(json_get(v, "s"), 3), 3);
	CU_ASSERT_TRUE(json_bool(json_get(v, "s"), true));
	json_free(NULL);
}

void test_json__any_value_may_be_the_root(void)
{
	static const struct {
		const char *text;
		enum json_type type;
		const char *name;
	} rows[] = {
		{ "null", JSON_NULL_, "null" },
		{ " true ", JSON_BOOL_, "boolean" },
		{ "\n7\t", JSON_INTEGER_, "integer" },
		{ "7e0", JSON_REAL_, "number with a fraction" },
		{ "\"\"", JSON_STRING_, "string" },
		{ "[]", JSON_ARRAY_, "array" },
		{ "{}", JSON_OBJECT_, "object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_json_ struct json *v = parse(rows[i].text);

		CU_ASSERT_EQUAL(json_type(v), rows[i].type);
		CU_ASSERT_STRING_EQUAL(json_type_name(rows[i].type), rows[i].name);
	}
}

void test_json__integers_at_their_limits(void)
{
	_json_ struct json *v = parse("[9223372036854775807,-9223372036854775808,-0]");

	CU_ASSERT_EQUAL(json_int(json_at(v, 0), 0), INT64_MAX);
	CU_ASSERT_EQUAL(json_int(json_at(v, 1), 0), INT64_MIN);
	CU_ASSERT_EQUAL(json_int(json_at(v, 2), 1), 0);
}

void test_json__walks_members_in_document_order(void)
{
	_json_ struct json *v = parse("{\"z\":0,\"a\":1,\"m\":2,\"\":3}");
	static const char *const keys[] = { "z", "a", "m", "" };
	struct json_iter it;
	int64_t i = 0;

	for (json_iter_init(&it, v); json_iter_next(&it); i++) {
		CU_ASSERT_STRING_EQUAL(it.key, keys[i]);
		CU_ASSERT_EQUAL(json_int(it.value, -1), i);
	}
	CU_ASSERT_EQUAL(i, 4);
	CU_ASSERT_FALSE(json_iter_next(&it));
	json_iter_init(&it, NULL);
	CU_ASSERT_FALSE(json_iter_next(&it));
	json_iter_init(&it, json_get(v, "z"));
	CU_ASSERT_FALSE(json_iter_next(&it));
	_json_ struct json *empty = parse("{}");

	json_iter_init(&it, empty);
	CU_ASSERT_FALSE(json_iter_next(&it));
}

static void check_print(const struct json *v, unsigned indent, const char *want)
{
	_buf_ struct buf out = BUF_INIT(10000);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(json_print(v, indent, &out, &err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), want);
}

void test_json__builds_and_prints(void)
{
	_json_ struct json *v = json_new_object();
	struct json *list = json_new_array();

	json_add(list, json_new_int(1));
	json_add(list, json_new_str("two"));
	json_add(list, json_new_bool(true));
	json_add(list, json_new_null());
	json_set(v, "z", list);
	json_set_str(v, "a", "x");
	json_set_str(v, "none", NULL);
	json_set_int(v, "i", INT64_MIN);
	json_set_bool(v, "b", false);
	json_set_str(v, "a", "replaced");
	check_print(v, 0,
		    "{\"z\":[1,\"two\",true,null],\"a\":\"replaced\",\"none\":null,"
		    "\"i\":-9223372036854775808,\"b\":false}");
	_json_ struct json *nested = json_new_object();

	json_set(nested, "l", json_dup(list));
	json_set(nested, "e", json_new_array());
	check_print(
		nested, 2,
		"{\n  \"l\": [\n    1,\n    \"two\",\n    true,\n    null\n  ],\n  \"e\": []\n}");
	check_print(NULL, 0, "null");
	check_print(json_get(v, "a"), 0, "\"replaced\"");
}

void test_json__a_copy_is_on_its_own(void)
{
	_json_ struct json *v = parse("{\"a\":{\"b\":[1]}}");
	_json_ struct json *copy = json_dup(json_get(v, "a"));
	_json_ struct json *none = json_dup(NULL);

	json_set_int(copy, "b", 2);
	CU_ASSERT_EQUAL(json_count(json_get(json_get(v, "a"), "b")), 1);
	CU_ASSERT_EQUAL(json_type(none), JSON_NULL_);
}

void test_json__other_bytes_are_replaced_when_building(void)
{
	_json_ struct json *v = json_new_object();

	json_set_str(v, "k\xff",
		     "a\xff\xfe"
		     "b\xe2\x82");
	check_print(v, 0,
		    "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd\xef\xbf\xbd"
		    "b\xef\xbf\xbd\xef\xbf\xbd\"}");
}

/* docs/LAYER-CASES.md #69: what goes to a terminal cannot command it, and reads back the same. */
void test_json__controls_are_printed_escaped(void)
{
	_json_ struct json *v = json_new_array();
	_buf_ struct buf out = BUF_INIT(1000);
	struct json *back = NULL;

	json_add(v, json_new_str("\x7f\x7f"
				 "a\xc2\x9b"
				 "31m\033\xc2\xa0\xc2\x80"
				 "\xe2\x80\xae\xd8\x9c\xe2\x80\x8d"));
	check_print(
		v, 0,
		"[\"\\u007f\\u007fa\\u009b31m\\u001B\xc2\xa0\\u0080\\u202e\\u061c\xe2\x80\x8d\"]");
	CU_ASSERT_EQUAL(json_print(v, 0, &out, NULL), 0);
	CU_ASSERT_EQUAL(json_parse(out.data, out.len, &back, NULL), 0);
	CU_ASSERT_STRING_EQUAL(json_str(json_at(back, 0), ""), json_str(json_at(v, 0), "-"));
	json_free(back);
}

void test_json__print_respects_the_cap(void)
{
	_json_ struct json *v = parse("[\"0123456789\\u007f0123456789\"]");

	for (size_t cap = 0; cap < 30; cap++) {
		_buf_ struct buf out = BUF_INIT(cap);
		struct err err = { 0 };

		CU_ASSERT_EQUAL(json_print(v, 0, &out, &err), -E2BIG);
		CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	}
	_buf_ struct buf out = BUF_INIT(30);

	CU_ASSERT_EQUAL(json_print(v, 0, &out, NULL), 0);
}
