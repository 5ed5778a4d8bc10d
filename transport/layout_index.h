/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.json of an image layout: looking names up, and changing entries without losing anything
 * that others wrote there.
 */
#ifndef IMG_TRANSPORT_LAYOUT_INDEX_H
#define IMG_TRANSPORT_LAYOUT_INDEX_H

#include "base/buf.h"
#include "base/err.h"
#include "manifest/document.h"

#define ANNOTATION_CONTAINERD_NAME "io.containerd.image.name"

/* Largest index.json accepted and written. */
#define LAYOUT_INDEX_BYTES_MAX DOCUMENT_BYTES_MAX

/* Reads it: an image index by all rules. ERR_DAMAGED, ERR_LIMIT, ERR_UNSUPPORTED. */
int layout_index_parse(const struct buf *bytes, struct document *ret, struct err *err);
/* The name of an entry, or NULL. Borrowed. */
const char *layout_entry_name(const struct descriptor *entry);
/*
 * The first entry of that ref name, else of that full name as containerd writes it; NULL when there
 * is none. *ret_others: how many more of the name mean something else.
 */
const struct descriptor *layout_index_find(const struct document *index, const char *name,
					   size_t *ret_others);
/* The first entry of that digest, or NULL. */
const struct descriptor *layout_index_find_digest(const struct document *index,
						  const struct digest *d);

/* One change. Owns its strings. */
struct layout_change {
	enum {
		/*
		 * The descriptor under the name, and under it alone; without a name, unless the
		 * digest is there already
		 */
		LAYOUT_PUT,
		LAYOUT_REMOVE_NAME,
		LAYOUT_REMOVE_DIGEST, /* of the descriptor */
	} kind;
	char *name;
	struct descriptor descriptor;
};
void layout_change_fini(struct layout_change *c);
struct layout_changes {
	struct layout_change *items;
	size_t count;
};
/*
 * Makes the new text of index.json from the old one (empty: none) by changes, in order. All else is
 * kept: members, entries, their order. *ret_changed: whether it differs.
 */
int layout_index_edit(const struct buf *old, const struct layout_changes *changes, struct buf *out,
		      bool *ret_changed, struct err *err);

#endif
