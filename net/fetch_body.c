/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that survives broken connections (RFC 9110 section 14): what is missing is asked for with
 * Range, from the registry anew, since a redirect's signature may have run out. What the server
 * says about sizes and ranges must fit the size that the descriptor promised; that the bytes are
 * the right ones is for the digest to say.
 */
#include "net/fetch_priv.h"

#include "base/text.h"
#include "net/range.h"

/* Fewer new bytes than this and a try counts as one without progress. */
#define PROGRESS_BYTES_MIN ((uint64_t)256 << 10)
#define EXTRA_HEADERS	   2

struct body_source {
	struct source source;
	struct fetch *f;
	struct op *op;
	struct fetch_request req; /* its strings and headers are owned */
	struct http_header *headers;
	char *name; /* for messages: the URL without its query */

	uint64_t at;	/* bytes of the content that came so far */
	uint64_t total; /* bytes of the content */
	uint64_t skip;	/* bytes of this response that came before */
	struct http_response *res;
	char *etag; /* strong, of the first response, or NULL */
	struct backoff backoff;
	uint64_t mark; /* where the backoff began */
};

static const char *own(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void request_copy(struct body_source *b, const struct fetch_request *req)
{
	b->headers = xcalloc(req->header_count + EXTRA_HEADERS, sizeof(*b->headers));
	for (size_t i = 0; i < req->header_count; i++)
		b->headers[i] = (struct http_header){ .name = own(req->headers[i].name),
						      .value = own(req->headers[i].value) };
	b->req = (struct fetch_request){ .host = own(req->host),
					 .method = "GET",
					 .path = own(req->path),
					 .scope = own(req->scope),
					 .repository = own(req->repository),
					 .auth_key = own(req->auth_key),
					 .headers = b->headers,
					 .header_count = req->header_count,
					 .anonymous = req->anonymous };
}

static void body_close(struct source *src)
{
	struct body_source *b = container_of(src, struct body_source, source);
	const char *const strings[] = { b->req.host, b->req.path, b->req.scope, b->req.repository,
					b->req.auth_key };

	http_response_close(b->res);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free((char *)strings[i]);
	for (size_t i = 0; i < b->req.header_count; i++) {
		free((char *)b->headers[i].name);
		free((char *)b->headers[i].value);
	}
	free(b->headers);
	free(b->name);
	free(b->etag);
	free(b);
}

/*
 * --- what the server says
 * -------------------------------------------------------------------------
 */

static int wrong_size(const struct body_source *b, uint64_t found, struct err *err)
{
	return err_set(err, ERR_DAMAGED,
		       "%s: the server has %" PRIu64 " bytes, %" PRIu64 " were promised", b->name,
		       found, b->total);
}

/* 206: it must begin where we asked it to. */
static int check_partial(const struct body_source *b, struct err *err)
{
	const char *text = http_response_header(b->res, "Content-Range");
	const int64_t length = http_response_length(b->res);
	struct content_range range;

	if (!content_range_parse(text, &range))
		return err_set(err, ERR_DAMAGED, "%s: partial content with a Content-Range '%s'",
			       b->name, TEXT_ESCAPED(text ? text : ""));
	if (range.size != UINT64_MAX && range.size != b->total)
		return wrong_size(b, range.size, err);
	if (range.first != b->at || range.last >= b->total ||
	    (length >= 0 && (uint64_t)length != range.last - range.first + 1))
		return err_set(err, ERR_DAMAGED, "%s: not the range that was asked for: '%s'",
			       b->name, TEXT_ESCAPED(text));
	return 0;
}

static int check_whole(const struct body_source *b, struct err *err)
{
	const int64_t length = http_response_length(b->res);

	if (length >= 0 && (uint64_t)length != b->total)
		return wrong_size(b, (uint64_t)length, err);
	return 0;
}

static void keep_etag(struct body_source *b)
{
	const char *etag = http_response_header(b->res, "ETag");

	if (!b->etag && etag && etag[0] == '"' && strlen(etag) < 512)
		b->etag = xstrdup(etag);
}

/* Judges the response in b->res. Returns 1 when it should be asked for again from the start. */
static int judge(struct body_source *b, struct err *err)
{
	const unsigned status = http_response_status(b->res);

	b->skip = 0;
	keep_etag(b);
	if (status == 206 && b->at)
		return check_partial(b, err);
	if (status == 416 && b->at)
		return 1;
	if (status != 200)
		return err_set(err, ERR_DAMAGED, "%s: status %u instead of the content", b->name,
			       status);
	b->skip = b->at;
	return check_whole(b, err);
}

/*
 * --- asking
 * ---------------------------------------------------------------------------------------
 */

static int ask(struct body_source *b, bool whole, struct err *err)
{
	struct fetch_request req = b->req;
	struct http_header *extra = b->headers + req.header_count;
	_free_ char *range = xasprintf("bytes=%" PRIu64 "-", b->at);
	_fetch_call_ struct fetch_call call;

	http_response_close(b->res);
	b->res = NULL;
	if (b->at && !whole) {
		extra[0] = (struct http_header){ "Range", range };
		extra[1] = (struct http_header){ "If-Range", b->etag };
		req.header_count += b->etag ? 2 : 1;
	}
	fetch_call_init(&call, b->f, b->op, &req);
	return fetch_call_run(&call, &b->backoff, &b->res, err);
}

/* Opens what follows b->at. */
static int reopen(struct body_source *b, struct err *err)
{
	int rc;

	TRY(ask(b, false, err));
	rc = judge(b, err);
	if (rc != 1)
		return rc;
	/*
	 * 416 to what is well within the promised size: a server that can't do ranges, or has less.
	 */
	TRY(ask(b, true, err));
	rc = judge(b, err);
	return rc == 1 ? err_set(err, ERR_DAMAGED, "%s: status 416 without a Range", b->name) : rc;
}

/*
 * --- giving
 * ---------------------------------------------------------------------------------------
 */

static int too_long(const struct body_source *b, struct err *err)
{
	return err_set(err, ERR_DAMAGED,
		       "%s: the body goes on after the promised %" PRIu64 " bytes", b->name,
		       b->total);
}

/* The part of a chunk that is new; 0 when it is all known. */
static ssize_t fresh(struct body_source *b, const uint8_t **data, size_t len, struct err *err)
{
	const size_t known = b->skip < len ? (size_t)b->skip : len;

	b->skip -= known;
	*data += known;
	len -= known;
	if (len > b->total - b->at)
		return too_long(b, err);
	b->at += len;
	if (b->at - b->mark >= PROGRESS_BYTES_MIN) {
		backoff_reset(&b->backoff);
		b->mark = b->at;
	}
	return (ssize_t)len;
}

/* The connection broke, or the body ended early. Waits for the next try, or fails. */
static int broken(struct body_source *b, struct err *why, struct err *err)
{
	const bool is_short = why->kind == ERR_NONE;
	int rc;

	http_response_close(b->res);
	b->res = NULL;
	if (is_short)
		err_set(why, ERR_NETWORK,
			"%s: the body ends after %" PRIu64 " of %" PRIu64 " bytes", b->name, b->at,
			b->total);
	if (why->kind == ERR_NETWORK || why->kind == ERR_TIMEOUT) {
		rc = backoff_wait(&b->backoff, b->op, why, -1, err);
		if (rc)
			return rc;
	}
	/* As often as it was asked, this is all there is. */
	if (is_short)
		why->kind = ERR_DAMAGED, why->errnum = err_class(ERR_DAMAGED)->errnum;
	if (err)
		*err = *why;
	return -why->errnum;
}

static ssize_t body_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct body_source *b = container_of(src, struct body_source, source);

	for (;;) {
		struct err why = { 0 };
		ssize_t n;

		if (!b->res && b->at == b->total)
			return 0;
		if (!b->res)
			TRY(reopen(b, err));
		n = source_next(http_response_body(b->res), ret, &why);
		if (n > 0) {
			n = fresh(b, ret, (size_t)n, err);
			if (n)
				return n;
		} else if (b->at == b->total && !b->skip && why.kind != ERR_CANCELLED) {
			/* All is here; that the end came badly doesn't matter. */
			http_response_close(b->res);
			b->res = NULL;
		} else {
			TRY(broken(b, &why, err));
		}
	}
}

