/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: the only door to the JSON library. Documents from outside are read under limits (size,
 * depth, duplicate keys refused, valid UTF-8, no NUL in strings: RFC 8259 with the I-JSON rules of
 * RFC 7493), either value by value or by a table into a plain struct. Output is made for people and
 * programs; documents of others are never re-serialised.
 */
#ifndef IMG_BASE_JSON_H
#define IMG_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value of any type. Children are borrowed from the root, which json_free releases. */
struct json;

enum json_type {
	JSON_NULL_,
	JSON_BOOL_,
	JSON_INTEGER_,
	JSON_REAL_,
	JSON_STRING_,
	JSON_ARRAY_,
	JSON_OBJECT_
};

/* Deepest nesting accepted from outside. */
#define JSON_DEPTH_MAX 64
/*
 * Most values in one document (a value takes up to 300 bytes of memory, whatever its text takes).
 */
#define JSON_VALUES_MAX 500000

/*
 * Parses exactly one document of any type. ERR_DAMAGED with the position (integers beyond int64_t
 * included); ERR_LIMIT beyond JSON_DEPTH_MAX or JSON_VALUES_MAX; the size is the caller's to bound.
 * Own with json_free.
 */
int json_parse(const void *data, size_t len, struct json **ret, struct err *err);
void json_free(struct json *root);

static inline void json_free_p(struct json **p)
{
	json_free(*p);
}
#define _json_ __attribute__((cleanup(json_free_p)))

/* NULL is allowed as a value everywhere below and has type JSON_NULL_. */
enum json_type json_type(const struct json *v);
/* "object", "string", ...: for error messages. */
const char *json_type_name(enum json_type type);
/* Member or element; NULL when absent. Borrowed. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *array, size_t index);
/* Elements of an array, members of an object, 0 otherwise. */
size_t json_count(const struct json *v);
/* Scalars; the fallback when the type differs. Strings are borrowed, valid UTF-8, without NUL. */
const char *json_str(const struct json *v, const char *fallback);
int64_t json_int(const struct json *v, int64_t fallback);
bool json_bool(const struct json *v, bool fallback);

/*
 * Walks the members of an object in document order: `for (json_iter_init(&it, obj);
 * json_iter_next(&it);)`.
 */
struct json_iter {
	const char *key;
	const struct json *value;
	const struct json *object_;
	void *pos_;
	bool started_;
};
void json_iter_init(struct json_iter *it, const struct json *object);
bool json_iter_next(struct json_iter *it);

/* Version of the library behind it, "2.14". */
const char *json_library_version(void);

/*
 * Building. The _set_/_add_ calls own the value they are given. Keys and strings must be UTF-8:
 * other bytes are replaced by U+FFFD.
 */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_str(const char *s);
struct json *json_new_int(int64_t n);
struct json *json_new_bool(bool b);
struct json *json_new_null(void);
/* Deep copy (json_copy is a symbol of jansson), to put a part of a document into another. */
struct json *json_dup(const struct json *v);
void json_set(struct json *object, const char *key, struct json *value);
void json_set_str(struct json *object, const char *key, const char *s); /* NULL: null */
void json_set_int(struct json *object, const char *key, int64_t n);
void json_set_bool(struct json *object, const char *key, bool b);
void json_add(struct json *array, struct json *value);
/*
 * Appends the text: one line when indent is 0, else indented by that many spaces. Members in
 * insertion order. No newline at the end.
 */
int json_print(const struct json *v, unsigned indent, struct buf *out, struct err *err);

/*
 * Decoding by table. Each field names a member, its type and where it goes. Unknown members are
 * left alone; null counts as absent; a missing mandatory one or one of another type is ERR_DAMAGED,
 * named by its path ("layers[2].digest").
 */
enum json_field_type {
	JSON_FIELD_STR,	  /* char *, owned by the struct (free) */
	JSON_FIELD_U64,	  /* uint64_t, negative refused */
	JSON_FIELD_I64,	  /* int64_t */
	JSON_FIELD_BOOL,  /* bool */
	JSON_FIELD_STRS,  /* struct json_strs: array of strings */
	JSON_FIELD_VALUE, /* const struct json *, borrowed from the root */
};
struct json_strs {
	char **items; /* owned, each and all */
	size_t count;
};
struct json_field {
	const char *name;
	enum json_field_type type;
	size_t offset;
	bool mandatory;
};
void json_strs_fini(struct json_strs *s);
/* A table and its length, so that calls stay short. */
struct json_table {
	const struct json_field *fields;
	size_t count;
};
/*
 * Decodes `object` into `dst` by the table. `path` is put before the names in errors ("" at the
 * root). Fields of `dst` must hold zeros or owned values before; an absent optional member leaves
 * its field alone. On failure all fields of the table are released and zeroed.
 */
int json_decode(const struct json *object, const struct json_table *table, const char *path,
		void *dst, struct err *err);
/* Releases what json_decode allocated by the same table. */
void json_decode_free(const struct json_table *table, void *dst);

#endif
