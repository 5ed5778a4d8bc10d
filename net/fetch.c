/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests with patience: a try (net/fetch_try.c) that fails for a reason that may pass is made
 * again, for methods where twice is as good as once. Answers that are no success become errors
 * here, in the registry's own words.
 */
#include "net/fetch_priv.h"

#include "base/text.h"
#include "net/warning.h"

/*
 * --- the fetch
 * ------------------------------------------------------------------------------------
 */

static char *copy_of(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

int fetch_new(const struct fetch_config *config, struct fetch **ret, struct err *err)
{
	const struct credentials_config where = { .authfile = config->authfile,
						  .creds = config->creds };
	struct credentials *credentials = NULL;
	struct fetch *f;

	TRY(credentials_new(&where, &credentials, err));
	f = NEW(struct fetch);
	f->config = *config;
	f->config.cert_dir = copy_of(config->cert_dir);
	f->config.authfile = NULL;
	f->config.creds = NULL;
	f->config.http.user_agent = NULL;
	f->credentials = credentials;
	f->http = http_client_new(&config->http);
	f->auth = auth_new(
		&(struct auth_config){ .credentials = credentials,
				       .plain_allowed = config->plain_http || !config->tls_verify,
				       .exchange = fetch_exchange,
				       .exchange_arg = f });
	pthread_mutex_init(&f->lock, NULL);
	*ret = f;
	return 0;
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	auth_free(f->auth);
	http_client_free(f->http);
	credentials_free(f->credentials);
	fetch_hosts_free(f->hosts);
	for (size_t i = 0; i < f->warning_count; i++)
		free(f->warnings[i]);
	free((char *)f->config.cert_dir);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/*
 * --- warnings
 * -------------------------------------------------------------------------------------
 */

/* Whether the text is new; it is not new once there are too many. */
static bool is_new_warning(struct fetch *f, const char *text)
{
	bool is_new;

	pthread_mutex_lock(&f->lock);
	is_new = f->warning_count < WARNINGS_MAX;
	for (size_t i = 0; i < f->warning_count && is_new; i++)
		is_new = strcmp(f->warnings[i], text) != 0;
	if (is_new)
		f->warnings[f->warning_count++] = xstrdup(text);
	pthread_mutex_unlock(&f->lock);
	return is_new;
}

static void note_line(struct fetch *f, struct op *op, const char *host, const char *line)
{
	for (;;) {
		_buf_ struct buf text = BUF_INIT((size_t)4 << 10);
		char safe[400], note[500];

		if (warning_next(&line, &text, NULL) <= 0)
			return;
		text_escape(safe, sizeof(safe), buf_str(&text), text.len);
		snprintf(note, sizeof(note), "%s: warning: %s", host, safe);
		if (is_new_warning(f, note))
			op_note(op, "%s", note);
	}
}

void fetch_note_warnings(struct fetch *f, struct op *op, const char *host,
			 const struct http_response *res)
{
	const char *line;

	for (size_t i = 0; (line = http_response_header_at(res, "Warning", i)); i++)
		note_line(f, op, host, line);
}

/*
 * --- refusals
 * -------------------------------------------------------------------------------------
 */

void fetch_call_keep_body(struct fetch_call *c, struct http_response *res)
{
	if (c->refused == res)
		return;
	c->refused = res;
	buf_reset(&c->refusal);
	(void)http_response_read(res, &c->refusal, NULL);
}

static void add_words(struct err *err, const char *format, const char *words)
{
	const size_t used = strlen(err->msg);

	snprintf(err->msg + used, sizeof(err->msg) - used, format, words);
}

static void add_rate(const struct http_response *res, const char *header, const char *format,
		     struct err *err)
{
	const char *value = http_response_header(res, header);
	char text[64];

	if (value)
		add_words(err, format, reply_rate(text, sizeof(text), value));
}

/* What limits us and for how long. */
static void add_limits(const struct fetch_call *c, const struct http_response *res, struct err *err)
{
	char text[32];

	add_rate(res, "RateLimit-Limit", "; the limit is %s", err);
	add_rate(res, "RateLimit-Remaining", "; left %s", err);
	if (c->asked_ms <= 0)
		return;
	snprintf(text, sizeof(text), "%" PRId64, c->asked_ms / 1000);
	add_words(err, "; try again in %s s", text);
}

int fetch_call_refused(struct fetch_call *c, struct http_response *res, struct err *err)
{
	const unsigned status = http_response_status(res);
	const char *after = http_response_header(res, "Retry-After");
	const char *name = reply_status_name(status);
	_free_ char *shown = url_shown(&c->at);
	struct err why = { 0 };
	char text[320];

	fetch_call_keep_body(c, res);
	c->is_retryable = backoff_is_status(status);
	c->asked_ms = after ? backoff_retry_after(after, (int64_t)time(NULL)) : -1;
	err_set(&why, reply_kind(status), "%s %s: %s%s%u%s", c->req->method, shown, name,
		*name ? " (" : "status ", status, *name ? ")" : "");
	const struct reply reply = { .body = buf_str(&c->refusal),
				     .body_len = c->refusal.len,
				     .content_type = http_response_header(res, "Content-Type") };

	if (*reply_text(text, sizeof(text), &reply))
		add_words(&why, ": %s", text);
	if (status == 403 && c->req->scope) {
		add_words(&why, "%s",
			  "; it needs other credentials, or there is no such repository");
		err_hint(&why, "log in with: img login %s", TEXT_ESCAPED(c->req->host));
	}
	if (status == 429 || status == 503)
		add_limits(c, res, &why);
	if (err)
		*err = why;
	return -why.errnum;
}

/*
 * --- tries
 * ----------------------------------------------------------------------------------------
 */

static bool is_success(const struct fetch_call *c, unsigned status)
{
	if ((status >= 200 && status < 300) || status == 416)
		return true;
	return c->is_exchange && !backoff_is_status(status);
}

/* Twice is as good as once; asking a realm for a token twice is, too. */
static bool is_idempotent(const struct fetch_call *c)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(c->req->method, methods[i]) == 0)
			return !c->req->body_stream;
	return c->is_exchange || c->req->is_repeatable;
}

