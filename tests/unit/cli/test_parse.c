/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to an invocation, and the tables of all commands: what each must say of itself. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

#define WORDS_MAX 12

/* Splits at spaces, as a shell would; parses. Finish with cli_fini. */
static int parse(struct cli *cli, char *line, struct err *err)
{
	static char empty[] = "img";
	char *words[WORDS_MAX + 1] = { empty };
	int count = 1;

	for (char *at = line; *at && count < WORDS_MAX;) {
		words[count++] = at;
		at = strchrnul(at, ' ');
		if (*at)
			*at++ = '\0';
	}
	words[count] = NULL;
	cli_init(cli);
	*err = (struct err){ 0 };
	return cli_parse(cli, count, words, err);
}

void test_parse__global_flags_before_and_after(void)
{
	static const char *const lines[] = {
		"--store /s --log-level debug -q digest --platform linux/arm64 r",
		"digest --store /s --log-level debug -q --platform linux/arm64 r",
		"digest r --platform=linux/arm64 --store=/s -q --log-level=debug",
		"--store=/s digest --log-level debug r --quiet --platform linux/arm64",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_free_ char *line = xstrdup(lines[i]);
		struct cli cli;
		struct err err;

		CU_ASSERT_EQUAL(parse(&cli, line, &err), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(cli.cmd);
		CU_ASSERT_STRING_EQUAL(cli.cmd->name, "digest");
		CU_ASSERT_STRING_EQUAL(cli.globals.store, "/s");
		CU_ASSERT_EQUAL(cli.globals.log_level, LOG_DEBUG);
		CU_ASSERT(cli.globals.quiet);
		CU_ASSERT_STRING_EQUAL(cli.image.platform, "linux/arm64");
		CU_ASSERT_EQUAL(cli.operand_count, 1);
		CU_ASSERT_STRING_EQUAL(cli.operands[0], "r");
		cli_fini(&cli);
	}
}

void test_parse__defaults(void)
{
	char line[] = "pull a b";
	struct cli cli;
	struct err err;

	CU_ASSERT_EQUAL(parse(&cli, line, &err), 0);
	CU_ASSERT_EQUAL(cli.operand_count, 2);
	CU_ASSERT_EQUAL(cli.globals.log_level, LOG_WARN);
	CU_ASSERT_EQUAL(cli.globals.progress, PROGRESS_AUTO);
	CU_ASSERT_EQUAL(cli.net.retry, 4);
	CU_ASSERT_EQUAL(cli.net.jobs, 0);
	CU_ASSERT_EQUAL(cli.net.tls_verify, OPT_UNSAID);
	CU_ASSERT_PTR_NULL(cli.globals.store);
	cli_fini(&cli);
}

void test_parse__two_words(void)
{
	char line[] = "--quiet auth --json which docker.io";
	char good[] = "--quiet auth which --json docker.io";
	struct cli cli;
	struct err err;

	/* --json belongs to `auth which`, which is not known before its second word. */
	CU_ASSERT(parse(&cli, line, &err) < 0);
	cli_fini(&cli);
	CU_ASSERT_EQUAL(parse(&cli, good, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cli.cmd);
	CU_ASSERT_STRING_EQUAL(cli.cmd->name, "auth which");
	CU_ASSERT_STRING_EQUAL(cli.operands[0], "docker.io");
	cli_fini(&cli);
}

void test_parse__end_of_options(void)
{
	char line[] = "rmi -- --json -q";
	struct cli cli;
	struct err err;

	CU_ASSERT_EQUAL(parse(&cli, line, &err), 0);
	CU_ASSERT_EQUAL(cli.operand_count, 2);
	CU_ASSERT_STRING_EQUAL(cli.operands[0], "--json");
	CU_ASSERT_FALSE(cli.globals.quiet);
	cli_fini(&cli);
}

void test_parse__a_lone_dash_is_an_operand(void)
{
	char line[] = "rmi -";
	struct cli cli;
	struct err err;

	CU_ASSERT_EQUAL(parse(&cli, line, &err), 0);
	CU_ASSERT_EQUAL(cli.operand_count, 1);
	cli_fini(&cli);
}

void test_parse__help_needs_no_operands(void)
{
	static const char *const lines[] = { "--help",	"pull --help", "auth -h",
					     "-h pull", "--version",   "tag x --help" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_free_ char *line = xstrdup(lines[i]);
		struct cli cli;
		struct err err;

		CU_ASSERT_EQUAL(parse(&cli, line, &err), 0);
		CU_ASSERT(cli.globals.help || cli.globals.version);
		cli_fini(&cli);
	}
}

void test_parse__mistakes(void)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "", "no command" },
		{ "--quiet", "no command" },
		{ "pul x", "did you mean img pull?" },
		{ "imagse", "did you mean img images?" },
		{ "xyzzy", "img --help lists the commands" },
		{ "auth", "auth: which command?" },
		{ "auth wich x", "did you mean img auth which?" },
		{ "pull", "pull: needs REF..." },
		{ "tag a", "tag: needs SRC DST" },
		{ "tag a b c", "tag: takes only SRC DST, got also \"c\"" },
		{ "version x", "version: takes no operands, got \"x\"" },
		{ "digest a \033[31m", "got also \"\\x1b[31m\"" },
		{ "pull --jbos 3 x", "did you mean --jobs?" },
		{ "pull --nothing x", "img pull --help" },
		{ "images --creds a:b", "--creds: no such option" },
		{ "pull --store", "--store: needs a value (DIR)" },
		{ "--log-level loud pull x", "is none of error|warn|info|debug" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *line = xstrdup(rows[i].line);
		struct cli cli;
		struct err err;

		CU_ASSERT(parse(&cli, line, &err) < 0);
		CU_ASSERT(check_err(rows[i].line, &err, ERR_USAGE, rows[i].says));
		cli_fini(&cli);
	}
}

