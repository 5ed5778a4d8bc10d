/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try of a request: from the registry along redirects, which are followed by hand. What belongs
 * to the registry alone (Authorization, client certificate, headers of the caller beyond the
 * content's) stays with its scheme, host and port. Locations are the peer's word: parsed strictly,
 * never from https to http, never from outside into a private network, never in a circle, never
 * further than REDIRECTS_MAX.
 */
#include "net/fetch_priv.h"

#include "base/text.h"

#define HEADERS_MAX 32

void fetch_call_init(struct fetch_call *c, struct fetch *f, struct op *op,
		     const struct fetch_request *req)
{
	*c = (struct fetch_call){ .f = f,
				  .op = op,
				  .req = req,
				  .asked_ms = -1,
				  .refusal = BUF_INIT(REPLY_BODY_BYTES_MAX) };
}

static void forget_way(struct fetch_call *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->visited); i++) {
		free(c->visited[i]);
		c->visited[i] = NULL;
	}
	url_fini(&c->at);
	c->hops = 0;
}

void fetch_call_fini(struct fetch_call *c)
{
	forget_way(c);
	auth_session_fini(&c->session);
	url_fini(&c->home);
	buf_fini(&c->refusal);
}

static bool is_home(const struct fetch_call *c)
{
	return url_same_origin(&c->home, &c->at);
}

