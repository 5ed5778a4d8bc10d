/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The completion for bash, from the tables: commands, options, the words of a choice, files, names
 * of local images.
 */
#include "cli/help.h"

#include "cli/cli.h"

static void words_of(const struct opt *options, FILE *out)
{
	for (const struct opt *o = options; o && o->name; o++) {
		if (o->hidden)
			continue;
		fprintf(out, " --%s", o->name);
		if (o->letter)
			fprintf(out, " -%c", o->letter);
	}
}

/* The options of a command, as one line of a shell case. */
static void options_of(const struct cmd *cmd, FILE *out)
{
	fprintf(out, "\t\"%s\")\n\t\topts=\"", cmd->name);
	words_of(cmd->options, out);
	for (const struct help_group *g = help_groups; g->title; g++)
		if (!g->group || (cmd->groups & g->group))
			words_of(g->options, out);
	fputs("\"\n", out);
	static const char *const kinds[] = { [COMPLETE_NOTHING] = "",
					     [COMPLETE_IMAGE] = "image",
					     [COMPLETE_FILE] = "image file",
					     [COMPLETE_COMMAND] = "command" };

	fprintf(out, "\t\tkind=\"%s\" ;;\n", kinds[cmd->complete]);
}

/* --progress: its words; anything else with a value: files. */
static void values_of(const struct opt *options, FILE *out)
{
	for (const struct opt *o = options; o && o->name; o++) {
		if (o->hidden || o->type == OPT_BOOL || o->type == OPT_TERNARY)
			continue;
		fprintf(out, "\t--%s", o->name);
		if (o->letter)
			fprintf(out, " | -%c", o->letter);
		if (o->choices) {
			fputs(")\n\t\tCOMPREPLY=($(compgen -W \"", out);
			for (const char *c = o->choices; *c; c++)
				fputc(*c == '|' ? ' ' : *c, out);
			fputs("\" -- \"$cur\")); return ;;\n", out);
		} else {
			fputs(")\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", out);
		}
	}
}

static void names(FILE *out)
{
	fputs("\tlocal commands=\"", out);
	for (const struct cmd *const *c = cmds; *c; c++)
		if (!((*c)->groups & CMD_HIDDEN) && !strchr((*c)->name, ' '))
			fprintf(out, " %s", (*c)->name);
	fputs("\"\n", out);
}

/* Two-word commands: after the first word, the second ones. */
static void families(FILE *out)
{
	fputs("\tcase \"$cmd\" in\n", out);
	for (const struct cmd *const *c = cmds; *c; c++) {
		const char *space = strchr((*c)->name, ' ');

		if (space)
			fprintf(out, "\t%.*s) subs=\"$subs %s\" ;;&\n", (int)(space - (*c)->name),
				(*c)->name, space + 1);
	}
	fputs("\tesac\n", out);
}

static const char head[] = "# bash completion of img; made by `img help --completion bash`\n"
			   "_img()\n"
			   "{\n"
			   "\tlocal cur prev cmd= sub= subs= opts= kind= i w\n"
			   "\tcur=${COMP_WORDS[COMP_CWORD]}\n"
			   "\tprev=${COMP_WORDS[COMP_CWORD-1]}\n";

static const char find_command[] =
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tw=${COMP_WORDS[i]}\n"
	"\t\tcase \"$w\" in\n"
	"\t\t--store | --log-level | --progress) ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) if [ -z \"$cmd\" ]; then cmd=$w; elif [ -z \"$sub\" ]; then sub=$w; fi ;;\n"
	"\t\tesac\n"
	"\tdone\n";

static const char tail[] =
	"\tif [ -z \"$cmd\" ]; then\n"
	"\t\tcase \"$cur\" in\n"
	"\t\t-*) COMPREPLY=($(compgen -W \"$globals\" -- \"$cur\")) ;;\n"
	"\t\t*) COMPREPLY=($(compgen -W \"$commands $families\" -- \"$cur\")) ;;\n"
	"\t\tesac\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [ -n \"$subs\" ] && [ -z \"$sub\" ]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$subs\" -- \"$cur\"))\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tcase \"$cur\" in\n"
	"\t-*) COMPREPLY=($(compgen -W \"$opts\" -- \"$cur\")); return ;;\n"
	"\tesac\n"
	"\tcase \"$kind\" in\n"
	"\t*image*) COMPREPLY=($(compgen -W \"$(img images -q 2>/dev/null)\" -- \"$cur\"))\n"
	"\t\tif type __ltrim_colon_completions >/dev/null 2>&1; then "
	"__ltrim_colon_completions \"$cur\"; fi ;;\n"
	"\tcommand) COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\")) ;;\n"
	"\tesac\n"
	"\tcase \"$kind\" in\n"
	"\t*file*) COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n"
	"\tesac\n"
	"}\n"
	"complete -o filenames -F _img img\n";

static void family_names(FILE *out)
{
	const char *last = "";

	fputs("\tlocal families=\"", out);
	for (const struct cmd *const *c = cmds; *c; c++) {
		const char *space = strchr((*c)->name, ' ');
		const size_t len = space ? (size_t)(space - (*c)->name) : 0;

		if (!space || !strncmp(last, (*c)->name, len + 1))
			continue;
		fprintf(out, " %.*s", (int)len, (*c)->name);
		last = (*c)->name;
	}
	fputs("\"\n", out);
}

void help_bash(FILE *out)
{
	fputs(head, out);
	names(out);
	family_names(out);
	fputs("\tlocal globals=\"", out);
	words_of(cli_global_options, out);
	fputs("\"\n", out);
	fputs(find_command, out);
	families(out);
	fputs("\tcase \"$prev\" in\n", out);
	values_of(cli_global_options, out);
	for (const struct help_group *g = help_groups; g->title; g++)
		if (g->group)
			values_of(g->options, out);
	fputs("\tesac\n\tcase \"$cmd${subs:+ $sub}\" in\n", out);
	for (const struct cmd *const *c = cmds; *c; c++)
		options_of(*c, out);
	fputs("\tesac\n", out);
	fputs(tail, out);
}