void test_parse__commands_are_found(void)
{
	CU_ASSERT_PTR_NOT_NULL(cmd_lookup("pull", NULL));
	CU_ASSERT_PTR_NOT_NULL(cmd_lookup("auth", "which"));
	CU_ASSERT_PTR_NULL(cmd_lookup("auth", NULL));
	CU_ASSERT_PTR_NULL(cmd_lookup("auth", "whic"));
	CU_ASSERT_PTR_NULL(cmd_lookup("pul", NULL));
	CU_ASSERT_PTR_NULL(cmd_lookup("", NULL));
	CU_ASSERT(cmd_is_family("auth"));
	CU_ASSERT_FALSE(cmd_is_family("pull"));
	CU_ASSERT_FALSE(cmd_is_family("aut"));
}

/* All options that a command knows: no name and no letter twice, offsets inside the structs. */
static bool options_are_sane(const struct cmd *cmd)
{
	const struct opt *groups[] = { cmd->options, cli_global_options,
				       cmd->groups & CMD_NETWORK ? cli_network_options : NULL,
				       cmd->groups & CMD_PLATFORM ? cli_platform_options : NULL,
				       cmd->groups & CMD_PLACE ? cli_place_options : NULL };
	const struct opt *all[64];
	size_t count = 0;
	bool ok = true;

	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		for (const struct opt *o = groups[g]; o && o->name; o++)
			all[count++] = o;
	for (size_t i = 0; i < count; i++) {
		ok &= all[i]->type != 0 && all[i]->help && all[i]->help[0];
		ok &= (all[i]->arg != NULL) ==
		      (all[i]->type != OPT_BOOL && all[i]->type != OPT_TERNARY);
		ok &= (all[i]->choices != NULL) == (all[i]->type == OPT_CHOICE);
		for (size_t j = 0; j < i; j++)
			ok &= strcmp(all[i]->name, all[j]->name) != 0 &&
			      (!all[i]->letter || all[i]->letter != all[j]->letter);
	}
	for (const struct opt *o = cmd->options; o && o->name; o++)
		ok &= o->offset < cmd->flags_bytes;
	if (!ok)
		printf("# the options of %s\n", cmd->name);
	return ok;
}

void test_parse__tables(void)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		CU_ASSERT_PTR_NOT_NULL((*c)->run);
		CU_ASSERT(*(*c)->summary >= 'A' && *(*c)->summary <= 'Z');
		CU_ASSERT((*c)->operands_min <= (*c)->operands_max);
		CU_ASSERT_EQUAL(*(*c)->operands == '\0', (*c)->operands_max == 0);
		CU_ASSERT_EQUAL((*c)->options == NULL, (*c)->flags_bytes == 0);
		CU_ASSERT(options_are_sane(*c));
	}
}

void test_parse__words_after_the_operand_may_begin_with_a_dash(void)
{
	char line[] = "-q find --json debian -name --store ! -type f";
	char early[] = "find -name debian";
	struct cli cli;
	struct err err;

	CU_ASSERT_EQUAL(parse(&cli, line, &err), 0);
	CU_ASSERT(cli.globals.quiet);
	CU_ASSERT_EQUAL_FATAL(cli.operand_count, 6);
	CU_ASSERT_STRING_EQUAL(cli.operands[0], "debian");
	CU_ASSERT_STRING_EQUAL(cli.operands[2], "--store");
	CU_ASSERT_STRING_EQUAL(cli.operands[4], "-type");
	CU_ASSERT_PTR_NULL(cli.globals.store);
	cli_fini(&cli);
	CU_ASSERT(parse(&cli, early, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
	cli_fini(&cli);
}
