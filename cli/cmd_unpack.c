/* SPDX-License-Identifier: Apache-2.0 */
/* img unpack: the merged root filesystem as plain files, or an OCI bundle. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/out.h"
#include "cli/ready_image.h"
#include "cli/wire.h"
#include "layers/bundle.h"
#include "layers/unpack.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>

/* A config.json of ours: the image's own texts, escaped, and the defaults. */
#define BUNDLE_BYTES_MAX ((size_t)32 << 20)

struct flags {
	bool bundle;
	bool json;
};

static const struct opt options[] = {
	{ .name = "bundle",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, bundle),
	  .help = "an OCI bundle: DIR/config.json and DIR/rootfs" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object: Directory, Files, Bytes, Lost" },
	OPT_END,
};

/* ERR_EXISTS unless the folder is empty. */
static int check_empty(int fd, const char *path, struct err *err)
{
	_close_ int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool is_empty = true;

	if (!dir)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	(void)TAKE_FD(copy); /* the stream's now */
	errno = 0;
	while (is_empty && (entry = readdir(dir)))
		is_empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	const int errnum = is_empty ? errno : 0;

	closedir(dir);
	if (errnum)
		return err_sys(err, errnum, "%s", TEXT_ESCAPED(path));
	if (is_empty)
		return 0;
	const int rc = err_set(err, ERR_EXISTS, "%s: not empty", TEXT_ESCAPED(path));

	err_hint(err, "name a new or empty folder");
	return rc;
}

/* Before anything is pulled: what can't be unpacked into is refused at once. */
static int check_target(const char *path, struct err *err)
{
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	return check_empty(fd, path, err);
}

static int make_config(const struct ready_image *r, struct buf *out, struct err *err)
{
	const struct bundle_options options_of_bundle = {
		.rootless = geteuid() != 0,
		.uid = geteuid(),
		.gid = getegid(),
	};

	return bundle_config(&r->content.image, r->tree.tree, &options_of_bundle, out, err);
}

static int unpack_into(struct cli *cli, const struct ready_image *r, int dir,
		       struct unpack_report *report, struct err *err)
{
	const struct unpack_options how = { .dir_fd = dir, .keep_owner = geteuid() == 0 };

	return unpack_tree(&cli->op, r->tree.tree, &how, report, err);
}

/*
 * What can go wrong with the config does so before a file is written; it is put there last, so that
 * a bundle with a config is whole.
 */
static int unpack_bundle(struct cli *cli, const struct ready_image *r, int dir,
			 struct unpack_report *report, struct err *err)
{
	_buf_ struct buf config = BUF_INIT(BUNDLE_BYTES_MAX);

	TRY(make_config(r, &config, err));
	TRY(file_mkdir(dir, "rootfs", 0755, err));
	/* Never through a link that somebody put there since: DIR may be another user's. */
	_close_ int rootfs = file_open_beneath(dir, "rootfs", O_RDONLY | O_DIRECTORY, 0, err);

	TRY(rootfs);
	TRY(unpack_into(cli, r, rootfs, report, err));
	const struct file_content content = { config.data, config.len, 0644 };

	return file_replace(dir, "config.json", &content, err);
}

static struct json *lost_json(const struct unpack_report *report)
{
	struct json *o = json_new_object();

	for (unsigned i = 0; i < UNPACK_LOSS_COUNT; i++)
		if (report->lost[i])
			json_set_int(o, unpack_loss_name((enum unpack_loss)i),
				     (int64_t)report->lost[i]);
	return o;
}

static int say(struct cli *cli, const struct flags *flags, const struct unpack_report *report,
	       struct err *err)
{
	const char *path = cli->operands[1];

	for (unsigned i = 0; i < UNPACK_LOSS_COUNT; i++)
		if (report->lost[i])
			cli_note(cli, "%s not kept: %" PRIu64 ", the first is %s",
				 unpack_loss_name((enum unpack_loss)i), report->lost[i],
				 report->first[i] ? TEXT_ESCAPED(report->first[i]) : "?");
	if (!flags->json) {
		cli_note(cli, "%" PRIu64 " files, %s in %s", report->files,
			 TEXT_SIZE(report->bytes), TEXT_ESCAPED(path));
		return 0;
	}
	struct json *o = json_new_object();

	json_set_str(o, "Directory", path);
	json_set_int(o, "Files", (int64_t)report->files);
	json_set_int(o, "Bytes", (int64_t)report->bytes);
	json_set(o, "Lost", lost_json(report));
	return out_json(o, 4, err);
}

static int unpack(struct cli *cli, const struct ready_image *r, const struct flags *flags,
		  struct unpack_report *report, struct err *err)
{
	const char *path = cli->operands[1];
	_close_ int dir = file_open_dir(path, true, 0755, err);

	TRY(dir);
	TRY(check_empty(dir, path, err));
	const int rc = flags->bundle ? unpack_bundle(cli, r, dir, report, err)
				     : unpack_into(cli, r, dir, report, err);

	if (rc < 0 && !err->hint[0])
		err_hint(err, "%s is not complete: remove it", TEXT_ESCAPED(path));
	return rc;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_ready_image_ struct ready_image r = { 0 };
	struct unpack_report report = { 0 };

	cli->op.jobs = wire_jobs(cli);
	TRY(check_target(cli->operands[1], err));
	TRY(ready_image_open(cli, cli->operands[0], &r, err));
	TRY(unpack(cli, &r, flags, &report, err));
	const int rc = say(cli, flags, &report, err);

	unpack_report_fini(&report);
	return rc;
}

const struct cmd cmd_unpack = {
	.name = "unpack",
	.summary = "Write the files of an image into a folder",
	.operands = "IMAGE DIR",
	.operands_min = 2,
	.operands_max = 2,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_FILE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"DIR is new or empty. An image that the store lacks is pulled first. As root,\n"
		"owners, devices and extended attributes are kept; as a user all files are yours,\n"
		"and what could not be kept is said.\n"
		"\n"
		"While it works, and after it was interrupted, DIR (with --bundle: DIR/rootfs) holds\n"
		"a file .img-incomplete.",
	.examples = "img unpack debian:12 rootfs\n"
		    "img unpack --bundle busybox bundle && runc run -b bundle box",
};
