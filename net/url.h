/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An absolute http or https URL taken apart, strictly (RFC 3986): what a registry names in a
 * redirect, a Link, a token realm or a foreign layer, before anything is sent there. No userinfo,
 * no control characters, no other scheme.
 */
#ifndef IMG_NET_URL_H
#define IMG_NET_URL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Longest URL accepted. */
#define URL_TEXT_MAX ((size_t)16 << 10)

/* Value; owns its strings. */
struct url {
	bool is_https;
	char *host;    /* lower-case; an IPv6 literal without its brackets */
	unsigned port; /* as given, or the scheme's: 1...65535 */
	char *path;    /* path and query, begins with '/'; the fragment is dropped */
};

void url_fini(struct url *u);
static inline void url_fini_p(struct url *u)
{
	url_fini(u);
}
#define _url_ __attribute__((cleanup(url_fini_p)))

/* Parses an absolute URL. ERR_DAMAGED; the message shows the URL escaped and without its query. */
int url_parse(const char *text, struct url *ret, struct err *err);
/*
 * Resolves a reference (absolute, "//host/...", "/path", "path", "?query") against a base (RFC 3986
 * section 5.2).
 */
int url_resolve(const struct url *base, const char *text, struct url *ret, struct err *err);
/*
 * Makes the URL of "host[:port]" as in a reference, and a path that begins with '/'. ERR_USAGE for
 * a bad port.
 */
int url_of_host(const char *host, bool is_https, const char *path, struct url *ret,
		struct err *err);
/* "scheme://host[:port]", without the port when it is the scheme's own. Free with free(). */
char *url_origin(const struct url *u);
/* The whole URL. Free with free(). */
char *url_text(const struct url *u);
/*
 * "https://host:port/path" without the query (it may carry a signature), escaped, for messages.
 * Free with free().
 */
char *url_shown(const struct url *u);

/* Same scheme, host and port: credentials may go from one to the other. */
bool url_same_origin(const struct url *a, const struct url *b);
/*
 * "localhost", "*.localhost", 127.0.0.0/8, ::1: this machine. `host` is without port and brackets.
 */
bool url_host_is_loopback(const char *host);
/*
 * A loopback host, or a literal of a private, link-local, carrier-grade, unspecified or mapped
 * range: what a registry outside must not send us to.
 */
bool url_host_is_private(const char *host);
/*
 * Refuses (ERR_DENIED) to be sent by `from` to a private place `to`, unless `from` is a private
 * place itself. `what` names the thing ("token realm", "redirect").
 */
int url_check_reach(const struct url *from, const struct url *to, const char *what,
		    struct err *err);

/* Appends text with everything but unreserved characters as %XX. */
int url_escape(struct buf *out, const char *text, struct err *err);

#endif
