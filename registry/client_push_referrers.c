/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of referrers under a tag (distribution-spec "Referrers Tag Schema"), for registries
 * without the referrers API: read, changed, written back. Others do the same at the same time, so
 * it is written on condition (If-Match, which registries may ignore) and read once more afterwards;
 * threads of ours take turns. Entries of others stay as they are.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "registry/client_upload.h"

/* Times that others may get in between. */
#define RACES_MAX 5

struct edit {
	struct registry *r;
	struct op *op;
	const struct registry_referrer *referrer;
	char *path;	   /* of the tag */
	char *etag;	   /* of what was read; NULL: it had none */
	struct json *root; /* the index as read; NULL: there is none */
	bool is_there;	   /* the entry is in it */
};

static void forget(struct edit *e)
{
	free(e->etag);
	json_free(e->root);
	e->etag = NULL;
	e->root = NULL;
	e->is_there = false;
}

static void edit_fini(struct edit *e)
{
	forget(e);
	free(e->path);
}

static bool is_ours(const struct edit *e, const struct json *entry)
{
	return !strcmp(json_str(json_get(entry, "digest"), ""), DIGEST_TEXT(e->referrer->digest));
}

/* An index by all the rules for documents. */
static int parse_index(struct edit *e, const struct buf *body, struct err *err)
{
	struct document _document_ doc = { 0 };

	TRY(document_parse(buf_str(body), body->len, NULL, &doc, err));
	if (doc.kind != DOCUMENT_INDEX)
		return err_set(err, ERR_DAMAGED, "it is not an index");
	TRY(json_parse(buf_str(body), body->len, &e->root, err));
	const struct json *entries = json_get(e->root, "manifests");

	for (size_t i = 0; i < json_count(entries) && !e->is_there; i++)
		e->is_there = is_ours(e, json_at(entries, i));
	return 0;
}

static int read_index(struct edit *e, struct err *err)
{
	static const struct http_header accept = { "Accept", MEDIA_TYPE_OCI_INDEX };
	struct fetch_request req = registry_request(e->r, "GET", e->path);
	struct buf _buf_ body = BUF_INIT(DOCUMENT_BYTES_MAX);
	struct http_response *_response_ res = NULL;
	struct err why = { 0 };

	forget(e);
	req.scope = e->r->push_scope;
	req.headers = &accept;
	req.header_count = 1;
	if (fetch_send(e->r->fetch, e->op, &req, &res, &why) < 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		err_keep_first(err, &why);
		return -why.errnum;
	}
	const char *etag = http_response_header(res, "ETag");

	e->etag = etag && etag[0] == '"' ? xstrdup(etag) : NULL;
	TRY(http_response_read(res, &body, err));
	return parse_index(e, &body, err);
}

/* All members as they are, but for the entries. */
static struct json *changed(const struct edit *e)
{
	struct json *index = e->root ? json_dup(e->root) : json_new_object();
	struct json *entries = json_new_array();
	const struct json *old = json_get(e->root, "manifests");

	for (size_t i = 0; i < json_count(old); i++)
		if (!is_ours(e, json_at(old, i)))
			json_add(entries, json_dup(json_at(old, i)));
	if (e->referrer->entry)
		json_add(entries, json_dup(e->referrer->entry));
	if (!e->root) {
		json_set_int(index, "schemaVersion", 2);
		json_set_str(index, "mediaType", MEDIA_TYPE_OCI_INDEX);
	}
	json_set(index, "manifests", entries);
	return index;
}

/* 1 when it was written, 0 when somebody was faster. */
static int write_index(struct edit *e, struct err *err)
{
	const struct http_header headers[] = {
		{ "Content-Type", MEDIA_TYPE_OCI_INDEX },
		{ e->root ? "If-Match" : "If-None-Match", e->root ? e->etag : "*" },
	};
	struct fetch_request req = registry_request(e->r, "PUT", e->path);
	struct buf _buf_ body = BUF_INIT(DOCUMENT_BYTES_MAX);
	struct http_response *_response_ res = NULL;
	struct fetch_refusal refusal = { 0 };
	struct json *_json_ index = changed(e);
	struct err why = { 0 };

	TRY(json_print(index, 0, &body, err));
	req.scope = e->r->push_scope;
	req.headers = headers;
	req.header_count = headers[1].value ? 2 : 1;
	req.body = buf_str(&body);
	req.body_len = body.len;
	req.refusal = &refusal;
	if (fetch_send(e->r->fetch, e->op, &req, &res, &why) >= 0) {
		TRY(registry_check_status(res, err));
		return 1;
	}
	if (refusal.status == 412 || refusal.status == 409)
		return 0;
	err_keep_first(err, &why);
	return -why.errnum;
}

/* Until the index that is read is as it should be. */
static int edit(struct edit *e, struct err *err)
{
	const bool wanted = e->referrer->entry != NULL;
	struct backoff backoff;
	struct err why = { 0 };

	fetch_backoff(e->r->fetch, &backoff);
	backoff_init(&backoff, RACES_MAX, (unsigned)backoff.first_ms);
	(void)err_set(&why, ERR_CHANGED, "others change the index of referrers all the time");
	for (;;) {
		TRY(read_index(e, err));
		if (e->is_there == wanted)
			return 0;
		const int rc = write_index(e, err);

		TRY(rc);
		if (rc) {
			TRY(read_index(e, err));
			if (e->is_there == wanted)
				return 0;
		}
		const int waited = backoff_wait(&backoff, e->op, &why, -1, err);

		if (waited <= 0) {
			if (!waited)
				err_keep_first(err, &why);
			return waited ? waited : -why.errnum;
		}
	}
}

int registry_edit_referrers(struct registry *r, struct op *op,
			    const struct registry_referrer *referrer, struct err *err)
{
	char *_free_ tag = registry_referrers_tag(referrer->subject);
	struct edit _cleanup_(edit_fini) e = {
		.r = r,
		.op = op,
		.referrer = referrer,
		.path = xasprintf("/v2/%s/manifests/%s", r->name, tag),
	};

	pthread_mutex_lock(&r->referrers_lock);
	const int rc = edit(&e, err);

	pthread_mutex_unlock(&r->referrers_lock);
	return rc < 0 ? err_prefix(err, "referrers of %s", DIGEST_TEXT(referrer->subject)) : 0;
}
