/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that gets through: redirects followed by hand (credentials never leave host, port and
 * scheme; https never falls to http), challenges answered with tokens or basic credentials, retries
 * with backoff and Retry-After, and clear errors. One `struct fetch` serves one process and all
 * hosts; thread-safe.
 */
#ifndef IMG_NET_FETCH_H
#define IMG_NET_FETCH_H

#include "net/http.h"

struct backoff;
struct fetch;

/* From the command line and its environment; strings are copied. */
struct fetch_config {
	bool plain_http; /* --plain-http: speak http to every registry */
	/* --tls-verify; false also allows a fall back to http when the host speaks no TLS */
	bool tls_verify;
	bool https_only; /* --tls-verify=true was given: https to loopback hosts as well */
	const char *
		/* --cert-dir or NULL: holds the *.crt, *.cert, *.key of the hosts asked */
		cert_dir;
	const char *authfile;	 /* --authfile or NULL: the usual files */
	const char *creds;	 /* --creds USER[:PASS] or NULL */
	unsigned retries;	 /* --retry: further tries after the first */
	unsigned backoff_ms;	 /* wait before the second try, doubled each time; 0: 500 */
	struct http_config http; /* zeros for the defaults */
};
int fetch_new(const struct fetch_config *config, struct fetch **ret, struct err *err);
/* No response and no source of it may be open any more. */
void fetch_free(struct fetch *f);

/*
 * A body too large for memory: opened for each time that it is sent (again after a 401, a 429, a
 * redirect; never after it broke off, when only the registry knows how much it has).
 */
struct fetch_stream {
	int (*open)(void *arg, struct source **ret, struct err *err);
	void *arg;
};
/* Why a request failed, for callers with a patience of their own. */
struct fetch_refusal {
	unsigned status;  /* of the last answer; 0: there was none */
	bool may_pass;	  /* another try later may do better */
	int64_t asked_ms; /* Retry-After, or -1 */
};

/* What is asked of a registry host. Borrowed. */
struct fetch_request {
	const char *host;   /* "registry.example:5000", as in a reference (for Hub its API host) */
	const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
	/*
	 * "/v2/..." with query, already escaped, or any URL that the host gave (Location, Link, a
	 * layer's foreign URL): one of another origin is treated like a redirect there, so no
	 * credentials go with it and private places are refused; `host` stays the registry's.
	 */
	const char *path;
	const char *scope;	/* "repository:NAME:pull" for tokens, or NULL */
	const char *repository; /* "host/ns/repo" for namespaced credentials, or NULL */
	/* key of the credential files when it is not the host (Hub), or NULL */
	const char *auth_key;
	const struct http_header *headers;
	size_t header_count;
	const void *body; /* or NULL */
	size_t body_len;
	const struct fetch_stream *body_stream; /* or body_len bytes of this */
	bool anonymous;				/* no credentials at all (foreign layer URLs) */
	bool is_repeatable; /* POST, PATCH: twice is as good as once, so it is retried as well */
	bool is_once;	    /* no retries at all: what is nice to have */
	struct fetch_refusal *refusal; /* written on failure; or NULL */
};
/*
 * Sends until an answer comes that is not 401, a redirect, or retryable. Gives 2xx and 416 answers;
 * other statuses become errors: 404 ERR_NOT_FOUND, 401 ERR_AUTH, 403 ERR_DENIED, 429 and 503
 * ERR_BUSY, other 5xx ERR_SERVER, else mostly ERR_FAILED (net/reply.c), with the registry's own
 * error texts (escaped, first few) in the message.
 */
int fetch_send(struct fetch *f, struct op *op, const struct fetch_request *req,
	       struct http_response **ret, struct err *err);

/* The patience of the configuration, for retries that the caller makes itself. */
void fetch_backoff(const struct fetch *f, struct backoff *ret);

/* A GET of `total_bytes` bytes (the size promised by the descriptor), from `offset` on. */
struct fetch_body {
	struct fetch_request req; /* copied; `method` and `body` are not looked at */
	uint64_t offset;
	uint64_t total_bytes;
	/* out: where the source begins: `offset`, or 0 when the server ignores Range */
	uint64_t ret_offset;
};
/*
 * Opens a body that survives broken connections: it goes on with Range from where it was, as often
 * as the retries allow without progress. The source gives exactly total_bytes - ret_offset bytes or
 * fails: ERR_DAMAGED when the server has another size (known before the first byte where it sends
 * Content-Length). Fetch and op outlive the source.
 */
int fetch_open(struct fetch *f, struct op *op, struct fetch_body *body, struct source **ret,
	       struct err *err);
#endif
