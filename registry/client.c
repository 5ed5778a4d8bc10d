/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry client: manifests by tag and digest, and what all requests share (distribution-spec
 * "Pulling manifests"). A manifest asked for by digest must hash to it; of one asked for by tag the
 * digest is computed here, and a Docker-Content-Digest that says another is a lie of somebody.
 */
#include "registry/client.h"

#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "registry/client_priv.h"
#include "stream/hash.h"

static void registry_close(struct transport *t)
{
	struct registry *r = container_of(t, struct registry, base);

	free(r->host);
	free(r->repository);
	free(r->name);
	free(r->auth_key);
	free(r->scope);
	free(r->push_scope);
	pthread_mutex_destroy(&r->referrers_lock);
	free(r);
}

static const struct transport_ops registry_ops = {
	.get_document = registry_get_document,
	.resolve = registry_resolve,
	.open_blob = registry_open_blob,
	.list_tags = registry_list_tags,
	.get_referrers = registry_get_referrers,
	.has_blob = registry_has_blob,
	.put_blob = registry_put_blob,
	.put_document = registry_put_document,
	.remove_document = registry_remove_document,
	.remove_blob = registry_remove_blob,
	.close = registry_close,
};

struct transport *registry_transport_new(struct fetch *fetch, const struct reference *ref)
{
	struct registry *r = NEW(struct registry);
	const char *key = reference_auth_key(ref);

	r->base.ops = &registry_ops;
	r->fetch = fetch;
	r->host = xstrdup(reference_api_host(ref));
	r->repository = reference_repository(ref);
	r->name = xstrdup(ref->path);
	r->auth_key = strcmp(key, r->host) != 0 ? xstrdup(key) : NULL;
	r->scope = xasprintf("repository:%s:pull", ref->path);
	r->push_scope = xasprintf("repository:%s:pull,push", ref->path);
	pthread_mutex_init(&r->referrers_lock, NULL);
	return &r->base;
}

struct fetch_request registry_request(const struct registry *r, const char *method,
				      const char *path)
{
	return (struct fetch_request){ .host = r->host,
				       .method = method,
				       .path = path,
				       .scope = r->scope,
				       .repository = r->repository,
				       .auth_key = r->auth_key };
}

int registry_check_name(const char *name, struct err *err)
{
	struct digest d;

	if (reference_is_tag(name) || digest_parse(name, strlen(name), &d, NULL) >= 0)
		return 0;
	return err_set(err, ERR_USAGE, "\"%s\": neither a tag nor a digest", TEXT_ESCAPED(name));
}

/* --- manifests ------------------------------------------------------------------------------- */

struct question {
	const char *method; /* GET, HEAD */
	const char *name;   /* checked */
};

static int ask_manifest(const struct registry *r, struct op *op, const struct question *q,
			struct http_response **ret, struct err *err)
{
	char *_free_ path = xasprintf("/v2/%s/manifests/%s", r->name, q->name);
	const struct http_header accept = { "Accept", media_accept() };
	struct fetch_request req = registry_request(r, q->method, path);

	req.headers = &accept;
	req.header_count = 1;
	return fetch_send(r->fetch, op, &req, ret, err);
}

/* What the response says its digest is: 1 and *ret, 0 when it says nothing that we can check. */
static int said_digest(const struct http_response *res, struct digest *ret, struct err *err)
{
	const char *text = http_response_header(res, "Docker-Content-Digest");
	struct err why = { 0 };

	if (!text)
		return 0;
	if (digest_parse(text, strlen(text), ret, &why) >= 0)
		return 1;
	if (why.kind == ERR_UNSUPPORTED)
		return 0;
	return err_set(err, ERR_DAMAGED, "Docker-Content-Digest \"%s\": %s", TEXT_ESCAPED(text),
		       why.msg);
}

/* Computes the document's digest and compares it with what was asked for, or said of a tag. */
static int check_digest(const struct http_response *res, const char *name,
			struct transport_document *doc, struct err *err)
{
	struct digest want = { .alg = DIGEST_NONE }, *found = &doc->descriptor.digest;
	const bool by_digest = digest_parse(name, strlen(name), &want, NULL) >= 0;

	if (!by_digest)
		TRY(said_digest(res, &want, err));
	if (want.alg == DIGEST_NONE) {
		hash_bytes(DIGEST_SHA256, buf_str(&doc->bytes), doc->bytes.len, found);
		return 0;
	}
	hash_bytes(want.alg, buf_str(&doc->bytes), doc->bytes.len, found);
	if (digest_equal(&want, found))
		return 0;
	return err_set(err, ERR_DAMAGED, "%s %s: the content is %s",
		       by_digest ? "digest" : "the registry says", DIGEST_TEXT(&want),
		       DIGEST_TEXT(found));
}

