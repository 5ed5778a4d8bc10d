/* SPDX-License-Identifier: Apache-2.0 */
/*
 * img login: tries credentials at the registry and, when it takes them, keeps them where docker and
 * podman look.
 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/host.h"
#include "cli/prompt.h"
#include "cli/wire.h"
#include "net/credentials.h"
#include "registry/client.h"

struct flags {
	const char *username;
	const char *password;
	bool password_stdin;
};

static const struct opt options[] = {
	{ .name = "username",
	  .letter = 'u',
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, username),
	  .arg = "USER",
	  .help = "who to log in as" },
	{ .name = "password-stdin",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, password_stdin),
	  .help = "read the password from standard input" },
	{ .name = "password",
	  .letter = 'p',
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, password),
	  .arg = "PASS",
	  .help = "the password; others can see it here, better --password-stdin" },
	OPT_END,
};

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
}
#define _secret_ __attribute__((cleanup(wipe)))

static int get_password(struct cli *cli, const struct flags *flags, char **ret, struct err *err)
{
	if (flags->password && flags->password_stdin)
		return err_set(err, ERR_USAGE,
			       "--password and --password-stdin exclude each other");
	if (flags->password) {
		*ret = xstrdup(flags->password);
		return 0;
	}
	if (flags->password_stdin)
		return prompt_stdin(ret, err);
	return prompt_line(&cli->op, "Password: ", true, ret, err);
}

static int get_user(struct cli *cli, const struct flags *flags, char **ret, struct err *err)
{
	if (flags->username) {
		*ret = xstrdup(flags->username);
	} else if (flags->password_stdin) {
		return err_set(err, ERR_USAGE, "--password-stdin needs --username");
	} else {
		TRY(prompt_line(&cli->op, "Username: ", false, ret, err));
	}
	if (!**ret || strchr(*ret, ':')) {
		free(*ret);
		*ret = NULL;
		return err_set(err, ERR_USAGE, "a user name is not empty and has no colon");
	}
	return 0;
}

/* Does the registry take them? */
static int try_login(struct cli *cli, const struct host *host, const char *user,
		     const char *password, struct err *err)
{
	_secret_ char *creds = xasprintf("%s:%s", user, password);
	struct fetch *fetch;

	cli->net.creds = creds;
	const int rc = wire_fetch(cli, &fetch, err);

	cli->net.creds = NULL;
	TRY(rc);
	return registry_check_login(fetch, &cli->op, host->ref.domain, err);
}

static int keep(struct cli *cli, const struct host *host, struct credential *what, struct err *err)
{
	struct credentials *places = NULL;
	struct credentials_query query;

	host_query(host, &query);
	TRY(wire_credentials(cli, &places, err));
	const int rc = credentials_store(places, &cli->op, &query, what, err);

	credentials_free(places);
	TRY(rc);
	_free_ char *origin = credential_origin(what);

	cli_note(cli, "kept in %s", origin);
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	_credential_ struct credential what = { .kind = CREDENTIAL_FLAG };
	_host_ struct host host = { 0 };

	TRY(host_parse(cli->operands[0], &host, err));
	TRY(get_user(cli, values, &what.user, err));
	TRY(get_password(cli, values, &what.secret, err));
	TRY(try_login(cli, &host, what.user, what.secret, err));
	TRY(keep(cli, &host, &what, err));
	puts("Login Succeeded!");
	return 0;
}

const struct cmd cmd_login = {
	.name = "login",
	.summary = "Log in to a registry",
	.operands = "HOST[/REPO]",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Tries user and password at the registry. When it takes them, they are kept in the\n"
		"credential helper that your configuration names for the host, else in the auth\n"
		"file (--authfile, or the one that podman uses). Asks for what is not given.",
	.examples = "img login registry.example:5000\n"
		    "img login -u alice --password-stdin docker.io < token",
};
