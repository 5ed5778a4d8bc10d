/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: the query or form, the exchange, the answer. The realm is a stranger that the registry
 * vouches for; it gets the credentials of that registry. Its answer is bounded, and its token must
 * be something that fits in a header.
 */
#include "net/token.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/secret.h"

#define CLIENT_ID "img"
/* Of the URL and of the form. */
#define REQUEST_BYTES_MAX ((size_t)256 << 10)

void token_fini(struct token *t)
{
	secret_free(t->value);
	*t = (struct token){ 0 };
}

bool token_may_carry(const struct auth_config *config, const struct url *to)
{
	return to->is_https || config->plain_allowed || url_host_is_loopback(to->host);
}

int token_basic(const char *user, const char *secret, char **ret, struct err *err)
{
	struct buf _secret_buf_ plain = BUF_INIT(REQUEST_BYTES_MAX);

	TRY(buf_reserve(&plain, strlen(user) + 1 + strlen(secret), err));
	TRY(buf_printf(&plain, err, "%s:%s", user, secret));
	char *_secret_ code = base64_encode((const uint8_t *)plain.data, plain.len);

	*ret = xasprintf("Basic %s", code);
	return 0;
}

/* --- the request ----------------------------------------------------------------------------- */

static int add_field(struct buf *out, const char *name, const char *value, struct err *err)
{
	if (out->len && !strchr("?&", out->data[out->len - 1]))
		TRY(buf_append_char(out, '&', err));
	TRY(buf_printf(out, err, "%s=", name));
	return url_escape(out, value, err);
}

/* A query has one `scope` for each; a form has one for all. */
static int add_scopes(struct buf *out, const char *scopes, struct err *err)
{
	while (*scopes) {
		const size_t len = strcspn(scopes, " ");
		char *_free_ scope = xmemdupz(scopes, len);

		TRY(add_field(out, "scope", scope, err));
		scopes += len + strspn(scopes + len, " ");
	}
	return 0;
}

static int make_query(const struct token_request *r, struct buf *out, struct err *err)
{
	char *_free_ realm = url_text(r->realm);

	TRY(buf_append_str(out, realm, err));
	if (!strchr(realm, '?'))
		TRY(buf_append_char(out, '?', err));
	if (r->service)
		TRY(add_field(out, "service", r->service, err));
	if (r->scope)
		TRY(add_scopes(out, r->scope, err));
	if (r->credential->user)
		TRY(add_field(out, "account", r->credential->user, err));
	return add_field(out, "client_id", CLIENT_ID, err);
}

static int make_form(const struct token_request *r, struct buf *out, struct err *err)
{
	/* Three bytes for each of the token's at most: growing would leave copies behind. */
	TRY(buf_reserve(out, 3 * strlen(r->credential->identity_token) + 4096, err));
	TRY(add_field(out, "grant_type", "refresh_token", err));
	TRY(add_field(out, "service", r->service ? r->service : "", err));
	TRY(add_field(out, "client_id", CLIENT_ID, err));
	if (r->scope)
		TRY(add_field(out, "scope", r->scope, err));
	return add_field(out, "refresh_token", r->credential->identity_token, err);
}

/* --- the answer ------------------------------------------------------------------------------ */

/* What the server says went wrong, in any of the usual shapes; "" when it says nothing. */
static const char *reason_of(const struct json *root)
{
	const struct json *first = json_at(json_get(root, "errors"), 0);
	const char *const texts[] = {
		json_str(json_get(first, "message"), NULL),
		json_str(json_get(first, "code"), NULL),
		json_str(json_get(root, "error_description"), NULL),
		json_str(json_get(root, "details"), NULL),
		json_str(json_get(root, "message"), NULL),
		json_str(json_get(root, "error"), NULL),
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i] && *texts[i])
			return texts[i];
	return "";
}

static enum err_kind kind_of(unsigned status)
{
	if (status == 429 || status == 503)
		return ERR_BUSY;
	if (status >= 500)
		return ERR_SERVER;
	return status >= 400 ? ERR_AUTH : ERR_FAILED;
}

static int refused(const struct token_request *r, unsigned status, const struct buf *body,
		   struct err *err)
{
	struct json *_secret_json_ root = NULL;
	char *_free_ realm = url_shown(r->realm), *_free_ origin = credential_origin(r->credential);
	const bool known = r->credential->kind != CREDENTIAL_NONE;

	if (json_parse(buf_str(body), body->len, &root, NULL) < 0)
		root = NULL;
	const char *reason = reason_of(root);

	(void)err_set(err, kind_of(status), "token server %s: status %u%s%s%s%s%s", realm, status,
		      known ? " for the credentials of " : "", known ? origin : "",
		      *reason ? ": \"" : "", TEXT_ESCAPED(reason), *reason ? "\"" : "");
	if (kind_of(status) == ERR_AUTH)
		err_hint(err, "log in with: img login %s", TEXT_ESCAPED(r->registry));
	return -err_class(kind_of(status))->errnum;
}

