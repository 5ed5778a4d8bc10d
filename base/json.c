/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values on top of jansson: a `struct json` is a json_t. Nothing from outside reaches jansson
 * before a linear scan has bounded its nesting and its number of values, because both decide how
 * much stack and memory the parser takes; the scan also refuses raw NUL bytes, which jansson's
 * lexer would lose. RFC 8259, with the rules of I-JSON (RFC 7493) that make a document mean the
 * same to everybody: no duplicate names, no lone surrogates, valid UTF-8.
 */
#include "base/json.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>

/* jansson has a type of the name of our function. */
#define json_type jansson_type
#include <jansson.h>
#undef json_type

static const json_t *peel(const struct json *v)
{
	return (const json_t *)(const void *)v;
}

static json_t *peel_own(const struct json *v)
{
	return (json_t *)(uintptr_t)v;
}

static struct json *wrap(json_t *v)
{
	return (struct json *)(void *)v;
}

/* A value we build is small: without memory for it nothing else would work either. */
static json_t *checked(json_t *v)
{
	if (!v)
		abort();
	return v;
}

/* --- parsing -------------------------------------------------------------------------------- */

/* Skips the string that opens at s[i]; returns the index of its closing quote, or len. */
static size_t skip_string(const char *s, size_t len, size_t i)
{
	for (i++; i < len;) {
		const char *end = memchr(s + i, '"', len - i);
		const char *escape = end ? memchr(s + i, '\\', (size_t)(end - s) - i) : NULL;

		if (!escape)
			return end ? (size_t)(end - s) : len;
		i = (size_t)(escape - s) + 2;
	}
	return len;
}

/* Bounds nesting and count before any memory is spent. Knows of no other syntax. */
static int scan(const char *s, size_t len, struct err *err)
{
	size_t depth = 0, values = 1;

	if (len >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		return err_set(err, ERR_DAMAGED, "JSON at byte 0: byte order mark");
	const char *nul = len ? memchr(s, 0, len) : NULL;

	if (nul)
		return err_set(err, ERR_DAMAGED, "JSON at byte %zu: NUL byte", (size_t)(nul - s));
	for (size_t i = 0; i < len; i++) {
		switch (s[i]) {
		case '"':
			i = skip_string(s, len, i);
			break;
		case '{':
		case '[':
			if (++depth > JSON_DEPTH_MAX)
				return err_set(err, ERR_LIMIT,
					       "JSON at byte %zu: more than %d levels deep", i,
					       JSON_DEPTH_MAX);
			values++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		}
		if (values > JSON_VALUES_MAX)
			return err_set(err, ERR_LIMIT, "JSON: more than %d values",
				       JSON_VALUES_MAX);
	}
	return 0;
}

static int parse_error(const json_error_t *e, struct err *err)
{
	char shown[2 * JSON_ERROR_TEXT_LENGTH];

	if (json_error_code(e) == json_error_out_of_memory)
		return err_sys(err, ENOMEM, "JSON");
	/* The text may quote the document. */
	text_escape(shown, sizeof(shown), e->text, strnlen(e->text, sizeof(e->text)));
	return err_set(err, ERR_DAMAGED, "JSON at byte %d (line %d, column %d): %s", e->position,
		       e->line, e->column, shown);
}

int json_parse(const void *data, size_t len, struct json **ret, struct err *err)
{
	json_error_t e;

	TRY(scan(data, len, err));
	json_t *root = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);

	if (!root)
		return parse_error(&e, err);
	*ret = wrap(root);
	return 0;
}

void json_free(struct json *root)
{
	json_decref(peel_own(root));
}

/* --- reading -------------------------------------------------------------------------------- */

enum json_type json_type(const struct json *v)
{
	if (!v)
		return JSON_NULL_;
	switch (json_typeof(peel(v))) {
	case JSON_OBJECT:
		return JSON_OBJECT_;
	case JSON_ARRAY:
		return JSON_ARRAY_;
	case JSON_STRING:
		return JSON_STRING_;
	case JSON_INTEGER:
		return JSON_INTEGER_;
	case JSON_REAL:
		return JSON_REAL_;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_BOOL_;
	case JSON_NULL:
		break;
	}
	return JSON_NULL_;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL_] = "null",	     [JSON_BOOL_] = "boolean",
		[JSON_INTEGER_] = "integer", [JSON_REAL_] = "number with a fraction",
		[JSON_STRING_] = "string",   [JSON_ARRAY_] = "array",
		[JSON_OBJECT_] = "object",
	};

	return names[type];
}

const struct json *json_get(const struct json *object, const char *key)
{
	return wrap(json_object_get(peel(object), key));
}

const struct json *json_at(const struct json *array, size_t index)
{
	return wrap(json_array_get(peel(array), index));
}

size_t json_count(const struct json *v)
{
	return json_type(v) == JSON_OBJECT_ ? json_object_size(peel(v)) : json_array_size(peel(v));
}

const char *json_str(const struct json *v, const char *fallback)
{
	return json_type(v) == JSON_STRING_ ? json_string_value(peel(v)) : fallback;
}

int64_t json_int(const struct json *v, int64_t fallback)
{
	return json_type(v) == JSON_INTEGER_ ? (int64_t)json_integer_value(peel(v)) : fallback;
}

bool json_bool(const struct json *v, bool fallback)
{
	return json_type(v) == JSON_BOOL_ ? json_is_true(peel(v)) : fallback;
}

