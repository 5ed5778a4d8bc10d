/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marking. The roots are listed in one snapshot, and walked after it, so that nobody waits: a root
 * that is forgotten meanwhile, and collected by somebody else, is none any more. Pins are read
 * first: what was pinned and named in between is found by one of the two looks.
 */
#include "store/gc_mark.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/pin.h"

#include <string.h>

void marks_init(struct marks *m)
{
	for (size_t i = 0; i < REACH_KIND_COUNT; i++)
		m->live[i] = digest_set_new();
	m->walked = digest_set_new();
}

void marks_fini(struct marks *m)
{
	for (size_t i = 0; i < REACH_KIND_COUNT; i++)
		digest_set_free(m->live[i]);
	digest_set_free(m->walked);
	*m = (struct marks){ 0 };
}

/* --- the roots --- */

struct listing {
	roots_fn *fn;
	void *arg;
};

static int bad_record(const char *key, struct err *err)
{
	const int rc =
		err_set(err, ERR_DAMAGED, "record '%s': names no manifest", TEXT_ESCAPED(key));

	err_hint(err, "img fsck --repair");
	return rc;
}

/* repo/<name>/_m/<alg>/<hex>: no component of a name starts with '_'. */
static int list_manifest(void *arg, const char *key, const struct record *rec, struct err *err)
{
	static const char part[] = "/_m/";
	const struct listing *l = arg;
	const char *at = strstr(key, part);
	char text[DIGEST_TEXT_BYTES];
	struct digest d;

	(void)rec;
	if (!at)
		return 0;
	snprintf(text, sizeof(text), "%s", at + strlen(part));
	text[strcspn(text, "/")] = ':';
	if (strlen(at + strlen(part)) >= sizeof(text) ||
	    digest_parse(text, strlen(text), &d, NULL) < 0)
		return bad_record(key, err);
	return l->fn(l->arg, key, &d, err);
}

/* root/<id>, mount/<id>: an object with a member "manifest". */
static int list_mounted(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const struct listing *l = arg;
	_json_ struct json *value = NULL;
	const char *text = NULL;
	struct digest d;

	if (json_parse(buf_str(&rec->value), rec->value.len, &value, err) == 0)
		text = json_str(json_get(value, "manifest"), NULL);
	if (!text || digest_parse(text, strlen(text), &d, NULL) < 0) {
		err_clear(err);
		return bad_record(key, err);
	}
	return l->fn(l->arg, key, &d, err);
}

static int list_all(struct records *r, void *arg, struct err *err)
{
	static const struct {
		const char *prefix;
		records_fn *fn;
	} parts[] = {
		{ "repo/", list_manifest },
		{ "root/", list_mounted },
		{ "mount/", list_mounted },
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts) && rc == 0; i++)
		rc = records_list(r, &(struct records_range){ .prefix = parts[i].prefix },
				  parts[i].fn, arg, err);
	return rc;
}

int roots_list(struct store *store, roots_fn *fn, void *arg, struct err *err)
{
	struct listing l = { fn, arg };

	return records_snapshot(store->records, list_all, &l, err);
}

/* --- the walk --- */

#define ATTEMPTS_MAX 3

struct root {
	char *key;
	struct digest manifest;
};
struct roots {
	const struct marks *marks;
	struct root *items;
	size_t count;
};

static int add_root(void *arg, const char *key, const struct digest *manifest, struct err *err)
{
	struct roots *roots = arg;

	(void)err;
	if (digest_set_has(roots->marks->walked, manifest))
		return 0;
	if ((roots->count & (roots->count - 1)) == 0)
		roots->items = xreallocarray(roots->items, roots->count ? 2 * roots->count : 1,
					     sizeof(roots->items[0]));
	roots->items[roots->count++] = (struct root){ xstrdup(key), *manifest };
	return 0;
}

static void roots_fini(struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		free(roots->items[i].key);
	free(roots->items);
}

static int mark_one(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		    struct err *err)
{
	const struct marks *m = arg;

	(void)size;
	(void)err;
	digest_set_add(m->live[kind], d);
	return 0;
}

/* Whether the record of a root is still there: 1 yes, 0 no. */
static int is_root(struct store *store, const struct root *root, struct err *err)
{
	_record_ struct record rec = { 0 };
	struct err why = { 0 };
	const int rc = records_get(store->records, root->key, &rec, &why);

	if (rc == 0 || why.kind == ERR_NOT_FOUND)
		return rc == 0;
	err_keep_first(err, &why);
	return rc;
}

static int bad_root(const struct root *root, const struct err *why, struct err *err)
{
	enum err_kind kind = why->kind;

	if (kind == ERR_NOT_FOUND || kind == ERR_LIMIT)
		kind = ERR_DAMAGED;
	const int rc = err_set(err, kind, "%s: %s", TEXT_ESCAPED(root->key), why->msg);

	if (kind == ERR_DAMAGED)
		err_hint(err, "img fsck --repair");
	return rc;
}

/*
 * What fails may have been forgotten, collected and even pulled again since the roots were listed:
 * then it is no root, or it is whole at the next look.
 */
static int walk_root(struct store *store, const struct root *root, struct marks *m, struct err *err)
{
	const struct reach reach = { .fn = mark_one, .arg = m, .alone = true };
	struct err why = { 0 };

	for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		why = (struct err){ 0 };
		if (reach_walk(store, &root->manifest, &reach, &why) == 0) {
			digest_set_add(m->walked, &root->manifest);
			return 0;
		}
		const int rc = is_root(store, root, err);

		if (rc <= 0)
			return rc;
	}
	return bad_root(root, &why, err);
}

int marks_look_at_pins(struct store *store, struct marks *m, struct err *err)
{
	return pins_read(store, m->live[REACH_BLOB], m->live[REACH_LAYER], err);
}

int marks_look(struct op *op, struct store *store, struct marks *m, struct err *err)
{
	_cleanup_(roots_fini) struct roots roots = { .marks = m };

	TRY(marks_look_at_pins(store, m, err));
	TRY(roots_list(store, add_root, &roots, err));
	for (size_t i = 0; i < roots.count; i++) {
		if (op)
			TRY(op_check(op, err));
		if (!digest_set_has(m->walked, &roots.items[i].manifest))
			TRY(walk_root(store, &roots.items[i], m, err));
	}
	return 0;
}
