/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that gets through: redirects followed by hand (credentials never leave host, port and scheme; https never falls to http), challenges
 * answered with tokens or basic credentials, retries with backoff and Retry-After, and clear errors. One `struct fetch` serves one process and
 * all hosts; thread-safe.
 */
#ifndef IMG_NET_FETCH_H
#define IMG_NET_FETCH_H

#include "net/http.h"

struct fetch;

/* From the command line and its environment; strings are copied. */
struct fetch_config {
	bool plain_http; /* --plain-http: speak http to every registry */
	bool tls_verify; /* --tls-verify; false also allows a fall back to http when the host speaks no TLS */
	const char *cert_dir; /* --cert-dir or NULL: certs.d of the host */
	const char *authfile; /* --authfile or NULL: the usual files */
	const char *creds;    /* --creds USER[:PASS] or NULL */
	unsigned retries;     /* --retry: further tries after the first */
};
int fetch_new(const struct fetch_config *config, struct fetch **ret, struct err *err);
void fetch_free(struct fetch *f);

/* What is asked of a registry host. */
struct fetch_request {
	const char *
		host; /* "registry.example:5000", as in a reference; Hub's API host is the caller's business */
	const char *method;
	const char *
		path; /* "/v2/..." with query, already escaped; or an absolute URL that the host itself gave (Link, Location) */
	const char *scope;	/* "repository:NAME:pull" for tokens, or NULL */
	const char *repository; /* "host/ns/repo" for namespaced credentials, or NULL */
	const char *auth_key; /* key of the credential files when it is not the host (Hub), or NULL */
	const struct http_header *headers;
	size_t header_count;
	const void *body;
	size_t body_len;
	bool anonymous; /* no credentials at all (foreign layer URLs) */
};
/*
 * Sends until an answer comes that is not 401, a redirect, or retryable. Gives 2xx and 416 answers; other statuses become errors: 404 ERR_NOT_FOUND, 401 ERR_AUTH, 403 ERR_DENIED,
 * 429 ERR_BUSY, 5xx ERR_SERVER, else ERR_FAILED, with the registry's own error texts (escaped, first few) in the message.
 */
int fetch_send(struct fetch *f, struct op *op, const struct fetch_request *req,
	       struct http_response **ret, struct err *err);
/*
 * A GET body from `offset` that survives broken connections: it goes on with Range from where it was, as often as the retries allow without progress. `total` is the size
 * promised by the descriptor. `*ret_offset` is 0 when the server ignores Range.
 */
int fetch_open(struct fetch *f, struct op *op, const struct fetch_request *req, uint64_t offset,
	       uint64_t total, uint64_t *ret_offset, struct source **ret, struct err *err);
/* Whether this host is spoken to over plain http by the rules (flag, loopback, probe). */
bool fetch_is_plain_host(const char *host);

#endif
