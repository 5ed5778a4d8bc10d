/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of an upload session (distribution-spec "Pushing a blob in chunks", "Pushing a blob
 * monolithically", "Mounting a blob", "Canceling"). Answers are taken literally where they bind us
 * (how far the registry has got) and refused where they cannot be true.
 */
#include "registry/client_upload.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/url.h"

void upload_session_forget(struct upload_session *s)
{
	free(s->location);
	s->location = NULL;
}

void upload_session_fini(struct upload_session *s)
{
	upload_session_forget(s);
}

/* --- what answers say ------------------------------------------------------------------------ */

int registry_check_said(const struct http_response *res, const struct digest *want, struct err *err)
{
	const char *text = http_response_header(res, "Docker-Content-Digest");
	struct digest said;

	/* Some registries answer with a digest of their own algorithm: nothing to compare. */
	if (!text || digest_parse(text, strlen(text), &said, NULL) < 0 || said.alg != want->alg ||
	    digest_equal(&said, want))
		return 0;
	return err_set(err, ERR_DAMAGED, "the registry says it has got %s, sent was %s",
		       DIGEST_TEXT(&said), DIGEST_TEXT(want));
}

int registry_check_status(const struct http_response *res, struct err *err)
{
	const unsigned status = http_response_status(res);

	if (status < 300)
		return 0;
	return err_set(err, ERR_DAMAGED, "the registry answers with status %u", status);
}

/* Where the session goes on. An answer without Location leaves it where it is. */
static int follow(struct upload_session *s, const struct http_response *res, struct err *err)
{
	const char *text = http_response_header(res, "Location");
	struct url _url_ base = { 0 }, _url_ to = { 0 };

	if (!text && s->location)
		return 0;
	if (!text)
		return err_set(err, ERR_DAMAGED, "the registry does not say where to upload (%u)",
			       http_response_status(res));
	TRY(url_parse(http_response_url(res), &base, err));
	if (url_resolve(&base, text, &to, err) < 0)
		return err_prefix(err, "place of the upload");
	free(s->location);
	s->location = url_text(&to);
	return 0;
}

/* "Range: 0-N" (some write "bytes=0-N"): 1 and N + 1; 0 when there is none; ERR_DAMAGED. */
static int read_range(const struct http_response *res, uint64_t *ret_at, struct err *err)
{
	const char *text = http_response_header(res, "Range"), *s = text;
	uint64_t last;

	if (!text)
		return 0;
	if (text_starts_with(s, "bytes="))
		s += strlen("bytes=");
	if (!text_starts_with(s, "0-") || text_parse_u64(s + 2, strlen(s + 2), 10, &last) < 0 ||
	    last >= INT64_MAX)
		return err_set(err, ERR_DAMAGED, "the registry has got a range '%s'",
			       TEXT_ESCAPED(text));
	*ret_at = last + 1;
	return 1;
}

/* --- requests -------------------------------------------------------------------------------- */

static struct fetch_request request(struct upload_session *s, const char *method, const char *path)
{
	struct fetch_request req = registry_request(s->r, method, path);

	req.scope = s->r->push_scope;
	req.refusal = &s->refusal;
	s->refusal = (struct fetch_refusal){ .asked_ms = -1 };
	return req;
}

static int send(struct upload_session *s, const struct fetch_request *req,
		struct http_response **ret, struct err *err)
{
	TRY(fetch_send(s->r->fetch, s->op, req, ret, err));
	s->refusal.status = http_response_status(*ret);
	return 0;
}

static int begun(struct upload_session *s, const struct http_response *res, struct err *err)
{
	const char *min = http_response_header(res, "OCI-Chunk-Min-Length");

	TRY(registry_check_status(res, err));
	s->chunk_min = 0;
	if (min && text_parse_u64(min, strlen(min), 10, &s->chunk_min) < 0)
		s->chunk_min = 0;
	return follow(s, res, err);
}

int upload_session_begin(struct upload_session *s, struct err *err)
{
	char *_free_ path = xasprintf("/v2/%s/blobs/uploads/", s->r->name);
	struct http_response *_response_ res = NULL;
	struct fetch_request req = request(s, "POST", path);

	/* A session more does no harm. */
	req.is_repeatable = true;
	TRY(send(s, &req, &res, err));
	return begun(s, res, err);
}

static int mount_path(const struct upload_session *s, const struct transport_upload *upload,
		      struct buf *out, struct err *err)
{
	TRY(buf_printf(out, err, "/v2/%s/blobs/uploads/?mount=", s->r->name));
	TRY(url_escape(out, DIGEST_TEXT(&upload->descriptor->digest), err));
	TRY(buf_append_str(out, "&from=", err));
	return url_escape(out, upload->mount_from, err);
}

int upload_session_mount(struct upload_session *s, const struct transport_upload *upload,
			 struct err *err)
{
	struct buf _buf_ path = BUF_INIT(URL_TEXT_MAX);
	char *_free_ scope =
		xasprintf("%s repository:%s:pull", s->r->push_scope, upload->mount_from);
	struct http_response *_response_ res = NULL;
	struct err why = { 0 };

	TRY(mount_path(s, upload, &path, err));
	struct fetch_request req = request(s, "POST", buf_str(&path));

	req.scope = scope;
	if (send(s, &req, &res, &why) < 0) {
		/* It was only a wish. */
		if (why.kind != ERR_CANCELLED)
			return 0;
		err_keep_first(err, &why);
		return -why.errnum;
	}
	if (http_response_status(res) == 201) {
		TRY(registry_check_said(res, &upload->descriptor->digest, err));
		return 1;
	}
	if (http_response_status(res) == 202)
		TRY(begun(s, res, err));
	return 0;
}

/* 416, or an answer that says as much. */
static int is_elsewhere(uint64_t offset, struct err *err)
{
	return err_set(err, ERR_CHANGED,
		       "the registry does not take the blob's bytes from %" PRIu64 " on", offset);
}

/* A registry that has more than it was sent, or not all of it. */
static int check_taken(const struct upload_portion *p, uint64_t at, struct err *err)
{
	const uint64_t end = p->offset + p->bytes;

	if (at > end)
		return err_set(err, ERR_DAMAGED,
			       "the registry has got %" PRIu64 " bytes, sent were %" PRIu64, at,
			       end);
	return at < end ? is_elsewhere(at, err) : 0;
}

int upload_session_patch(struct upload_session *s, struct upload_portion *portion, uint64_t *ret_at,
			 struct err *err)
{
	const uint64_t end = portion->offset + portion->bytes;
	const struct fetch_stream stream = { upload_portion_open, portion };
	char *_free_ range = xasprintf("%" PRIu64 "-%" PRIu64, portion->offset, end - 1);
	const struct http_header headers[] = { { "Content-Type", "application/octet-stream" },
					       { "Content-Range", range } };
	struct http_response *_response_ res = NULL;
	struct fetch_request req = request(s, "PATCH", s->location);
	uint64_t at = end;

	req.headers = headers;
	req.header_count = ARRAY_SIZE(headers);
	req.body_stream = &stream;
	req.body_len = portion->bytes;
	req.is_once = true;
	TRY(send(s, &req, &res, err));
	if (http_response_status(res) == 416)
		return is_elsewhere(portion->offset, err);
	TRY(follow(s, res, err));
	TRY(read_range(res, &at, err));
	TRY(check_taken(portion, at, err));
	*ret_at = at;
	return 0;
}

/* The session's place with the digest in its query. */
static int final_place(const struct upload_session *s, const struct digest *digest, struct buf *out,
		       struct err *err)
{
	const size_t len = strlen(s->location);
	const char before = s->location[len - 1];

	TRY(buf_append_str(out, s->location, err));
	if (!strchr(s->location, '?'))
		TRY(buf_append_char(out, '?', err));
	else if (before != '?' && before != '&')
		TRY(buf_append_char(out, '&', err));
	TRY(buf_append_str(out, "digest=", err));
	return url_escape(out, DIGEST_TEXT(digest), err);
}

int upload_session_finish(struct upload_session *s, const struct digest *digest,
			  struct upload_portion *portion, struct err *err)
{
	static const struct http_header type = { "Content-Type", "application/octet-stream" };
	const struct fetch_stream stream = { upload_portion_open, portion };
	struct buf _buf_ place = BUF_INIT(URL_TEXT_MAX + 256);
	struct http_response *_response_ res = NULL;

	TRY(final_place(s, digest, &place, err));
	struct fetch_request req = request(s, "PUT", buf_str(&place));

	req.headers = &type;
	req.header_count = 1;
	req.body_stream = portion->bytes ? &stream : NULL;
	req.body_len = portion->bytes;
	req.is_once = true;
	TRY(send(s, &req, &res, err));
	if (http_response_status(res) == 416)
		return is_elsewhere(portion->offset, err);
	if (http_response_status(res) != 201)
		return err_set(err, ERR_DAMAGED,
			       "the registry ends the upload with status %u, not 201 (created)",
			       http_response_status(res));
	return registry_check_said(res, digest, err);
}

int upload_session_ask(struct upload_session *s, uint64_t *ret_at, struct err *err)
{
	struct http_response *_response_ res = NULL;
	const struct fetch_request req = request(s, "GET", s->location);
	uint64_t at = 0;

	TRY(send(s, &req, &res, err));
	if (http_response_status(res) == 416)
		return is_elsewhere(0, err);
	TRY(follow(s, res, err));
	TRY(read_range(res, &at, err));
	/* "0-0" is one byte, and what registries say of none. */
	*ret_at = at > 1 ? at : 0;
	return 0;
}

void upload_session_give_up(struct upload_session *s)
{
	struct http_response *_response_ res = NULL;

	if (!s->location)
		return;
	struct fetch_request req = request(s, "DELETE", s->location);

	req.is_once = true;
	req.refusal = NULL;
	(void)fetch_send(s->r->fetch, s->op, &req, &res, NULL);
	upload_session_forget(s);
}