void json_iter_init(struct json_iter *it, const struct json *object)
{
	*it = (struct json_iter){ .object_ = object };
}

bool json_iter_next(struct json_iter *it)
{
	json_t *object = peel_own(it->object_);

	if (json_type(it->object_) != JSON_OBJECT_)
		return false;
	if (!it->started_)
		it->pos_ = json_object_iter(object);
	else if (it->pos_)
		it->pos_ = json_object_iter_next(object, it->pos_);
	it->started_ = true;
	if (!it->pos_) {
		it->key = NULL;
		it->value = NULL;
		return false;
	}
	it->key = json_object_iter_key(it->pos_);
	it->value = wrap(json_object_iter_value(it->pos_));
	return true;
}

/* --- building ------------------------------------------------------------------------------- */

/* A copy in which each byte that is not UTF-8 has become U+FFFD. */
static char *repaired(const char *s)
{
	size_t left = strlen(s), used = 0;
	char *out = xcalloc(left + 1, 3);

	while (left) {
		const size_t n = text_utf8_len(s, left);
		const size_t eaten = n ? n : 1;

		memcpy(out + used, n ? s : "\xef\xbf\xbd", n ? n : 3);
		used += n ? n : 3;
		s += eaten;
		left -= eaten;
	}
	out[used] = '\0';
	return out;
}

struct json *json_new_object(void)
{
	return wrap(checked(json_object()));
}

struct json *json_new_array(void)
{
	return wrap(checked(json_array()));
}

struct json *json_new_str(const char *s)
{
	const size_t len = strlen(s);

	if (text_is_utf8(s, len))
		return wrap(checked(json_stringn_nocheck(s, len)));
	_free_ char *clean = repaired(s);

	return wrap(checked(json_string_nocheck(clean)));
}

struct json *json_new_int(int64_t n)
{
	return wrap(checked(json_integer(n)));
}

struct json *json_new_bool(bool b)
{
	return wrap(json_boolean(b));
}

struct json *json_new_null(void)
{
	return wrap(json_null());
}

struct json *json_dup(const struct json *v)
{
	return v ? wrap(checked(json_deep_copy(peel(v)))) : json_new_null();
}

void json_set(struct json *object, const char *key, struct json *value)
{
	_free_ char *clean = text_is_utf8(key, strlen(key)) ? NULL : repaired(key);

	assert(json_type(object) == JSON_OBJECT_);
	if (json_object_set_new_nocheck(peel_own(object), clean ? clean : key, peel_own(value)) < 0)
		abort();
}

void json_set_str(struct json *object, const char *key, const char *s)
{
	json_set(object, key, s ? json_new_str(s) : json_new_null());
}

void json_set_int(struct json *object, const char *key, int64_t n)
{
	json_set(object, key, json_new_int(n));
}

void json_set_bool(struct json *object, const char *key, bool b)
{
	json_set(object, key, json_new_bool(b));
}

void json_add(struct json *array, struct json *value)
{
	assert(json_type(array) == JSON_ARRAY_);
	if (json_array_append_new(peel_own(array), peel_own(value)) < 0)
		abort();
}

/* --- printing ------------------------------------------------------------------------------- */

struct print {
	struct buf *out;
	struct err *err;
	int rc;
};

/*
 * jansson escapes what RFC 8259 demands; DEL, the C1 controls (U+0080 to U+009F) and what turns the
 * direction of writing are left raw, and a terminal obeys those. Returns the bytes of such a
 * character at s, or 0. They occur in strings only, and jansson never cuts inside a character.
 */
static size_t obeyed(const unsigned char *s, size_t len, unsigned *ret_code)
{
	if (s[0] == 0x7f) {
		*ret_code = s[0];
		return 1;
	}
	if (len >= 2 && ((s[0] == 0xc2 && s[1] < 0xa0) || text_is_bidi(s, 2))) {
		*ret_code = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
		return 2;
	}
	if (len >= 3 && text_is_bidi(s, 3)) {
		*ret_code = (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
		return 3;
	}
	return 0;
}

static int print_piece(const char *s, size_t len, void *arg)
{
	struct print *p = arg;
	size_t done = 0;

	for (size_t i = 0; i < len && p->rc == 0; i++) {
		unsigned code = 0;
		const size_t n = obeyed((const unsigned char *)s + i, len - i, &code);

		if (!n)
			continue;
		p->rc = buf_append(p->out, s + done, i - done, p->err);
		if (p->rc == 0)
			p->rc = buf_printf(p->out, p->err, "\\u%04x", code);
		done = i + n;
		i = done - 1;
	}
	if (p->rc == 0)
		p->rc = buf_append(p->out, s + done, len - done, p->err);
	return p->rc;
}

int json_print(const struct json *v, unsigned indent, struct buf *out, struct err *err)
{
	struct print p = { .out = out, .err = err };
	const size_t flags = JSON_ENCODE_ANY | (indent ? JSON_INDENT(indent) : JSON_COMPACT);

	if (!v)
		return buf_append_str(out, "null", err);
	if (json_dump_callback(peel(v), print_piece, &p, flags) < 0 && p.rc == 0)
		return err_sys(err, ENOMEM, "JSON");
	return p.rc;
}

const char *json_library_version(void)
{
	return jansson_version_str();
}
