/* SPDX-License-Identifier: Apache-2.0 */
/* A fetch with two scripted servers, a home of its own, and ears for what is noted. */
#ifndef TESTS_UNIT_NET_FETCHING_H
#define TESTS_UNIT_NET_FETCHING_H

#include "net/fetch.h"
#include "tests/support/server.h"
#include "tests/unit/net/home.h"

struct fetching {
	struct home home;
	struct server *server, *other; /* `other` may be NULL */
	struct fetch *fetch;
	struct op op;
	struct progress progress;
	char notes[4000]; /* each followed by '\n' */
	struct err err;
	struct http_response *res;
};

/* plain_http, tls_verify, two retries, short waits. */
struct fetch_config fetching_config(void);
/* The op's progress is taken by `f`: it must not move. */
void fetching_init(struct fetching *f, const struct fetch_config *config);
void fetching_fini(struct fetching *f);
#define _fetching_ __attribute__((cleanup(fetching_fini)))

/* GET of a path at the server (a host given in `req` wins), into f->res and f->err. */
int fetching_send(struct fetching *f, struct fetch_request req);
int fetching_get(struct fetching *f, const char *path);
/* Is the text in the n-th request to this server? */
bool fetching_saw(struct server *s, size_t n, const char *text);

#endif
