/* SPDX-License-Identifier: Apache-2.0 */
/* Text made from the command tables: help, the manual page, the completion of bash. */
#ifndef IMG_CLI_HELP_H
#define IMG_CLI_HELP_H

#include "cli/cmd.h"

#include <stdio.h>

/* All commands in a few lines each. */
void help_overview(FILE *out);
/* The commands of a two-word family ("auth"). */
void help_family(const char *family, FILE *out);
/* One command. */
void help_command(const struct cmd *cmd, FILE *out);
/* The manual page img(1) in roff (man macros). `date` is "2026-01-02" or NULL. */
void help_man(FILE *out);
/* The completion for bash: source it, or install it as bash-completion/completions/img. */
void help_bash(FILE *out);

/* The shared groups that a command takes, with their headings, in the order of the help. */
struct help_group {
	unsigned group; /* one of enum cmd_groups; 0: every command has it */
	const char *title;
	const struct opt *options;
};
extern const struct help_group help_groups[];

/* "-o, --output FILE" as it stands in help and manual. Returns dst. */
char *help_option(char *dst, size_t dst_bytes, const struct opt *opt);

#endif
