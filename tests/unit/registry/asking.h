/* SPDX-License-Identifier: Apache-2.0 */
/* A repository of a scripted server, as a transport; and answers in the words of HTTP. */
#ifndef TESTS_UNIT_REGISTRY_ASKING_H
#define TESTS_UNIT_REGISTRY_ASKING_H

#include "base/mem.h"
#include "registry/client.h"
#include "tests/support/server.h"

struct asking {
	struct server *server;
	struct fetch *fetch;
	struct transport *t;
	struct op op;
	struct err err;
	struct server_step *steps; /* copies: the server has them until it stops */
	size_t step_count;
	struct buf names; /* what asking_take was given, each with a space behind it */
};

/* The repository is "ns/repo". No retries, no credentials. */
void asking_init(struct asking *a, const struct server_step *steps, size_t count);
void asking_init_with(struct asking *a, const struct server_step *steps, size_t count,
		      const struct fetch_config *config);
void asking_fini(struct asking *a);
#define _asking_ __attribute__((cleanup(asking_fini)))

/* transport_name_fn; `arg` is the asking. */
int asking_take(void *arg, const char *name, struct err *err);

/* "METHOD PATH" of the n-th request, in memory of the enclosing block. */
char *asking_line(struct asking *a, size_t n, char *dst, size_t dst_bytes);
#define ASKED(a, n) asking_line((a), (n), (char[512]){ 0 }, 512)

/* An answer with headers (each with its "\r\n") and a body, its length right. Free with free(). */
char *asking_answer(const char *status, const char *headers, const char *body);
/* sha256 of a text, as text. Free with free(). */
char *asking_digest(const char *text);

/* 1 when the text is found; else prints both. */
int asking_has(const char *row, const char *text, const char *part);

#endif