/* Visible ASCII: nothing that ends a header line. */
static bool is_header_text(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f)
			return false;
	return true;
}

/* expires_in counts from issued_at, which counts only when our clocks can agree on it. */
static uint64_t lifetime(const struct json *root)
{
	const int64_t said = json_int(json_get(root, "expires_in"), TOKEN_SECONDS_DEFAULT);
	int64_t seconds = said < TOKEN_SECONDS_DEFAULT ? TOKEN_SECONDS_DEFAULT : said;
	const char *issued = json_str(json_get(root, "issued_at"), NULL);
	int64_t then;
	uint32_t nsec;

	if (seconds > TOKEN_SECONDS_MAX)
		seconds = TOKEN_SECONDS_MAX;
	if (issued && text_parse_rfc3339(issued, &then, &nsec) == 0) {
		const int64_t age = (int64_t)time(NULL) - then;

		if (age > 0 && age < seconds)
			seconds -= age;
	}
	return (uint64_t)seconds;
}

static int read_token(const struct token_request *r, const struct buf *body, struct token *ret,
		      struct err *err)
{
	struct json *_secret_json_ root = NULL;
	char *_free_ realm = url_shown(r->realm);

	/* The parser's message may quote the token. */
	if (json_parse(buf_str(body), body->len, &root, NULL) < 0)
		return err_set(err, ERR_DAMAGED, "token server %s: its answer is not valid JSON",
			       realm);
	const char *value = json_str(json_get(root, "token"), "");

	if (!*value)
		value = json_str(json_get(root, "access_token"), "");
	if (!*value || !is_header_text(value))
		return err_set(err, ERR_DAMAGED, "token server %s: its answer holds no token",
			       realm);
	ret->value = xstrdup(value);
	ret->seconds = lifetime(root);
	return 0;
}

/* --- the exchange ---------------------------------------------------------------------------- */

static int exchange(struct op *op, const struct token_request *r, const struct auth_exchange *x,
		    struct token *ret, struct err *err)
{
	struct buf _secret_buf_ body = BUF_INIT(AUTH_TOKEN_BYTES_MAX);
	struct auth_reply reply = { .body = &body };

	if (buf_reserve(&body, AUTH_TOKEN_BYTES_MAX, err) < 0 ||
	    r->config->exchange(r->config->exchange_arg, op, x, &reply, err) < 0) {
		char *_free_ realm = url_shown(r->realm);

		return err_prefix(err, "token server %s", realm);
	}
	/* A server without the OAuth2 form: the caller goes on with the other. */
	if (x->form && (reply.status == 404 || reply.status == 405))
		return 1;
	return reply.status == 200 ? read_token(r, &body, ret, err)
				   : refused(r, reply.status, &body, err);
}

static int by_query(struct op *op, const struct token_request *r, struct token *ret,
		    struct err *err)
{
	const struct credential *c = r->credential;
	struct buf _buf_ url = BUF_INIT(REQUEST_BYTES_MAX);
	char *_secret_ basic = NULL;

	TRY(make_query(r, &url, err));
	if (c->identity_token)
		TRY(token_basic(CREDENTIAL_TOKEN_USER, c->identity_token, &basic, err));
	else if (c->user && c->secret)
		TRY(token_basic(c->user, c->secret, &basic, err));
	const struct auth_exchange x = { "GET", buf_str(&url), basic, NULL, r->registry };

	return exchange(op, r, &x, ret, err);
}

static int by_form(struct op *op, const struct token_request *r, struct token *ret, struct err *err)
{
	struct buf _secret_buf_ form = BUF_INIT(REQUEST_BYTES_MAX);
	char *_free_ url = url_text(r->realm);

	TRY(make_form(r, &form, err));
	const struct auth_exchange x = { "POST", url, NULL, buf_str(&form), r->registry };

	return exchange(op, r, &x, ret, err);
}

int token_fetch(struct op *op, const struct token_request *r, struct token *ret, struct err *err)
{
	const struct credential *c = r->credential;
	char *_free_ realm = url_shown(r->realm);

	if ((c->secret || c->identity_token) && !token_may_carry(r->config, r->realm)) {
		(void)err_set(err, ERR_DENIED,
			      "token server %s: credentials are not sent over plain http", realm);
		err_hint(err, "--plain-http allows it");
		return -err_class(ERR_DENIED)->errnum;
	}
	if (c->identity_token) {
		const int rc = by_form(op, r, ret, err);

		if (rc <= 0)
			return rc;
	}
	return by_query(op, r, ret, err);
}
