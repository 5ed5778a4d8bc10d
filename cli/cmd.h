/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command as a table entry. The parser, the help, the completion and the manual are made from it;
 * its file holds nothing else that others see.
 */
#ifndef IMG_CLI_CMD_H
#define IMG_CLI_CMD_H

#include "cli/options.h"

struct cli;

/* Groups of options that several commands share; see struct cli. */
enum cmd_groups {
	CMD_NETWORK = 1,  /* --plain-http, --creds, ... */
	CMD_PLATFORM = 2, /* --platform */
	CMD_PLACE = 4,	  /* --local, --remote */
	CMD_HIDDEN = 8,	  /* not listed */
	/* After the first operand all words are operands, also those that begin with '-'. */
	CMD_STOP_AT_OPERAND = 16,
	CMD_COMPARES = 32, /* any failure ends with status 2, as with diff(1) */
};

/* What an operand is, for the completion. */
enum cmd_complete { COMPLETE_NOTHING, COMPLETE_IMAGE, COMPLETE_FILE, COMPLETE_COMMAND };

#define CMD_ANY_COUNT 100000u

struct cmd {
	const char *name;     /* "pull", "auth which" */
	const char *summary;  /* one line, no full stop */
	const char *operands; /* "REF..." */
	unsigned operands_min, operands_max;
	unsigned groups; /* enum cmd_groups */
	enum cmd_complete complete;
	const struct opt *options; /* its own, or NULL */
	size_t flags_bytes;	   /* size of the struct they fill, 0 without options */
	/*
	 * Runs it: `flags` is that struct. Returns 0, an exit status from 1 to 255, or a negative
	 * errno with err set.
	 */
	int (*run)(struct cli *cli, const void *flags, struct err *err);
	const char *description; /* paragraphs, lines broken at will, empty line between */
	const char *examples;	 /* lines "COMMAND # what it does", or NULL */
};

/* All commands in the order of the help, NULL at the end. */
extern const struct cmd *const cmds[];

/* By name; for names of two words `second` may be NULL, then NULL comes back. */
const struct cmd *cmd_lookup(const char *first, const char *second);
/* True when `word` is the first of two-word names. */
bool cmd_is_family(const char *word);
/* The name closest to a mistyped one, or NULL. */
const char *cmd_nearest(const char *word);

#endif
