/* SPDX-License-Identifier: Apache-2.0 */
/* img changes: what differs between a writable root and its image. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/out.h"
#include "cli/root_sides.h"

#include <string.h>

struct flags {
	bool json;
};

static const struct opt options[] = {
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a change: Kind, Path" },
	OPT_END,
};

struct listing {
	const struct flags *flags;
	struct both_sides *sides;
};

/*
 * A name made or removed at the top changes the times of the root: nobody asks for that, and docker
 * doesn't say it.
 */
static int is_only_time(struct both_sides *b, const struct change *c, struct err *err)
{
	struct lower_stat below;
	uint32_t uid = c->st->st_uid, gid = c->st->st_gid;
	const int found = lower_find(b->lower, "", &below, err);

	if (found <= 0)
		return found;
	return c->st->st_mode == below.mode && (!b->uids || id_map_in(b->uids, uid, &uid)) &&
	       (!b->gids || id_map_in(b->gids, gid, &gid)) && uid == below.uid && gid == below.gid;
}

static int put_json(const char *kind, const char *path, struct err *err)
{
	struct json *o = json_new_object();

	json_set_str(o, "Kind", kind);
	json_set_str(o, "Path", path);
	return out_json(o, 0, err);
}

static int put(void *arg, const struct change *c, struct err *err)
{
	const struct listing *l = arg;
	const char kind[2] = { (char)c->kind, '\0' };

	if (!*c->path) {
		const int skip = is_only_time(l->sides, c, err);

		if (skip != 0)
			return skip < 0 ? skip : 0;
	}
	_free_ char *path = xasprintf("/%s", c->path);

	if (l->flags->json)
		return put_json(kind, path, err);
	printf("%s ", kind);
	out_escaped(path);
	putchar('\n');
	return ferror(stdout) ? err_sys(err, EPIPE, "standard output") : 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	_both_sides_ struct both_sides sides = BOTH_SIDES_CLOSED;
	struct listing listing = { values, &sides };

	TRY(both_sides_open(cli, cli->operands[0], &sides, err));
	const struct changes_request request = { .upper_fd = sides.sides.upper_fd,
						 .lower = sides.lower,
						 .is_userxattr = sides.root.entry.is_userxattr,
						 .expand_opaque = true,
						 .uids = sides.uids,
						 .gids = sides.gids };

	return changes_walk(&cli->op, &request, put, &listing, err);
}

const struct cmd cmd_changes = {
	.name = "changes",
	.summary = "List what was changed in a writable root",
	.operands = "ID",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"A line each: A (added), C (changed) or D (deleted), and the path. The folders that\n"
		"changes lie in are changed too. Of a folder that was deleted only its own name is\n"
		"listed. Takes as long as there are changes, however large the image.",
	.examples = "img changes web | grep '^D'",
};
