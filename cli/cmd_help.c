/* SPDX-License-Identifier: Apache-2.0 */
/* img help: the same texts as --help, and the manual and completion that `make` installs. */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/help.h"

struct flags {
	bool man;
	const char *completion;
};

static const struct opt options[] = {
	{ .name = "man",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, man),
	  .help = "print the manual page img(1) in roff",
	  .hidden = true },
	{ .name = "completion",
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, completion),
	  .arg = "SHELL",
	  .help = "print the completion for bash",
	  .hidden = true },
	OPT_END,
};

static int help_on(const char *const *words, size_t count, struct err *err)
{
	const struct cmd *cmd = cmd_lookup(words[0], count > 1 ? words[1] : NULL);

	if (cmd) {
		help_command(cmd, stdout);
		return 0;
	}
	if (count == 1 && cmd_is_family(words[0])) {
		help_family(words[0], stdout);
		return 0;
	}
	const int rc = err_set(err, ERR_USAGE, "%s: no such command", TEXT_ESCAPED(words[0]));
	const char *near = cmd_nearest(words[0]);

	if (near)
		err_hint(err, "did you mean img help %s?", near);
	return rc;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;

	if (flags->man) {
		help_man(stdout);
		return 0;
	}
	if (flags->completion) {
		if (strcmp(flags->completion, "bash") != 0)
			return err_set(err, ERR_USAGE, "--completion: only bash");
		help_bash(stdout);
		return 0;
	}
	if (cli->operand_count)
		return help_on(cli->operands, cli->operand_count, err);
	help_overview(stdout);
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.summary = "Explain a command",
	.operands = "[COMMAND]",
	.operands_max = 2,
	.complete = COMPLETE_COMMAND,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
};
