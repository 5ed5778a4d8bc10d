/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiping of secrets. The JSON library keeps its strings in memory of its own; they are reached
 * through the borrowed pointers it hands out.
 */
#include "net/secret.h"

void secret_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void secret_buf_fini(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->alloc);
	buf_fini(b);
}

static void wipe_string(const struct json *v)
{
	const char *s = json_str(v, NULL);

	if (s)
		explicit_bzero((char *)(uintptr_t)s, strlen(s));
}

/* Depth is bounded by JSON_DEPTH_MAX, as in the parser. */
void secret_json_wipe(const struct json *v)
{
	struct json_iter it;

	wipe_string(v);
	for (size_t i = 0; json_type(v) == JSON_ARRAY_ && i < json_count(v); i++)
		secret_json_wipe(json_at(v, i));
	if (json_type(v) != JSON_OBJECT_)
		return;
	for (json_iter_init(&it, v); json_iter_next(&it);)
		secret_json_wipe(it.value);
}

void secret_json_free(struct json *root)
{
	if (!root)
		return;
	secret_json_wipe(root);
	json_free(root);
}
