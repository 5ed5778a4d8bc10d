/* SPDX-License-Identifier: Apache-2.0 */
/* From flags to a pull request. */
#include "cli/pull_one.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/image.h"
#include "cli/wire.h"

int pull_one(struct cli *cli, const struct reference *ref, const struct pull_one *what,
	     struct pull_result *ret, struct err *err)
{
	_platform_ struct platform platform = { 0 };
	_image_ struct image from = { 0 };
	_free_ char *name = reference_familiar(ref);
	struct store *store;
	const int wants = wire_platform(cli, &platform, err);

	TRY(wants);
	TRY(wire_store(cli, WIRE_WRITE, &store, err));
	TRY(image_open_remote(cli, ref, &from, err));
	const struct pull_request req = {
		.from = from.transport,
		.to = store,
		.ref = ref,
		.platform = wants ? &platform : NULL,
		.all_platforms = what->all_platforms,
		.no_unpack = what->no_unpack,
		.jobs = cli->net.jobs,
		.max_ratio = what->max_ratio,
	};

	if (pull_image(&cli->op, &req, ret, err) < 0)
		return err_prefix(err, "%s", name);
	if (ret->was_current)
		cli_note(cli, "%s: up to date", name);
	return 0;
}
