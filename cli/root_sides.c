/* SPDX-License-Identifier: Apache-2.0 */
/* From the record of a root to its upper folder, what lies below, and its maps. */
#include "cli/root_sides.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "overlay/erofs.h"

void both_sides_close(struct both_sides *b)
{
	lower_close(b->lower);
	root_sides_fini(&b->sides);
	writable_root_close(&b->root);
	free(b->uid_map.ranges);
	free(b->gid_map.ranges);
}

static int read_maps(struct both_sides *b, struct err *err)
{
	const struct mount_entry *e = &b->root.entry;

	if (e->uidmap) {
		TRY(id_map_parse(e->uidmap, &b->uid_map, err));
		b->uids = b->gids = &b->uid_map;
	}
	if (e->gidmap) {
		TRY(id_map_parse(e->gidmap, &b->gid_map, err));
		b->gids = &b->gid_map;
	}
	return 0;
}

int both_sides_open(struct cli *cli, const char *name, struct both_sides *ret, struct err *err)
{
	TRY(writable_root_open(cli, name, &ret->root, err));
	TRY(read_maps(ret, err));
	TRY(mounts_open_root(&cli->op, &ret->root.request, &ret->sides, err));
	ret->lower = erofs_lower(ret->sides.erofs);
	return 0;
}
