/* SPDX-License-Identifier: Apache-2.0 */
/* The operand HOST or HOST/REPO of login, logout, auth which and catalog. */
#ifndef IMG_CLI_HOST_H
#define IMG_CLI_HOST_H

#include "manifest/reference.h"

#include <stdbool.h>

struct host {
	struct reference
		ref;	  /* its domain is the host; its path is made up when only HOST was given */
	char *repository; /* "host/ns/repo", or NULL */
};

/*
 * "registry.example:5000", also with "https://" before and "/", "/v1/" or "/v2/" after, or with a
 * repository. ERR_USAGE.
 */
int host_parse(const char *text, struct host *ret, struct err *err);
void host_fini(struct host *h);
#define _host_ __attribute__((cleanup(host_fini)))

/* Who to ask the credential places for. Borrows from `h`. */
struct credentials_query;
void host_query(const struct host *h, struct credentials_query *ret);

#endif
