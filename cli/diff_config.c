/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two configs, member by member, whatever they are called: a member that this
 * program does not know differs as much as one that it does.
 */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/diff_report.h"
#include "cli/out.h"

#include <ctype.h>

/* Longer lists are told whole. */
#define LIST_MAX   1000u
#define TEXT_BYTES ((size_t)64 << 20)

static int diff_values(struct diff_report *r, const char *path, const struct json *a,
		       const struct json *b, struct err *err);

/* The value as it is compared and shown; strings as they are. */
static int value_text(const struct json *v, struct buf *out, struct err *err)
{
	buf_reset(out);
	if (json_type(v) == JSON_STRING_)
		return buf_append_str(out, json_str(v, ""), err);
	return json_print(v, 0, out, err);
}

static int is_same(const struct json *a, const struct json *b, struct err *err)
{
	_buf_ struct buf x = BUF_INIT(TEXT_BYTES), y = BUF_INIT(TEXT_BYTES);

	if (json_type(a) != json_type(b))
		return 0;
	TRY(value_text(a, &x, err));
	TRY(value_text(b, &y, err));
	return x.len == y.len && !memcmp(buf_str(&x), buf_str(&y), x.len);
}

static int put_line(char sign, const char *path, const struct json *v, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEXT_BYTES);

	TRY(value_text(v, &text, err));
	printf("%c ", sign);
	out_escaped(path);
	putchar(' ');
	out_escaped(buf_str(&text));
	putchar('\n');
	return 0;
}

static int has(const struct json *list, const struct json *v, struct err *err)
{
	int same = 0;

	for (size_t i = 0; !same && i < json_count(list); i++)
		same = is_same(json_at(list, i), v, err);
	return same;
}

/* Elements of `from` that `other` lacks; how many. */
static int put_elements(char sign, const char *path, const struct json *const lists[2],
			struct err *err)
{
	int count = 0;

	for (size_t i = 0; i < json_count(lists[0]); i++) {
		const int there = has(lists[1], json_at(lists[0], i), err);

		TRY(there);
		if (there)
			continue;
		TRY(put_line(sign, path, json_at(lists[0], i), err));
		count++;
	}
	return count;
}

/* Lists as sets, when that says anything. */
static int put_lists(const char *path, const struct json *a, const struct json *b, struct err *err)
{
	const struct json *const forth[] = { a, b }, *const back[] = { b, a };

	if ((a && json_type(a) != JSON_ARRAY_) || (b && json_type(b) != JSON_ARRAY_) ||
	    json_count(a) > LIST_MAX || json_count(b) > LIST_MAX)
		return 0;
	const int gone = put_elements('-', path, forth, err);

	TRY(gone);
	const int come = put_elements('+', path, back, err);

	TRY(come);
	return gone + come;
}

static int put_json(const char *path, const struct json *a, const struct json *b, struct err *err)
{
	struct json *o = json_new_object();

	json_set_str(o, "Section", "config");
	json_set_str(o, "Field", path);
	json_set(o, "A", a ? json_dup(a) : json_new_null());
	json_set(o, "B", b ? json_dup(b) : json_new_null());
	return out_json(o, 0, err);
}

static int put_change(struct diff_report *r, const char *path, const struct json *a,
		      const struct json *b, struct err *err)
{
	int told;

	diff_begin(r, "config");
	if (r->json)
		return put_json(path, a, b, err);
	told = put_lists(path, a, b, err);
	if (told)
		return told < 0 ? told : 0;
	if (a)
		TRY(put_line('-', path, a, err));
	return b ? put_line('+', path, b, err) : 0;
}

/* "config" and "Env" make "Config.Env"; keys of maps (labels) stay as they are. */
static char *join(const char *path, const char *key)
{
	char *joined = *path ? xasprintf("%s.%s", path, key) : xstrdup(key);

	if (!*path)
		joined[0] = (char)toupper((unsigned char)joined[0]);
	return joined;
}

static int diff_member(struct diff_report *r, const char *path, const char *key,
		       const struct json *const values[2], struct err *err)
{
	_free_ char *name = join(path, key);

	if (!*path && !strcmp(key, "rootfs"))
		return 0;
	return diff_values(r, name, values[0], values[1], err);
}

static int diff_objects(struct diff_report *r, const char *path, const struct json *a,
			const struct json *b, struct err *err)
{
	struct json_iter it;

	for (json_iter_init(&it, a); json_iter_next(&it);) {
		const struct json *const values[] = { it.value, json_get(b, it.key) };

		TRY(diff_member(r, path, it.key, values, err));
	}
	for (json_iter_init(&it, b); json_iter_next(&it);) {
		const struct json *const values[] = { NULL, it.value };

		if (!json_get(a, it.key))
			TRY(diff_member(r, path, it.key, values, err));
	}
	return 0;
}

/* null is the same as absent throughout a config. */
static const struct json *present(const struct json *v)
{
	return json_type(v) == JSON_NULL_ ? NULL : v;
}

static int diff_values(struct diff_report *r, const char *path, const struct json *a,
		       const struct json *b, struct err *err)
{
	int same;

	a = present(a);
	b = present(b);
	if (!a && !b)
		return 0;
	if ((!a || json_type(a) == JSON_OBJECT_) && (!b || json_type(b) == JSON_OBJECT_) &&
	    (json_count(a) || json_count(b)))
		return diff_objects(r, path, a, b, err);
	same = a && b ? is_same(a, b, err) : 0;
	TRY(same);
	return same ? 0 : put_change(r, path, a, b, err);
}

int diff_config(struct diff_report *r, struct err *err)
{
	_json_ struct json *a = NULL, *b = NULL;
	const struct buf *x = &r->a->config->bytes, *y = &r->b->config->bytes;

	TRY(json_parse(buf_str(x), x->len, &a, err));
	TRY(json_parse(buf_str(y), y->len, &b, err));
	return diff_values(r, "", a, b, err);
}
