/* SPDX-License-Identifier: Apache-2.0 */
/*
 * String maps out of JSON and back. Keys and values are anyone's text; how many there are is
 * bounded by the document.
 */
#include "manifest/annotations.h"

#include "base/mem.h"
#include "base/text.h"

void annotations_fini(struct annotations *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->count; i++) {
		free(a->items[i].key);
		free(a->items[i].value);
	}
	free(a->items);
	*a = (struct annotations){ 0 };
}

void annotations_copy(const struct annotations *a, struct annotations *ret)
{
	*ret = (struct annotations){ .count = a->count };
	if (!a->count)
		return;
	ret->items = xcalloc(a->count, sizeof(ret->items[0]));
	for (size_t i = 0; i < a->count; i++) {
		ret->items[i].key = xstrdup(a->items[i].key);
		ret->items[i].value = xstrdup(a->items[i].value);
	}
}

static struct annotation *find(const struct annotations *a, const char *key)
{
	for (size_t i = 0; i < a->count; i++)
		if (!strcmp(a->items[i].key, key))
			return &a->items[i];
	return NULL;
}

const char *annotations_get(const struct annotations *a, const char *key)
{
	const struct annotation *found = find(a, key);

	return found ? found->value : NULL;
}

void annotations_set(struct annotations *a, const char *key, const char *value)
{
	struct annotation *item = find(a, key);

	if (!item) {
		a->items = xreallocarray(a->items, a->count + 1, sizeof(a->items[0]));
		item = &a->items[a->count++];
		*item = (struct annotation){ .key = xstrdup(key) };
	}
	char *fresh = xstrdup(value);

	free(item->value);
	item->value = fresh;
}

static int wrong_type(const char *path, const char *key, const struct json *v, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "%s.%s: expected string, found %s", path,
		       TEXT_ESCAPED(key), json_type_name(json_type(v)));
}

int annotations_parse(const struct json *object, const char *path, struct annotations *ret,
		      struct err *err)
{
	struct annotations a = { 0 };
	struct json_iter it;

	if (json_type(object) == JSON_NULL_) {
		*ret = a;
		return 0;
	}
	if (json_type(object) != JSON_OBJECT_)
		return err_set(err, ERR_DAMAGED, "%s: expected object, found %s", path,
			       json_type_name(json_type(object)));
	for (json_iter_init(&it, object); json_iter_next(&it);)
		if (json_type(it.value) != JSON_STRING_ && json_type(it.value) != JSON_NULL_)
			return wrong_type(path, it.key, it.value, err);
	a.items = xcalloc(json_count(object), sizeof(a.items[0]));
	for (json_iter_init(&it, object); json_iter_next(&it);) {
		a.items[a.count].key = xstrdup(it.key);
		a.items[a.count++].value = xstrdup(json_str(it.value, ""));
	}
	*ret = a;
	return 0;
}

struct json *annotations_json(const struct annotations *a)
{
	struct json *object = json_new_object();

	for (size_t i = 0; i < a->count; i++)
		json_set_str(object, a->items[i].key, a->items[i].value);
	return object;
}
