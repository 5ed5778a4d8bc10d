/* SPDX-License-Identifier: Apache-2.0 */
/* img tree: what hangs below a name. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/image_tree.h"
#include "cli/out.h"

struct flags {
	bool no_trunc;
	bool json;
};

static const struct opt options[] = {
	{ .name = "no-trunc",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, no_trunc),
	  .help = "digests in full, and media types" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object: Kind, Digest, MediaType, Size, Children, Referrers, ..." },
	OPT_END,
};

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_json_ struct json *root = NULL;
	_image_ struct image image = { 0 };

	TRY(image_open(cli, cli->operands[0], &image, err));
	TRY(image_tree_read(cli, &image, &root, err));
	if (flags->json)
		return out_json(TAKE_PTR(root), 4, err);
	image_tree_draw(root, flags->no_trunc, stdout);
	return 0;
}

const struct cmd cmd_tree = {
	.name = "tree",
	.summary = "Draw what hangs below a name: index, manifests, configs, layers, referrers",
	.operands = "IMAGE",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"All platforms, attestations and, of an image in a registry, what refers to it\n"
		"(signatures, SBOMs). Only documents are fetched.",
	.examples = "img tree debian:12\nimg tree --remote --no-trunc debian:12",
};
