/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expression of img find, as rows: what is wrong with it, or which names of a small tree it is
 * true of. What find(1) says of the same tree on a disk is compared in tests/flow/look_find.sh.
 */
#include "base/mem.h"
#include "cli/find_walk.h"
#include "tests/unit/cli/check.h"
#include "tests/unit/cli/lookmaker.h"

#include <CUnit/CUnit.h>
#include <limits.h>

#define WORDS_MAX 64
#define NOW	  1000000000

/* Splits at spaces; an underscore stands for a space inside a word. */
static size_t split(char *line, const char *words[WORDS_MAX])
{
	size_t count = 0;

	for (char *at = line; *at && count < WORDS_MAX;) {
		words[count++] = at;
		at = strchrnul(at, ' ');
		if (*at)
			*at++ = '\0';
	}
	return count;
}

static int parse(char *line, struct find_expr *ret, struct err *err)
{
	const char *words[WORDS_MAX];
	const size_t count = split(line, words);

	*err = (struct err){ 0 };
	return find_parse(words, count, ret, err);
}

void test_find__mistakes_are_named(void)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "-nmae x", "-nmae: not a part" },
		{ "x", "x: not a part" },
		{ "--json", "--json: not a part" },
		{ "-exec rm", "-exec: not a part" },
		{ "-delete", "-delete: not a part" },
		{ "-name", "-name: nothing after it" },
		{ "! ", "!: nothing after it" },
		{ "-true -a", "-a: nothing after it" },
		{ "-true -o", "-o: nothing after it" },
		{ "-o -true", "-o: nothing before it" },
		{ "-a -true", "-a: nothing before it" },
		{ "-true -o -a -true", "-a: nothing before it" },
		{ "( -true", "(: no )" },
		{ "-true )", "): no (" },
		{ ") -true", "): no (" },
		{ "( )", "nothing between" },
		{ "-maxdepth x", "-maxdepth: needs a number" },
		{ "-maxdepth -1", "-maxdepth: needs a number" },
		{ "-mindepth", "-mindepth: needs a number" },
		{ "-maxdepth 4294967295", "-maxdepth: needs a number" },
		{ "-type", "-type: nothing" },
		{ "-type x", "-type x" },
		{ "-type f,", "-type f," },
		{ "-type fd", "-type fd" },
		{ "-type ,f", "-type ,f" },
		{ "-size 1x", "-size 1x" },
		{ "-size k", "-size k" },
		{ "-size +-1k", "-size +-1k" },
		{ "-size 1kk", "-size 1kk" },
		{ "-size 99999999999999999999", "-size 9999" },
		{ "-perm 8", "-perm 8" },
		{ "-perm 10000", "-perm 10000" },
		{ "-perm u", "-perm u" },
		{ "-perm u+q", "-perm u+q" },
		{ "-perm u+x,", "-perm u+x," },
		{ "-uid x", "-uid x" },
		{ "-user 4294967296", "-user 4294967296" },
		{ "-links 1.5", "-links 1.5" },
		{ "-layer", "-layer: nothing" },
		{ "-newermt yesterday", "-newermt yesterday" },
		{ "-newermt 2026-13-01", "-newermt 2026-13-01" },
		{ "-newermt @x", "-newermt @x" },
		{ "-regex (", "-regex (" },
		{ "-mtime", "-mtime: nothing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *line = xstrdup(rows[i].line);
		struct find_expr expr = { 0 };
		struct err err;

		CU_ASSERT(parse(line, &expr, &err) < 0);
		CU_ASSERT(check_err(rows[i].line, &err, ERR_USAGE, rows[i].says));
		find_expr_fini(&expr);
	}
}

