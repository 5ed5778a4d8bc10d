/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Referrers of a manifest (distribution-spec "Listing Referrers"): by the API, in pages, filtered
 * by the registry or here; by the fallback tag where the API is absent. One page that needs no
 * filtering is passed on as it came; otherwise the entries are put into a new index.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "net/url.h"
#include "registry/client_priv.h"
#include "stream/hash.h"

struct gathering {
	struct registry *r;
	const struct transport_subject *subject;
	struct buf body;	/* the last page */
	struct json *manifests; /* the entries that are wanted, so far */
	size_t pages;
	bool has_dropped; /* an entry was not wanted */
};

static void gathering_fini(struct gathering *g)
{
	buf_fini(&g->body);
	json_free(g->manifests);
}

static bool is_wanted(const struct gathering *g, const struct json *entry)
{
	const char *type = g->subject->artifact_type;

	return !type || !strcmp(json_str(json_get(entry, "artifactType"), ""), type);
}

/* An index by all the rules for documents; then its entries as they are. */
static int gather(struct gathering *g, const struct buf *body, const char *content_type,
		  struct err *err)
{
	struct document _document_ doc = { 0 };
	struct json *_json_ root = NULL;

	TRY(document_parse(buf_str(body), body->len, content_type, &doc, err));
	if (doc.kind != DOCUMENT_INDEX)
		return err_set(err, ERR_DAMAGED, "it is not an index");
	TRY(json_parse(buf_str(body), body->len, &root, err));
	const struct json *entries = json_get(root, "manifests");

	for (size_t i = 0; i < json_count(entries); i++) {
		if (!is_wanted(g, json_at(entries, i))) {
			g->has_dropped = true;
			continue;
		}
		if (json_count(g->manifests) == DOCUMENT_ENTRIES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d entries",
				       DOCUMENT_ENTRIES_MAX);
		json_add(g->manifests, json_dup(json_at(entries, i)));
	}
	g->pages++;
	return 0;
}

/* --- the API --------------------------------------------------------------------------------- */

static int api_path(const struct gathering *g, struct buf *out, struct err *err)
{
	TRY(buf_printf(out, err, "/v2/%s/referrers/%s", g->r->name,
		       DIGEST_TEXT(g->subject->digest)));
	if (!g->subject->artifact_type)
		return 0;
	TRY(buf_append_str(out, "?artifactType=", err));
	return url_escape(out, g->subject->artifact_type, err);
}

static int by_api(struct gathering *g, struct op *op, struct err *err)
{
	struct registry_pages _cleanup_(registry_pages_fini) pages = { 0 };
	struct buf _buf_ path = BUF_INIT(4096);
	const struct http_header accept = { "Accept", MEDIA_TYPE_OCI_INDEX };
	int rc;

	TRY(api_path(g, &path, err));
	struct fetch_request req = registry_request(g->r, "GET", buf_str(&path));

	req.headers = &accept;
	req.header_count = 1;
	registry_pages_init(&pages, &req);
	while ((rc = registry_pages_next(&pages, g->r->fetch, op, &g->body, err)) > 0)
		TRY(gather(g, &g->body, MEDIA_TYPE_OCI_INDEX, err));
	return rc;
}

/* --- the fallback tag ------------------------------------------------------------------------ */

char *registry_referrers_tag(const struct digest *subject)
{
	return xasprintf("%.32s-%.64s", digest_alg_name(subject->alg), DIGEST_HEX(subject));
}

/* Absent when nobody ever referred to the subject. */
static int by_tag(struct gathering *g, struct op *op, struct err *err)
{
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	const struct digest *d = g->subject->digest;
	char *_free_ tag = registry_referrers_tag(d);
	struct err why = { 0 };

	if (registry_get_document(&g->r->base, op, tag, &doc, &why) >= 0) {
		TRY(gather(g, &doc.bytes, doc.descriptor.media_type, err));
		buf_fini(&g->body);
		g->body = doc.bytes;
		doc.bytes = (struct buf){ 0 };
		return 0;
	}
	if (why.kind == ERR_NOT_FOUND)
		return 0;
	err_keep_first(err, &why);
	return -why.errnum;
}

/* --- both ------------------------------------------------------------------------------------ */

static int gather_all(struct gathering *g, struct op *op, struct err *err)
{
	struct err why = { 0 };
	const int rc = by_api(g, op, &why);

	if (rc >= 0)
		return 0;
	/* A registry without the API; one that has it answers with an empty index. */
	if (why.kind == ERR_NOT_FOUND && !g->pages)
		return by_tag(g, op, err);
	err_keep_first(err, &why);
	return rc;
}

/* One page of which nothing was dropped stays as it came. */
static int settle(struct gathering *g, struct err *err)
{
	struct json *_json_ index = NULL;

	if (g->pages == 1 && !g->has_dropped)
		return 0;
	index = json_new_object();
	json_set_int(index, "schemaVersion", 2);
	json_set_str(index, "mediaType", MEDIA_TYPE_OCI_INDEX);
	json_set(index, "manifests", TAKE_PTR(g->manifests));
	buf_reset(&g->body);
	return json_print(index, 0, &g->body, err);
}

int registry_get_referrers(struct transport *t, struct op *op,
			   const struct transport_subject *subject, struct transport_document *ret,
			   struct err *err)
{
	struct gathering _cleanup_(gathering_fini) g = {
		.r = container_of(t, struct registry, base),
		.subject = subject,
		.body = BUF_INIT(REGISTRY_PAGE_BYTES_MAX),
		.manifests = json_new_array(),
	};
	struct digest found;

	if (gather_all(&g, op, err) < 0 || settle(&g, err) < 0)
		return err_prefix(err, "referrers of %s", DIGEST_TEXT(subject->digest));
	hash_bytes(DIGEST_SHA256, buf_str(&g.body), g.body.len, &found);
	descriptor_init(&ret->descriptor, MEDIA_TYPE_OCI_INDEX, &found, g.body.len);
	ret->bytes = g.body;
	g.body = (struct buf){ 0 };
	return 0;
}
