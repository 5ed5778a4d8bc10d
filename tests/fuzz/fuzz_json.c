/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/json: any bytes are parsed or refused; what was parsed is walked, decoded and printed, and
 * what was printed parses again to the same text.
 */
#include "base/json.h"

#include "base/mem.h"

struct thing {
	char *name;
	uint64_t size;
	bool on;
	struct json_strs words;
	const struct json *rest;
};

static const struct json_field fields[] = {
	{ "name", JSON_FIELD_STR, offsetof(struct thing, name), true },
	{ "size", JSON_FIELD_U64, offsetof(struct thing, size), false },
	{ "on", JSON_FIELD_BOOL, offsetof(struct thing, on), false },
	{ "words", JSON_FIELD_STRS, offsetof(struct thing, words), false },
	{ "rest", JSON_FIELD_VALUE, offsetof(struct thing, rest), false },
};

static size_t walk(const struct json *v)
{
	struct json_iter it;
	size_t sum = strlen(json_str(v, "")) + (size_t)json_int(v, 0) + json_bool(v, false);

	for (json_iter_init(&it, v); json_iter_next(&it);)
		sum += strlen(it.key) + walk(it.value);
	if (json_type(v) == JSON_ARRAY_)
		for (size_t i = 0; i < json_count(v); i++)
			sum += walk(json_at(v, i));
	return sum;
}

static void decode(const struct json *v)
{
	static const struct json_table table = { fields, ARRAY_SIZE(fields) };
	struct thing t = { 0 };
	struct err err = { 0 };

	if (json_decode(v, &table, "document", &t, &err) < 0 && err.kind != ERR_DAMAGED)
		abort();
	json_decode_free(&table, &t);
}

static void check_printed(const struct json *v)
{
	_buf_ struct buf once = BUF_INIT((size_t)64 << 20);
	_buf_ struct buf twice = BUF_INIT((size_t)64 << 20);
	_json_ struct json *again = NULL;
	struct err err = { 0 };

	if (json_print(v, 0, &once, &err) < 0 ||
	    json_parse(buf_str(&once), once.len, &again, &err) < 0 ||
	    json_print(again, 0, &twice, &err) < 0)
		abort();
	if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_json_ struct json *v = NULL;
	struct err err = { 0 };
	const int rc = json_parse(data, len, &v, &err);

	if (rc < 0) {
		if ((err.kind != ERR_DAMAGED && err.kind != ERR_LIMIT) || v || !*err.msg)
			abort();
		return 0;
	}
	(void)walk(v);
	decode(v);
	check_printed(v);
	return 0;
}
