/* SPDX-License-Identifier: Apache-2.0 */
/* img diff: what differs between two images. */
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/diff_report.h"
#include "cli/look.h"

/* As diff(1). */
#define STATUS_DIFFERS 1

struct flags {
	bool files;
	bool config;
	bool time;
	bool json;
};

static const struct opt options[] = {
	{ .name = "files",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, files),
	  .help = "only the files" },
	{ .name = "config",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, config),
	  .help = "only the configuration" },
	{ .name = "time",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, time),
	  .help = "files that differ in nothing but their time, too" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a difference" },
	OPT_END,
};

/* All layers of the first, then of the second, which need not be streamed where they are shared. */
static int compare_files(struct cli *cli, struct look *a, struct look *b, struct diff_report *r,
			 struct err *err)
{
	const struct flags *flags = cli->flags;
	struct diff_files files = { .op = &cli->op, .with_time = flags->time };

	if (diff_same_layers(r))
		return 0;
	TRY(look_tree(cli, a, &files.a, err));
	look_share(b, a);
	TRY(look_tree(cli, b, &files.b, err));
	return diff_files(r, &files, err);
}

static int open_one(struct cli *cli, size_t i, struct look *ret, struct err *err)
{
	_free_ char *image = NULL;
	const char *path;
	const struct look_request request = { .image = cli->operands[i], .with_data = true };

	look_split(cli->operands[i], &image, &path);
	if (path)
		return err_set(err, ERR_USAGE, "%s: whole images are compared, without a path",
			       TEXT_ESCAPED(cli->operands[i]));
	return look_open(cli, &request, ret, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	const bool all = !flags->files && !flags->config;
	_look_ struct look a = { 0 }, b = { 0 };
	struct diff_report report = { &a.content,  &b.content,
				      flags->json, all || (flags->files && flags->config),
				      false,	   NULL };

	TRY(open_one(cli, 0, &a, err));
	TRY(open_one(cli, 1, &b, err));
	if (all || flags->config)
		TRY(diff_config(&report, err));
	if (all)
		TRY(diff_layers(&report, err));
	if (all || flags->files)
		TRY(compare_files(cli, &a, &b, &report, err));
	return report.differs ? STATUS_DIFFERS : 0;
}

const struct cmd cmd_diff = {
	.name = "diff",
	.summary = "Show what differs between two images",
	.operands = "IMAGE IMAGE",
	.operands_min = 2,
	.operands_max = 2,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE | CMD_COMPARES,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"In three sections: fields of the configuration, layers behind those that both begin\n"
		"with, and files (A added, D removed, C changed and in what). How files were packed\n"
		"into layers makes no difference to them. Files that differ in nothing but their time\n"
		"are left out unless --time is given.\n"
		"\n"
		"The exit status is 0 when nothing differs, 1 when something does, and 2 when that\n"
		"can't be told. Layers that both images have are read once, and none is read when they\n"
		"are all the same or only the configuration is asked for.",
	.examples = "img diff debian:11 debian:12\n"
		    "img diff --files example.com/app:1 example.com/app:2 | grep ^D",
};