static const struct source_ops body_ops = { .next = body_next, .close = body_close };

/*
 * --- opening
 * --------------------------------------------------------------------------------------
 */

static int check_order(const struct fetch_body *body, struct err *err)
{
	if (body->offset <= body->total_bytes)
		return 0;
	return err_set(err, ERR_USAGE, "a body of %" PRIu64 " bytes has no byte %" PRIu64,
		       body->total_bytes, body->offset);
}

int fetch_open(struct fetch *f, struct op *op, struct fetch_body *body, struct source **ret,
	       struct err *err)
{
	_source_ struct source *source = NULL;
	struct body_source *b;

	TRY(check_order(body, err));
	b = NEW(struct body_source);
	b->source.ops = &body_ops;
	source = &b->source;
	b->f = f;
	b->op = op;
	b->at = b->mark = body->offset;
	b->total = body->total_bytes;
	request_copy(b, &body->req);
	backoff_init(&b->backoff, f->config.retries, f->config.backoff_ms);
	b->name = xasprintf("%s%.*s", body->req.path[0] == '/' ? body->req.host : "",
			    (int)strcspn(body->req.path, "?"), body->req.path);
	if (!b->at || b->at < b->total)
		TRY(reopen(b, err));
	if (b->skip) /* Range was ignored: the caller begins at the start as well. */
		b->at = b->mark = b->skip = 0;
	body->ret_offset = b->at;
	*ret = TAKE_PTR(source);
	return 0;
}
