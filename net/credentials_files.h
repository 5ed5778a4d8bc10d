/* SPDX-License-Identifier: Apache-2.0 */
/* Inside net/credentials*.c: the places, one file as a document, a helper program. */
#ifndef IMG_NET_CREDENTIALS_FILES_H
#define IMG_NET_CREDENTIALS_FILES_H

#include "base/buf.h"
#include "base/json.h"
#include "net/credentials.h"

/* Largest credential file, and largest answer of a helper. */
#define CREDENTIALS_BYTES_MAX ((size_t)1 << 20)

enum credentials_place_kind {
	CREDENTIALS_ENV,    /* text of DOCKER_AUTH_CONFIG */
	CREDENTIALS_FILE,   /* auth.json, config.json */
	CREDENTIALS_LEGACY, /* .dockercfg: hosts at the top level */
};
struct credentials_place {
	enum credentials_place_kind kind;
	char *path; /* or the name of the variable */
	bool must_exist;
};

struct credentials {
	char *flag_user, *flag_secret; /* --creds, or NULL */
	char *env_text;		       /* DOCKER_AUTH_CONFIG, or NULL */
	struct credentials_place places[8];
	size_t place_count;
	char *write_path; /* NULL when no place is known */
};

/* --- one file (credentials_file.c) --- */

/*
 * The document of a place: 1 and *ret (wipe with secret_json_free), 0 when the place is absent or
 * empty.
 */
int credentials_load(const struct credentials *c, const struct credentials_place *place,
		     struct json **ret, struct err *err);
/*
 * The helper's name for the host (credHelpers, then credsStore), or NULL. Borrowed from the
 * document.
 */
const char *credentials_helper_of(const struct json *root, const struct credentials_query *q);
/* Looks `auths` up: 1 and *ret when it has a credential. `auths` may be NULL. */
int credentials_from_auths(const struct json *auths, const struct credentials_place *place,
			   const struct credentials_query *q, struct credential *ret,
			   struct err *err);
/*
 * Whether a key of `auths` means the host as a whole, however it is spelt (docker's
 * "https://host/v1/").
 */
bool credentials_key_is_host(const char *key, bool legacy, const struct credentials_query *q);

/* --- keys (credentials_keys.c) --- */

/*
 * The n-th key to look for exactly: namespaces from the longest, the host, the auth key. NULL after
 * the last. Free with free().
 */
char *credentials_exact_key(const struct credentials_query *q, size_t n);
/* What a helper is asked for: the auth key, else the host. Borrowed. */
const char *credentials_helper_key(const struct credentials_query *q);

/* --- a helper (credentials_helper.c) --- */

/* A helper as a file names it. */
struct credentials_helper {
	const char *name; /* docker-credential-NAME */
	const char *file; /* that names it */
};
/* Asks for a key: 1 and *ret, 0 when it knows none. ERR_AUTH when it fails. */
int credentials_helper_get(struct op *op, const struct credentials_helper *h, const char *key,
			   struct credential *ret, struct err *err);
int credentials_helper_store(struct op *op, const struct credentials_helper *h, const char *key,
			     const struct credential *what, struct err *err);
/* 1 when it forgot something, 0 when it knew none. */
int credentials_helper_erase(struct op *op, const struct credentials_helper *h, const char *key,
			     struct err *err);

#endif
