/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding a JSON object into a plain struct by a table of its members. Says which member is
 * wrong by its path from the root; knows nothing of what the members mean.
 */
#include "base/json.h"

#include "base/mem.h"
#include "base/text.h"

void json_strs_fini(struct json_strs *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i]);
	free(s->items);
	*s = (struct json_strs){ 0 };
}

static void *field_at(const struct json_field *f, void *dst)
{
	return (char *)dst + f->offset;
}

static void release(const struct json_field *f, void *dst)
{
	void *at = field_at(f, dst);

	switch (f->type) {
	case JSON_FIELD_STR:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case JSON_FIELD_STRS:
		json_strs_fini(at);
		break;
	case JSON_FIELD_U64:
		*(uint64_t *)at = 0;
		break;
	case JSON_FIELD_I64:
		*(int64_t *)at = 0;
		break;
	case JSON_FIELD_BOOL:
		*(bool *)at = false;
		break;
	case JSON_FIELD_VALUE:
		*(const struct json **)at = NULL;
		break;
	}
}

void json_decode_free(const struct json_table *table, void *dst)
{
	for (size_t i = 0; i < table->count; i++)
		release(&table->fields[i], dst);
}

/* Where a value stands, for its error. */
struct place {
	const char *path; /* of the object */
	const char *name; /* of its member */
};

#define PLACE_FMT     "%s%s%s"
#define PLACE_ARGS(p) (p)->path, *(p)->path ? "." : "", (p)->name

static int wrong_type(const struct place *p, const char *want, const struct json *v,
		      struct err *err)
{
	return err_set(err, ERR_DAMAGED, PLACE_FMT ": expected %s, found %s", PLACE_ARGS(p), want,
		       json_type_name(json_type(v)));
}

static int decode_strs(const struct place *p, const struct json *v, struct json_strs *ret,
		       struct err *err)
{
	const size_t count = json_count(v);

	if (json_type(v) != JSON_ARRAY_)
		return wrong_type(p, "array of strings", v, err);
	for (size_t i = 0; i < count; i++)
		if (json_type(json_at(v, i)) != JSON_STRING_)
			return err_set(err, ERR_DAMAGED,
				       PLACE_FMT "[%zu]: expected string, found %s", PLACE_ARGS(p),
				       i, json_type_name(json_type(json_at(v, i))));
	/* Bounded: the document is in memory already, and larger. */
	ret->items = xcalloc(count, sizeof(ret->items[0]));
	for (ret->count = 0; ret->count < count; ret->count++)
		ret->items[ret->count] = xstrdup(json_str(json_at(v, ret->count), ""));
	return 0;
}

static int decode_u64(const struct place *p, const struct json *v, uint64_t *ret, struct err *err)
{
	if (json_type(v) != JSON_INTEGER_)
		return wrong_type(p, "integer", v, err);
	if (json_int(v, 0) < 0)
		return err_set(err, ERR_DAMAGED, PLACE_FMT ": negative", PLACE_ARGS(p));
	*ret = (uint64_t)json_int(v, 0);
	return 0;
}

static int decode_field(const struct json_field *f, const struct json *v, const char *path,
			void *dst, struct err *err)
{
	const struct place p = { path, f->name };
	void *at = field_at(f, dst);

	release(f, dst);
	switch (f->type) {
	case JSON_FIELD_STR:
		if (json_type(v) != JSON_STRING_)
			return wrong_type(&p, "string", v, err);
		*(char **)at = xstrdup(json_str(v, ""));
		return 0;
	case JSON_FIELD_U64:
		return decode_u64(&p, v, at, err);
	case JSON_FIELD_I64:
		if (json_type(v) != JSON_INTEGER_)
			return wrong_type(&p, "integer", v, err);
		*(int64_t *)at = json_int(v, 0);
		return 0;
	case JSON_FIELD_BOOL:
		if (json_type(v) != JSON_BOOL_)
			return wrong_type(&p, "boolean", v, err);
		*(bool *)at = json_bool(v, false);
		return 0;
	case JSON_FIELD_STRS:
		return decode_strs(&p, v, at, err);
	case JSON_FIELD_VALUE:
		*(const struct json **)at = v;
		return 0;
	}
	return err_set(err, ERR_FAILED, PLACE_FMT ": no such field type", PLACE_ARGS(&p));
}

static int decode_all(const struct json *object, const struct json_table *table, const char *path,
		      void *dst, struct err *err)
{
	if (json_type(object) != JSON_OBJECT_)
		return err_set(err, ERR_DAMAGED, "%s: expected object, found %s",
			       *path ? path : "document", json_type_name(json_type(object)));
	for (size_t i = 0; i < table->count; i++) {
		const struct json_field *f = &table->fields[i];
		const struct json *v = json_get(object, f->name);

		if (json_type(v) != JSON_NULL_)
			TRY(decode_field(f, v, path, dst, err));
		else if (f->mandatory)
			return err_set(err, ERR_DAMAGED, PLACE_FMT ": missing",
				       PLACE_ARGS(&((struct place){ path, f->name })));
	}
	return 0;
}

int json_decode(const struct json *object, const struct json_table *table, const char *path,
		void *dst, struct err *err)
{
	const int rc = decode_all(object, table, path, dst, err);

	if (rc < 0)
		json_decode_free(table, dst);
	return rc;
}
