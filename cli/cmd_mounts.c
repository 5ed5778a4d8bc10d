/* SPDX-License-Identifier: Apache-2.0 */
/* img mounts: what is mounted, and the writable roots. */
#include "base/json.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/mount_view.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/wire.h"
#include "overlay/mounts.h"

#include <errno.h>
#include <stddef.h>

struct flags {
	bool json;
};

static const struct opt options[] = {
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a line" },
	OPT_END,
};

struct listing {
	const struct flags *flags;
	struct table *table;
	bool only_ids;
};

static int take(void *arg, const struct mount_entry *e, struct err *err)
{
	const struct listing *l = arg;

	if (l->flags->json)
		return out_json(mount_view_json(e), 0, err);
	if (l->only_ids)
		return puts(e->id) < 0 ? err_sys(err, EPIPE, "standard output") : 0;
	table_add(l->table, e->id);
	table_add(l->table, e->image);
	table_add(l->table, !e->is_writable ? "ro" : e->is_volatile ? "rw,volatile" : "rw");
	table_add(l->table, e->driver);
	table_add(l->table, mount_view_state(e->state));
	table_add(l->table, e->path);
	return 0;
}

static int list(struct listing *l, struct store *store, struct err *err)
{
	static const struct table_column columns[] = {
		{ .title = "ID" },     { .title = "IMAGE" }, { .title = "MODE" },
		{ .title = "DRIVER" }, { .title = "STATE" }, { .title = "PATH" },
	};
	_table_ struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));

	l->table = table;
	if (store)
		TRY(mounts_list(store, take, l, err));
	if (!l->flags->json && !l->only_ids)
		table_print(table, 0, stdout);
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	struct listing l = { .flags = values, .only_ids = cli->globals.quiet };
	struct store *store = NULL;
	const int rc = wire_store(cli, WIRE_READ, &store, err);

	/* A store that is not there yet has no mounts. */
	if (rc < 0 && err->kind != ERR_NOT_FOUND)
		return rc;
	return list(&l, store, err);
}

const struct cmd cmd_mounts = {
	.name = "mounts",
	.summary = "List mounted images and writable roots",
	.operands = "",
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"STATE is asked of the kernel: active; elsewhere (in another mount namespace);\n"
		"stale (gone by a crash, a reboot or umount(8)); unmounted (a writable root at\n"
		"rest). With -q only ids. With --json: Id, Image, Manifest, Writable, Volatile,\n"
		"Driver, State, Path, UidMap, GidMap, Created.",
	.examples = "img mounts\nimg mounts --json",
};
