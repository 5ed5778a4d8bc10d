/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups of an image, looked up in its own /etc/passwd and /etc/group: never the host's,
 * never through a link that leads out, never from anything but a regular file of bounded size
 * (CVE-2024-9676).
 */
#ifndef IMG_LAYERS_USERS_H
#define IMG_LAYERS_USERS_H

#include "base/err.h"
#include "layers/tree.h"

#include <stddef.h>
#include <stdint.h>

#define USERS_FILE_BYTES_MAX ((size_t)4 << 20)
#define USERS_GROUPS_MAX     65536

/* Whom a process runs as. Value; owns everything. */
struct user {
	uint32_t uid, gid;
	uint32_t *groups; /* supplementary, ascending, each once */
	size_t group_count;
	char *home; /* "/" when unknown */
};
void user_fini(struct user *u);

/*
 * Resolves config.User (image-spec config.md): "", USER, UID, USER:GROUP, UID:GID and mixtures.
 * Without a group, the user's own group and supplementary groups apply. Numbers above 2^31-1
 * (CVE-2024-40635) and names that aren't there are ERR_DAMAGED: the fault is the image's.
 */
int user_resolve(const struct tree *tree, const char *text, struct user *ret, struct err *err);

#endif
