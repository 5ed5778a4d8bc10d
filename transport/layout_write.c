/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing into a layout: blobs and documents go into place at once, names are kept for finish. A
 * document that nothing else leads to (a referrer, an image without a name) gets an entry without a
 * name, else whoever collects garbage takes it.
 */
#include "base/mem.h"
#include "base/text.h"
#include "stream/hash.h"
#include "transport/layout_int.h"
#include "transport/receive.h"

/* Puts the path before an error; passes every result on. */
static int named(const struct layout *l, int rc, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "%s", TEXT_ESCAPED(l->path));
	return rc;
}

static int prepare(struct layout *l, struct op *op, enum digest_alg alg, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	const int rc = layout_prepare(l, op, alg, err);

	pthread_mutex_unlock(&l->lock);
	return rc;
}

static void note_written(struct layout *l, const struct digest *d)
{
	pthread_mutex_lock(&l->lock);
	l->written = xreallocarray(l->written, l->written_count + 1, sizeof(l->written[0]));
	l->written[l->written_count++] = *d;
	pthread_mutex_unlock(&l->lock);
}

/* --- blobs ----------------------------------------------------------------------------------- */

int layout_has_blob(struct transport *t, struct op *op, const struct descriptor *d, struct err *err)
{
	struct layout *l = layout_of(t);
	struct blobs *blobs = NULL;
	struct err why = { 0 };
	uint64_t size = 0;

	(void)op;
	TRY(descriptor_need_digest(d, err));
	if (layout_blobs(l, &blobs, NULL) < 0)
		return 0;
	const int rc = blobs_stat(blobs, &d->digest, &size, &why);

	if (rc < 0 && why.kind != ERR_NOT_FOUND) {
		err_keep_first(err, &why);
		return named(l, rc, err);
	}
	if (rc < 0 || size != d->size)
		return 0;
	note_written(l, &d->digest);
	return 1;
}

int layout_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		    struct err *err)
{
	struct layout *l = layout_of(t);
	const struct digest *d = &upload->descriptor->digest;
	int rc;

	TRY(descriptor_need_digest(upload->descriptor, err));
	rc = prepare(l, op, d->alg, err);
	if (rc == 0)
		rc = receive_blob(l->writable, op, upload, err);
	if (rc < 0)
		return named(l, rc, err);
	note_written(l, d);
	return 0;
}

/* --- documents ------------------------------------------------------------------------------- */

/* Takes over what the change owns. The lock is held. */
static void add_change(struct layout *l, const struct layout_change *change)
{
	struct layout_changes *c = &l->changes;

	c->items = xreallocarray(c->items, c->count + 1, sizeof(c->items[0]));
	c->items[c->count++] = *change;
}

static void mark_children(struct layout *l, const struct descriptors *entries)
{
	for (size_t i = 0; i < l->unnamed_count; i++)
		for (size_t j = 0; j < entries->count && !l->unnamed[i].is_child; j++)
			l->unnamed[i].is_child = digest_equal(&l->unnamed[i].descriptor.digest,
							      &entries->items[j].digest);
}

static void add_unnamed(struct layout *l, const struct descriptor *d)
{
	l->unnamed = xreallocarray(l->unnamed, l->unnamed_count + 1, sizeof(l->unnamed[0]));
	l->unnamed[l->unnamed_count] = (struct layout_unnamed){ .is_child = false };
	descriptor_copy(d, &l->unnamed[l->unnamed_count++].descriptor);
}

static void book(struct layout *l, const char *name, const struct document *doc,
		 const struct transport_document *file)
{
	_descriptor_ struct descriptor d = { 0 };

	descriptor_init(&d, doc->media_type, &file->descriptor.digest, file->bytes.len);
	if (doc->artifact_type)
		d.artifact_type = xstrdup(doc->artifact_type);
	pthread_mutex_lock(&l->lock);
	if (doc->kind == DOCUMENT_INDEX)
		mark_children(l, &doc->index.manifests);
	if (!name) {
		add_unnamed(l, &d);
	} else {
		struct layout_change change = { .kind = LAYOUT_PUT, .name = xstrdup(name) };

		descriptor_copy(&d, &change.descriptor);
		add_change(l, &change);
	}
	pthread_mutex_unlock(&l->lock);
}

