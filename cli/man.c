/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page img(1), in the man macros, from the tables. `make` keeps it in build/man. */
#include "cli/help.h"

#include "base/version.h"
#include "cli/cli.h"

/*
 * Roff reads '\' everywhere and '.' at the start of a line, and makes hyphens and curved quotes of
 * '-', '\'' and '`'.
 */
static void roff(const char *text, size_t len, FILE *out)
{
	bool at_start = true;

	for (size_t i = 0; i < len; i++) {
		const char c = text[i];

		if (at_start && c == '.')
			fputs("\\&", out);
		if (c == '\\')
			fputs("\\e", out);
		else if (c == '-')
			fputs("\\-", out);
		else if (c == '\'')
			fputs("\\(aq", out);
		else if (c == '`')
			fputs("\\(ga", out);
		else if (c == '\n' && i + 1 < len && text[i + 1] == '\n')
			fputs("\n.PP", out);
		else
			fputc(c, out);
		at_start = c == '\n';
	}
}

static void roff_str(const char *text, FILE *out)
{
	roff(text, strlen(text), out);
}

static void man_options(const struct opt *options, FILE *out)
{
	for (const struct opt *o = options; o && o->name; o++) {
		char left[64];

		if (o->hidden)
			continue;
		fputs(".TP\n.B ", out);
		roff_str(help_option(left, sizeof(left), o), out);
		fputc('\n', out);
		roff_str(o->help, out);
		fputc('\n', out);
	}
}

static void man_examples(const char *text, FILE *out)
{
	fputs(".PP\n.nf\n.RS\n", out);
	roff_str(text, out);
	fputs("\n.RE\n.fi\n", out);
}

/* "Takes the options of Platform, Network below." */
static void man_shared(unsigned groups, FILE *out)
{
	const char *before = ".PP\nTakes the options of ";

	for (const struct help_group *g = help_groups; g->title; g++) {
		if (!(groups & g->group))
			continue;
		fprintf(out, "%s%s", before, g->title);
		before = ", ";
	}
	if (*before == ',')
		fputs(" below.\n", out);
}

static void man_command(const struct cmd *cmd, FILE *out)
{
	fputs(".SS \"img ", out);
	roff_str(cmd->name, out);
	fputs(" [OPTIONS]", out);
	if (*cmd->operands) {
		fputc(' ', out);
		roff_str(cmd->operands, out);
	}
	fputs("\"\n", out);
	roff_str(cmd->summary, out);
	fputs(".\n", out);
	if (cmd->description) {
		fputs(".PP\n", out);
		roff_str(cmd->description, out);
		fputc('\n', out);
	}
	man_options(cmd->options, out);
	man_shared(cmd->groups, out);
	if (cmd->examples)
		man_examples(cmd->examples, out);
}

static void man_groups(FILE *out)
{
	for (const struct help_group *g = help_groups; g->title; g++) {
		fprintf(out, ".SS %s\n", g->title);
		man_options(g->options, out);
	}
}

static const char *const tail[] = {
	".SH EXIT STATUS",
	".TP\n.B 0\nDone.",
	".TP\n.B 1\nFailed.",
	".TP\n.B 2\nThe command line is wrong.",
	".TP\n.B 3\nNot found: image, tag, repository, path.",
	".TP\n.B 4\nDenied: credentials, permission, policy.",
	".TP\n.B 5\nDamaged: digest, size or format is not what was promised.",
	".TP\n.B 130\nInterrupted.",
	".SH ENVIRONMENT",
	".TP\n.B IMG_STORE\nThe store, where \\-\\-store is not given.",
	".TP\n.B NO_COLOR\nNo colour when set and not empty.",
	".TP\n.B REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR",
	"Where credentials are looked for; see \\fBimg auth which\\fR.",
	".TP\n.B HTTPS_PROXY, HTTP_PROXY, NO_PROXY, ALL_PROXY\nProxies.",
	".SH FILES",
	".TP\n.I /var/lib/img\nThe store of root.",
	".TP\n.I $XDG_DATA_HOME/img\nThe store of a user (\\fI~/.local/share/img\\fR).",
};

void help_man(FILE *out)
{
	fprintf(out,
		".TH IMG 1 \"\" \"img %s\" \"User Commands\"\n"
		".SH NAME\nimg \\- pull container images, look inside them, unpack them\n"
		".SH SYNOPSIS\n.B img\n.I COMMAND\n[OPTIONS] [OPERANDS]\n.SH COMMANDS\n",
		IMG_VERSION);
	for (const struct cmd *const *c = cmds; *c; c++)
		if (!((*c)->groups & CMD_HIDDEN))
			man_command(*c, out);
	fputs(".SH OPTIONS\n", out);
	man_groups(out);
	for (size_t i = 0; i < sizeof(tail) / sizeof(tail[0]); i++)
		fprintf(out, "%s\n", tail[i]);
}
