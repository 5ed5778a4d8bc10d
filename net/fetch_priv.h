/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of fetch share: the hosts it knows, one call over its tries. */
#ifndef IMG_NET_FETCH_PRIV_H
#define IMG_NET_FETCH_PRIV_H

#include "base/mem.h"
#include "net/auth.h"
#include "net/backoff.h"
#include "net/certs.h"
#include "net/fetch.h"
#include "net/reply.h"
#include "net/url.h"

#include <pthread.h>

#define REDIRECTS_MAX 10
#define WARNINGS_MAX  64 /* different ones that are remembered */

enum host_scheme { SCHEME_UNKNOWN, SCHEME_HTTP, SCHEME_HTTPS };

/* A host and how to speak to it. Lives as long as the fetch; only `scheme` changes. */
struct fetch_host {
	struct fetch_host *next;
	char *name;		 /* "registry.example:5000" */
	struct certs certs;	 /* constant */
	pthread_mutex_t probing; /* held while the scheme is found out; guards `scheme` */
	enum host_scheme scheme;
};

struct fetch {
	struct fetch_config config; /* constant; its strings are owned */
	struct http_client *http;
	struct credentials *credentials;
	struct auth *auth;
	pthread_mutex_t lock; /* guards what follows */
	struct fetch_host *hosts;
	char *warnings[WARNINGS_MAX];
	size_t warning_count;
};

/* Finds the host, with its certificates, or makes it. Borrowed from the fetch. */
int fetch_host_get(struct fetch *f, const char *name, struct fetch_host **ret, struct err *err);
void fetch_hosts_free(struct fetch_host *hosts);
/* Decides http or https by the flags, the name, and a probe where these leave it open. */
int fetch_host_scheme(struct fetch *f, struct op *op, struct fetch_host *host, bool *ret_https,
		      struct err *err);
/*
 * How to speak TLS to `url` on the way of a call to `host`: with all that certs.d has for the host
 * when `url` is NULL, which means the host itself. Strings are borrowed from the fetch.
 */
int fetch_host_tls(struct fetch *f, const struct fetch_host *host, const struct url *url,
		   struct http_tls *ret, struct err *err);

/* One request over all its tries, redirects and challenges. */
struct fetch_call {
	struct fetch *f;
	struct op *op;
	const struct fetch_request *req;
	bool is_exchange;	   /* with a token realm, which `home` then is: */
	const char *authorization; /* what to send there, instead of the session's; or NULL */
	struct fetch_host *host;   /* the registry */
	struct url home;	   /* the registry's origin; its path is "/" */
	bool is_prepared;
	struct auth_session session;

	struct url at;			  /* where this try has got to */
	char *visited[REDIRECTS_MAX + 1]; /* URLs of this try */
	unsigned hops;

	bool auth_failed;   /* after tries of its own */
	bool is_retryable;  /* what made the last try fail may pass */
	int64_t asked_ms;   /* Retry-After of the last answer, or -1 */
	struct buf refusal; /* body of the last answer that was no success */
	/* whose body that is: an address, not to be followed */
	const struct http_response *refused;
};
void fetch_call_init(struct fetch_call *c, struct fetch *f, struct op *op,
		     const struct fetch_request *req);
void fetch_call_fini(struct fetch_call *c);
#define _fetch_call_ __attribute__((cleanup(fetch_call_fini)))

/* Tries until there is an answer or no try is left. */
int fetch_call_run(struct fetch_call *c, struct backoff *backoff, struct http_response **ret,
		   struct err *err);
/* Follows redirects and answers challenges until there is another answer. */
int fetch_call_try(struct fetch_call *c, struct http_response **ret, struct err *err);
/* Turns an answer into an error, with what its body says. Sets is_retryable and asked_ms. */
int fetch_call_refused(struct fetch_call *c, struct http_response *res, struct err *err);
/*
 * Reads a short body to its end, so that the connection can be kept, into c->refusal; never fails.
 */
void fetch_call_keep_body(struct fetch_call *c, struct http_response *res);
/* Passes on what the registry wants users to see, once each. */
void fetch_note_warnings(struct fetch *f, struct op *op, const char *host,
			 const struct http_response *res);

/* auth_exchange_fn; `arg` is the fetch. */
int fetch_exchange(void *arg, struct op *op, const struct auth_exchange *exchange,
		   struct auth_reply *ret, struct err *err);

#endif
