/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.json of any bytes: read it is an index or an error; changed it keeps all that the change
 * does not name, and the change has come true.
 */
#include "base/mem.h"
#include "stream/hash.h"
#include "transport/layout_index.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_named(const struct document *index, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < index->index.manifests.count; i++) {
		const char *found = annotations_get(&index->index.manifests.items[i].annotations,
						    ANNOTATION_REF_NAME);

		count += found && !strcmp(found, name);
	}
	return count;
}

static void reparse(const struct buf *text, struct document *ret)
{
	if (layout_index_parse(text, ret, NULL) < 0)
		abort();
}

/* All members but the entries are what they were. */
static void check_kept(const struct buf *old, const struct buf *fresh)
{
	_json_ struct json *a = NULL, *b = NULL;
	struct json_iter it;

	if (json_parse(buf_str(old), old->len, &a, NULL) < 0 ||
	    json_parse(buf_str(fresh), fresh->len, &b, NULL) < 0)
		abort();
	for (json_iter_init(&it, a); json_iter_next(&it);) {
		_buf_ struct buf x = BUF_INIT(LAYOUT_INDEX_BYTES_MAX * 2);
		_buf_ struct buf y = BUF_INIT(LAYOUT_INDEX_BYTES_MAX * 2);

		if (!strcmp(it.key, "manifests"))
			continue;
		if (json_print(it.value, 0, &x, NULL) < 0 ||
		    json_print(json_get(b, it.key), 0, &y, NULL) < 0 ||
		    strcmp(buf_str(&x), buf_str(&y)) != 0)
			abort();
	}
}

static int edit(const struct buf *old, struct layout_change *change, struct buf *out)
{
	const struct layout_changes changes = { change, 1 };
	bool changed = false;

	return layout_index_edit(old, &changes, out, &changed, NULL);
}

static void check_edits(const struct buf *old, const struct document *doc)
{
	const struct descriptors *entries = &doc->index.manifests;
	const char *first = entries->count ? annotations_get(&entries->items[0].annotations,
							     ANNOTATION_REF_NAME)
					   : NULL;
	struct layout_change put = { .kind = LAYOUT_PUT,
				     .name = xstrdup(first && *first ? first : "name") };
	_buf_ struct buf with = BUF_INIT(LAYOUT_INDEX_BYTES_MAX);
	_buf_ struct buf without = BUF_INIT(LAYOUT_INDEX_BYTES_MAX);
	_document_ struct document after = { 0 }, end = { 0 };
	struct digest digest;

	hash_bytes(DIGEST_SHA256, "fuzz", 4, &digest);
	descriptor_init(&put.descriptor, MEDIA_TYPE_OCI_MANIFEST, &digest, 4);
	if (edit(old, &put, &with) == 0) {
		reparse(&with, &after);
		check_kept(old, &with);
		const size_t named = count_named(doc, put.name);

		if (count_named(&after, put.name) < 1 ||
		    !layout_index_find_digest(&after, &digest) ||
		    after.index.manifests.count + named < entries->count + !named)
			abort();
		put.kind = LAYOUT_REMOVE_NAME;
		if (edit(&with, &put, &without) < 0)
			abort();
		reparse(&without, &end);
		if (count_named(&end, put.name))
			abort();
	}
	layout_change_fini(&put);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_buf_ struct buf bytes = BUF_INIT(LAYOUT_INDEX_BYTES_MAX);
	_document_ struct document doc = { 0 };
	struct err err = { 0 };
	size_t others;

	if (!size || buf_append(&bytes, data, size, NULL) < 0)
		return 0;
	if (layout_index_parse(&bytes, &doc, &err) < 0) {
		if (!err.kind || doc.media_type)
			abort();
		return 0;
	}
	if (doc.kind != DOCUMENT_INDEX)
		abort();
	(void)layout_index_find(&doc, "name", &others);
	check_edits(&bytes, &doc);
	return 0;
}
