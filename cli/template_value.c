/* SPDX-License-Identifier: Apache-2.0 */
/* How values print and what counts as true, as Go's fmt and text/template have it. */
#include "cli/template_value.h"

#include "base/mem.h"

void template_temps_fini(struct template_temps *temps)
{
	for (size_t i = 0; i < temps->count; i++)
		json_free(temps->items[i]);
	free(temps->items);
	*temps = (struct template_temps){ 0 };
}

struct template_value template_keep(struct template_temps *temps, struct json *fresh)
{
	if (temps->count == temps->alloc) {
		temps->alloc = temps->alloc ? 2 * temps->alloc : 16;
		temps->items = xreallocarray(temps->items, temps->alloc, sizeof(struct json *));
	}
	temps->items[temps->count++] = fresh;
	return (struct template_value){ fresh, NULL };
}

/*
 * Members whose absence means an empty list or map: JSON's null does not tell, docker's structs do.
 */
static const char *const lists[] = { "Env",	    "Entrypoint", "Cmd",	"Shell",
				     "OnBuild",	    "Layers",	  "LayersData", "RepoTags",
				     "RepoDigests", "History",	  "Platforms",	"Test" };
static const char *const maps[] = { "Labels", "Volumes", "ExposedPorts", "Annotations" };

size_t template_word(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
	       (s[n] >= '0' && s[n] <= '9') || s[n] == '_')
		n++;
	return n;
}

bool template_field_is(const char *field, const char *name)
{
	const size_t len = strlen(name);

	return field && template_word(field) == len && !memcmp(field, name, len);
}

static bool is_one_of(const char *field, const char *const *names, size_t count)
{
	for (size_t i = 0; field && i < count; i++)
		if (template_field_is(field, names[i]))
			return true;
	return false;
}

bool template_is_map_field(const char *field)
{
	return is_one_of(field, maps, ARRAY_SIZE(maps));
}

static const char *absent_text(const char *field)
{
	if (template_is_map_field(field))
		return "map[]";
	return is_one_of(field, lists, ARRAY_SIZE(lists)) ? "[]" : "<no value>";
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int print_any(const struct json *v, const char *field, struct buf *out, struct err *err);

static int print_map(const struct json *v, struct buf *out, struct err *err)
{
	const size_t count = json_count(v);
	_free_ const char **keys = xcalloc(count + 1, sizeof(*keys));
	struct json_iter it;
	size_t n = 0;

	for (json_iter_init(&it, v); json_iter_next(&it);)
		keys[n++] = it.key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	TRY(buf_append_str(out, "map[", err));
	for (size_t i = 0; i < n; i++) {
		TRY(buf_printf(out, err, "%s%s:", i ? " " : "", keys[i]));
		TRY(print_any(json_get(v, keys[i]), keys[i], out, err));
	}
	return buf_append_char(out, ']', err);
}

static int print_list(const struct json *v, struct buf *out, struct err *err)
{
	TRY(buf_append_char(out, '[', err));
	for (size_t i = 0; i < json_count(v); i++) {
		if (i)
			TRY(buf_append_char(out, ' ', err));
		TRY(print_any(json_at(v, i), NULL, out, err));
	}
	return buf_append_char(out, ']', err);
}

static int print_any(const struct json *v, const char *field, struct buf *out, struct err *err)
{
	switch (json_type(v)) {
	case JSON_NULL_:
		return buf_append_str(out, absent_text(field), err);
	case JSON_BOOL_:
		return buf_append_str(out, json_bool(v, false) ? "true" : "false", err);
	case JSON_STRING_:
		return buf_append_str(out, json_str(v, ""), err);
	case JSON_ARRAY_:
		return print_list(v, out, err);
	case JSON_OBJECT_:
		return print_map(v, out, err);
	case JSON_INTEGER_:
	case JSON_REAL_:
		break;
	}
	return json_print(v, 0, out, err);
}

int template_print_value(const struct template_value *v, struct buf *out, struct err *err)
{
	return print_any(v->json, v->field, out, err);
}

bool template_is_true(const struct template_value *v)
{
	switch (json_type(v->json)) {
	case JSON_NULL_:
		return false;
	case JSON_BOOL_:
		return json_bool(v->json, false);
	case JSON_INTEGER_:
		return json_int(v->json, 0) != 0;
	case JSON_STRING_:
		return *json_str(v->json, "") != '\0';
	case JSON_ARRAY_:
	case JSON_OBJECT_:
		return json_count(v->json) != 0;
	case JSON_REAL_:
		break;
	}
	return true;
}
