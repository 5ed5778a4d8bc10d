/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options by table: each entry names a flag and where its value goes in a plain struct. The parser,
 * --help, the completion and the man page all read the same tables. Syntax as getopt_long and pflag
 * users type it: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, bundled `-abc`; a bool
 * takes no separate value, but `--name=BOOL`.
 */
#ifndef IMG_CLI_OPTIONS_H
#define IMG_CLI_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum opt_type {
	OPT_BOOL = 1, /* bool */
	OPT_TERNARY,  /* enum opt_ternary: a bool whose absence says something too */
	OPT_STR,      /* const char *, borrowed from the command line */
	OPT_STRS,     /* struct opt_strs: may be given again and again */
	OPT_UINT,     /* unsigned */
	OPT_CHOICE,   /* unsigned: the place of the word in `choices` */
};

/* Borrowed from the command line. */
#define OPT_STRS_MAX 64
struct opt_strs {
	const char *items[OPT_STRS_MAX];
	size_t count;
};

enum opt_ternary { OPT_UNSAID, OPT_FALSE, OPT_TRUE };

struct opt {
	const char *name; /* long, without dashes */
	char letter;	  /* short, or 0 */
	enum opt_type type;
	size_t offset;	     /* of the member */
	const char *arg;     /* name of the value in help ("DIR"); NULL for bools */
	const char *help;    /* one line */
	const char *choices; /* OPT_CHOICE: "auto|tty|plain" */
	bool hidden;	     /* not in help, completion and manual */
};
/* Tables end with an entry of zeros. */
#define OPT_END              \
	{                    \
		.name = NULL \
	}

/* One table and the struct that it fills. */
struct opt_group {
	const char *title; /* heading in help: "Network options" */
	const struct opt *options;
	void *values;
};

#define OPTIONS_GROUPS_MAX 6
struct options {
	struct opt_group groups[OPTIONS_GROUPS_MAX];
	size_t count;
};

/* Adds a group; NULL or empty tables are left out. */
void options_add(struct options *o, const char *title, const struct opt *table, void *values);
/*
 * Takes one word that begins with '-' (not "-" or "--"). `next` is the word after it, or NULL.
 * Returns 1 when `next` was used up as its value, 0 when not; ERR_USAGE, with a hint when a known
 * option is near.
 */
int options_take(const struct options *o, const char *word, const char *next, struct err *err);
/*
 * The words a bool takes, as Go's strconv.ParseBool: 1 t T TRUE true True and their opposites.
 * False when it is neither.
 */
bool options_parse_bool(const char *text, bool *ret);
/*
 * Edits (insert, remove, replace, swap neighbours) between two words, or `limit` + 1 when there are
 * more.
 */
unsigned options_distance(const char *a, const char *b, unsigned limit);

#endif