static char *type_of(const struct http_response *res)
{
	const char *type = http_response_header(res, "Content-Type"), *start = NULL;
	const size_t len = type ? media_essence(type, &start) : 0;

	return len ? xmemdupz(start, len) : NULL;
}

static int read_document(struct http_response *res, const char *name,
			 struct transport_document *ret, struct err *err)
{
	struct transport_document _cleanup_(transport_document_fini)
		doc = { .bytes = BUF_INIT(DOCUMENT_BYTES_MAX) };
	struct digest found;
	char *_free_ type = type_of(res);

	TRY(http_response_read(res, &doc.bytes, err));
	TRY(check_digest(res, name, &doc, err));
	found = doc.descriptor.digest;
	descriptor_init(&doc.descriptor, type ? type : "application/octet-stream", &found,
			doc.bytes.len);
	*ret = doc;
	doc = (struct transport_document){ 0 };
	return 0;
}

int registry_get_document(struct transport *t, struct op *op, const char *name,
			  struct transport_document *ret, struct err *err)
{
	const struct registry *r = container_of(t, struct registry, base);
	struct http_response *_response_ res = NULL;

	TRY(registry_check_name(name, err));
	TRY(ask_manifest(r, op, &(struct question){ "GET", name }, &res, err));
	if (read_document(res, name, ret, err) < 0)
		return err_prefix(err, "manifest %s of %s", name, r->repository);
	return 0;
}

/* --- resolving ------------------------------------------------------------------------------- */

/* 1 and *ret when the headers tell all of it. */
static int read_headers(const struct http_response *res, const char *name, struct descriptor *ret)
{
	struct digest asked, said = { .alg = DIGEST_NONE };
	const bool by_digest = digest_parse(name, strlen(name), &asked, NULL) >= 0;
	const int64_t size = http_response_length(res);
	char *_free_ type = type_of(res);

	if (size <= 0 || !type || said_digest(res, &said, NULL) < 0)
		return 0;
	if (by_digest && said.alg == asked.alg && !digest_equal(&said, &asked))
		return 0;
	if (by_digest)
		said = asked;
	if (said.alg == DIGEST_NONE)
		return 0;
	descriptor_init(ret, type, &said, (uint64_t)size);
	return 1;
}

/*
 * Registries that answer HEAD with something else than GET exist: only what GET would meet as well
 * is final.
 */
static bool is_final(enum err_kind kind)
{
	switch (kind) {
	case ERR_NOT_FOUND:
	case ERR_FAILED:
	case ERR_DENIED:
	case ERR_UNSUPPORTED:
	case ERR_SERVER:
		return false;
	default:
		return true;
	}
}

int registry_resolve(struct transport *t, struct op *op, const char *name, struct descriptor *ret,
		     struct err *err)
{
	const struct registry *r = container_of(t, struct registry, base);
	struct transport_document _cleanup_(transport_document_fini) doc = { 0 };
	struct http_response *_response_ res = NULL;
	struct err why = { 0 };

	TRY(registry_check_name(name, err));
	const int rc = ask_manifest(r, op, &(struct question){ "HEAD", name }, &res, &why);

	if (rc >= 0 && read_headers(res, name, ret))
		return 0;
	if (rc < 0 && is_final(why.kind)) {
		err_keep_first(err, &why);
		return rc;
	}
	TRY(registry_get_document(t, op, name, &doc, err));
	*ret = doc.descriptor;
	doc.descriptor = (struct descriptor){ 0 };
	return 0;
}

/* --- login ----------------------------------------------------------------------------------- */

int registry_check_login(struct fetch *fetch, struct op *op, const char *host, struct err *err)
{
	const struct reference ref = { .domain = (char *)(uintptr_t)host };
	const char *key = reference_auth_key(&ref);
	const struct fetch_request req = { .host = reference_api_host(&ref),
					   .method = "GET",
					   .path = "/v2/",
					   .auth_key = strcmp(key, host) != 0 ? key : NULL };
	struct http_response *_response_ res = NULL;
	struct err why = { 0 };
	const int rc = fetch_send(fetch, op, &req, &res, &why);

	if (rc >= 0)
		return 0;
	if (why.kind == ERR_NOT_FOUND)
		return err_set(err, ERR_UNSUPPORTED, "%s: no registry answers there",
			       TEXT_ESCAPED(host));
	err_keep_first(err, &why);
	return rc;
}