/* image-spec annotations.md: the characters a ref name may have; umoci refuses all others. */
static int check_name(const char *name, struct err *err)
{
	static const char separators[] = "-._:@/+";
	bool after_separator = true;

	for (const char *c = name; *c; c++) {
		const bool alnum = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
				   (*c >= 'A' && *c <= 'Z');

		if (!alnum && (!strchr(separators, *c) || (after_separator && c == name)))
			return err_set(err, ERR_USAGE, "'%s' can't name an image of a layout",
				       TEXT_ESCAPED(name));
		after_separator = !alnum;
	}
	if (after_separator)
		return err_set(err, ERR_USAGE, "'%s' can't name an image of a layout",
			       TEXT_ESCAPED(name));
	return 0;
}

static int put(struct layout *l, struct op *op, const char *name,
	       const struct transport_document *file, struct err *err)
{
	const struct digest *d = &file->descriptor.digest;
	_document_ struct document doc = { 0 };
	struct digest computed;

	TRY(descriptor_need_digest(&file->descriptor, err));
	if (name)
		TRY(check_name(name, err));
	hash_bytes(d->alg, buf_str(&file->bytes), file->bytes.len, &computed);
	if (!digest_equal(&computed, d))
		return err_set(err, ERR_DAMAGED, "%s: its content is %s", DIGEST_TEXT(d),
			       DIGEST_TEXT(&computed));
	TRY(document_parse(buf_str(&file->bytes), file->bytes.len, file->descriptor.media_type,
			   &doc, err));
	TRY(prepare(l, op, d->alg, err));
	TRY(blobs_put(l->writable, op, d, &file->bytes, err));
	note_written(l, d);
	book(l, name, &doc, file);
	return 0;
}

int layout_put_document(struct transport *t, struct op *op, const char *name,
			const struct transport_document *doc, struct err *err)
{
	return named(layout_of(t), put(layout_of(t), op, name, doc, err), err);
}

/* --- removing -------------------------------------------------------------------------------- */

static int remove_digest(struct layout *l, struct op *op, const struct digest *d, struct err *err)
{
	struct layout_change change = { .kind = LAYOUT_REMOVE_DIGEST };
	struct blobs *blobs = NULL;

	TRY(layout_blobs(l, &blobs, err));
	TRY(blobs_stat(blobs, d, NULL, err));
	TRY(prepare(l, op, d->alg, err));
	descriptor_init(&change.descriptor, "", d, 0);
	pthread_mutex_lock(&l->lock);
	add_change(l, &change);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

static int remove_name(struct layout *l, struct op *op, const char *name, struct err *err)
{
	size_t others;

	if (!layout_index_find(&l->index, name, &others))
		return err_set(err, ERR_NOT_FOUND, "no image is named %s", TEXT_ESCAPED(name));
	TRY(prepare(l, op, DIGEST_SHA256, err));
	pthread_mutex_lock(&l->lock);
	add_change(l, &(struct layout_change){ .kind = LAYOUT_REMOVE_NAME, .name = xstrdup(name) });
	pthread_mutex_unlock(&l->lock);
	return 0;
}

int layout_remove_document(struct transport *t, struct op *op, const char *name, struct err *err)
{
	struct layout *l = layout_of(t);
	struct digest d;

	if (digest_parse(name, strlen(name), &d, NULL) == 0)
		return named(l, remove_digest(l, op, &d, err), err);
	return named(l, remove_name(l, op, name, err), err);
}

int layout_remove_blob(struct transport *t, struct op *op, const struct digest *d, struct err *err)
{
	struct layout *l = layout_of(t);
	int rc = prepare(l, op, d->alg, err);

	if (rc == 0)
		rc = blobs_remove(l->writable, d, err);
	return named(l, rc, err);
}
