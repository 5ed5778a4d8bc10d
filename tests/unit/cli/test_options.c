/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser: every syntax that getopt_long and pflag users type, and what it says when they
 * mistype.
 */
#include "base/mem.h"
#include "cli/options.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

struct values {
	bool all, quiet;
	enum opt_ternary verify;
	const char *output, *user;
	unsigned jobs, kind;
};

static const struct opt table[] = {
	{ .name = "all", .letter = 'a', .type = OPT_BOOL, .offset = offsetof(struct values, all) },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct values, quiet) },
	{ .name = "tls-verify", .type = OPT_TERNARY, .offset = offsetof(struct values, verify) },
	{ .name = "output",
	  .letter = 'o',
	  .type = OPT_STR,
	  .offset = offsetof(struct values, output),
	  .arg = "FILE" },
	OPT_END,
};

static const struct opt more[] = {
	{ .name = "user", .type = OPT_STR, .offset = offsetof(struct values, user), .arg = "USER" },
	{ .name = "jobs",
	  .letter = 'j',
	  .type = OPT_UINT,
	  .offset = offsetof(struct values, jobs),
	  .arg = "N" },
	{ .name = "progress",
	  .type = OPT_CHOICE,
	  .offset = offsetof(struct values, kind),
	  .arg = "KIND",
	  .choices = "auto|tty|plain" },
	{ .name = "secret",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct values, all),
	  .hidden = true },
	OPT_END,
};

static int take(const char *word, const char *next, struct values *v, struct err *err)
{
	struct options o = { 0 };

	*v = (struct values){ 0 };
	*err = (struct err){ 0 };
	options_add(&o, "One", table, v);
	options_add(&o, "Two", more, v);
	options_add(&o, "None", NULL, v);
	return options_take(&o, word, next, err);
}

static char *show(const struct values *v)
{
	return xasprintf("%d%d%d o=%s u=%s j=%u k=%u", v->all, v->quiet, (int)v->verify,
			 v->output ? v->output : "", v->user ? v->user : "", v->jobs, v->kind);
}

