/* SPDX-License-Identifier: Apache-2.0 */
/* Both sides of a writable root, for commit and changes. */
#ifndef IMG_CLI_ROOT_SIDES_H
#define IMG_CLI_ROOT_SIDES_H

#include "cli/writable_root.h"
#include "layers/changes.h"
#include "sys/mount.h"

/* Must not move. */
struct both_sides {
	struct writable_root root;
	struct root_sides sides;
	struct lower *lower;
	/* Of the root's user namespace; NULL when it has none. */
	const struct id_map *uids, *gids;
	struct id_map uid_map, gid_map;
};
#define BOTH_SIDES_CLOSED ((struct both_sides){ .sides = { .upper_fd = -1 } })
/* Into one that is closed; to be closed also on failure. */
int both_sides_open(struct cli *cli, const char *name, struct both_sides *ret, struct err *err);
void both_sides_close(struct both_sides *b);
#define _both_sides_ __attribute__((cleanup(both_sides_close)))

#endif
