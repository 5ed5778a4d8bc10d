/* SPDX-License-Identifier: Apache-2.0 */
/*
 * img auth which: whose credentials a request would carry, and where they come from. Never the
 * secret.
 */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/host.h"
#include "cli/out.h"
#include "cli/wire.h"
#include "net/credentials.h"

struct flags {
	bool json;
};

static const struct opt options[] = {
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object: Host, Source, File, Key, Helper, User, Kind" },
	OPT_END,
};

static const char *source_of(const struct credential *c)
{
	static const char *const names[] = {
		[CREDENTIAL_NONE] = "none",	  [CREDENTIAL_FLAG] = "flag",
		[CREDENTIAL_ENV] = "environment", [CREDENTIAL_AUTHS] = "file",
		[CREDENTIAL_HELPER] = "helper",
	};

	return names[c->kind];
}

static const char *kind_of(const struct credential *c)
{
	if (c->kind == CREDENTIAL_NONE)
		return "anonymous";
	if (c->registry_token)
		return "registry token";
	return c->identity_token ? "identity token" : "password";
}

static struct json *facts(const struct host *host, const struct credential *c)
{
	struct json *o = json_new_object();

	json_set_str(o, "Host", host->repository ? host->repository : host->ref.domain);
	json_set_str(o, "Source", source_of(c));
	json_set_str(o, "File", c->file);
	json_set_str(o, "Key", c->key);
	json_set_str(o, "Helper", c->helper);
	json_set_str(o, "User", c->user);
	json_set_str(o, "Kind", kind_of(c));
	return o;
}

static int print(struct json *o, struct err *err)
{
	_json_ struct json *owned = o;
	struct json_iter it;

	(void)err;
	for (json_iter_init(&it, owned); json_iter_next(&it);) {
		if (json_type(it.value) == JSON_NULL_)
			continue;
		printf("%s:%*s", it.key, (int)(8 - strlen(it.key)), "");
		out_escaped(json_str(it.value, ""));
		putchar('\n');
	}
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_credential_ struct credential found = { 0 };
	struct credentials *places = NULL;
	struct credentials_query query;
	_host_ struct host host = { 0 };

	TRY(host_parse(cli->operands[0], &host, err));
	host_query(&host, &query);
	TRY(wire_credentials(cli, &places, err));
	const int rc = credentials_find(places, &cli->op, &query, &found, err);

	credentials_free(places);
	TRY(rc);
	struct json *o = facts(&host, &found);

	return flags->json ? out_json(o, 4, err) : print(o, err);
}

const struct cmd cmd_auth_which = {
	.name = "auth which",
	.summary = "Say which credentials would be used, and from where",
	.operands = "HOST[/REPO]",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Looks where a request would: --creds, --authfile or REGISTRY_AUTH_FILE, podman's\n"
		"files, docker's config.json and its helpers. Never shows a secret.",
	.examples = "img auth which docker.io\nimg auth which registry.example:5000/team/app",
};
