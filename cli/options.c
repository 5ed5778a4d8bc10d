/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser. What it reads was typed by the user or by a script; it is echoed in errors
 * with control characters escaped.
 */
#include "cli/options.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

/* A mistyped word is taken for one that is at most so many edits away. */
#define NEAR_EDITS 2
#define WORD_MAX   64

void options_add(struct options *o, const char *title, const struct opt *table, void *values)
{
	if (table && table->name && o->count < OPTIONS_GROUPS_MAX)
		o->groups[o->count++] = (struct opt_group){ title, table, values };
}

bool options_parse_bool(const char *text, bool *ret)
{
	static const char *const words[2][6] = { { "0", "f", "F", "false", "False", "FALSE" },
						 { "1", "t", "T", "true", "True", "TRUE" } };

	for (unsigned value = 0; value < 2; value++)
		for (unsigned i = 0; i < 6; i++)
			if (!strcmp(text, words[value][i])) {
				*ret = value;
				return true;
			}
	return false;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

unsigned options_distance(const char *a, const char *b, unsigned limit)
{
	const size_t na = strlen(a), nb = strlen(b);
	unsigned rows[3][WORD_MAX + 1];

	if (na > WORD_MAX || nb > WORD_MAX)
		return limit + 1;
	for (unsigned j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const unsigned *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	const unsigned edits = rows[na % 3][nb];

	return edits > limit ? limit + 1 : edits;
}

/* Where an option was found. */
struct found {
	const struct opt *opt;
	void *values;
};

static bool find(const struct options *o, const char *name, size_t len, char letter,
		 struct found *ret)
{
	for (size_t g = 0; g < o->count; g++)
		for (const struct opt *opt = o->groups[g].options; opt->name; opt++) {
			const bool same = letter ? opt->letter == letter
						 : strlen(opt->name) == len &&
							   !memcmp(opt->name, name, len);
			if (same) {
				*ret = (struct found){ opt, o->groups[g].values };
				return true;
			}
		}
	return false;
}

static int unknown(const struct options *o, const char *name, size_t len, struct err *err)
{
	const char *best = NULL;
	unsigned best_edits = NEAR_EDITS + 1;
	char word[WORD_MAX + 1], shown[96];

	text_escape(shown, sizeof(shown), name, len);
	snprintf(word, sizeof(word), "%.*s", (int)(len > WORD_MAX ? WORD_MAX : len), name);
	for (size_t g = 0; g < o->count; g++)
		for (const struct opt *opt = o->groups[g].options; opt->name; opt++) {
			const unsigned edits = options_distance(word, opt->name, NEAR_EDITS);

			if (!opt->hidden && edits < best_edits) {
				best_edits = edits;
				best = opt->name;
			}
		}
	const int rc = err_set(err, ERR_USAGE, "--%s: no such option", shown);

	if (best)
		err_hint(err, "did you mean --%s?", best);
	return rc;
}

/* "--store" or, for one that was typed short, "-o": as the user knows it. */
static const char *typed(char dst[WORD_MAX + 8], const struct opt *opt, bool as_letter)
{
	if (as_letter)
		snprintf(dst, WORD_MAX + 8, "-%c", opt->letter);
	else
		snprintf(dst, WORD_MAX + 8, "--%s", opt->name);
	return dst;
}

static bool choose(const char *choices, const char *word, unsigned *ret)
{
	const size_t len = strlen(word);
	unsigned n = 0;

	for (const char *at = choices;; n++) {
		const char *bar = strchrnul(at, '|');

		if ((size_t)(bar - at) == len && !memcmp(at, word, len)) {
			*ret = n;
			return true;
		}
		if (!*bar)
			return false;
		at = bar + 1;
	}
}

static int set_uint(void *at, const char *value, const char *name, struct err *err)
{
	uint64_t n;

	if (text_parse_u64(value, strlen(value), 10, &n) < 0 || n > INT_MAX)
		return err_set(err, ERR_USAGE, "%s: \"%s\" is not a whole number", name,
			       TEXT_ESCAPED(value));
	*(unsigned *)at = (unsigned)n;
	return 0;
}

static int add_str(struct opt_strs *list, const char *value, const char *name, struct err *err)
{
	if (list->count == OPT_STRS_MAX)
		return err_set(err, ERR_USAGE, "%s: more than %d times", name, OPT_STRS_MAX);
	list->items[list->count++] = value;
	return 0;
}

static int not_bool(const char *value, const char *name, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s: \"%s\" is neither true nor false", name,
		       TEXT_ESCAPED(value));
}

static bool is_bool(const struct opt *opt)
{
	return opt->type == OPT_BOOL || opt->type == OPT_TERNARY;
}

static int set(const struct found *f, const char *value, const char *name, struct err *err)
{
	void *at = (char *)f->values + f->opt->offset;

	switch (f->opt->type) {
	case OPT_BOOL:
		if (!options_parse_bool(value, at))
			return not_bool(value, name, err);
		return 0;
	case OPT_TERNARY: {
		bool is_true;

		if (!options_parse_bool(value, &is_true))
			return not_bool(value, name, err);
		*(enum opt_ternary *)at = is_true ? OPT_TRUE : OPT_FALSE;
		return 0;
	}
	case OPT_STR:
		*(const char **)at = value;
		return 0;
	case OPT_STRS:
		return add_str(at, value, name, err);
	case OPT_UINT:
		return set_uint(at, value, name, err);
	case OPT_CHOICE:
		if (!choose(f->opt->choices, value, at))
			return err_set(err, ERR_USAGE, "%s: \"%s\" is none of %s", name,
				       TEXT_ESCAPED(value), f->opt->choices);
		return 0;
	}
	return 0;
}

static int needs_value(const struct found *f, const char *name, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s: needs a value (%s)", name, f->opt->arg);
}

static int take_long(const struct options *o, const char *word, const char *next, struct err *err)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	const size_t len = equals ? (size_t)(equals - name) : strlen(name);
	char shown[WORD_MAX + 8];
	struct found f;

	if (!find(o, name, len, 0, &f))
		return unknown(o, name, len, err);
	typed(shown, f.opt, false);
	if (equals)
		return set(&f, equals + 1, shown, err);
	if (is_bool(f.opt))
		return set(&f, "true", shown, err);
	if (!next)
		return needs_value(&f, shown, err);
	TRY(set(&f, next, shown, err));
	return 1;
}

/* -abc is -a -b -c until one takes a value: then the rest, or the next word, is its value. */
static int take_short(const struct options *o, const char *word, const char *next, struct err *err)
{
	for (const char *at = word + 1; *at; at++) {
		char shown[WORD_MAX + 8];
		struct found f;

		if (!find(o, NULL, 0, *at, &f))
			return err_set(err, ERR_USAGE, "-%s: no such option",
				       text_escape((char[8]){ 0 }, 8, at, 1));
		typed(shown, f.opt, true);
		if (is_bool(f.opt) && at[1] != '=') {
			TRY(set(&f, "true", shown, err));
			continue;
		}
		if (at[1])
			return set(&f, at + 1 + (at[1] == '='), shown, err);
		if (!next)
			return needs_value(&f, shown, err);
		TRY(set(&f, next, shown, err));
		return 1;
	}
	return 0;
}

int options_take(const struct options *o, const char *word, const char *next, struct err *err)
{
	return word[1] == '-' ? take_long(o, word, next, err) : take_short(o, word, next, err);
}
