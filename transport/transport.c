/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the transport interface, and what every place shares: documents and small blobs
 * fetched by descriptor and checked against it, whatever the place says (image-spec descriptor.md).
 */
#include "transport/transport.h"

#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "stream/hash.h"

void transport_document_fini(struct transport_document *doc)
{
	descriptor_fini(&doc->descriptor);
	buf_fini(&doc->bytes);
}

int transport_get_document(struct transport *t, struct op *op, const char *name,
			   struct transport_document *ret, struct err *err)
{
	return t->ops->get_document(t, op, name, ret, err);
}

int transport_resolve(struct transport *t, struct op *op, const char *name, struct descriptor *ret,
		      struct err *err)
{
	return t->ops->resolve(t, op, name, ret, err);
}

int transport_open_blob(struct transport *t, struct op *op, struct transport_range *range,
			struct source **ret, struct err *err)
{
	return t->ops->open_blob(t, op, range, ret, err);
}

int transport_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
			struct err *err)
{
	if (!t->ops->list_tags)
		return err_set(err, ERR_UNSUPPORTED, "this place has no tags to list");
	return t->ops->list_tags(t, op, fn, arg, err);
}

int transport_get_referrers(struct transport *t, struct op *op,
			    const struct transport_subject *subject, struct transport_document *ret,
			    struct err *err)
{
	if (!t->ops->get_referrers)
		return err_set(err, ERR_UNSUPPORTED, "this place has no referrers to list");
	return t->ops->get_referrers(t, op, subject, ret, err);
}

static int not_writable(struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED, "this place can't be written");
}

int transport_has_blob(struct transport *t, struct op *op, const struct descriptor *d,
		       struct err *err)
{
	return t->ops->has_blob ? t->ops->has_blob(t, op, d, err) : 0;
}

int transport_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		       struct err *err)
{
	return t->ops->put_blob ? t->ops->put_blob(t, op, upload, err) : not_writable(err);
}

int transport_put_document(struct transport *t, struct op *op, const char *name,
			   const struct transport_document *doc, struct err *err)
{
	return t->ops->put_document ? t->ops->put_document(t, op, name, doc, err)
				    : not_writable(err);
}

int transport_remove_document(struct transport *t, struct op *op, const char *name, struct err *err)
{
	if (!t->ops->remove_document)
		return err_set(err, ERR_UNSUPPORTED, "nothing can be removed from this place");
	return t->ops->remove_document(t, op, name, err);
}

int transport_remove_blob(struct transport *t, struct op *op, const struct digest *d,
			  struct err *err)
{
	if (!t->ops->remove_blob)
		return err_set(err, ERR_UNSUPPORTED, "nothing can be removed from this place");
	return t->ops->remove_blob(t, op, d, err);
}

int transport_finish(struct transport *t, struct op *op, struct err *err)
{
	return t->ops->finish ? t->ops->finish(t, op, err) : 0;
}

void transport_close(struct transport *t)
{
	if (t)
		t->ops->close(t);
}

/* --- by descriptor --------------------------------------------------------------------------- */

/* The descriptor's own `data`, when it is what the descriptor promises. */
static bool has_data(const struct descriptor *d)
{
	struct digest found;

	if (!d->data)
		return false;
	hash_bytes(d->digest.alg, d->data, d->size, &found);
	return digest_equal(&found, &d->digest);
}

static int check_size(const struct descriptor *d, uint64_t max, struct err *err)
{
	TRY(descriptor_need_digest(d, err));
	if (d->size > max)
		return err_set(err, ERR_LIMIT, "%s: %" PRIu64 " bytes, more than %" PRIu64,
			       DIGEST_TEXT(&d->digest), d->size, max);
	return 0;
}

/* A place that knows no type, or says a generic one, leaves the word to the descriptor. */
static bool type_agrees(const struct descriptor *found, const struct descriptor *d)
{
	if (!found->media_type || found->media.kind == MEDIA_GENERIC)
		return true;
	return media_same(found->media_type, d->media_type);
}

static int check_found(const struct transport_document *doc, const struct descriptor *d,
		       struct err *err)
{
	struct digest found;

	if (doc->bytes.len != d->size)
		return err_set(err, ERR_DAMAGED, "%s: %zu bytes, expected %" PRIu64,
			       DIGEST_TEXT(&d->digest), doc->bytes.len, d->size);
	hash_bytes(d->digest.alg, buf_str(&doc->bytes), doc->bytes.len, &found);
	if (!digest_equal(&found, &d->digest))
		return err_set(err, ERR_DAMAGED, "%s: its content is %s", DIGEST_TEXT(&d->digest),
			       DIGEST_TEXT(&found));
	if (!type_agrees(&doc->descriptor, d))
		return err_set(err, ERR_DAMAGED, "%s: it is sent as %s, expected %s",
			       DIGEST_TEXT(&d->digest), TEXT_ESCAPED(doc->descriptor.media_type),
			       TEXT_ESCAPED(d->media_type));
	return 0;
}

int transport_get_described(struct transport *t, struct op *op, const struct descriptor *d,
			    struct transport_document *ret, struct err *err)
{
	struct transport_document _cleanup_(transport_document_fini)
		doc = { .bytes = BUF_INIT(DOCUMENT_BYTES_MAX) };

	TRY(check_size(d, DOCUMENT_BYTES_MAX, err));
	if (has_data(d)) {
		TRY(buf_append(&doc.bytes, d->data, d->size, err));
	} else {
		TRY(transport_get_document(t, op, d->digest_text, &doc, err));
		TRY(check_found(&doc, d, err));
		descriptor_fini(&doc.descriptor);
	}
	descriptor_copy(d, &doc.descriptor);
	*ret = doc;
	doc = (struct transport_document){ 0 };
	return 0;
}

int transport_read_blob(struct transport *t, struct op *op, const struct descriptor *d,
			struct buf *out, struct err *err)
{
	struct transport_range range = { .descriptor = d };
	struct source *raw = NULL;

	TRY(check_size(d, out->cap_bytes - out->len, err));
	if (has_data(d))
		return buf_append(out, d->data, d->size, err);
	TRY(transport_open_blob(t, op, &range, &raw, err));
	struct source *_source_ checked =
		source_verify(raw, &d->digest, d->size, DIGEST_TEXT(&d->digest));

	return source_read_all(checked, out, err);
}
