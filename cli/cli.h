/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One invocation of img: what was typed, and the parts that the command asks for, opened when first
 * asked and closed at the end. A command that needs no network never makes a `struct fetch`, and so
 * never loads libcurl.
 */
#ifndef IMG_CLI_CLI_H
#define IMG_CLI_CLI_H

#include "base/op.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "cli/progress_view.h"

#include <stdbool.h>
#include <stdio.h>

struct fetch;
struct platform;
struct store;

/* Global flags, before or after the command. */
struct cli_globals {
	const char *store;
	unsigned log_level; /* enum log_level */
	unsigned progress;  /* enum progress_mode */
	bool quiet;
	bool no_color;
	bool version;
	bool help;
};

/* --plain-http and the others of every command that talks to a registry. */
struct cli_net {
	bool plain_http;
	enum opt_ternary tls_verify;
	const char *cert_dir;
	const char *authfile;
	const char *creds;
	unsigned retry;
	unsigned jobs; /* 0: not said */
};

/* How an IMAGE operand is read. */
struct cli_image_flags {
	const char *platform;
	bool local;
	bool remote;
};

struct cli {
	const char *family; /* first word of a two-word command while the second is missing */
	const struct cmd *cmd;
	struct options options;
	struct cli_globals globals;
	struct cli_net net;
	struct cli_image_flags image;
	void *flags;	       /* the command's own; owned */
	const char **operands; /* the array is owned, the words are argv's */
	size_t operand_count;
	bool err_is_color;

	struct op op; /* the root of all operations; signals cancel it */
	struct progress_view *view;

	/* Opened by cli/wire.h when first asked for. */
	struct store *store;
	bool store_is_writable;
	struct fetch *fetch;
};

/* Defaults; nothing is opened. */
void cli_init(struct cli *cli);
void cli_fini(struct cli *cli);
/*
 * Fills it from the command line. ERR_USAGE. `cli->cmd` is NULL when only --help or --version was
 * asked for.
 */
int cli_parse(struct cli *cli, int argc, char **argv, struct err *err);
/* The whole program; returns the exit status. */
int cli_main(int argc, char **argv);

/* The tables of the shared groups, for the help and the manual. */
extern const struct opt cli_global_options[];
extern const struct opt cli_network_options[];
extern const struct opt cli_platform_options[];
extern const struct opt cli_place_options[];

/* One line of talk to stderr, above the progress; nothing when --quiet. */
void cli_note(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
