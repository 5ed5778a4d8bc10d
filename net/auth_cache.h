/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process remembers of its registries: how each wants to be asked, whose credentials serve
 * it, tokens. Inside net/auth*.c.
 */
#ifndef IMG_NET_AUTH_CACHE_H
#define IMG_NET_AUTH_CACHE_H

#include "net/auth.h"
#include "net/token.h"

#include <pthread.h>

/* Of ways, logins and tokens each; beyond, the oldest that nobody uses is forgotten. */
#define AUTH_CACHE_MAX 1024

/* Something found out by one thread while the others that want it wait. */
struct auth_slot {
	bool busy;
	bool filled;
	unsigned users; /* threads that hold a pointer to it */
};

/* How a host asked the last time. */
struct auth_way {
	struct auth_slot slot;
	char *host;
	bool is_plain;
	bool is_basic; /* else a bearer token */
	char *realm, *service;
};
/* Credentials as they were found. */
struct auth_login {
	struct auth_slot slot;
	char *host, *repository, *auth_key;
	struct credential credential;
};
struct auth_token {
	struct auth_slot slot;
	char *host, *realm, *service, *scope;
	struct credential credential;
	struct token token;
	uint64_t stale_s; /* by the clock of the process */
};

struct auth {
	struct auth_config config;
	pthread_mutex_t lock; /* guards the lists, and every slot in them */
	pthread_cond_t changed;
	struct auth_way **ways;
	size_t way_count;
	struct auth_login **logins;
	size_t login_count;
	struct auth_token **tokens;
	size_t token_count;
};

/* Remembers how the host asks. */
void auth_way_set(struct auth *a, const struct auth_way *way);
/* A copy of what is remembered; false when nothing is. Release with auth_way_fini. */
bool auth_way_get(struct auth *a, const char *host, bool is_plain, struct auth_way *ret);
void auth_way_fini(struct auth_way *way);

/* The credential for a target, looked up once. */
int auth_login_get(struct auth *a, struct op *op, const struct auth_target *target,
		   struct credential *ret, struct err *err);

/* What token is wanted. */
struct auth_wish {
	struct token_request request;
	/* a token that the registry did not take: another one is fetched; or NULL */
	const char *refused;
	bool is_fresh; /* out: it was made during this call */
};
/*
 * The token's value, from the cache or from its realm: one thread asks, the others wait. Wipe with
 * secret_free.
 */
int auth_token_get(struct auth *a, struct op *op, struct auth_wish *wish, char **ret,
		   struct err *err);

/* Frees all three lists. */
void auth_cache_fini(struct auth *a);

#endif
