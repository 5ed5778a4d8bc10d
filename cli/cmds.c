/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a command by what was typed. The list itself is cli/cmd_list.c. */
#include "cli/cmd.h"

#include "base/text.h"

#define NEAR_EDITS 2

/* The second word of a name, or NULL. */
static const char *second_of(const char *name)
{
	const char *space = strchr(name, ' ');

	return space ? space + 1 : NULL;
}

static bool first_is(const char *name, const char *word)
{
	const size_t len = strlen(word);

	return !strncmp(name, word, len) && (name[len] == ' ' || !name[len]);
}

const struct cmd *cmd_lookup(const char *first, const char *second)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		const char *rest = second_of((*c)->name);

		if (!first_is((*c)->name, first))
			continue;
		if (!rest || (second && !strcmp(rest, second)))
			return *c;
	}
	return NULL;
}

bool cmd_is_family(const char *word)
{
	for (const struct cmd *const *c = cmds; *c; c++)
		if (second_of((*c)->name) && first_is((*c)->name, word))
			return true;
	return false;
}

const char *cmd_nearest(const char *word)
{
	unsigned best_edits = NEAR_EDITS + 1;
	const char *best = NULL;

	for (const struct cmd *const *c = cmds; *c; c++) {
		const unsigned edits = options_distance(word, (*c)->name, NEAR_EDITS);

		if (!((*c)->groups & CMD_HIDDEN) && edits < best_edits) {
			best_edits = edits;
			best = (*c)->name;
		}
	}
	return best;
}