/* What the caller's headers may tell another origin: which content, nothing of who asks. */
static bool may_travel(const char *name)
{
	static const char *const names[] = { "Accept", "Range", "If-Range", "Content-Type",
					     "Content-Range" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static const char *authorization(const struct fetch_call *c)
{
	if (!is_home(c) || c->req->anonymous)
		return NULL;
	return c->is_exchange ? c->authorization : c->session.header;
}

/* At the registry itself: what it has in certs.d for us may be used in full. */
static bool is_registry(const struct fetch_call *c)
{
	_free_ char *origin = url_origin(&c->home);

	return is_home(c) &&
	       (!c->is_exchange || strcmp(strstr(origin, "//") + 2, c->host->name) == 0);
}

static int send_here(struct fetch_call *c, struct http_response **ret, struct err *err)
{
	const struct fetch_request *req = c->req;
	const char *auth = authorization(c);
	_free_ char *text = url_text(&c->at);
	struct http_header headers[HEADERS_MAX + 1];
	_source_ struct source *stream = NULL;
	struct http_tls tls;
	size_t n = 0;

	c->refused = NULL;
	if (req->header_count > HEADERS_MAX)
		return err_set(err, ERR_USAGE, "too many headers");
	for (size_t i = 0; i < req->header_count; i++)
		if (is_home(c) || may_travel(req->headers[i].name))
			headers[n++] = req->headers[i];
	if (auth)
		headers[n++] = (struct http_header){ "Authorization", auth };
	TRY(fetch_host_tls(c->f, c->host, is_registry(c) ? NULL : &c->at, &tls, err));
	if (req->body_stream)
		TRY(req->body_stream->open(req->body_stream->arg, &stream, err));
	return http_send(c->f->http, c->op,
			 &(struct http_request){ .method = req->method,
						 .url = text,
						 .headers = headers,
						 .header_count = n,
						 .body = req->body,
						 .body_len = req->body_len,
						 .body_source = TAKE_PTR(stream),
						 .tls = &tls },
			 ret, err);
}

/* May a call that began at home go to `to`? `what` names how it was told to. */
static int check_way(const struct fetch_call *c, const struct url *to, const char *what,
		     struct err *err)
{
	const bool insecure = c->f->config.plain_http || !c->f->config.tls_verify;

	if (url_same_origin(&c->home, to))
		return 0;
	if ((c->at.host ? c->at.is_https : c->home.is_https) && !to->is_https && !insecure) {
		_free_ char *shown = url_shown(to);

		err_set(err, ERR_DENIED, "%s from https to http refused: %s", what, shown);
		err_hint(err, "--tls-verify=false allows it");
		return -err_class(ERR_DENIED)->errnum;
	}
	return url_check_reach(&c->home, to, what, err);
}

/* Remembers the URL; ERR_DAMAGED when it was there before in this try. */
static int visit(struct fetch_call *c, struct err *err)
{
	_free_ char *text = url_text(&c->at);

	for (unsigned i = 0; i < c->hops; i++)
		if (strcmp(c->visited[i], text) == 0) {
			_free_ char *shown = url_shown(&c->at);

			return err_set(err, ERR_DAMAGED, "the redirects go in a circle: %s", shown);
		}
	if (c->hops > REDIRECTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d redirects", REDIRECTS_MAX);
	c->visited[c->hops++] = TAKE_PTR(text);
	return 0;
}

static bool is_redirect(const struct fetch_call *c, unsigned status)
{
	const char *method = c->req->method;

	if (status == 307 || status == 308)
		return true;
	/* For other methods these may mean "GET that": an answer to nobody's question here. */
	return (status == 301 || status == 302 || status == 303) &&
	       (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

static int follow(struct fetch_call *c, struct http_response *res, struct err *err)
{
	const char *location = http_response_header(res, "Location");
	_url_ struct url next = { 0 };

	if (!location)
		return err_set(err, ERR_DAMAGED, "%s: redirect (%u) without Location",
			       c->host->name, http_response_status(res));
	if (url_resolve(&c->at, location, &next, err) < 0)
		return err_prefix(err, "%s: redirect", c->host->name);
	TRY(check_way(c, &next, "redirect", err));
	/* The form for a realm holds an identity token. */
	if (c->is_exchange && c->req->body && !url_same_origin(&c->home, &next)) {
		_free_ char *shown = url_shown(&next);

		return err_set(err, ERR_DENIED, "redirect of an identity token refused: %s", shown);
	}
	fetch_call_keep_body(c, res);
	url_fini(&c->at);
	c->at = next;
	next = (struct url){ 0 };
	return visit(c, err);
}

/* Gets another Authorization for a 401, or the error that says why there is none. */
static int answer(struct fetch_call *c, struct http_response *res, struct err *err)
{
	const char *items[16];
	struct auth_lines lines = { .items = items };
	struct err why = { 0 };

	fetch_call_keep_body(c, res);
	while (lines.count < ARRAY_SIZE(items) &&
	       (items[lines.count] = http_response_header_at(res, "WWW-Authenticate", lines.count)))
		lines.count++;
	if (auth_answer(c->f->auth, c->op, &c->session, &lines, &why) == 0)
		return 0;
	c->auth_failed = true;
	if (why.kind != ERR_AUTH && why.kind != ERR_NONE) {
		if (err)
			*err = why;
		return -why.errnum;
	}
	fetch_call_refused(c, res, err);
	if (err && why.kind) {
		const size_t used = strlen(err->msg);

		snprintf(err->msg + used, sizeof(err->msg) - used, "; %s", why.msg);
		snprintf(err->hint, sizeof(err->hint), "%s", why.hint);
	}
	return -err_class(ERR_AUTH)->errnum;
}

/*
 * Takes the request's path or URL. The host's own name over http is what a registry behind a proxy
 * that ends TLS writes: it is asked over https as before.
 */
static int begin_at(struct fetch_call *c, struct err *err)
{
	const char *path = c->req->path;
	_url_ struct url at = { 0 };

	if (path[0] == '/' && path[1] != '/')
		TRY(url_of_host(c->host->name, c->home.is_https, path, &at, err));
	else
		TRY(url_resolve(&c->home, path, &at, err));
	if (c->home.is_https && !at.is_https && strcmp(at.host, c->home.host) == 0 &&
	    (at.port == 80 || at.port == c->home.port)) {
		at.is_https = true;
		at.port = c->home.port;
	}
	TRY(check_way(c, &at, "a link", err));
	forget_way(c);
	c->at = at;
	at = (struct url){ 0 };
	return visit(c, err);
}

/* Finds out whom the call goes to; done once. */
static int find_home(struct fetch_call *c, struct err *err)
{
	const struct fetch_request *req = c->req;
	bool is_https;

	if (c->home.host)
		return 0;
	TRY(url_of_host(req->host, true, "/", &c->home, err));
	url_fini(&c->home);
	TRY(fetch_host_get(c->f, req->host, &c->host, err));
	TRY(fetch_host_scheme(c->f, c->op, c->host, &is_https, err));
	TRY(url_of_host(req->host, is_https, "/", &c->home, err));
	c->session.target = (struct auth_target){ .host = c->host->name,
						  .is_plain = !is_https,
						  .scope = req->scope,
						  .repository = req->repository,
						  .auth_key = req->auth_key };
	return 0;
}

int fetch_call_try(struct fetch_call *c, struct http_response **ret, struct err *err)
{
	TRY(find_home(c, err));
	TRY(begin_at(c, err));
	const bool has_auth = !c->req->anonymous && !c->is_exchange;

	if (has_auth && is_home(c) && !c->is_prepared) {
		c->auth_failed = true;
		TRY(auth_prepare(c->f->auth, c->op, &c->session, err));
		c->auth_failed = false;
		c->is_prepared = true;
	}
	for (;;) {
		_response_ struct http_response *res = NULL;

		TRY(send_here(c, &res, err));
		const unsigned status = http_response_status(res);

		if (is_home(c) && !c->is_exchange)
			fetch_note_warnings(c->f, c->op, c->host->name, res);
		if (status == 401 && has_auth && is_home(c)) {
			TRY(answer(c, res, err));
		} else if (is_redirect(c, status)) {
			TRY(follow(c, res, err));
		} else {
			*ret = TAKE_PTR(res);
			return 0;
		}
	}
}