void test_find__depth_and_length_are_bounded(void)
{
	static const char *words[40000];
	struct find_expr expr = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = "(";
	CU_ASSERT(find_parse(words, ARRAY_SIZE(words), &expr, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = "!";
	CU_ASSERT(find_parse(words, ARRAY_SIZE(words), &expr, &err) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = "-true";
	CU_ASSERT(find_parse(words, ARRAY_SIZE(words), &expr, &err) < 0);
	/* As long as it may be: evaluated without trouble. */
	CU_ASSERT_EQUAL(find_parse(words, 4999, &expr, &err), 0);
	find_expr_fini(&expr);
}

/* --- a tree ------------------------------------------------------------------------------------- */

static const struct tar_xattr xattrs[] = { { "security.capability", "x", 19, 1 } };

static const struct lookmaker_entry entries[] = {
	{ { .type = '5', .name = "./", .mode = 0755, .mtime_sec = NOW }, NULL },
	{ { .type = '5', .name = "etc", .mode = 0755, .mtime_sec = NOW }, NULL },
	{ { .type = '0', .name = "etc/passwd", .mode = 0644, .mtime_sec = NOW - 86400 },
	  "root:x:0:0::/root:\nweb:x:33:34::/:\n" },
	{ { .type = '0', .name = "etc/group", .mode = 0644, .mtime_sec = NOW - 86399 },
	  "root:x:0:\nwww:x:35:\n" },
	{ { .type = '5', .name = "d", .mode = 01777, .mtime_sec = NOW }, NULL },
	{ { .type = '0', .name = "d/Empty", .mode = 0, .mtime_sec = NOW + 5 }, "" },
	{ { .type = '0',
	    .name = "d/su",
	    .mode = 04755,
	    .uid = 33,
	    .mtime_sec = NOW,
	    .xattrs = xattrs,
	    .xattr_count = 1 },
	  "1" },
	{ { .type = '1', .name = "d/us", .link_name = "d/su", .mtime_sec = NOW }, NULL },
	{ { .type = '2', .name = "l", .link_name = "d/su", .mode = 0777, .gid = 35, .mtime_sec = -1 },
	  NULL },
	{ { .type = '6', .name = "p", .mode = 0600, .mtime_sec = NOW }, NULL },
	{ { .type = '3', .name = "c", .mode = 0666, .dev_major = 1, .mtime_sec = NOW }, NULL },
	{ { .type = '4', .name = "b", .mode = 0660, .dev_major = 7, .mtime_sec = NOW }, NULL },
	{ { .type = '5', .name = "v/w", .mode = 0700, .mtime_sec = NOW }, NULL },
};

static int take(void *arg, enum find_kind action, const struct find_at *at, struct err *err)
{
	struct buf *out = arg;

	return buf_printf(out, err, "%s%s%s", out->len ? " " : "",
			  action == FIND_LS	  ? "ls:"
			  : action == FIND_PRINT0 ? "0:"
						  : "",
			  at->path);
}

static char *find_text(const struct tree *tree, const char *start, const char *expression)
{
	_free_ char *line = xstrdup(expression);
	struct find_expr expr = { 0 };
	struct buf out = BUF_INIT(1 << 20);
	struct find_request request = { &expr, tree, TREE_ROOT, start, NOW };
	struct err err = { 0 };
	int rc = parse(line, &expr, &err);

	if (rc == 0)
		rc = find_bind(&expr, tree, &err);
	if (rc == 0)
		rc = tree_lookup(tree, start, false, &request.start, &err);
	if (rc == 0)
		rc = find_walk(NULL, &request, take, &out, &err);
	if (rc < 0)
		(void)buf_printf(&out, NULL, "!%s", err.msg);
	find_expr_fini(&expr);
	return buf_take(&out);
}

struct row {
	const char *start, *expression, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
	_lookmaker_ struct lookmaker m = { 0 };

	lookmaker_init(&m, entries, ARRAY_SIZE(entries));
	for (size_t i = 0; i < count; i++) {
		_free_ char *got = find_text(m.tree, rows[i].start, rows[i].expression);

		CU_ASSERT(check_text(rows[i].expression, rows[i].want, got));
	}
}

void test_find__walks_in_order(void)
{
	static const struct row rows[] = {
		{ "/", "",
		  "/ /b /c /d /d/Empty /d/su /d/us /etc /etc/group /etc/passwd /l /p /v /v/w" },
		{ "/d", "", "/d /d/Empty /d/su /d/us" },
		{ "/d/su", "", "/d/su" },
		{ "/v/w", "", "/v/w" },
		{ "/l", "", "/l" },
		{ "/", "-maxdepth 0", "/" },
		{ "/", "-maxdepth 1", "/ /b /c /d /etc /l /p /v" },
		{ "/", "-mindepth 2", "/d/Empty /d/su /d/us /etc/group /etc/passwd /v/w" },
		{ "/", "-mindepth 2 -maxdepth 1", "" },
		{ "/v", "-mindepth 1", "/v/w" },
		{ "/", "-name d -prune -o -name e* -prune -o -print", "/ /b /c /l /p /v /v/w" },
		{ "/", "-name su -quit", "" },
		{ "/", "-print -name su -quit", "/ /b /c /d /d/Empty /d/su" },
		{ "/nope", "", "!'/nope': no such file or directory" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_find__operators_and_actions(void)
{
	static const struct row rows[] = {
		{ "/d", "-false", "" },
		{ "/d", "-true -false -o -name su", "/d/su" },
		{ "/d", "-name su -o -name us -name xx", "/d/su" },
		{ "/d", "( -name su -o -name us ) -a -name us", "/d/us" },
		{ "/d", "! -name su", "/d /d/Empty /d/us" },
		{ "/d", "-not ! -name su", "/d/su" },
		{ "/d", "! ( -name su -or -name us ) -and -type f", "/d/Empty" },
		{ "/d", "-name su -print -name us", "/d/su" },
		{ "/d", "-name su -print -print0 -ls", "/d/su 0:/d/su ls:/d/su" },
		{ "/d", "-name su -o -name us -print", "/d/us" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_find__tests(void)
{
	static const struct row rows[] = {
		{ "/", "-name s?", "/d/su" },
		{ "/", "-name /", "/" },
		{ "/", "-iname empty", "/d/Empty" },
		{ "/", "-name empty", "" },
		{ "/", "-path /d*", "/d /d/Empty /d/su /d/us" },
		{ "/", "-ipath */EMPTY", "/d/Empty" },
		{ "/", "-lname d/*", "/l" },
		{ "/", "-ilname D/*", "/l" },
		{ "/", "-regex .*/(su|us)", "/d/su /d/us" },
		{ "/", "-regex su", "" },
		{ "/", "-iregex .*EMPTY", "/d/Empty" },
		{ "/", "-type l,p", "/l /p" },
		{ "/", "-type c,b", "/b /c" },
		{ "/", "-type d", "/ /d /etc /v /v/w" },
		{ "/", "-type s", "" },
		{ "/", "-type f -size 0", "/d/Empty" },
		{ "/", "-type f -size 1", "/d/su /d/us /etc/group /etc/passwd" },
		{ "/", "-type f -size -1k", "/d/Empty" },
		{ "/", "-size 1c", "/d/su /d/us" },
		{ "/", "-size +19c", "/etc/group /etc/passwd" },
		{ "/", "-size 1w", "/d/su /d/us" },
		{ "/", "-perm 4755", "/d/su /d/us" },
		{ "/", "-perm -111 -type f", "/d/su /d/us" },
		{ "/", "-perm /6000", "/d/su /d/us" },
		{ "/", "-perm /0",
		  "/ /b /c /d /d/Empty /d/su /d/us /etc /etc/group /etc/passwd "
		  "/l /p /v /v/w" },
		{ "/", "-perm -u=s,o=x", "/d/su /d/us" },
		{ "/", "-perm /u+s,o+t", "/d /d/su /d/us" },
		{ "/", "-perm u=rw", "/p" },
		{ "/", "-perm a=rw", "/c" },
		{ "/", "-perm a+rw,o-rw", "/b" },
		{ "/", "-uid 33", "/d/su /d/us" },
		{ "/", "-uid +32", "/d/su /d/us" },
		{ "/", "-user web", "/d/su /d/us" },
		{ "/", "-user 33", "/d/su /d/us" },
		{ "/", "-user nobody", "!-user nobody: not in the image's /etc/passwd" },
		{ "/", "-user root:www", "!-user root:www: not in the image's /etc/passwd" },
		{ "/", "-group www", "/l" },
		{ "/", "-group web", "!-group web: not in the image's /etc/group" },
		{ "/", "-gid 35", "/l" },
		{ "/", "-links 2 -type f", "/d/su /d/us" },
		{ "/", "-links +3", "/" },
		{ "/", "-layer 1 -name v", "" },
		{ "/", "-layer 1 -name w", "/v/w" },
		{ "/", "-layer +1", "" },
		{ "/", "-empty", "/d/Empty /v/w" },
		{ "/", "-xattr security.capability", "/d/su /d/us" },
		{ "/", "-xattr sec*", "/d/su /d/us" },
		{ "/", "-mtime 1", "/etc/passwd" },
		{ "/", "-mtime 0 -type f", "/d/su /d/us /etc/group" },
		{ "/", "-mtime -0", "/d/Empty" },
		{ "/", "-mtime +1 -type l", "/l" },
		{ "/", "-newermt @1000000000", "/d/Empty" },
		{ "/", "-newermt 2001-09-09T01:46:40Z", "/d/Empty" },
		{ "/", "-type l -newermt @-2", "/l" },
		{ "/", "-type l -newermt 1969-12-31", "/l" },
		{ "/", "-type l -newermt 1970-01-01", "" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_find__is_interrupted(void)
{
	_lookmaker_ struct lookmaker m = { 0 };
	struct find_expr expr = { 0 };
	struct buf out = BUF_INIT(1 << 20);
	struct op op = { 0 };
	struct err err = { 0 };

	lookmaker_init(&m, entries, ARRAY_SIZE(entries));
	CU_ASSERT_EQUAL(find_parse(NULL, 0, &expr, &err), 0);
	op_cancel(&op);
	const struct find_request request = { &expr, m.tree, TREE_ROOT, "/", NOW };

	CU_ASSERT_EQUAL(find_walk(&op, &request, take, &out, &err), -ECANCELED);
	CU_ASSERT_EQUAL(out.len, 0);
	find_expr_fini(&expr);
	buf_fini(&out);
}
