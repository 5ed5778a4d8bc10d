/* SPDX-License-Identifier: Apache-2.0 */
/* --help, from the tables. Eighty columns, as a terminal has them at least. */
#include "cli/help.h"

#include "cli/cli.h"

const struct help_group help_groups[] = {
	{ CMD_PLATFORM, "Platform", cli_platform_options },
	{ CMD_PLACE, "Place", cli_place_options },
	{ CMD_NETWORK, "Network", cli_network_options },
	{ 0, "Global options", cli_global_options },
	{ 0, NULL, NULL },
};

char *help_option(char *dst, size_t dst_bytes, const struct opt *opt)
{
	char letter[8] = "";

	if (opt->letter)
		snprintf(letter, sizeof(letter), "-%c, ", opt->letter);
	/* One that is not simply off by default is of use with a value only. */
	const char *arg = opt->type == OPT_TERNARY ? "BOOL" : opt->arg;
	const char *join = !arg ? "" : opt->arg ? " " : "=";

	snprintf(dst, dst_bytes, "%s--%s%s%s", letter, opt->name, join, arg ? arg : "");
	return dst;
}

static void print_options(const char *title, const struct opt *options, FILE *out)
{
	if (!options)
		return;
	fprintf(out, "\n%s:\n", title);
	for (const struct opt *o = options; o->name; o++) {
		char left[64];

		if (o->hidden)
			continue;
		help_option(left, sizeof(left), o);
		fprintf(out, "  %s%-*s  %s\n", o->letter ? "" : "    ", o->letter ? 27 : 23, left,
			o->help);
	}
}

static void print_commands(const char *family, FILE *out)
{
	const size_t len = family ? strlen(family) : 0;

	for (const struct cmd *const *c = cmds; *c; c++)
		if (!((*c)->groups & CMD_HIDDEN) &&
		    (!family || (!strncmp((*c)->name, family, len) && (*c)->name[len] == ' ')))
			fprintf(out, "  %-10s  %s\n", (*c)->name, (*c)->summary);
}

void help_overview(FILE *out)
{
	fputs("Usage: img COMMAND [OPTIONS] [OPERANDS]\n\n"
	      "Pulls container images, looks inside them, unpacks them.\n\nCommands:\n",
	      out);
	print_commands(NULL, out);
	print_options("Global options, before or after the command", cli_global_options, out);
	fputs("\n`img COMMAND --help` explains one command.\n", out);
}

void help_family(const char *family, FILE *out)
{
	fprintf(out, "Usage: img %s COMMAND [OPTIONS] [OPERANDS]\n\nCommands:\n", family);
	print_commands(family, out);
}

static void print_examples(const char *text, FILE *out)
{
	fputs("\nExamples:\n", out);
	while (*text) {
		const char *end = strchrnul(text, '\n');

		fprintf(out, "  %.*s\n", (int)(end - text), text);
		text = *end ? end + 1 : end;
	}
}

void help_command(const struct cmd *cmd, FILE *out)
{
	fprintf(out, "Usage: img %s [OPTIONS]%s%s\n\n%s.\n", cmd->name, *cmd->operands ? " " : "",
		cmd->operands, cmd->summary);
	if (cmd->description)
		fprintf(out, "\n%s\n", cmd->description);
	print_options("Options", cmd->options, out);
	for (const struct help_group *g = help_groups; g->title; g++)
		if (!g->group || (cmd->groups & g->group))
			print_options(g->title, g->options, out);
	if (cmd->examples)
		print_examples(cmd->examples, out);
}
