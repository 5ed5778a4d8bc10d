/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking things out of a registry (distribution-spec "Content Management"). A tag is removed by its
 * name and nothing else is: a registry that cannot do that is never asked to delete what the tag
 * means, since other tags may mean it as well.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "registry/client_upload.h"

static int send_delete(const struct registry *r, struct op *op, const char *path,
		       struct fetch_refusal *refusal, struct err *err)
{
	char *_free_ scope = xasprintf("repository:%s:delete,pull,push", r->name);
	struct fetch_request req = registry_request(r, "DELETE", path);
	struct http_response *_response_ res = NULL;

	req.scope = scope;
	req.refusal = refusal;
	TRY(fetch_send(r->fetch, op, &req, &res, err));
	return registry_check_status(res, err);
}

/* --- a tag ----------------------------------------------------------------------------------- */

/* What registries answer that take a DELETE by tag for a bad digest, or know none. */
static bool is_unknown(unsigned status)
{
	return status == 400 || status == 405 || status == 501;
}

static int remove_tag(const struct registry *r, struct op *op, const char *tag, struct err *err)
{
	char *_free_ path = xasprintf("/v2/%s/manifests/%s", r->name, tag);
	struct fetch_refusal refusal = { 0 };
	struct err why = { 0 };

	if (send_delete(r, op, path, &refusal, &why) >= 0)
		return 0;
	if (!is_unknown(refusal.status)) {
		err_keep_first(err, &why);
		return -why.errnum;
	}
	(void)err_set(err, ERR_UNSUPPORTED, "the registry cannot remove a tag alone (%s)", why.msg);
	err_hint(err, "to remove the manifest with all its tags, name it by its digest");
	return -err_class(ERR_UNSUPPORTED)->errnum;
}

/* --- a manifest ------------------------------------------------------------------------------ */

/* The subject of the manifest: 1, 0 when it has none, is none, or can't be had. */
static int find_subject(struct registry *r, struct op *op, const char *name, struct digest *ret)
{
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	struct document _document_ parsed = { 0 };

	if (registry_get_document(&r->base, op, name, &doc, NULL) < 0 ||
	    document_parse(buf_str(&doc.bytes), doc.bytes.len, doc.descriptor.media_type, &parsed,
			   NULL) < 0 ||
	    !parsed.subject || parsed.subject->digest.alg == DIGEST_NONE)
		return 0;
	*ret = parsed.subject->digest;
	return 1;
}

static int has_no_referrers_api(const struct registry *r, struct op *op,
				const struct digest *subject)
{
	char *_free_ path = xasprintf("/v2/%s/referrers/%s", r->name, DIGEST_TEXT(subject));
	const struct fetch_request req = registry_request(r, "GET", path);
	struct http_response *_response_ res = NULL;
	struct err why = { 0 };

	return fetch_send(r->fetch, op, &req, &res, &why) < 0 && why.kind == ERR_NOT_FOUND;
}

static int remove_manifest(struct registry *r, struct op *op, const struct digest *d,
			   struct err *err)
{
	char *_free_ path = xasprintf("/v2/%s/manifests/%s", r->name, DIGEST_TEXT(d));
	struct digest subject;
	const int has_subject = find_subject(r, op, DIGEST_TEXT(d), &subject);

	TRY(send_delete(r, op, path, NULL, err));
	if (!has_subject || !has_no_referrers_api(r, op, &subject))
		return 0;
	return registry_edit_referrers(
		r, op, &(struct registry_referrer){ .subject = &subject, .digest = d }, err);
}

/* --- both ------------------------------------------------------------------------------------ */

static void hint(struct err *err)
{
	if (err && err->kind == ERR_UNSUPPORTED && !*err->hint)
		err_hint(err, "deletion may be switched off in the registry's configuration");
}

int registry_remove_document(struct transport *t, struct op *op, const char *name, struct err *err)
{
	struct registry *r = container_of(t, struct registry, base);
	struct digest d;
	int rc;

	TRY(registry_check_name(name, err));
	if (digest_parse(name, strlen(name), &d, NULL) >= 0)
		rc = remove_manifest(r, op, &d, err);
	else
		rc = remove_tag(r, op, name, err);
	if (rc >= 0)
		return 0;
	hint(err);
	return err_prefix(err, "manifest %s of %s", name, r->repository);
}

int registry_remove_blob(struct transport *t, struct op *op, const struct digest *d,
			 struct err *err)
{
	const struct registry *r = container_of(t, struct registry, base);
	char *_free_ path = xasprintf("/v2/%s/blobs/%s", r->name, DIGEST_TEXT(d));

	if (send_delete(r, op, path, NULL, err) >= 0)
		return 0;
	hint(err);
	return err_prefix(err, "blob %s of %s", DIGEST_TEXT(d), r->repository);
}
