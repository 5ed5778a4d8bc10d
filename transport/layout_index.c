/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.json (image-spec image-layout.md "index.json file"). Names are annotations of its own
 * entries only, as umoci and skopeo have it; what nested indexes say of names means nothing.
 */
#include "transport/layout_index.h"

#include "base/mem.h"

#include <stdbool.h>

/*
 * The type to read it as: an index, unless it names its own. umoci's first one has neither a type
 * nor entries (null).
 */
static const char *type_of(const struct buf *bytes)
{
	_json_ struct json *root = NULL;

	if (json_parse(buf_str(bytes), bytes->len, &root, NULL) < 0)
		return NULL;
	return json_type(json_get(root, "mediaType")) == JSON_STRING_ ? NULL : MEDIA_TYPE_OCI_INDEX;
}

int layout_index_parse(const struct buf *bytes, struct document *ret, struct err *err)
{
	struct document doc = { 0 };

	if (document_parse(buf_str(bytes), bytes->len, type_of(bytes), &doc, err) < 0)
		return err_prefix(err, "index.json");
	if (doc.kind != DOCUMENT_INDEX) {
		document_fini(&doc);
		return err_set(err, ERR_DAMAGED, "index.json: not an index");
	}
	*ret = doc;
	return 0;
}

const char *layout_entry_name(const struct descriptor *entry)
{
	const char *name = annotations_get(&entry->annotations, ANNOTATION_REF_NAME);

	return name && *name ? name
			     : annotations_get(&entry->annotations, ANNOTATION_CONTAINERD_NAME);
}

static bool has_value(const struct descriptor *entry, const char *key, const char *name)
{
	const char *value = annotations_get(&entry->annotations, key);

	return value && !strcmp(value, name);
}

static const struct descriptor *find_by(const struct document *index, const char *key,
					const char *name, size_t *ret_others)
{
	const struct descriptors *entries = &index->index.manifests;
	const struct descriptor *found = NULL;

	for (size_t i = 0; i < entries->count; i++) {
		const struct descriptor *entry = &entries->items[i];

		if (!has_value(entry, key, name))
			continue;
		if (!found)
			found = entry;
		else if (strcmp(found->digest_text, entry->digest_text) != 0)
			(*ret_others)++;
	}
	return found;
}

const struct descriptor *layout_index_find(const struct document *index, const char *name,
					   size_t *ret_others)
{
	const struct descriptor *found;

	*ret_others = 0;
	found = find_by(index, ANNOTATION_REF_NAME, name, ret_others);
	return found ? found : find_by(index, ANNOTATION_CONTAINERD_NAME, name, ret_others);
}

const struct descriptor *layout_index_find_digest(const struct document *index,
						  const struct digest *d)
{
	const struct descriptors *entries = &index->index.manifests;

	for (size_t i = 0; i < entries->count; i++)
		if (digest_equal(&entries->items[i].digest, d))
			return &entries->items[i];
	return NULL;
}

void layout_change_fini(struct layout_change *c)
{
	free(c->name);
	descriptor_fini(&c->descriptor);
}

/* --- editing --------------------------------------------------------------------------------- */

/* The entries while they are changed. */
struct edit {
	struct json *entries;
	bool changed;
};

static const char *entry_digest(const struct json *entry)
{
	return json_str(json_get(entry, "digest"), "");
}

static bool entry_is_named(const struct json *entry, const char *name)
{
	const struct json *annotations = json_get(entry, "annotations");
	const char *have = json_str(json_get(annotations, ANNOTATION_REF_NAME), NULL);

	return have && !strcmp(have, name);
}

static bool is_unwanted(const struct json *entry, const struct layout_change *c)
{
	const bool same = !strcmp(entry_digest(entry),
				  c->descriptor.digest_text ? c->descriptor.digest_text : "");

	switch (c->kind) {
	case LAYOUT_PUT:
		return c->name && entry_is_named(entry, c->name) && !same;
	case LAYOUT_REMOVE_NAME:
		return entry_is_named(entry, c->name);
	case LAYOUT_REMOVE_DIGEST:
		return same;
	}
	return false;
}

