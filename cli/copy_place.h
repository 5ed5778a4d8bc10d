/* SPDX-License-Identifier: Apache-2.0 */
/* The two places of a copy. A bare REF is a registry's here. */
#ifndef IMG_CLI_COPY_PLACE_H
#define IMG_CLI_COPY_PLACE_H

#include "manifest/place.h"
#include "manifest/reference.h"
#include "transport/transport.h"

struct cli;

/* A place that is open. Owns its parts. */
struct copy_place {
	struct place place;
	struct reference ref; /* of a registry or the store */
	struct transport *transport;
	char *name; /* tag or digest; NULL: none was said (only of a target) */
};
void copy_place_close(struct copy_place *p);
#define _copy_place_ __attribute__((cleanup(copy_place_close)))

enum copy_place_use {
	COPY_PLACE_FROM,
	COPY_PLACE_TO,
	COPY_PLACE_DRY, /* a target that nothing will be written to */
};
/*
 * Opens it. ERR_USAGE for a target with a digest, and where a layout has several images and none
 * was named.
 */
int copy_place_open(struct cli *cli, const char *operand, enum copy_place_use use,
		    struct copy_place *ret, struct err *err);
/*
 * The repository of `from` where a blob can be mounted from, when both are of one registry; else
 * NULL. Borrowed.
 */
const char *copy_place_mount(const struct copy_place *from, const struct copy_place *to);
/* What the copy is called now: REPO@DIGEST, oci:DIR:DIGEST. Free with free(). */
char *copy_place_result(const struct copy_place *p, const struct descriptor *target);

#endif
