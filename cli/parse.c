/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From argv to `struct cli`: the first operand names the command, options may stand before or after
 * it, "--" ends them. Which options exist after the command is said by its table.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"

#define AT(type, member) offsetof(struct type, member)

const struct opt cli_global_options[] = {
	{ .name = "store",
	  .type = OPT_STR,
	  .offset = AT(cli_globals, store),
	  .arg = "DIR",
	  .help = "where images are kept (environment: IMG_STORE)" },
	{ .name = "log-level",
	  .type = OPT_CHOICE,
	  .offset = AT(cli_globals, log_level),
	  .arg = "LEVEL",
	  .choices = "error|warn|info|debug",
	  .help = "how much to say: error, warn, info or debug (default warn)" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPT_BOOL,
	  .offset = AT(cli_globals, quiet),
	  .help = "no progress and no notes" },
	{ .name = "progress",
	  .type = OPT_CHOICE,
	  .offset = AT(cli_globals, progress),
	  .arg = "KIND",
	  .choices = "auto|tty|plain|json|none",
	  .help = "how to show progress: auto, tty, plain, json or none (default auto)" },
	{ .name = "no-color",
	  .type = OPT_BOOL,
	  .offset = AT(cli_globals, no_color),
	  .help = "no colour (environment: NO_COLOR)" },
	{ .name = "version",
	  .type = OPT_BOOL,
	  .offset = AT(cli_globals, version),
	  .help = "print the version" },
	{ .name = "help",
	  .letter = 'h',
	  .type = OPT_BOOL,
	  .offset = AT(cli_globals, help),
	  .help = "explain, and do nothing" },
	OPT_END,
};

const struct opt cli_network_options[] = {
	{ .name = "plain-http",
	  .type = OPT_BOOL,
	  .offset = AT(cli_net, plain_http),
	  .help = "speak HTTP without TLS to the registry" },
	{ .name = "tls-verify",
	  .type = OPT_TERNARY,
	  .offset = AT(cli_net, tls_verify),
	  .help = "check the registry's certificate (default true)" },
	{ .name = "cert-dir",
	  .type = OPT_STR,
	  .offset = AT(cli_net, cert_dir),
	  .arg = "DIR",
	  .help = "further CAs (*.crt) and a client certificate (*.cert, *.key)" },
	{ .name = "authfile",
	  .type = OPT_STR,
	  .offset = AT(cli_net, authfile),
	  .arg = "FILE",
	  .help = "read credentials from here only (environment: REGISTRY_AUTH_FILE)" },
	{ .name = "creds",
	  .type = OPT_STR,
	  .offset = AT(cli_net, creds),
	  .arg = "USER[:PASS]",
	  .help = "use these credentials" },
	{ .name = "retry",
	  .type = OPT_UINT,
	  .offset = AT(cli_net, retry),
	  .arg = "N",
	  .help = "further tries when a request fails for a while (default 4)" },
	{ .name = "jobs",
	  .letter = 'j',
	  .type = OPT_UINT,
	  .offset = AT(cli_net, jobs),
	  .arg = "N",
	  .help = "how many things to do at once" },
	OPT_END,
};

const struct opt cli_platform_options[] = {
	{ .name = "platform",
	  .type = OPT_STR,
	  .offset = AT(cli_image_flags, platform),
	  .arg = "OS/ARCH[/VARIANT]",
	  .help = "which image of an index (default: this machine's)" },
	OPT_END,
};

const struct opt cli_place_options[] = {
	{ .name = "local",
	  .type = OPT_BOOL,
	  .offset = AT(cli_image_flags, local),
	  .help = "look in the store only" },
	{ .name = "remote",
	  .type = OPT_BOOL,
	  .offset = AT(cli_image_flags, remote),
	  .help = "ask the registry, also when the store has the image" },
	OPT_END,
};

