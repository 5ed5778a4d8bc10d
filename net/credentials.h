/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of registries where docker, podman and skopeo keep them (containers-auth.json(5),
 * docker's config.json, credential helpers): found, stored, erased. Files and helpers are the
 * user's own; what is in them never gets into a message. Memory that held a secret is wiped before
 * it is freed.
 */
#ifndef IMG_NET_CREDENTIALS_H
#define IMG_NET_CREDENTIALS_H

#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>

enum credential_kind {
	CREDENTIAL_NONE,   /* anonymous */
	CREDENTIAL_FLAG,   /* --creds */
	CREDENTIAL_ENV,	   /* DOCKER_AUTH_CONFIG */
	CREDENTIAL_AUTHS,  /* `auths` of a file */
	CREDENTIAL_HELPER, /* a credential helper that a file names */
};

/* Value; owns its strings. Either user and secret, or one of the tokens. */
struct credential {
	enum credential_kind kind;
	char *user;	      /* NULL with a token */
	char *secret;	      /* the password; NULL with a token */
	char *identity_token; /* OAuth2 refresh token, or NULL */
	char *registry_token; /* bearer token to be sent as it is, or NULL */
	/* Where it came from, for people: */
	char *file;   /* the file, or NULL */
	char *key;    /* the key in it, or what the helper was asked for; NULL for a flag */
	char *helper; /* NAME of docker-credential-NAME, or NULL */
};

/* Wipes and frees. */
void credential_fini(struct credential *c);
static inline void credential_fini_p(struct credential *c)
{
	credential_fini(c);
}
#define _credential_ __attribute__((cleanup(credential_fini_p)))

/* The user name under which helpers and files keep an identity token instead of a password. */
#define CREDENTIAL_TOKEN_USER "<token>"

/* Sets user and secret, or the identity token when the user is CREDENTIAL_TOKEN_USER. */
void credential_set(struct credential *c, const char *user, const char *secret);
/* Deep copy into an uninitialised value. */
void credential_copy(const struct credential *c, struct credential *ret);
/* Same secrets and user, wherever they came from. */
bool credential_equal(const struct credential *a, const struct credential *b);
/*
 * "FILE (key KEY)", "helper NAME (FILE)", "--creds", ...: never a secret. Peer-safe. Free with
 * free().
 */
char *credential_origin(const struct credential *c);

/* The places to look in; immutable, so thread-safe. Files are read at each call. */
struct credentials;

struct credentials_config {
	const char *authfile; /* --authfile or NULL */
	const char *creds;    /* --creds USER[:PASS] or NULL: serves every host */
};
/* Takes the places from the flags and the environment. ERR_USAGE for --creds without a user. */
int credentials_new(const struct credentials_config *config, struct credentials **ret,
		    struct err *err);
void credentials_free(struct credentials *c);

/* For whom. Strings are borrowed. */
struct credentials_query {
	const char *host;	/* "registry.example:5000"; for Hub "docker.io" or its API host */
	const char *repository; /* "host/ns/repo" for keys of a namespace, or NULL */
	/* key when it is not the host (Hub's "https://index.docker.io/v1/"), or NULL */
	const char *auth_key;
};
/*
 * The first credential in the order of the places; CREDENTIAL_NONE (and 0) when there is none.
 * ERR_DAMAGED for a file that can't be understood, ERR_AUTH for a helper that fails.
 */
int credentials_find(const struct credentials *c, struct op *op, const struct credentials_query *q,
		     struct credential *ret, struct err *err);
/*
 * Keeps user and secret (or identity token) of `what` under the host (with a repository: for that
 * namespace, in the auth file): in the helper that the files name for it, else in the auth file
 * (made with mode 0600 in a folder with 0700; other content, mode and links are kept). Then kind,
 * file, key and helper of `what` say where it is.
 */
int credentials_store(const struct credentials *c, struct op *op, const struct credentials_query *q,
		      struct credential *what, struct err *err);
/*
 * Forgets the host (or the namespace) in the helper and in the auth file. Returns 1 when something
 * was forgotten, 0 when nothing was there. Files of other programs (docker's config.json) are left
 * alone unless named by --authfile: ask credentials_find whether something is left.
 */
int credentials_erase(const struct credentials *c, struct op *op, const struct credentials_query *q,
		      struct err *err);
/* The file that login writes. Borrowed. */
const char *credentials_write_path(const struct credentials *c);

#endif
