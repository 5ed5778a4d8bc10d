/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references by the grammar of distribution/reference, normalised as docker does: "debian" is
 * docker.io/library/debian. A parsed reference is safe in a URL and, component by component, in a
 * path.
 */
#ifndef IMG_MANIFEST_REFERENCE_H
#define IMG_MANIFEST_REFERENCE_H

#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>

/* Limits of the grammar; the last is ours. */
#define REFERENCE_PATH_MAX 255
#define REFERENCE_TAG_MAX  128
#define REFERENCE_TEXT_MAX 4096

/* Value; owns its strings. With tag and digest the digest decides and the tag is only a name. */
struct reference {
	char *domain; /* host[:port], case kept; NULL only from REFERENCE_RAW and _ANY */
	char *path;   /* "library/debian"; NULL only when REFERENCE_ANY gave a bare digest */
	char *tag;    /* NULL when absent */
	struct digest digest; /* alg is DIGEST_NONE when absent */
};

/* What is wrong with a text; named after distribution/reference's errors. */
enum reference_fault {
	REFERENCE_OK,
	REFERENCE_NAME_EMPTY,
	REFERENCE_INVALID_FORMAT,
	REFERENCE_NAME_UPPERCASE, /* lower-case it and it parses */
	REFERENCE_NAME_TOO_LONG,
	REFERENCE_DIGEST_INVALID_FORMAT,
	REFERENCE_DIGEST_INVALID_LENGTH,
	REFERENCE_DIGEST_UNSUPPORTED,
	REFERENCE_IDENTIFIER,	     /* 64 hex digits: an image ID, not a name */
	REFERENCE_MUST_BE_LOWERCASE, /* the path has upper-case letters */
};

enum reference_mode {
	REFERENCE_RAW,	      /* the grammar alone: "a/b" has the domain a. Not for user input. */
	REFERENCE_NORMALIZED, /* as docker: ParseNormalizedNamed */
	REFERENCE_ANY, /* the same, but 64 hex digits and ALG:HEX are digests: ParseAnyReference */
};

void reference_fini(struct reference *ref);
/* Deep copy into an uninitialised value. */
void reference_copy(const struct reference *ref, struct reference *ret);

static inline void reference_fini_p(struct reference *ref)
{
	reference_fini(ref);
}
#define _reference_ __attribute__((cleanup(reference_fini_p)))

/* Parses; `ret` is written on REFERENCE_OK only. */
enum reference_fault reference_scan(const char *text, enum reference_mode mode,
				    struct reference *ret);
/*
 * Parses what a user wrote, normalised. No tag is added: see reference_tag_or_latest. ERR_USAGE,
 * with a hint where one helps.
 */
int reference_parse(const char *text, struct reference *ret, struct err *err);
/* The same for REFERENCE_ANY; path is NULL when the text was a digest or an image ID. */
int reference_parse_any(const char *text, struct reference *ret, struct err *err);

/*
 * The tag; "latest" when there is neither tag nor digest; NULL when there is only a digest.
 * Borrowed.
 */
const char *reference_tag_or_latest(const struct reference *ref);
/* Adds the tag "latest" when there is neither tag nor digest (TagNameOnly). */
void reference_add_latest(struct reference *ref);

/*
 * "docker.io/library/debian:12@sha256:..." in full; only the digest when there is no name. Free
 * with free().
 */
char *reference_canonical(const struct reference *ref);
/* The short form people type: "debian:12". Free with free(). */
char *reference_familiar(const struct reference *ref);
/* "docker.io/library/debian". Free with free(). */
char *reference_repository(const struct reference *ref);

/* host[:port] that serves the API: "registry-1.docker.io" for Hub, else the domain. Borrowed. */
const char *reference_api_host(const struct reference *ref);
/*
 * Key of the credentials in docker's config files: "https://index.docker.io/v1/" for Hub, else the
 * domain. Borrowed.
 */
const char *reference_auth_key(const struct reference *ref);
/*
 * The port in the domain, 0 when none is there. ERR_USAGE outside 1...65535: the grammar does not
 * check, ask before connecting.
 */
int reference_port(const struct reference *ref, unsigned *ret_port, struct err *err);
/*
 * True for a text that is no image but surely HOST:PORT ("localhost:5000", "[::1]:443",
 * "registry.example.com:443"). Some of these parse, as a name with a tag: the caller adds the hint
 * "did you mean HOST:PORT/REPO?" when such an image is not found.
 */
bool reference_looks_like_host_port(const char *text);

/* True for a tag by the grammar. */
bool reference_is_tag(const char *text);

#endif
