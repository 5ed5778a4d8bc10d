/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts, and http or https. https is the rule. Plain http is spoken
 *
 *	to every host with --plain-http;
 * to loopback hosts that answer it, unless --tls-verify=true was given or certs.d has a folder with
 * something for the host;
 *	with --tls-verify=false to hosts that don't speak TLS.
 *
 * The last two need a look: a GET of /v2/ without credentials, once a host and process, in the
 * first scheme and, when the answer is not one of that scheme, in the other. An answer of any
 * status decides.
 */
#include "net/fetch_priv.h"

#include "base/text.h"

void fetch_hosts_free(struct fetch_host *host)
{
	while (host) {
		struct fetch_host *next = host->next;

		pthread_mutex_destroy(&host->probing);
		certs_fini(&host->certs);
		free(host->name);
		free(host);
		host = next;
	}
}

static int host_new(struct fetch *f, const char *name, struct fetch_host **ret, struct err *err)
{
	_certs_ struct certs certs = { 0 };
	struct fetch_host *host;

	if (f->config.cert_dir)
		TRY(certs_read(f->config.cert_dir, &certs, err));
	else
		TRY(certs_find_usual(name, &certs, err));
	host = NEW(struct fetch_host);
	host->name = xstrdup(name);
	host->certs = certs;
	certs = (struct certs){ 0 };
	pthread_mutex_init(&host->probing, NULL);
	*ret = host;
	return 0;
}

int fetch_host_get(struct fetch *f, const char *name, struct fetch_host **ret, struct err *err)
{
	struct fetch_host *host;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	for (host = f->hosts; host; host = host->next)
		if (strcmp(host->name, name) == 0)
			break;
	if (!host) {
		rc = host_new(f, name, &host, err);
		if (rc == 0) {
			host->next = f->hosts;
			f->hosts = host;
		}
	}
	pthread_mutex_unlock(&f->lock);
	if (rc == 0)
		*ret = host;
	return rc;
}

int fetch_host_tls(struct fetch *f, const struct fetch_host *host, const struct url *url,
		   struct http_tls *ret, struct err *err)
{
	struct http_tls tls = { .insecure = !f->config.tls_verify, .ca_dir = host->certs.ca_dir };

	if (!url) {
		tls.cert_file = host->certs.cert_file;
		tls.key_file = host->certs.key_file;
	} else if (url->is_https) {
		/*
		 * Another host: its own roots, else those of the host that led to it; never a
		 * client certificate.
		 */
		_free_ char *origin = url_origin(url);
		struct fetch_host *other;

		TRY(fetch_host_get(f, strstr(origin, "//") + 2, &other, err));
		if (other->certs.ca_dir)
			tls.ca_dir = other->certs.ca_dir;
	}
	*ret = tls;
	return 0;
}

/* A server that speaks TLS may say so in plain HTTP: Go's, nginx, Apache. */
static bool is_tls_complaint(const struct http_response *res, const char *body)
{
	static const char *const words[] = { "HTTP request to an HTTPS server",
					     "plain HTTP request was sent to HTTPS port",
					     "speaking plain HTTP to an SSL-enabled server" };

	if (http_response_status(res) != 400)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(body, words[i]))
			return true;
	return false;
}

/* Asks in one scheme. Returns 0 when the host speaks it. */
static int ask(struct fetch *f, struct op *op, struct fetch_host *host, bool is_https,
	       struct err *err)
{
	_response_ struct http_response *res = NULL;
	_buf_ struct buf body = BUF_INIT(REPLY_BODY_BYTES_MAX);
	_url_ struct url url = { 0 };
	_free_ char *text = NULL;
	struct http_tls tls;

	TRY(url_of_host(host->name, is_https, "/v2/", &url, err));
	TRY(fetch_host_tls(f, host, NULL, &tls, err));
	text = url_text(&url);
	TRY(http_send(f->http, op,
		      &(struct http_request){ .method = "GET", .url = text, .tls = &tls }, &res,
		      err));
	if (http_response_read(res, &body, NULL) < 0)
		return op_check(op, err);
	if (!is_https && is_tls_complaint(res, buf_str(&body)))
		return err_set(err, ERR_DAMAGED, "%s: it speaks https, not http", host->name);
	return 0;
}

/* Does the error say that the host may speak the other scheme? */
static bool is_other(const struct err *why)
{
	return why->kind == ERR_DAMAGED || why->kind == ERR_NETWORK;
}

/* Tries both. host->probing is held. */
static int probe(struct fetch *f, struct op *op, struct fetch_host *host, bool https_first,
		 struct err *err)
{
	struct err first = { 0 }, second = { 0 };
	bool is_https = https_first;

	if (ask(f, op, host, is_https, &first) < 0) {
		is_https = !is_https;
		if (!is_other(&first) || ask(f, op, host, is_https, &second) < 0) {
			/* A second error that tells more than "not that either". */
			const bool better = second.kind != ERR_NONE && !is_other(&second);

			*err = better ? second : first;
			return -err->errnum;
		}
	}
	host->scheme = is_https ? SCHEME_HTTPS : SCHEME_HTTP;
	return 0;
}

static bool has_certs(const struct certs *c)
{
	return c->ca_dir || c->cert_file;
}

static bool is_loopback(const char *name)
{
	_url_ struct url url = { 0 };

	return url_of_host(name, false, "/", &url, NULL) == 0 && url_host_is_loopback(url.host);
}

int fetch_host_scheme(struct fetch *f, struct op *op, struct fetch_host *host, bool *ret_https,
		      struct err *err)
{
	const struct fetch_config *config = &f->config;
	const bool may_be_plain = is_loopback(host->name) && !config->https_only &&
				  !has_certs(&host->certs);
	struct err why = { 0 };
	int rc = 0;

	if (config->plain_http || (!may_be_plain && config->tls_verify)) {
		*ret_https = !config->plain_http;
		return 0;
	}
	pthread_mutex_lock(&host->probing);
	if (host->scheme == SCHEME_UNKNOWN)
		rc = probe(f, op, host, !may_be_plain, &why);
	if (rc == 0)
		*ret_https = host->scheme == SCHEME_HTTPS;
	pthread_mutex_unlock(&host->probing);
	if (rc < 0 && err)
		*err = why;
	return rc;
}
