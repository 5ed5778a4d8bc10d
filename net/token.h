/* SPDX-License-Identifier: Apache-2.0 */
/* One bearer token from a realm (distribution's token specification and its OAuth2 form). */
#ifndef IMG_NET_TOKEN_H
#define IMG_NET_TOKEN_H

#include "net/auth.h"
#include "net/url.h"

#include <stdint.h>

/* How long a token is good when its server does not say, or says less (seconds). */
#define TOKEN_SECONDS_DEFAULT 60
/* More is not believed. */
#define TOKEN_SECONDS_MAX 86400

/* Borrowed by the call. */
struct token_request {
	const struct auth_config *config;
	const char *registry;	 /* host, for messages and the exchange */
	const struct url *realm; /* checked by the caller: it may be reached */
	const char *service;	 /* or NULL */
	const char *scope;	 /* normal form (auth_scope.h), or NULL */
	const struct credential *credential;
};
/* Value; wipe with token_fini. */
struct token {
	char *value;
	uint64_t seconds; /* from now on */
};
void token_fini(struct token *t);

/*
 * Asks the realm. ERR_AUTH when it refuses, ERR_DENIED when the credentials would go over plain
 * http to another machine, ERR_DAMAGED for an answer without a usable token.
 */
int token_fetch(struct op *op, const struct token_request *r, struct token *ret, struct err *err);
/* "Basic ..." of user and secret. Wipe with secret_free. */
int token_basic(const char *user, const char *secret, char **ret, struct err *err);
/* Whether a secret may be sent there: over TLS, to this machine, or because the user said so. */
bool token_may_carry(const struct auth_config *config, const struct url *to);

#endif