static void add_shared(struct cli *cli, unsigned groups)
{
	if (groups & CMD_PLATFORM)
		options_add(&cli->options, "Platform", cli_platform_options, &cli->image);
	if (groups & CMD_PLACE)
		options_add(&cli->options, "Place", cli_place_options, &cli->image);
	if (groups & CMD_NETWORK)
		options_add(&cli->options, "Network", cli_network_options, &cli->net);
}

static void set_cmd(struct cli *cli, const struct cmd *cmd)
{
	cli->cmd = cmd;
	cli->flags = xcalloc(1, cmd->flags_bytes + 1);
	options_add(&cli->options, "Options", cmd->options, cli->flags);
	add_shared(cli, cmd->groups);
}

static int no_such_command(const char *family, const char *word, struct err *err)
{
	char name[160];

	snprintf(name, sizeof(name), "%s%s%s", family ? family : "", family ? " " : "",
		 TEXT_ESCAPED(word));
	const char *near = cmd_nearest(name);
	const int rc = err_set(err, ERR_USAGE, "%s: no such command", name);

	if (near)
		err_hint(err, "did you mean img %s?", near);
	else
		err_hint(err, "img --help lists the commands");
	return rc;
}

/* A word that is not an option: the command, its second word, or an operand. */
static int take_word(struct cli *cli, const char *word, struct err *err)
{
	if (cli->cmd) {
		cli->operands[cli->operand_count++] = word;
		return 0;
	}
	const struct cmd *cmd = cli->family ? cmd_lookup(cli->family, word)
					    : cmd_lookup(word, NULL);

	if (cmd)
		set_cmd(cli, cmd);
	else if (!cli->family && cmd_is_family(word))
		cli->family = word;
	else
		return no_such_command(cli->family, word, err);
	return 0;
}

static int check_command(const struct cli *cli, struct err *err)
{
	if (cli->cmd)
		return 0;
	if (cli->family)
		err_set(err, ERR_USAGE, "%s: which command?", cli->family);
	else
		err_set(err, ERR_USAGE, "no command");
	if (cli->family)
		err_hint(err, "img %s --help lists them", cli->family);
	else
		err_hint(err, "img --help lists the commands");
	return -err_class(ERR_USAGE)->errnum;
}

static int check_operands(const struct cli *cli, struct err *err)
{
	const struct cmd *cmd = cli->cmd;
	int rc = 0;

	if (cli->operand_count < cmd->operands_min)
		rc = err_set(err, ERR_USAGE, "%s: needs %s", cmd->name, cmd->operands);
	else if (cli->operand_count > cmd->operands_max && !cmd->operands_max)
		rc = err_set(err, ERR_USAGE, "%s: takes no operands, got \"%s\"", cmd->name,
			     TEXT_ESCAPED(cli->operands[0]));
	else if (cli->operand_count > cmd->operands_max)
		rc = err_set(err, ERR_USAGE, "%s: takes only %s, got also \"%s\"", cmd->name,
			     cmd->operands, TEXT_ESCAPED(cli->operands[cmd->operands_max]));
	if (rc < 0)
		err_hint(err, "img %s --help", cmd->name);
	return rc;
}

int cli_parse(struct cli *cli, int argc, char **argv, struct err *err)
{
	bool ended = false;

	cli->operands = xcalloc((size_t)argc + 1, sizeof(*cli->operands));
	options_add(&cli->options, "Global options", cli_global_options, &cli->globals);
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!ended && !strcmp(word, "--")) {
			ended = true;
		} else if (!ended && word[0] == '-' && word[1]) {
			const int used = options_take(&cli->options, word, argv[i + 1], err);

			if (used < 0 && cli->cmd && err && !err->hint[0])
				err_hint(err, "img %s --help", cli->cmd->name);
			TRY(used);
			i += used;
		} else {
			TRY(take_word(cli, word, err));
			ended |= cli->operand_count && (cli->cmd->groups & CMD_STOP_AT_OPERAND);
		}
	}
	if (cli->globals.help || cli->globals.version)
		return 0;
	TRY(check_command(cli, err));
	return check_operands(cli, err);
}
