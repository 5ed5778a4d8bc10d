/* SPDX-License-Identifier: Apache-2.0 */
/* img export: the merged root filesystem as one tar. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/out.h"
#include "cli/ready_image.h"
#include "cli/wire.h"
#include "layers/unpack.h"

struct flags {
	const char *output;
};

static const struct opt options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, output),
	  .arg = "FILE",
	  .help = "where to (default or -: standard output, unless that is a terminal)" },
	OPT_END,
};

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_ready_image_ struct ready_image r = { 0 };
	_out_file_ struct out_file out = { .fd = -1 };
	uint64_t bytes;

	cli->op.jobs = wire_jobs(cli);
	/* First of all: a terminal, or a folder that is not there, is no reason to pull. */
	TRY(out_file_open(flags->output, &out, err));
	TRY(ready_image_open(cli, cli->operands[0], &r, err));
	const int rc = export_tree(&cli->op, r.tree.tree, out.fd, &bytes, err);

	if (rc < 0)
		return err->errnum == EPIPE && !out.path ? err_sys(err, EPIPE, "standard output")
							 : rc;
	TRY(out_file_commit(&out, err));
	cli_note(cli, "%s written", TEXT_SIZE(bytes));
	return 0;
}

const struct cmd cmd_export = {
	.name = "export",
	.summary = "Write the files of an image into one tar",
	.operands = "IMAGE",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"The merged root filesystem, without layers and whiteouts: sorted by name and the\n"
		"same bytes each time. An image that the store lacks is pulled first. FILE appears\n"
		"when it is whole.",
	.examples = "img export debian:12 -o rootfs.tar\nimg export debian:12 | tar -tv",
};
