/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of answers to 401 have in common: a home, a realm, credentials, and an auth over
 * them.
 */
#ifndef TESTS_UNIT_NET_BENCH_H
#define TESTS_UNIT_NET_BENCH_H

#include "tests/unit/net/home.h"
#include "tests/unit/net/realm.h"

#define HOST  "r.example"
#define REALM "Bearer realm=\"https://t.example/token\",service=\"svc\""

struct bench {
	struct home home;
	struct realm realm;
	struct credentials *credentials;
	struct auth *auth;
	struct err err;
};

/* `creds` as --creds, `file` an auth.json with ' for "; each may be NULL. */
void bench_init(struct bench *b, const char *creds, const char *file);
void bench_fini(struct bench *b);
#define _bench_ __attribute__((cleanup(bench_fini)))

/* A 401 with one challenge. */
int bench_answer(struct bench *b, struct auth_session *s, const char *challenge);
int bench_prepare(struct bench *b, struct auth_session *s);

/* A session that pulls from a repository of HOST. */
#define PULL(name)                                           \
	{                                                    \
		.target = {                                  \
			.host = HOST,                        \
			.scope = "repository:" name ":pull", \
			.repository = HOST "/" name          \
		}                                            \
	}

#endif
