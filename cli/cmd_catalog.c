/* SPDX-License-Identifier: Apache-2.0 */
/* img catalog: the repositories of a registry. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/host.h"
#include "cli/name_list.h"
#include "cli/out.h"
#include "cli/wire.h"
#include "registry/client.h"

struct flags {
	bool full_ref;
	bool json;
};

static const struct opt options[] = {
	{ .name = "full-ref",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, full_ref),
	  .help = "print HOST/REPO" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object: Registry, Repositories" },
	OPT_END,
};

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_host_ struct host host = { 0 };
	struct name_list list = { .separator = '/' };
	struct fetch *fetch;

	TRY(host_parse(cli->operands[0], &host, err));
	TRY(wire_fetch(cli, &fetch, err));
	const struct registry_catalog catalog = { fetch, host.ref.domain };
	_json_ struct json *object = json_new_object();

	if (flags->json)
		list.array = json_new_array();
	else if (flags->full_ref)
		list.prefix = host.ref.domain;
	const int rc = registry_list_repositories(&catalog, &cli->op, name_list_take, &list, err);

	json_set_str(object, "Registry", host.ref.domain);
	if (list.array)
		json_set(object, "Repositories", list.array);
	TRY(rc);
	return flags->json ? out_json(TAKE_PTR(object), 4, err) : 0;
}

const struct cmd cmd_catalog = {
	.name = "catalog",
	.summary = "List the repositories of a registry",
	.operands = "HOST",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"One a line. Many registries let only administrators see them all, or have no\n"
		"catalog.",
	.examples = "img catalog localhost:5000",
};
