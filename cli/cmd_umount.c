/* SPDX-License-Identifier: Apache-2.0 */
/* img umount: mounts of ours, by id or folder. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/error.h"
#include "cli/mount_view.h"
#include "cli/out.h"
#include "cli/wire.h"
#include "overlay/mounts.h"

struct flags {
	bool all;
	bool lazy;
	bool remove;
	bool json;
};

static const struct opt options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, all),
	  .help = "all that is mounted in this mount namespace" },
	{ .name = "lazy",
	  .letter = 'l',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, lazy),
	  .help = "out of sight now, gone when nobody uses it any more" },
	{ .name = "remove",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, remove),
	  .help = "remove a writable root too, with all that was written" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a line" },
	OPT_END,
};

/* What is to be done, and what came of it. */
struct work {
	struct cli *cli;
	const struct flags *flags;
	struct store *store;
	char (*ids)[MOUNT_ID_BYTES]; /* --all */
	size_t id_count;
	int rc;
	struct err first;
};

static int say(const struct work *w, const struct mount_entry *e, struct err *err)
{
	if (w->flags->json)
		return out_json(mount_view_json(e), 0, err);
	cli_note(w->cli, "%s %s", e->id,
		 w->flags->remove && e->is_writable ? "removed" : "unmounted");
	return 0;
}

static int umount_one(const struct work *w, const char *name, struct err *err)
{
	const struct umount_request request = {
		.store = w->store, .name = name, .lazy = w->flags->lazy, .remove = w->flags->remove
	};
	struct mount_entry e = { 0 };
	int rc = mounts_umount(&w->cli->op, &request, &e, err);

	if (rc == 1) {
		rc = err_set(err, ERR_NOT_FOUND, "%s: no mount and no root of ours",
			     TEXT_ESCAPED(name));
		err_hint(err, "img mounts lists them");
		return rc;
	}
	if (rc == 0)
		rc = say(w, &e, err);
	mount_entry_fini(&e);
	return rc;
}

/* All are tried; the first error is the result, the others are said on the way. */
static void try_one(struct work *w, const char *name)
{
	struct err one = { 0 };
	const int rc = umount_one(w, name, &one);

	if (rc < 0 && w->rc < 0)
		error_print(stderr, &one, w->cli->err_is_color);
	if (rc < 0 && w->rc == 0) {
		w->rc = rc;
		w->first = one;
	}
}

static int take_id(void *arg, const struct mount_entry *e, struct err *err)
{
	struct work *w = arg;

	(void)err;
	/* With --remove that is also the roots that are not mounted. */
	if (e->state == MOUNT_ELSEWHERE || (e->state == MOUNT_NONE && !w->flags->remove))
		return 0;
	w->ids = xreallocarray(w->ids, w->id_count + 1, sizeof(*w->ids));
	memcpy(w->ids[w->id_count++], e->id, MOUNT_ID_BYTES);
	return 0;
}

static int umount_all(struct work *w, struct err *err)
{
	TRY(mounts_list(w->store, take_id, w, err));
	for (size_t i = 0; i < w->id_count; i++)
		try_one(w, w->ids[i]);
	free(w->ids);
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	struct work w = { .cli = cli, .flags = values };
	uint64_t count;

	if (!w.flags->all == !cli->operand_count)
		return err_set(err, ERR_USAGE, "name what to unmount, or --all");
	TRY(wire_store(cli, WIRE_WRITE, &w.store, err));
	for (size_t i = 0; i < cli->operand_count; i++)
		try_one(&w, cli->operands[i]);
	if (w.flags->all)
		TRY(umount_all(&w, err));
	if (w.rc < 0) {
		*err = w.first;
		return w.rc;
	}
	return mounts_tidy(&cli->op, w.store, &count, err);
}

const struct cmd cmd_umount = {
	.name = "umount",
	.summary = "Unmount images and writable roots",
	.operands = "[DIR|ID]...",
	.operands_max = CMD_ANY_COUNT,
	.complete = COMPLETE_FILE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"By id, or by the folder it is mounted on. What was mounted and is not any more is\n"
		"fine. A writable root stays, to be mounted again, unless --remove. Also sweeps up\n"
		"what a crash or a reboot left of other mounts.",
	.examples = "img umount /mnt\nimg umount --remove work\nimg umount --all",
};
