/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP client over libcurl (loaded with dlopen at the first request: it costs ten milliseconds):
 * one request, one response whose body is a source. HTTP/1.1 and HTTP/2, connections kept and
 * reused over requests and threads, TLS with a host's own CAs and client certificate, proxies from
 * the environment. Knows nothing of redirects, retries or credentials: net/fetch.h stands on it for
 * those.
 */
#ifndef IMG_NET_HTTP_H
#define IMG_NET_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"
#include "stream/source.h"

#include <stdbool.h>
#include <stdint.h>

struct http_client;

/*
 * Version of libcurl, which is loaded for it, into dst: "7.88.1 (OpenSSL/3.0.17)". ERR_UNSUPPORTED
 * when there is none.
 */
int http_library_version(char *dst, size_t dst_bytes, struct err *err);

struct http_config {
	const char *user_agent;	     /* NULL: "img/VERSION" */
	uint64_t header_bytes_max;   /* of one response, all headers; 0: 256 KiB */
	unsigned connect_timeout_ms; /* 0: 15 s */
	/* no byte, or no KiB of a body, for so long: ERR_TIMEOUT; 0: 60 s */
	unsigned idle_timeout_ms;
};
struct http_client *http_client_new(const struct http_config *config);
/* No request may be open any more. */
void http_client_free(struct http_client *client);

/* How to speak TLS to one host; borrowed during the request. */
struct http_tls {
	bool insecure;	       /* accept any certificate (--tls-verify=false) */
	const char *ca_dir;    /* folder whose *.crt are further roots, or NULL */
	const char *cert_file; /* client certificate and key, PEM, or NULL */
	const char *key_file;
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
	const char *url;    /* absolute, http or https */
	const struct http_header *headers;
	size_t header_count;
	const void *
		/* or NULL; borrowed until the response is closed; never preceded by "Expect" */
		body;
	size_t body_len;
	/* or a stream of body_len bytes; taken over, whatever comes of it */
	struct source *body_source;
	const struct http_tls *tls; /* or NULL for the system's defaults */
	/* Until the end of the headers; 0: five idle timeouts, none for a request with a body. */
	unsigned total_timeout_ms;
};

/*
 * An answer whose headers have come; the body is still on the wire. One thread at a time; client
 * and op outlive it.
 */
struct http_response;

/*
 * Sends and waits for the final status line and headers (1xx skipped). Any status is a success
 * here; ERR_NETWORK, ERR_TIMEOUT, ERR_LIMIT (headers), ERR_DAMAGED (not HTTP; with a hint when
 * plain HTTP answered TLS), ERR_CANCELLED otherwise. Certificate trouble is ERR_DENIED with a hint
 * that names --tls-verify, --cert-dir.
 */
int http_send(struct http_client *client, struct op *op, const struct http_request *req,
	      struct http_response **ret, struct err *err);
/*
 * Ends the transfer (reusing the connection only if the body was read to its end) and frees. NULL
 * is fine.
 */
void http_response_close(struct http_response *res);

static inline void http_response_close_p(struct http_response **res)
{
	http_response_close(*res);
}
#define _response_ __attribute__((cleanup(http_response_close_p)))

unsigned http_response_status(const struct http_response *res);
/* The URL that was asked, query and all: what a Location is relative to. Borrowed; not to be shown. */
const char *http_response_url(const struct http_response *res);
/*
 * First value of a header (case-insensitive), NULL when absent; and the n-th of several. Borrowed.
 */
const char *http_response_header(const struct http_response *res, const char *name);
const char *http_response_header_at(const struct http_response *res, const char *name, size_t n);
/* Content-Length, or -1. */
int64_t http_response_length(const struct http_response *res);
/*
 * The body; borrowed, lives with the response (closing the source itself is not needed and does
 * nothing).
 */
struct source *http_response_body(struct http_response *res);
/* The whole body into `out` (its cap is the limit). */
int http_response_read(struct http_response *res, struct buf *out, struct err *err);

#endif
