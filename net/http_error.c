/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's results in our words: the kind decides whether trying again makes sense and which exit
 * code the user gets. libcurl's own text may quote the peer, so it is escaped. Where one code
 * stands for several troubles its text has to tell them apart; an unknown text falls to the milder
 * kind.
 */
#include "net/http_priv.h"

#include "base/text.h"

struct meaning {
	CURLcode code;
	enum err_kind kind;
};

static const struct meaning meanings[] = {
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_DAMAGED }, /* an answer in HTTP/0.9 */
	{ CURLE_WEIRD_SERVER_REPLY, ERR_DAMAGED },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_NETWORK },
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_NETWORK },
	{ CURLE_COULDNT_CONNECT, ERR_NETWORK },
	{ CURLE_HTTP2, ERR_NETWORK },
	{ CURLE_HTTP2_STREAM, ERR_NETWORK },
	{ CURLE_PARTIAL_FILE, ERR_NETWORK },
	{ CURLE_GOT_NOTHING, ERR_NETWORK },
	{ CURLE_SEND_ERROR, ERR_NETWORK },
	{ CURLE_RECV_ERROR, ERR_NETWORK },
	{ CURLE_SEND_FAIL_REWIND, ERR_NETWORK },
	{ CURLE_PROXY, ERR_NETWORK },
	{ CURLE_SSL_CONNECT_ERROR, ERR_NETWORK },
	{ CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT },
	{ CURLE_OUT_OF_MEMORY, ERR_LIMIT }, /* what libcurl says of a line beyond its own bounds */
	{ CURLE_SSL_CERTPROBLEM, ERR_DENIED },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_DENIED },
	{ CURLE_SSL_CACERT_BADFILE, ERR_DENIED },
	{ CURLE_SSL_ISSUER_ERROR, ERR_DENIED },
	{ CURLE_SSL_INVALIDCERTSTATUS, ERR_DENIED },
};

static enum err_kind kind_of(CURLcode code)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].code == code)
			return meanings[i].kind;
	return ERR_FAILED;
}

static bool says(const char *text, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

/* The peer's first bytes were not TLS: OpenSSL's words (by version), GnuTLS's. */
static bool is_not_tls(const char *text)
{
	static const char *const words[] = { "wrong version number", "packet length too long",
					     "record layer failure", "http request",
					     "unknown protocol",     "unexpected TLS packet" };

	return says(text, words, ARRAY_SIZE(words));
}

/* The peer spoke TLS and refused us: a client certificate that is missing or not liked, mostly. */
static bool is_tls_refusal(const char *text)
{
	static const char *const words[] = { "alert", "fatal alert", "certificate required" };

	return says(text, words, ARRAY_SIZE(words));
}

static int describe(const struct http_response *res, CURLcode code, enum err_kind kind,
		    struct err *err)
{
	const struct curl_dl *curl = &res->client->curl;
	const char *own = res->lane->error_text;
	long os_errno = 0;
	char reason[128];

	if (code == CURLE_COULDNT_CONNECT)
		(void)curl->easy_getinfo(res->lane->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (os_errno > 0)
		return err_set(err, kind, "%s: %s", res->where,
			       strerror_r((int)os_errno, reason, sizeof(reason)));
	if (!*own)
		own = curl->easy_strerror(code);
	return err_set(err, kind, "%s: %s", res->where, TEXT_ESCAPED(own));
}

int http_error(const struct http_response *res, CURLcode code, struct err *err)
{
	const char *text = res->lane->error_text;
	const enum err_kind kind = kind_of(code);
	int rc;

	if (res->is_https && code == CURLE_SSL_CONNECT_ERROR && is_not_tls(text)) {
		rc = err_set(err, ERR_DAMAGED, "%s: the answer is not TLS", res->where);
		err_hint(err, "if the host speaks plain http: --plain-http");
		return rc;
	}
	if (res->is_https && (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR) &&
	    is_tls_refusal(text)) {
		rc = describe(res, code, ERR_DENIED, err);
		err_hint(err, "a client certificate may be wanted: certs.d or --cert-dir");
		return rc;
	}
	if (kind == ERR_DAMAGED)
		return err_set(err, kind, "%s: the answer is not HTTP (%s)", res->where,
			       TEXT_ESCAPED(*text ? text : "no header"));
	rc = describe(res, code, kind, err);
	if (code == CURLE_SSL_CACERT_BADFILE)
		err_hint(err, "install ca-certificates, or name a file with SSL_CERT_FILE");
	else if (kind == ERR_DENIED)
		err_hint(err, "name its CA with certs.d or --cert-dir, or accept any certificate "
			      "with --tls-verify=false");
	return rc;
}
