/* SPDX-License-Identifier: Apache-2.0 */
/* img tags: the tags of a repository. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/image.h"
#include "cli/name_list.h"
#include "cli/out.h"
#include "cli/wire.h"

struct flags {
	bool full_ref;
	bool json;
};

static const struct opt options[] = {
	{ .name = "full-ref",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, full_ref),
	  .help = "print REPO:TAG" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object: Repository, Tags" },
	OPT_END,
};

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_reference_ struct reference ref = { 0 };
	_image_ struct image image = { 0 };
	struct name_list list = { .separator = ':' };

	TRY(image_parse_remote(cli->operands[0], &ref, err));
	TRY(image_open_remote(cli, &ref, &image, err));
	_free_ char *repository = reference_repository(&ref);
	_json_ struct json *object = json_new_object();

	if (flags->json)
		list.array = json_new_array();
	else if (flags->full_ref)
		list.prefix = repository;
	const int rc = transport_list_tags(image.transport, &cli->op, name_list_take, &list, err);

	json_set_str(object, "Repository", repository);
	if (list.array)
		json_set(object, "Tags", list.array);
	TRY(rc);
	return flags->json ? out_json(TAKE_PTR(object), 4, err) : 0;
}

const struct cmd cmd_tags = {
	.name = "tags",
	.summary = "List the tags of a repository in its registry",
	.operands = "REPO",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description = "One a line, in the registry's order, however many pages it takes.",
	.examples = "img tags debian\nimg tags --json registry.example:5000/team/app",
};
