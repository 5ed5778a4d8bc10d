/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts made from the tables: nothing is missing in them, and the programs that read them accept
 * them.
 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "tests/support/tmp.h"
#include "tests/unit/cli/check.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <sys/wait.h>

static char *text_of(void (*print)(FILE *out))
{
	struct check_capture c;

	check_begin(&c);
	print(c.f);
	return check_captured(&c);
}

void test_help__overview_names_all_commands(void)
{
	_free_ char *text = text_of(help_overview);

	for (const struct cmd *const *c = cmds; *c; c++) {
		_free_ char *line = xasprintf("\n  %s ", (*c)->name);

		CU_ASSERT_EQUAL(strstr(text, line) != NULL, !((*c)->groups & CMD_HIDDEN));
	}
	CU_ASSERT(check_has("overview", "\n  -q, --quiet ", text));
}

void test_help__command_names_its_options(void)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		struct check_capture capture;

		check_begin(&capture);
		help_command(*c, capture.f);
		_free_ char *text = check_captured(&capture);

		CU_ASSERT(check_has((*c)->name, (*c)->summary, text));
		CU_ASSERT(check_has((*c)->name, "--store DIR", text));
		CU_ASSERT_EQUAL(strstr(text, "--creds") != NULL, ((*c)->groups & CMD_NETWORK) != 0);
		for (const struct opt *o = (*c)->options; o && o->name; o++) {
			_free_ char *name = xasprintf("--%s", o->name);

			CU_ASSERT_EQUAL(strstr(text, name) != NULL, !o->hidden);
		}
	}
}

void test_help__no_line_is_wide(void)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		struct check_capture capture;

		check_begin(&capture);
		help_command(*c, capture.f);
		_free_ char *text = check_captured(&capture);

		for (const char *at = text; *at;) {
			const char *end = strchrnul(at, '\n');

			if (end - at > 110)
				printf("# %.*s\n", (int)(end - at), at);
			CU_ASSERT(end - at <= 110);
			at = *end ? end + 1 : end;
		}
	}
}

void test_help__family(void)
{
	struct check_capture c;

	check_begin(&c);
	help_family("auth", c.f);
	_free_ char *text = check_captured(&c);

	CU_ASSERT(check_has("auth", "auth which", text));
	CU_ASSERT_PTR_NULL(strstr(text, "pull"));
}

void test_help__option(void)
{
	static const struct {
		struct opt opt;
		const char *text;
	} rows[] = {
		{ { .name = "all", .type = OPT_BOOL }, "--all" },
		{ { .name = "quiet", .letter = 'q', .type = OPT_BOOL }, "-q, --quiet" },
		{ { .name = "output", .letter = 'o', .type = OPT_STR, .arg = "FILE" },
		  "-o, --output FILE" },
		{ { .name = "tls-verify", .type = OPT_TERNARY }, "--tls-verify=BOOL" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char dst[64];

		CU_ASSERT(check_text("option", rows[i].text,
				     help_option(dst, sizeof(dst), &rows[i].opt)));
	}
}

/* Runs a shell line in the folder; its exit status. */
static int shell(const struct tmp *t, const char *line)
{
	_free_ char *command = xasprintf("cd '%s' && { %s; } >out 2>&1", t->path, line);
	const int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_help__bash_takes_the_completion(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *text = text_of(help_bash);

	if (shell(&t, "command -v bash") != 0) {
		test_skip("no bash");
		return;
	}
	tmp_write_str(&t, "img.bash", text);
	CU_ASSERT_EQUAL(shell(&t, "bash -n img.bash && test ! -s out"), 0);
}

/* What bash would offer for the words, the last of which is being typed. */
static int offers(const struct tmp *t, const char *words, const char *wanted)
{
	_free_ char *line = xasprintf("bash -c '. ./img.bash; COMP_WORDS=(%s); "
				      "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _img; "
				      "echo \" ${COMPREPLY[*]} \"' > got && grep -q -- ' %s ' got",
				      words, wanted);

	return shell(t, line) == 0;
}

void test_help__completion_offers(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *text = text_of(help_bash);

	if (shell(&t, "command -v bash") != 0) {
		test_skip("no bash");
		return;
	}
	tmp_write_str(&t, "img.bash", text);
	CU_ASSERT(offers(&t, "img pu", "pull"));
	CU_ASSERT(offers(&t, "img au", "auth"));
	CU_ASSERT(offers(&t, "img auth w", "which"));
	CU_ASSERT(offers(&t, "img --store /x pul", "pull"));
	CU_ASSERT(offers(&t, "img pull --all", "--all-platforms"));
	CU_ASSERT(offers(&t, "img pull --cre", "--creds"));
	CU_ASSERT(offers(&t, "img --progress p", "plain"));
	CU_ASSERT(offers(&t, "img help insp", "inspect"));
	CU_ASSERT_FALSE(offers(&t, "img images --cre", "--creds"));
}

void test_help__roff_is_clean(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *text = text_of(help_man);

	for (const struct cmd *const *c = cmds; *c; c++)
		for (const struct opt *o = (*c)->options; o && o->name; o++)
			CU_ASSERT(o->hidden || strstr(text, o->help) || strchr(o->help, '-') ||
				  strchr(o->help, '\''));
	CU_ASSERT(check_has("man", ".SH EXIT STATUS", text));
	/* Every line that begins with a dot is a request of the man macros. */
	tmp_write_str(&t, "img.1", text);
	CU_ASSERT_EQUAL(shell(&t, "! grep -nvE '^(\\.(TH|SH|SS|TP|PP|B|I|RS|RE|nf|fi)( |$)|[^.])' "
				  "img.1 | grep -v ':$'"),
			0);
	if (shell(&t, "command -v groff") == 0)
		CU_ASSERT_EQUAL(
			shell(&t, "groff -man -Tutf8 -ww img.1 2>warn >/dev/null; test ! -s warn"),
			0);
}
