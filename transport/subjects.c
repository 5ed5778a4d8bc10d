/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of referrers, made by reading documents. What an entry says of a referrer (artifact
 * type, annotations) is copied from the referrer itself, as distribution-spec wants it.
 */
#include "transport/subjects.h"

#include "base/mem.h"
#include "manifest/document.h"
#include "store/reach.h"
#include "stream/hash.h"

struct referrer {
	struct digest subject;
	struct descriptor descriptor;
};

struct subjects {
	struct referrer *items;
	size_t count;
};

struct subjects *subjects_new(void)
{
	return NEW(struct subjects);
}

void subjects_free(struct subjects *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		descriptor_fini(&s->items[i].descriptor);
	free(s->items);
	free(s);
}

char *subject_tag(const struct digest *d, char dst[SUBJECT_TAG_BYTES])
{
	snprintf(dst, SUBJECT_TAG_BYTES, "%.32s-%.64s", digest_alg_name(d->alg), DIGEST_HEX(d));
	return dst;
}

/* The document's own word, else an image manifest's config says what it is. */
static const char *type_of(const struct document *doc)
{
	if (doc->artifact_type)
		return doc->artifact_type;
	return doc->kind == DOCUMENT_MANIFEST ? doc->manifest.config.media_type : NULL;
}

void subjects_add(struct subjects *s, const struct descriptor *d, const struct buf *bytes)
{
	_document_ struct document doc = { 0 };
	struct referrer *r;

	if (document_parse(buf_str(bytes), bytes->len, d->media_type, &doc, NULL) < 0 ||
	    !doc.subject || doc.subject->digest.alg == DIGEST_NONE)
		return;
	s->items = xreallocarray(s->items, s->count + 1, sizeof(s->items[0]));
	r = &s->items[s->count++];
	*r = (struct referrer){ .subject = doc.subject->digest };
	descriptor_init(&r->descriptor, doc.media_type, &d->digest, bytes->len);
	if (type_of(&doc))
		r->descriptor.artifact_type = xstrdup(type_of(&doc));
	annotations_copy(&doc.annotations, &r->descriptor.annotations);
}

/* An index being made. */
struct making {
	struct json *entries;
	const struct transport_subject *subject;
	struct digest_set *seen;
};

static void making_fini(struct making *m)
{
	json_free(m->entries);
	digest_set_free(m->seen);
}

static void make_entry(struct making *m, const struct descriptor *d)
{
	const char *want = m->subject->artifact_type;

	if (want && (!d->artifact_type || strcmp(d->artifact_type, want) != 0))
		return;
	if (d->digest.alg != DIGEST_NONE && !digest_set_add(m->seen, &d->digest))
		return;
	json_add(m->entries, descriptor_json(d));
}

static int finish(struct making *m, struct transport_document *ret, struct err *err)
{
	_json_ struct json *index = json_new_object();
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	struct digest digest;

	json_set_int(index, "schemaVersion", 2);
	json_set_str(index, "mediaType", MEDIA_TYPE_OCI_INDEX);
	json_set(index, "manifests", TAKE_PTR(m->entries));
	TRY(json_print(index, 0, &bytes, err));
	hash_bytes(DIGEST_SHA256, buf_str(&bytes), bytes.len, &digest);
	*ret = (struct transport_document){ 0 };
	descriptor_init(&ret->descriptor, MEDIA_TYPE_OCI_INDEX, &digest, bytes.len);
	ret->bytes = bytes;
	bytes = BUF_INIT(0);
	return 0;
}

int subjects_index_with(const struct subjects *s, const struct transport_subject *subject,
			const struct transport_document *more, struct transport_document *ret,
			struct err *err)
{
	_cleanup_(making_fini) struct making m = { .entries = json_new_array(),
						   .seen = digest_set_new(),
						   .subject = subject };
	_document_ struct document doc = { 0 };

	for (size_t i = 0; i < s->count; i++)
		if (digest_equal(&s->items[i].subject, subject->digest))
			make_entry(&m, &s->items[i].descriptor);
	if (more) {
		TRY(document_parse(buf_str(&more->bytes), more->bytes.len,
				   more->descriptor.media_type, &doc, err));
		if (doc.kind != DOCUMENT_INDEX)
			return err_set(err, ERR_DAMAGED, "the list of referrers is not an index");
		for (size_t i = 0; i < doc.index.manifests.count; i++)
			make_entry(&m, &doc.index.manifests.items[i]);
	}
	return finish(&m, ret, err);
}

int subjects_index(const struct subjects *s, const struct transport_subject *subject,
		   struct transport_document *ret, struct err *err)
{
	return subjects_index_with(s, subject, NULL, ret, err);
}