void test_options__forms(void)
{
	static const struct {
		const char *word, *next;
		int used;
		const char *values;
	} rows[] = {
		{ "--all", "x", 0, "100 o= u= j=0 k=0" },
		{ "--all=true", NULL, 0, "100 o= u= j=0 k=0" },
		{ "--all=false", NULL, 0, "000 o= u= j=0 k=0" },
		{ "-a", "x", 0, "100 o= u= j=0 k=0" },
		{ "-aq", "x", 0, "110 o= u= j=0 k=0" },
		{ "-a=0", NULL, 0, "000 o= u= j=0 k=0" },
		{ "--tls-verify", NULL, 0, "002 o= u= j=0 k=0" },
		{ "--tls-verify=true", NULL, 0, "002 o= u= j=0 k=0" },
		{ "--tls-verify=F", NULL, 0, "001 o= u= j=0 k=0" },
		{ "--output", "file", 1, "000 o=file u= j=0 k=0" },
		{ "--output=file", "x", 0, "000 o=file u= j=0 k=0" },
		{ "--output=", "x", 0, "000 o= u= j=0 k=0" },
		{ "--output", "-", 1, "000 o=- u= j=0 k=0" },
		{ "--output", "--all", 1, "000 o=--all u= j=0 k=0" },
		{ "-o", "file", 1, "000 o=file u= j=0 k=0" },
		{ "-ofile", "x", 0, "000 o=file u= j=0 k=0" },
		{ "-o=file", "x", 0, "000 o=file u= j=0 k=0" },
		{ "-aqofile", "x", 0, "110 o=file u= j=0 k=0" },
		{ "-aqo", "file", 1, "110 o=file u= j=0 k=0" },
		{ "-j4", NULL, 0, "000 o= u= j=4 k=0" },
		{ "--jobs=2147483647", NULL, 0, "000 o= u= j=2147483647 k=0" },
		{ "--progress", "plain", 1, "000 o= u= j=0 k=2" },
		{ "--progress=auto", NULL, 0, "000 o= u= j=0 k=0" },
		{ "--user", "a:b=c", 1, "000 o= u=a:b=c j=0 k=0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct values v;
		struct err err;

		CU_ASSERT_EQUAL(take(rows[i].word, rows[i].next, &v, &err), rows[i].used);
		_free_ char *got = show(&v);

		CU_ASSERT(check_text(rows[i].word, rows[i].values, got));
	}
}

void test_options__mistakes(void)
{
	static const struct {
		const char *word, *next, *says;
	} rows[] = {
		{ "--nothing", NULL, "--nothing: no such option" },
		{ "--ouput", "x", "did you mean --output?" },
		{ "--tsl-verify", NULL, "did you mean --tls-verify?" },
		{ "--outptu=x", NULL, "did you mean --output?" },
		{ "--", NULL, "--: no such option" },
		{ "-x", NULL, "-x: no such option" },
		{ "-ax", NULL, "-x: no such option" },
		{ "-\033", NULL, "-\\x1b: no such option" },
		{ "--output", NULL, "--output: needs a value (FILE)" },
		{ "-o", NULL, "-o: needs a value (FILE)" },
		{ "--all=maybe", NULL, "--all: \"maybe\" is neither true nor false" },
		{ "--tls-verify=", NULL, "--tls-verify: \"\" is neither true nor false" },
		{ "--jobs=x", NULL, "--jobs: \"x\" is not a whole number" },
		{ "--jobs=-1", NULL, "not a whole number" },
		{ "--jobs=2147483648", NULL, "not a whole number" },
		{ "-j", "99999999999999999999", "-j: \"99999999999999999999\"" },
		{ "--progress=fancy", NULL, "--progress: \"fancy\" is none of auto|tty|plain" },
		{ "--progress=auto|tty", NULL, "is none of" },
		{ "--progress=", NULL, "is none of" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct values v;
		struct err err;

		CU_ASSERT(take(rows[i].word, rows[i].next, &v, &err) < 0);
		CU_ASSERT(check_err(rows[i].word, &err, ERR_USAGE, rows[i].says));
	}
}

void test_options__hidden_ones_are_not_suggested(void)
{
	struct values v;
	struct err err;

	CU_ASSERT(take("--secrte", NULL, &v, &err) < 0);
	CU_ASSERT_STRING_EQUAL(err.hint, "");
	CU_ASSERT_EQUAL(take("--secret", NULL, &v, &err), 0);
	CU_ASSERT(v.all);
}

void test_options__bools(void)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
	static const char *const neither[] = { "", "yes", "tRUE", "2", "true " };
	bool b;

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		b = false;
		CU_ASSERT(options_parse_bool(yes[i], &b) && b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		b = true;
		CU_ASSERT(options_parse_bool(no[i], &b) && !b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		CU_ASSERT(!options_parse_bool(neither[i], &b));
}

void test_options__distance(void)
{
	static const struct {
		const char *a, *b;
		unsigned edits;
	} rows[] = {
		{ "", "", 0 },
		{ "pull", "pull", 0 },
		{ "pull", "pul", 1 },
		{ "pull", "pulll", 1 },
		{ "pull", "plul", 1 },
		{ "images", "imagse", 1 },
		{ "inspect", "insepct", 1 },
		{ "tags", "tgas", 1 },
		{ "tag", "rmi", 3 },
		{ "abc", "", 3 },
		{ "", "ab", 2 },
		{ "login", "logout", 3 },
	};
	char longest[100];

	memset(longest, 'x', sizeof(longest));
	longest[99] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_EQUAL(options_distance(rows[i].a, rows[i].b, 2), rows[i].edits);
	CU_ASSERT_EQUAL(options_distance("aaaaaaaa", "bbbbbbbb", 2), 3);
	CU_ASSERT_EQUAL(options_distance(longest, longest, 2), 3);
}