static void note_refusal(const struct fetch_call *c, unsigned status, const struct err *why)
{
	const bool is_cut = why->kind == ERR_NETWORK || why->kind == ERR_TIMEOUT;

	if (!c->req->refusal)
		return;
	*c->req->refusal = (struct fetch_refusal){
		.status = status,
		.may_pass = status ? backoff_is_status(status) : is_cut && !c->auth_failed,
		.asked_ms = c->asked_ms,
	};
}

/* Makes one try; negative with `why` and the call's is_retryable when it brought nothing. */
static int try_once(struct fetch_call *c, struct http_response **ret, struct err *why)
{
	_response_ struct http_response *res = NULL;
	const int rc = fetch_call_try(c, &res, why);

	if (rc < 0) {
		c->is_retryable = is_idempotent(c) && !c->auth_failed &&
				  (why->kind == ERR_NETWORK || why->kind == ERR_TIMEOUT);
		c->asked_ms = -1;
		note_refusal(c, 0, why);
		return rc;
	}
	const unsigned status = http_response_status(res);

	if (is_success(c, status)) {
		*ret = TAKE_PTR(res);
		return 0;
	}
	fetch_call_refused(c, res, why);
	/* 429: it was not even begun. */
	if (!is_idempotent(c) && status != 429)
		c->is_retryable = false;
	note_refusal(c, status, why);
	return -why->errnum;
}

int fetch_call_run(struct fetch_call *c, struct backoff *backoff, struct http_response **ret,
		   struct err *err)
{
	for (;;) {
		struct err why = { 0 };
		int waited = 0;
		const int rc = try_once(c, ret, &why);

		if (rc == 0)
			return 0;
		if (c->is_retryable && !c->req->is_once)
			waited = backoff_wait(backoff, c->op, &why, c->asked_ms, err);
		if (waited < 0)
			return waited;
		if (!waited) {
			if (err)
				*err = why;
			return rc;
		}
	}
}

void fetch_backoff(const struct fetch *f, struct backoff *ret)
{
	backoff_init(ret, f->config.retries, f->config.backoff_ms);
}

int fetch_send(struct fetch *f, struct op *op, const struct fetch_request *req,
	       struct http_response **ret, struct err *err)
{
	_fetch_call_ struct fetch_call call;
	struct backoff backoff;

	fetch_call_init(&call, f, op, req);
	backoff_init(&backoff, f->config.retries, f->config.backoff_ms);
	return fetch_call_run(&call, &backoff, ret, err);
}

/*
 * --- token realms
 * ---------------------------------------------------------------------------------
 */

int fetch_exchange(void *arg, struct op *op, const struct auth_exchange *exchange,
		   struct auth_reply *ret, struct err *err)
{
	static const struct http_header form_type = { "Content-Type",
						      "application/x-www-form-urlencoded" };
	struct fetch *f = arg;
	const struct fetch_request req = { .host = exchange->host,
					   .method = exchange->method,
					   .path = exchange->url,
					   .headers = &form_type,
					   .header_count = exchange->form ? 1 : 0,
					   .body = exchange->form,
					   .body_len = exchange->form ? strlen(exchange->form)
								      : 0 };
	_response_ struct http_response *res = NULL;
	_fetch_call_ struct fetch_call call;
	struct backoff backoff;

	fetch_call_init(&call, f, op, &req);
	call.is_exchange = true;
	call.authorization = exchange->authorization;
	TRY(url_parse(exchange->url, &call.home, err));
	TRY(fetch_host_get(f, exchange->host, &call.host, err));
	backoff_init(&backoff, f->config.retries, f->config.backoff_ms);
	TRY(fetch_call_run(&call, &backoff, &res, err));
	TRY(http_response_read(res, ret->body, err));
	ret->status = http_response_status(res);
	return 0;
}
