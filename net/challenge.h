/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WWW-Authenticate (RFC 9110 section 11.6.1): what a server wants to see. Reads what real
 * registries send, so a broken part is passed over instead of failing the rest; a list without
 * anything usable is the caller's error.
 */
#ifndef IMG_NET_CHALLENGE_H
#define IMG_NET_CHALLENGE_H

#include <stddef.h>

/*
 * Most challenges of a response, parameters of a challenge, bytes of a header: more is passed over.
 */
#define CHALLENGE_COUNT_MAX  16
#define CHALLENGE_PARAMS_MAX 32
#define CHALLENGE_BYTES_MAX  ((size_t)64 << 10)

struct challenge_param {
	char *name;  /* lower-case */
	char *value; /* unquoted */
};
struct challenge {
	char *scheme;  /* lower-case: "bearer", "basic" */
	char *token68; /* the other form of a challenge; NULL when absent */
	struct challenge_param *params;
	size_t param_count;
};
/* Value; owns everything. */
struct challenges {
	struct challenge *items;
	size_t count;
};

void challenges_fini(struct challenges *c);
static inline void challenges_fini_p(struct challenges *c)
{
	challenges_fini(c);
}
#define _challenges_ __attribute__((cleanup(challenges_fini_p)))

/* Adds the challenges of one header line. Call for each WWW-Authenticate line of a response. */
void challenges_add(struct challenges *c, const char *header);
/* The first challenge of a scheme (lower-case), or NULL. */
const struct challenge *challenges_find(const struct challenges *c, const char *scheme);
/* The value of a parameter (lower-case name; the first when repeated), or NULL. */
const char *challenge_param(const struct challenge *c, const char *name);

#endif
