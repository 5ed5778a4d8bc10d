/* SPDX-License-Identifier: Apache-2.0 */
/* A client and the server it talks to, for the tests of net/http.h. */
#ifndef TESTS_UNIT_NET_HTTP_FIXTURE_H
#define TESTS_UNIT_NET_HTTP_FIXTURE_H

#include "base/mem.h"
#include "net/http.h"
#include "tests/support/server.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

struct fixture {
	struct server *server;
	struct http_client *client;
	struct op op;
	struct err err;
	struct http_response *res;
};

/* The steps are borrowed. */
struct fixture fixture_make(const struct server_step *steps, size_t count);
/*
 * The same with a client that waits 0.3 s: for steps after which nothing comes, where that is the
 * expected end.
 */
struct fixture fixture_make_impatient(const struct server_step *steps, size_t count);
void fixture_fini(struct fixture *f);
#define _fixture_ __attribute__((cleanup(fixture_fini)))

/* Sends to /x?y=z at the server, into f->res and f->err; "GET" when no method is given. */
int fixture_send(struct fixture *f, struct http_request req);
int fixture_get(struct fixture *f);
/*
 * Reads the body and compares it with the server's content from `from` on. Returns the bytes, or
 * the error.
 */
int64_t fixture_drain(struct fixture *f, uint64_t from);

#endif
