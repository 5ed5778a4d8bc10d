/* SPDX-License-Identifier: Apache-2.0 */
/* img logout: forgets what login kept. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/host.h"
#include "cli/wire.h"
#include "net/credentials.h"

/* Docker's own file is left alone: whoever logs out should know that it still serves. */
static int say_what_is_left(struct cli *cli, const struct credentials *places,
			    const struct credentials_query *query, struct err *err)
{
	_credential_ struct credential left = { 0 };

	TRY(credentials_find(places, &cli->op, query, &left, err));
	if (left.kind == CREDENTIAL_NONE)
		return 0;
	_free_ char *origin = credential_origin(&left);

	cli_note(cli, "there are still credentials for %s: %s", query->host, origin);
	return 0;
}

static int forget(struct cli *cli, const struct credentials *places, const struct host *host,
		  struct err *err)
{
	struct credentials_query query;

	host_query(host, &query);
	const int erased = credentials_erase(places, &cli->op, &query, err);

	TRY(erased);
	if (erased)
		printf("Removed login credentials for %s\n",
		       host->repository ? host->repository : query.host);
	else
		printf("Not logged in to %s\n", host->repository ? host->repository : query.host);
	return say_what_is_left(cli, places, &query, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	struct credentials *places = NULL;
	_host_ struct host host = { 0 };

	(void)values;
	TRY(host_parse(cli->operands[0], &host, err));
	TRY(wire_credentials(cli, &places, err));
	const int rc = forget(cli, places, &host, err);

	credentials_free(places);
	return rc;
}

const struct cmd cmd_logout = {
	.name = "logout",
	.summary = "Forget the credentials of a registry",
	.operands = "HOST[/REPO]",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK,
	.run = run,
	.description =
		"Removes them from the helper and from the auth file that login writes. Files\n"
		"of other programs are left alone, and named when they still have some.",
	.examples = "img logout registry.example:5000",
};
