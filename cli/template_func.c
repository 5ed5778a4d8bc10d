/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of templates: Go's own that people use in --format, and docker's additions. */
#include "cli/template_value.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/template.h"

#define ANY SIZE_MAX

static int wrong(const struct template_call *c, const char *what, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s: %s", c->name, what);
}

static struct template_value keep_text(const struct template_call *c, struct buf *text)
{
	_free_ char *s = buf_take(text);

	return template_keep(c->temps, json_new_str(s));
}

static struct template_value keep_bool(const struct template_call *c, bool b)
{
	return template_keep(c->temps, json_new_bool(b));
}

static int to_json(const struct template_call *c, unsigned indent, struct template_value *ret,
		   struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEMPLATE_OUTPUT_MAX);

	TRY(json_print(c->args[0].json, indent, &text, err));
	*ret = keep_text(c, &text);
	return 0;
}

static int fn_json(const struct template_call *c, struct template_value *ret, struct err *err)
{
	return to_json(c, 0, ret, err);
}

static int fn_json_pretty(const struct template_call *c, struct template_value *ret,
			  struct err *err)
{
	return to_json(c, 2, ret, err);
}

static int index_one(const struct template_call *c, struct template_value *at,
		     const struct template_value *key, struct err *err)
{
	const enum json_type type = json_type(at->json);
	const int64_t n = json_int(key->json, -1);

	if (type == JSON_NULL_ || (type == JSON_OBJECT_ && json_type(key->json) == JSON_STRING_)) {
		const char *name = json_str(key->json, "");

		*at = (struct template_value){ json_get(at->json, name), name };
		/* Go's map of strings gives the empty string for an absent key. */
		if (!at->json)
			*at = template_keep(c->temps, json_new_str(""));
		return 0;
	}
	if (type != JSON_ARRAY_ || json_type(key->json) != JSON_INTEGER_)
		return wrong(c, "can't look that up: a list wants a number, a map a string", err);
	if (n < 0 || (uint64_t)n >= json_count(at->json))
		return err_set(err, ERR_USAGE, "index: %" PRId64 " is out of range (there are %zu)",
			       n, json_count(at->json));
	*at = (struct template_value){ json_at(at->json, (size_t)n), NULL };
	return 0;
}

static int fn_index(const struct template_call *c, struct template_value *ret, struct err *err)
{
	struct template_value at = c->args[0];

	for (size_t i = 1; i < c->count; i++)
		TRY(index_one(c, &at, &c->args[i], err));
	*ret = at;
	return 0;
}

static int fn_len(const struct template_call *c, struct template_value *ret, struct err *err)
{
	const struct json *v = c->args[0].json;
	int64_t n;

	switch (json_type(v)) {
	case JSON_STRING_:
		n = (int64_t)strlen(json_str(v, ""));
		break;
	case JSON_ARRAY_:
	case JSON_OBJECT_:
	case JSON_NULL_:
		n = (int64_t)json_count(v);
		break;
	default:
		return wrong(c, "wants a string, a list or a map", err);
	}
	*ret = template_keep(c->temps, json_new_int(n));
	return 0;
}

static int fn_join(const struct template_call *c, struct template_value *ret, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEMPLATE_OUTPUT_MAX);
	const struct json *list = c->args[0].json;

	if (json_type(list) != JSON_ARRAY_ && json_type(list) != JSON_NULL_)
		return wrong(c, "wants a list and a string", err);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct template_value item = { json_at(list, i), NULL };

		if (i)
			TRY(buf_append_str(&text, json_str(c->args[1].json, ""), err));
		TRY(template_print_value(&item, &text, err));
	}
	*ret = keep_text(c, &text);
	return 0;
}

static int fn_split(const struct template_call *c, struct template_value *ret, struct err *err)
{
	const char *text = json_str(c->args[0].json, NULL), *by = json_str(c->args[1].json, NULL);

	if (!text || !by || !*by)
		return wrong(c, "wants a string and a separator", err);
	struct json *list = json_new_array();

	for (;;) {
		const char *end = strstr(text, by);
		_free_ char *part = xmemdupz(text, end ? (size_t)(end - text) : strlen(text));

		json_add(list, json_new_str(part));
		if (!end)
			break;
		text = end + strlen(by);
	}
	*ret = template_keep(c->temps, list);
	return 0;
}

/* ASCII letters only, which is what names and digests are made of. */
static int change_case(const struct template_call *c, char first, struct template_value *ret,
		       struct err *err)
{
	const char *text = json_str(c->args[0].json, NULL);

	if (!text)
		return wrong(c, "wants a string", err);
	_free_ char *copy = xstrdup(text);

	for (char *at = copy; *at; at++)
		if (*at >= first && *at <= first + 25)
			*at = (char)(*at ^ 0x20);
	*ret = template_keep(c->temps, json_new_str(copy));
	return 0;
}

static int fn_lower(const struct template_call *c, struct template_value *ret, struct err *err)
{
	return change_case(c, 'A', ret, err);
}

static int fn_upper(const struct template_call *c, struct template_value *ret, struct err *err)
{
	return change_case(c, 'a', ret, err);
}

static int fn_title(const struct template_call *c, struct template_value *ret, struct err *err)
{
	const char *text = json_str(c->args[0].json, NULL);

	if (!text)
		return wrong(c, "wants a string", err);
	_free_ char *copy = xstrdup(text);

	for (size_t i = 0; copy[i]; i++)
		if (copy[i] >= 'a' && copy[i] <= 'z' && (!i || copy[i - 1] == ' '))
			copy[i] = (char)(copy[i] ^ 0x20);
	*ret = template_keep(c->temps, json_new_str(copy));
	return 0;
}