/* The entries without those that a change takes away. */
static void drop(struct edit *e, const struct layout_change *c)
{
	const size_t count = json_count(e->entries);
	struct json *kept;
	size_t i = 0;

	while (i < count && !is_unwanted(json_at(e->entries, i), c))
		i++;
	if (i == count)
		return;
	kept = json_new_array();
	for (i = 0; i < count; i++)
		if (!is_unwanted(json_at(e->entries, i), c))
			json_add(kept, json_dup(json_at(e->entries, i)));
	json_free(e->entries);
	e->entries = kept;
	e->changed = true;
}

static bool is_put_already(const struct edit *e, const struct layout_change *c)
{
	for (size_t i = 0; i < json_count(e->entries); i++) {
		const struct json *entry = json_at(e->entries, i);

		if (!strcmp(entry_digest(entry), c->descriptor.digest_text) &&
		    (!c->name || entry_is_named(entry, c->name)))
			return true;
	}
	return false;
}

static struct json *new_entry(const struct layout_change *c)
{
	_descriptor_ struct descriptor d = { 0 };

	descriptor_init(&d, c->descriptor.media_type, &c->descriptor.digest, c->descriptor.size);
	if (c->descriptor.artifact_type)
		d.artifact_type = xstrdup(c->descriptor.artifact_type);
	if (c->name)
		annotations_set(&d.annotations, ANNOTATION_REF_NAME, c->name);
	return descriptor_json(&d);
}

static void apply(struct edit *e, const struct layout_change *c)
{
	drop(e, c);
	if (c->kind != LAYOUT_PUT || is_put_already(e, c))
		return;
	json_add(e->entries, new_entry(c));
	e->changed = true;
}

static struct json *copy_entries(const struct json *root)
{
	const struct json *entries = json_get(root, "manifests");

	return json_type(entries) == JSON_ARRAY_ ? json_dup(entries) : json_new_array();
}

/* The old object with other entries; a member that it has not comes at the end. */
static struct json *with_entries(const struct json *root, struct json *entries)
{
	struct json *fresh = json_new_object();
	struct json_iter it;

	if (!root) {
		json_set_int(fresh, "schemaVersion", 2);
		json_set_str(fresh, "mediaType", MEDIA_TYPE_OCI_INDEX);
	}
	for (json_iter_init(&it, root); root && json_iter_next(&it);)
		json_set(fresh, it.key,
			 strcmp(it.key, "manifests") != 0 ? json_dup(it.value) : json_new_null());
	json_set(fresh, "manifests", entries);
	return fresh;
}

static int read_old(const struct buf *old, struct json **ret, struct err *err)
{
	_document_ struct document doc = { 0 };

	if (!old->len)
		return 0;
	TRY(layout_index_parse(old, &doc, err));
	return json_parse(buf_str(old), old->len, ret, err);
}

int layout_index_edit(const struct buf *old, const struct layout_changes *changes, struct buf *out,
		      bool *ret_changed, struct err *err)
{
	_json_ struct json *root = NULL, *fresh = NULL;
	struct edit edit = { .changed = old->len == 0 };

	TRY(read_old(old, &root, err));
	edit.entries = copy_entries(root);
	for (size_t i = 0; i < changes->count; i++)
		apply(&edit, &changes->items[i]);
	if (json_count(edit.entries) > DOCUMENT_ENTRIES_MAX) {
		json_free(edit.entries);
		return err_set(err, ERR_LIMIT, "index.json: more than %d entries",
			       DOCUMENT_ENTRIES_MAX);
	}
	fresh = with_entries(root, edit.entries);
	TRY(json_print(fresh, 0, out, err));
	*ret_changed = edit.changed;
	return 0;
}
