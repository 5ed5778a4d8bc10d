/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to 401 (distribution's token and OAuth2 specifications; RFC 9110 section 11): which
 * Authorization a request carries. Knows credentials and tokens, not HTTP: the one exchange it
 * needs, asking a realm for a token, is made by its caller (net/fetch.c). Trusts the registry with
 * its own credentials and nothing else: a realm must be https unless the registry is not, and a
 * token goes only to the host and port it was made for.
 *
 *	struct auth_session s = { .target = {...} };
 *	auth_prepare(auth, op, &s, err);                        // s.header: send it when not NULL
 *	while (status == 401)
 *		auth_answer(auth, op, &s, &lines, err); // 0: send again with s.header
 *	auth_session_fini(&s);
 */
#ifndef IMG_NET_AUTH_H
#define IMG_NET_AUTH_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"
#include "net/credentials.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest answer of a token server. */
#define AUTH_TOKEN_BYTES_MAX ((size_t)64 << 10)

/* A request to a realm. */
struct auth_exchange {
	const char *method; /* "GET" or "POST" */
	const char *url;    /* absolute */
	/* value of the header, or NULL; never to be sent to another origin */
	const char *authorization;
	const char *form; /* POST: an application/x-www-form-urlencoded body, else NULL */
	const char *host; /* the registry that named the realm (its certs.d is not the realm's) */
};
struct auth_reply {
	unsigned status;
	struct buf *body; /* the caller's, whose cap is the limit */
};
/*
 * Makes the exchange: any status that is not worth another try is a success here. Retries those
 * that are (429, 5xx, broken connections), then fails. May be called from several threads at once.
 */
typedef int auth_exchange_fn(void *arg, struct op *op, const struct auth_exchange *exchange,
			     struct auth_reply *ret, struct err *err);

struct auth_config {
	const struct credentials *credentials; /* borrowed, outlives the auth */
	/*
	 * Credentials may go over plain http to hosts other than loopback (--plain-http,
	 * --tls-verify=false).
	 */
	bool plain_allowed;
	auth_exchange_fn *exchange;
	uint64_t (*clock)(void *arg); /* seconds that never go back; NULL: since boot */
	void *exchange_arg;	      /* of both */
};

/* Challenges, credentials and tokens of a process; thread-safe. */
struct auth;
struct auth *auth_new(const struct auth_config *config);
void auth_free(struct auth *a);

/* Whom a request asks for what. Strings are borrowed. */
struct auth_target {
	const char *host;	/* "registry.example:5000": where the request goes */
	bool is_plain;		/* over http */
	const char *scope;	/* "repository:NAME:pull", several joined by a space, or NULL */
	const char *repository; /* "host/ns/repo" for credentials of a namespace, or NULL */
	const char *auth_key;	/* key in credential files when it is not the host, or NULL */
};

/* One request over its tries. Value: zero but for the target; release with auth_session_fini. */
struct auth_session {
	struct auth_target target;
	char *header; /* value of Authorization for the next try, or NULL for none. Owned, wiped */
	unsigned answers;
	bool fresh;  /* the header was made for this request, so a further 401 is not old age */
	bool merged; /* insufficient_scope was answered once */
	char *scope; /* scopes asked for so far, or NULL */
};
void auth_session_fini(struct auth_session *s);
static inline void auth_session_fini_p(struct auth_session *s)
{
	auth_session_fini(s);
}
#define _auth_session_ __attribute__((cleanup(auth_session_fini_p)))

/*
 * What is known before anything is sent: a token at hand, or the way this host wanted it the last
 * time.
 */
int auth_prepare(struct auth *a, struct op *op, struct auth_session *s, struct err *err);

/* The WWW-Authenticate lines of a 401. Borrowed. */
struct auth_lines {
	const char *const *items;
	size_t count;
};
/*
 * Answers a 401: 0 with another s->header, to be sent to the same host only, or ERR_AUTH when there
 * is nothing (more) to answer, with a hint that names `img login`. ERR_DENIED when credentials
 * would have to go where they must not. It gives up after a few rounds by itself, so a loop around
 * it ends.
 */
int auth_answer(struct auth *a, struct op *op, struct auth_session *s,
		const struct auth_lines *lines, struct err *err);

#endif