static int fn_truncate(const struct template_call *c, struct template_value *ret, struct err *err)
{
	const char *text = json_str(c->args[0].json, NULL);
	const int64_t max = json_int(c->args[1].json, -1);

	if (!text || max < 0)
		return wrong(c, "wants a string and a length", err);
	size_t len = strnlen(text, (size_t)max);

	while (len && (text[len] & 0xc0) == 0x80) /* never half a character */
		len--;
	_free_ char *copy = xmemdupz(text, len);

	*ret = template_keep(c->temps, json_new_str(copy));
	return 0;
}

/* Go's Sprint puts spaces between operands when neither is a string, Sprintln always. */
static int print_all(const struct template_call *c, bool is_line, struct template_value *ret,
		     struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEMPLATE_OUTPUT_MAX);

	for (size_t i = 0; i < c->count; i++) {
		const bool neither = i && json_type(c->args[i].json) != JSON_STRING_ &&
				     json_type(c->args[i - 1].json) != JSON_STRING_;

		if (i && (is_line || neither))
			TRY(buf_append_char(&text, ' ', err));
		TRY(template_print_value(&c->args[i], &text, err));
	}
	if (is_line)
		TRY(buf_append_char(&text, '\n', err));
	*ret = keep_text(c, &text);
	return 0;
}

static int fn_print(const struct template_call *c, struct template_value *ret, struct err *err)
{
	return print_all(c, false, ret, err);
}

static int fn_println(const struct template_call *c, struct template_value *ret, struct err *err)
{
	return print_all(c, true, ret, err);
}

/* -1, 0, 1; ERR_USAGE for values that have no order. */
static int compare(const struct template_call *c, size_t i, int *ret, struct err *err)
{
	const struct json *a = c->args[0].json, *b = c->args[i].json;

	if (json_type(a) == JSON_STRING_ && json_type(b) == JSON_STRING_) {
		*ret = strcmp(json_str(a, ""), json_str(b, ""));
		return 0;
	}
	if (json_type(a) == JSON_INTEGER_ && json_type(b) == JSON_INTEGER_) {
		*ret = (json_int(a, 0) > json_int(b, 0)) - (json_int(a, 0) < json_int(b, 0));
		return 0;
	}
	if (json_type(a) == JSON_BOOL_ && json_type(b) == JSON_BOOL_) {
		*ret = json_bool(a, false) - json_bool(b, false);
		return 0;
	}
	return wrong(c, "wants two values of the same simple type", err);
}

static int fn_eq(const struct template_call *c, struct template_value *ret, struct err *err)
{
	bool equal = false;

	for (size_t i = 1; i < c->count && !equal; i++) {
		int order = 0;

		TRY(compare(c, i, &order, err));
		equal = order == 0;
	}
	*ret = keep_bool(c, equal);
	return 0;
}

/* ne lt le gt ge: which orders make it true. */
static int fn_order(const struct template_call *c, struct template_value *ret, struct err *err)
{
	const bool less = c->name[0] == 'l' || c->name[0] == 'n';
	const bool more = c->name[0] == 'g' || c->name[0] == 'n';
	const bool same = c->name[1] == 'e' && c->name[0] != 'n';
	int order = 0;

	TRY(compare(c, 1, &order, err));
	*ret = keep_bool(c, order < 0 ? less : order > 0 ? more : same);
	return 0;
}

/* The first that decides, else the last. */
static int fn_and_or(const struct template_call *c, struct template_value *ret, struct err *err)
{
	const bool stops_at = c->name[0] == 'o';

	(void)err;
	for (size_t i = 0; i < c->count; i++) {
		*ret = c->args[i];
		if (template_is_true(ret) == stops_at)
			break;
	}
	return 0;
}

static int fn_not(const struct template_call *c, struct template_value *ret, struct err *err)
{
	(void)err;
	*ret = keep_bool(c, !template_is_true(&c->args[0]));
	return 0;
}

static const struct function {
	const char *name;
	size_t min, max;
	int (*run)(const struct template_call *c, struct template_value *ret, struct err *err);
} functions[] = {
	{ "json", 1, 1, fn_json },
	{ "jsonPretty", 1, 1, fn_json_pretty },
	{ "index", 1, ANY, fn_index },
	{ "len", 1, 1, fn_len },
	{ "join", 2, 2, fn_join },
	{ "split", 2, 2, fn_split },
	{ "lower", 1, 1, fn_lower },
	{ "upper", 1, 1, fn_upper },
	{ "title", 1, 1, fn_title },
	{ "truncate", 2, 2, fn_truncate },
	{ "print", 0, ANY, fn_print },
	{ "println", 0, ANY, fn_println },
	{ "printf", 1, ANY, template_printf },
	{ "eq", 2, ANY, fn_eq },
	{ "ne", 2, 2, fn_order },
	{ "lt", 2, 2, fn_order },
	{ "le", 2, 2, fn_order },
	{ "gt", 2, 2, fn_order },
	{ "ge", 2, 2, fn_order },
	{ "and", 1, ANY, fn_and_or },
	{ "or", 1, ANY, fn_and_or },
	{ "not", 1, 1, fn_not },
};

static const struct function *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	return NULL;
}

bool template_has_function(const char *name)
{
	return find(name) != NULL;
}

int template_call(const struct template_call *call, struct template_value *ret, struct err *err)
{
	const struct function *f = find(call->name);

	if (!f)
		return err_set(err, ERR_USAGE, "no function %s", TEXT_ESCAPED(call->name));
	if (call->count < f->min || call->count > f->max)
		return err_set(err, ERR_USAGE, "%s: takes %s%zu arguments, got %zu", call->name,
			       f->max == ANY ? "at least " : "", f->min, call->count);
	return f->run(call, ret, err);
}
