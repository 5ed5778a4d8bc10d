/* SPDX-License-Identifier: Apache-2.0 */
/* img mount: an image as a folder, without unpacking it. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/mount_view.h"
#include "cli/out.h"
#include "cli/ready_image.h"
#include "cli/wire.h"
#include "cli/writable_root.h"

struct flags {
	bool rw;
	bool is_volatile;
	const char *id;
	const char *root;
	unsigned driver;
	const char *uidmap;
	const char *gidmap;
	bool json;
};

#define DRIVERS "auto|erofs|loop|unpacked|fuse"
static const char *const driver_names[] = { "auto", "erofs", "loop", "unpacked", "fuse" };

static const struct opt options[] = {
	{ .name = "rw",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, rw),
	  .help = "make a writable root of it" },
	{ .name = "id",
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, id),
	  .arg = "NAME",
	  .help = "its id (default: a fresh one)" },
	{ .name = "root",
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, root),
	  .arg = "ID",
	  .help = "mount this writable root again, with all that was written" },
	{ .name = "volatile",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, is_volatile),
	  .help = "with --rw: never wait for the disk; lost when the system goes down" },
	{ .name = "driver",
	  .type = OPT_CHOICE,
	  .offset = offsetof(struct flags, driver),
	  .arg = "DRIVER",
	  .choices = DRIVERS,
	  .help = "how (default: the first of them that can)" },
	{ .name = "uidmap",
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, uidmap),
	  .arg = "MAP",
	  .help = "user ids, INSIDE:OUTSIDE:COUNT[,...]" },
	{ .name = "gidmap",
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, gidmap),
	  .arg = "MAP",
	  .help = "group ids (default: as the users')" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "print an object in place of the path" },
	OPT_END,
};

static int check_flags(const struct cli *cli, const struct flags *flags, struct err *err)
{
	const bool is_new = flags->rw || flags->id || flags->is_volatile || flags->uidmap ||
			    flags->gidmap;

	if (flags->root && is_new)
		return err_set(err, ERR_USAGE, "--root goes with DIR and --driver only");
	if (flags->root && cli->operand_count > 1)
		return err_set(err, ERR_USAGE, "--root ID takes DIR at most, and no image");
	if (!flags->root && !cli->operand_count)
		return err_set(err, ERR_USAGE, "which image?");
	if (flags->is_volatile && !flags->rw)
		return err_set(err, ERR_USAGE, "--volatile is for writable roots: --rw");
	return 0;
}

static int say(struct cli *cli, const struct flags *flags, const struct mount_entry *e,
	       struct err *err)
{
	if (flags->json)
		return out_json(mount_view_json(e), 0, err);
	if (e->is_writable)
		cli_note(cli, "writable root %s", e->id);
	/* As it is: scripts use it. */
	TRY(out_bytes(e->path, strlen(e->path), err));
	return out_bytes("\n", 1, err);
}

static int mount_root(struct cli *cli, const struct flags *flags, struct mount_entry *ret,
		      struct err *err)
{
	_writable_root_ struct writable_root r = { 0 };

	TRY(writable_root_open(cli, flags->root, &r, err));
	r.request.path = cli->operand_count ? cli->operands[0] : NULL;
	r.request.driver = driver_names[flags->driver];
	return mounts_remount(&cli->op, &r.request, ret, err);
}

static char *name_of(const struct ready_image *r)
{
	return reference_familiar(&r->image.ref);
}

/* Layers are looked for only when one was missed: hundreds would cost as much as the mount. */
static int mount_or_make(struct ready_image *r, const struct mount_request *request,
			 struct mount_entry *ret, struct err *err)
{
	struct err first = { 0 };
	const int rc = mounts_mount(&r->cli->op, request, ret, &first);

	if (rc < 0 && first.kind == ERR_NOT_FOUND) {
		const int made = ready_image_make_layers(r, err);

		TRY(made);
		if (made)
			return mounts_mount(&r->cli->op, request, ret, err);
	}
	if (rc < 0)
		*err = first;
	return rc;
}

static int mount_image(struct cli *cli, const struct flags *flags, struct mount_entry *ret,
		       struct err *err)
{
	_ready_image_ struct ready_image r = { 0 };
	struct store *store;

	TRY(wire_store(cli, WIRE_WRITE, &store, err));
	TRY(ready_image_find(cli, cli->operands[0], &r, err));
	_free_ char *name = name_of(&r);
	const struct mount_request request = {
		.store = r.image.store,
		.image = name,
		.manifest = r.content.manifest->descriptor.digest,
		.diff_ids = r.content.image.diff_ids,
		.layer_count = r.content.image.diff_id_count,
		.tree = ready_image_tree,
		.tree_arg = &r,
		.path = cli->operand_count > 1 ? cli->operands[1] : NULL,
		.id = flags->id,
		.driver = driver_names[flags->driver],
		.is_writable = flags->rw,
		.is_volatile = flags->is_volatile,
		.uidmap = flags->uidmap,
		.gidmap = flags->gidmap,
	};

	return mount_or_make(&r, &request, ret, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	struct mount_entry e = { 0 };

	cli->op.jobs = wire_jobs(cli);
	TRY(check_flags(cli, flags, err));
	TRY(flags->root ? mount_root(cli, flags, &e, err) : mount_image(cli, flags, &e, err));
	const int rc = say(cli, flags, &e, err);

	mount_entry_fini(&e);
	return rc;
}

const struct cmd cmd_mount = {
	.name = "mount",
	.summary = "Mount an image, to look into it or to write on top",
	.operands = "[IMAGE] [DIR]",
	.operands_max = 2,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Prints where: DIR, or a folder of the store. Nothing is unpacked. A mount for\n"
		"looking can't be written to, runs nothing as another user and opens no devices\n"
		"(nosuid, nodev). With --rw it is a writable root, which keeps what is written to it\n"
		"in the store until it is removed; it is what containers run on, and has neither\n"
		"limit: mount it where others can't reach.\n"
		"\n"
		"An image that the store lacks is pulled first. Without root, use a user namespace:\n"
		"unshare -rm.",
	.examples = "img mount debian:12\n"
		    "img mount debian:12 /mnt\n"
		    "img mount --rw --id work debian:12\n"
		    "img mount --root work # again, after a reboot",
};
