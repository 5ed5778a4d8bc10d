/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as options of libcurl. Everything libcurl would do on its own is off: redirects,
 * credentials from .netrc, cookies, decoding of the content, answers without headers, protocols
 * other than HTTP, and waiting for "100 Continue".
 *
 * Proxies are libcurl's business, by its rules: http_proxy (lower case only: in a CGI program a
 * peer's header can set HTTP_PROXY), https_proxy or HTTPS_PROXY, all_proxy or ALL_PROXY, no_proxy
 * or NO_PROXY. Loopback hosts are never asked through a proxy, as in Go's clients.
 */
#include "net/http_priv.h"

#include "base/text.h"

/* Options are set one after the other; the first failure is kept. */
struct setup {
	const struct curl_dl *curl;
	CURL *easy;
	CURLcode code;
};

static void keep(struct setup *s, CURLcode code)
{
	if (s->code == CURLE_OK)
		s->code = code;
}

static void set_long(struct setup *s, CURLoption option, long value)
{
	keep(s, s->curl->easy_setopt(s->easy, option, value));
}

static void set_ptr(struct setup *s, CURLoption option, const void *value)
{
	keep(s, s->curl->easy_setopt(s->easy, option, value));
}

/* What is the same for every request. */
static void set_constants(struct setup *s)
{
	static const struct {
		CURLoption option;
		long value;
	} longs[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_HTTP_CONTENT_DECODING, 0 },
		{ CURLOPT_PATH_AS_IS, 1 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_BUFFERSIZE, HTTP_READ_BYTES },
		{ CURLOPT_UPLOAD_BUFFERSIZE, HTTP_READ_BYTES },
		{ CURLOPT_NOPROGRESS, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(longs); i++)
		set_long(s, longs[i].option, longs[i].value);
#if LIBCURL_VERSION_NUM >= 0x075500
	/* Unknown to a library before 7.85; url_parse lets nothing else through anyway. */
	(void)s->curl->easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https");
#endif
}

static void set_callbacks(struct setup *s, struct http_response *res)
{
	set_ptr(s, CURLOPT_ERRORBUFFER, res->lane->error_text);
	keep(s, s->curl->easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, http_on_header));
	keep(s, s->curl->easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, http_on_body));
	set_ptr(s, CURLOPT_HEADERDATA, res);
	set_ptr(s, CURLOPT_WRITEDATA, res);
}

static bool is_method_with_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

static void set_upload(struct setup *s, struct http_response *res, const struct http_request *req)
{
	res->upload = (struct upload){ .data = req->body_source ? NULL : req->body,
				       .have = req->body_source ? 0 : req->body_len,
				       .left = req->body_len,
				       .total = req->body_len,
				       .start = req->body_source ? NULL : req->body,
				       .source = req->body_source };
	set_long(s, CURLOPT_UPLOAD, 1);
	keep(s, s->curl->easy_setopt(s->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->body_len));
	keep(s, s->curl->easy_setopt(s->easy, CURLOPT_READFUNCTION, http_on_upload));
	keep(s, s->curl->easy_setopt(s->easy, CURLOPT_SEEKFUNCTION, http_on_rewind));
	set_ptr(s, CURLOPT_READDATA, res);
	set_ptr(s, CURLOPT_SEEKDATA, res);
}

static void set_method(struct setup *s, struct http_response *res, const struct http_request *req)
{
	const char *method = req->method;

	if (strcmp(method, "HEAD") == 0)
		set_long(s, CURLOPT_NOBODY, 1);
	else if (req->body || req->body_source || is_method_with_body(method))
		set_upload(s, res, req);
	else
		set_long(s, CURLOPT_HTTPGET, 1);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 && strcmp(method, "PUT") != 0)
		set_ptr(s, CURLOPT_CUSTOMREQUEST, method);
}

static int add_header(struct http_response *res, const char *line, struct err *err)
{
	struct curl_slist *list = res->client->curl.slist_append(res->request_headers, line);

	if (!list)
		return err_set(err, ERR_FAILED, "no memory for headers");
	res->request_headers = list;
	return 0;
}

static int make_headers(struct http_response *res, const struct http_request *req, struct err *err)
{
	TRY(add_header(res, "Expect:", err));
	for (size_t i = 0; i < req->header_count; i++) {
		const struct http_header *h = &req->headers[i];

		if (strpbrk(h->name, "\r\n:; ") || strpbrk(h->value, "\r\n"))
			return err_set(err, ERR_USAGE, "a line break in the header %s",
				       TEXT_ESCAPED(h->name));
		/* libcurl takes "Name:" for "leave it out" and "Name;" for one without a value. */
		_free_ char *line = *h->value ? xasprintf("%s: %s", h->name, h->value)
					      : xasprintf("%s;", h->name);

		TRY(add_header(res, line, err));
	}
	return 0;
}

static bool is_openssl(const struct curl_dl *curl)
{
	const char *library = curl->version_info(CURLVERSION_NOW)->ssl_version;

	return library && text_starts_with(library, "OpenSSL");
}

static int set_tls(struct setup *s, struct http_response *res, const struct http_tls *tls,
		   struct err *err)
{
	static const struct http_tls defaults;
	const char *roots = NULL;

	if (!tls)
		tls = &defaults;
	if (tls->insecure) {
		set_long(s, CURLOPT_SSL_VERIFYPEER, 0);
		set_long(s, CURLOPT_SSL_VERIFYHOST, 0);
	} else {
		TRY(http_roots(res->client, tls->ca_dir, &roots, err));
	}
	if (roots) {
		set_ptr(s, CURLOPT_CAINFO, roots);
		set_ptr(s, CURLOPT_CAPATH, NULL);
	}
	if (tls->cert_file) {
		set_ptr(s, CURLOPT_SSLCERT, tls->cert_file);
		set_ptr(s, CURLOPT_SSLKEY, tls->key_file);
		/*
		 * Else OpenSSL asks the terminal for the password of an encrypted key; GnuTLS takes
		 * this for one.
		 */
		if (is_openssl(s->curl))
			set_ptr(s, CURLOPT_KEYPASSWD, "");
	}
	return 0;
}

int http_setup(struct http_response *res, const struct http_request *req, const struct url *url,
	       struct err *err)
{
	const struct http_config *config = &res->client->config;
	struct setup s = { .curl = &res->client->curl, .easy = res->lane->easy };
	_free_ char *text = url_text(url);

	s.curl->easy_reset(s.easy);
	res->lane->error_text[0] = '\0';
	set_constants(&s);
	set_callbacks(&s, res);
	set_method(&s, res, req);
	TRY(make_headers(res, req, err));
	if (url->is_https)
		TRY(set_tls(&s, res, req->tls, err));
	set_ptr(&s, CURLOPT_URL, text);
	set_ptr(&s, CURLOPT_USERAGENT, config->user_agent);
	set_ptr(&s, CURLOPT_HTTPHEADER, res->request_headers);
	set_long(&s, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms);
	set_long(&s, CURLOPT_FRESH_CONNECT, res->wants_fresh);
	if (url_host_is_loopback(url->host))
		set_ptr(&s, CURLOPT_NOPROXY, "*");
	if (s.code != CURLE_OK)
		return err_set(err, ERR_UNSUPPORTED, "libcurl: %s", s.curl->easy_strerror(s.code));
	return 0;
}
