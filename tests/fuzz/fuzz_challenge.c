/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WWW-Authenticate lines, one a line of the input: whatever they hold, the list stays within its
 * bounds and its words are what they are said to be.
 */
#include "base/mem.h"
#include "net/auth_scope.h"
#include "net/challenge.h"

#include <ctype.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int good)
{
	if (!good)
		abort();
}

static void check_name(const char *name)
{
	demand(*name);
	for (; *name; name++)
		demand(!isupper((unsigned char)*name) && *name > ' ' && *name < 0x7f);
}

static void check(const struct challenge *c)
{
	check_name(c->scheme);
	demand(c->param_count <= CHALLENGE_PARAMS_MAX);
	for (size_t i = 0; i < c->param_count; i++) {
		check_name(c->params[i].name);
		demand(challenge_param(c, c->params[i].name) != NULL);
	}
}

/* The normal form of a scope is its own normal form. */
static void check_scope(const struct challenge *c)
{
	const char *scope = challenge_param(c, "scope");
	char *_free_ once = scope_merge(scope, NULL);
	char *_free_ twice = scope_merge(once, scope);

	demand((once != NULL) == (twice != NULL));
	demand(!once || !strcmp(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct challenges _challenges_ list = { 0 };
	char *_free_ text = xmemdupz(data, size);

	for (char *line = text; line;) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		challenges_add(&list, line);
		line = end;
	}
	demand(list.count <= CHALLENGE_COUNT_MAX);
	for (size_t i = 0; i < list.count; i++) {
		check(&list.items[i]);
		check_scope(&list.items[i]);
	}
	return 0;
}
