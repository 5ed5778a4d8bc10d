/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests into a registry (distribution-spec "Pushing Manifests"): the exact bytes under their
 * own media type. A manifest with a subject must be found from it afterwards: a registry that does
 * not say that it took note (OCI-Subject) gets the index of referrers under its tag.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "registry/client_upload.h"
#include "stream/hash.h"

/* A registry may give a digest of another algorithm than the caller's: then of these bytes. */
static int check_said(const struct http_response *res, const struct buf *bytes, struct err *err)
{
	const char *text = http_response_header(res, "Docker-Content-Digest");
	struct digest said, own;

	if (!text || digest_parse(text, strlen(text), &said, NULL) < 0)
		return 0;
	hash_bytes(said.alg, buf_str(bytes), bytes->len, &own);
	return registry_check_said(res, &own, err);
}

/* Bytes sent under a digest must be those. */
static int check_name(const char *name, const struct transport_document *doc, struct err *err)
{
	struct digest named, own;

	TRY(registry_check_name(name, err));
	if (digest_parse(name, strlen(name), &named, NULL) < 0)
		return 0;
	hash_bytes(named.alg, buf_str(&doc->bytes), doc->bytes.len, &own);
	if (digest_equal(&named, &own))
		return 0;
	return err_set(err, ERR_DAMAGED, "its content is %s", DIGEST_TEXT(&own));
}

/* One document on its way. Borrowed. */
struct putting {
	struct registry *r;
	struct op *op;
	const char *name;
	const struct transport_document *doc;
};

static int put(const struct putting *p, struct http_response **ret, struct err *err)
{
	const struct registry *r = p->r;
	const struct transport_document *doc = p->doc;
	char *_free_ path = xasprintf("/v2/%s/manifests/%s", r->name, p->name);
	const struct http_header type = { "Content-Type", doc->descriptor.media_type };
	struct fetch_refusal refusal = { 0 };
	struct fetch_request req = registry_request(r, "PUT", path);

	req.scope = r->push_scope;
	req.headers = &type;
	req.header_count = 1;
	req.body = buf_str(&doc->bytes);
	req.body_len = doc->bytes.len;
	req.refusal = &refusal;
	const int rc = fetch_send(r->fetch, p->op, &req, ret, err);

	if (rc < 0 && refusal.status == 413) {
		err_prefix(err, "%zu bytes", doc->bytes.len);
		err_hint(err, "the registry takes no manifests of that size");
	}
	return rc;
}

/* The document's entry in an index of referrers (distribution-spec "Listing Referrers"). */
static struct json *entry_of(const struct transport_document *doc, const struct document *parsed,
			     const struct digest *digest)
{
	const char *type = parsed->artifact_type;
	struct json *_json_ root = NULL;
	struct json *entry = json_new_object();

	if (!type && parsed->kind == DOCUMENT_MANIFEST)
		type = parsed->manifest.config.media_type;
	json_set_str(entry, "mediaType", doc->descriptor.media_type);
	json_set_str(entry, "digest", DIGEST_TEXT(digest));
	json_set_int(entry, "size", (int64_t)doc->bytes.len);
	if (type)
		json_set_str(entry, "artifactType", type);
	if (json_parse(buf_str(&doc->bytes), doc->bytes.len, &root, NULL) >= 0 &&
	    json_count(json_get(root, "annotations")))
		json_set(entry, "annotations", json_dup(json_get(root, "annotations")));
	return entry;
}

static bool took_note(const struct http_response *res, const struct digest *subject)
{
	const char *text = http_response_header(res, "OCI-Subject");
	struct digest said;

	return text && digest_parse(text, strlen(text), &said, NULL) >= 0 &&
	       digest_equal(&said, subject);
}

/* What is no manifest that we know refers to nothing that we know of. */
static int note_subject(const struct putting *p, const struct http_response *res, struct err *err)
{
	const struct transport_document *doc = p->doc;
	struct document _document_ parsed = { 0 };
	struct digest digest = doc->descriptor.digest;

	if (document_parse(buf_str(&doc->bytes), doc->bytes.len, doc->descriptor.media_type,
			   &parsed, NULL) < 0 ||
	    !parsed.subject || parsed.subject->digest.alg == DIGEST_NONE ||
	    took_note(res, &parsed.subject->digest))
		return 0;
	hash_bytes(digest.alg ? digest.alg : DIGEST_SHA256, buf_str(&doc->bytes), doc->bytes.len,
		   &digest);
	struct json *_json_ entry = entry_of(doc, &parsed, &digest);
	const struct registry_referrer referrer = { &parsed.subject->digest, &digest, entry };

	return registry_edit_referrers(p->r, p->op, &referrer, err);
}

int registry_put_document(struct transport *t, struct op *op, const char *name,
			  const struct transport_document *doc, struct err *err)
{
	struct registry *r = container_of(t, struct registry, base);
	const struct putting p = { r, op, name ? name : doc->descriptor.digest_text, doc };
	struct http_response *_response_ res = NULL;

	if (check_name(p.name, doc, err) < 0 || put(&p, &res, err) < 0 ||
	    registry_check_status(res, err) < 0 || check_said(res, &doc->bytes, err) < 0 ||
	    note_subject(&p, res, err) < 0)
		return err_prefix(err, "manifest %s of %s", TEXT_ESCAPED(p.name), r->repository);
	return 0;
}
