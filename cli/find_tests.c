/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of img find that have an argument, and how the argument is read. */
#include "base/mem.h"
#include "base/text.h"
#include "cli/find_expr.h"
#include "layers/users.h"

#define REGEX_BYTES_MAX 1000

static int bad(struct err *err, const char *word, const char *arg, const char *wants)
{
	return err_set(err, ERR_USAGE, "%s %s: needs %s", word, TEXT_ESCAPED(arg), wants);
}

typedef int test_fn(struct find_node *node, const char *word, const char *arg, struct err *err);

static int take_text(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	(void)err;
	node->text = arg;
	/* -iname, -ipath, -ilname, -iregex */
	node->ignore_case = word[1] == 'i';
	return 0;
}

static int take_regex(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	const int flags = REG_EXTENDED | REG_NOSUB | (word[1] == 'i' ? REG_ICASE : 0);
	_free_ char *whole = NULL;
	regex_t *regex;
	char why[128];

	if (strlen(arg) > REGEX_BYTES_MAX)
		return bad(err, word, arg, "a shorter pattern");
	/* The whole path must match. */
	whole = xasprintf("^(%s)$", arg);
	regex = NEW(regex_t);
	const int rc = regcomp(regex, whole, flags);

	if (rc) {
		regerror(rc, regex, why, sizeof(why));
		free(regex);
		return err_set(err, ERR_USAGE, "%s %s: %s", word, TEXT_ESCAPED(arg), why);
	}
	node->regex = regex;
	return 0;
}

static int take_type(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	const size_t len = strlen(arg);

	for (size_t i = 0; i < len; i++)
		if (i % 2 ? arg[i] != ',' : !strchr("fdlpcbs", arg[i]))
			return bad(err, word, arg, "some of f,d,l,p,c,b,s with commas between");
	if (len % 2 == 0)
		return bad(err, word, arg, "some of f,d,l,p,c,b,s with commas between");
	node->text = arg;
	return 0;
}

/* N, +N or -N; *ret_rest is what comes behind the digits. */
static bool take_order(struct find_node *node, const char *arg, const char **ret_rest)
{
	const size_t sign = *arg == '+' || *arg == '-';
	const size_t len = strspn(arg + sign, "0123456789");
	uint64_t n;

	if (text_parse_u64(arg + sign, len, 10, &n) < 0 || n > INT64_MAX)
		return false;
	node->order = *arg == '+' ? FIND_MORE : *arg == '-' ? FIND_LESS : FIND_EXACT;
	node->number = (int64_t)n;
	*ret_rest = arg + sign + len;
	return true;
}

static int take_number(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	const char *rest;

	if (!take_order(node, arg, &rest) || *rest)
		return bad(err, word, arg, "N, +N or -N");
	return 0;
}

static int take_size(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	static const struct {
		char letter;
		uint64_t bytes;
	} units[] = { { 'c', 1 },	 { 'w', 2 },	    { 'b', 512 },
		      { 'k', 1u << 10 }, { 'M', 1u << 20 }, { 'G', 1u << 30 } };
	const char *rest = "";

	node->unit = 512;
	if (!take_order(node, arg, &rest))
		return bad(err, word, arg, "N, +N or -N and one of c, w, b, k, M, G");
	for (size_t i = 0; i < ARRAY_SIZE(units) && *rest; i++)
		if (*rest == units[i].letter && !rest[1]) {
			node->unit = units[i].bytes;
			rest++;
		}
	return *rest ? bad(err, word, arg, "N, +N or -N and one of c, w, b, k, M, G") : 0;
}

/* An id, or a name that is looked up later. */
static int take_owner(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	uint64_t n;

	if (!*arg)
		return bad(err, word, arg, "a name or a number");
	if (text_parse_u64(arg, strlen(arg), 10, &n) < 0) {
		node->text = arg;
		return 0;
	}
	if (n > UINT32_MAX)
		return bad(err, word, arg, "a name or a number");
	node->number = (int64_t)n;
	return 0;
}

/* --- permissions --- */

/* The bits of letters such as "rwx" for the classes in `who` (07 for each). */
static bool letter_bits(char letter, unsigned who, unsigned *ret)
{
	switch (letter) {
	case 'r':
		*ret |= who & 0444;
		return true;
	case 'w':
		*ret |= who & 0222;
		return true;
	case 'x':
		*ret |= who & 0111;
		return true;
	case 's':
		*ret |= (who & 0700 ? 04000 : 0) | (who & 0070 ? 02000 : 0);
		return true;
	case 't':
		*ret |= who & 0007 ? 01000 : 0;
		return true;
	default:
		return false;
	}
}

static const char *take_who(const char *s, unsigned *ret)
{
	static const struct {
		char letter;
		unsigned bits;
	} classes[] = { { 'u', 0700 }, { 'g', 0070 }, { 'o', 0007 }, { 'a', 0777 } };
	size_t i;

	for (*ret = 0;; s++) {
		for (i = 0; i < ARRAY_SIZE(classes) && classes[i].letter != *s; i++)
			;
		if (!*s || i == ARRAY_SIZE(classes))
			break;
		*ret |= classes[i].bits;
	}
	if (!*ret)
		*ret = 0777;
	return s;
}

/* "u=rwx,g+s" from nothing, as chmod(1) has it. */
static bool symbolic_mode(const char *s, unsigned *ret)
{
	unsigned mode = 0, who, bits;

	for (;;) {
		s = take_who(s, &who);
		const char op = *s;

		if (op != '+' && op != '-' && op != '=')
			return false;
		for (bits = 0, s++; letter_bits(*s, who, &bits); s++)
			;
		mode = op == '-' ? mode & ~bits : op == '+' ? mode | bits : (mode & ~who) | bits;
		if (!*s)
			break;
		if (*s++ != ',')
			return false;
	}
	*ret = mode;
	return true;
}

static int take_perm(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	const char *mode = arg + (*arg == '-' || *arg == '/');
	uint64_t octal;
	unsigned bits = 0;

	node->bits = *arg == '-' ? FIND_BITS_ALL : *arg == '/' ? FIND_BITS_ANY : FIND_BITS_EXACT;
	if (text_parse_u64(mode, strlen(mode), 8, &octal) == 0 && octal <= 07777)
		node->number = (int64_t)octal;
	else if (symbolic_mode(mode, &bits))
		node->number = bits;
	else
		return bad(err, word, arg, "MODE, -MODE or /MODE, such as -4000 or /u=s,g=s");
	return 0;
}

/* --- times --- */

/* "@SECONDS", "YYYY-MM-DD", with " HH:MM[:SS]" or as RFC 3339 has it; UTC. */
static bool parse_time(const char *arg, int64_t *ret_sec, uint32_t *ret_nsec)
{
	const size_t len = strlen(arg);
	char text[40];

	*ret_nsec = 0;
	if (arg[0] == '@')
		return text_parse_i64(arg + 1, len - 1, ret_sec) == 0;
	if (len >= sizeof(text) - 12)
		return text_parse_rfc3339(arg, ret_sec, ret_nsec) == 0;
	if (len == 10)
		snprintf(text, sizeof(text), "%sT00:00:00Z", arg);
	else if (len == 16 && (arg[10] == ' ' || arg[10] == 'T'))
		snprintf(text, sizeof(text), "%.10sT%s:00Z", arg, arg + 11);
	else if (len == 19 && (arg[10] == ' ' || arg[10] == 'T'))
		snprintf(text, sizeof(text), "%.10sT%sZ", arg, arg + 11);
	else
		snprintf(text, sizeof(text), "%s", arg);
	return text_parse_rfc3339(text, ret_sec, ret_nsec) == 0;
}

static int take_newer(struct find_node *node, const char *word, const char *arg, struct err *err)
{
	if (!parse_time(arg, &node->number, &node->nsec))
		return bad(err, word, arg,
			   "a time such as 2026-01-31, \"2026-01-31 12:00\" or @SECONDS");
	return 0;
}

static const struct {
	const char *word;
	enum find_kind kind;
	test_fn *take;
} tests[] = {
	{ "-name", FIND_NAME, take_text },	{ "-iname", FIND_NAME, take_text },
	{ "-path", FIND_PATH, take_text },	{ "-wholename", FIND_PATH, take_text },
	{ "-ipath", FIND_PATH, take_text },	{ "-lname", FIND_LNAME, take_text },
	{ "-ilname", FIND_LNAME, take_text },	{ "-regex", FIND_REGEX, take_regex },
	{ "-iregex", FIND_REGEX, take_regex },	{ "-type", FIND_TYPE, take_type },
	{ "-size", FIND_SIZE, take_size },	{ "-perm", FIND_PERM, take_perm },
	{ "-uid", FIND_UID, take_number },	{ "-gid", FIND_GID, take_number },
	{ "-user", FIND_UID, take_owner },	{ "-group", FIND_GID, take_owner },
	{ "-links", FIND_LINKS, take_number },	{ "-inum", FIND_INUM, take_number },
	{ "-layer", FIND_LAYER, take_number },	{ "-mtime", FIND_MTIME, take_number },
	{ "-newermt", FIND_NEWER, take_newer }, { "-xattr", FIND_XATTR, take_text },
};

int find_test(struct find_expr *expr, struct find_node *node, const char *word, const char *arg,
	      struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(word, tests[i].word) != 0)
			continue;
		if (!arg)
			return err_set(err, ERR_USAGE, "%s: nothing after it", word);
		node->kind = tests[i].kind;
		TRY(tests[i].take(node, word, arg, err));
		expr->has_names |= tests[i].take == take_owner && node->text;
		return 1;
	}
	return 0;
}

/* --- names of users and groups --- */

static int bind_name(struct find_node *node, const struct tree *tree, struct err *err)
{
	const bool is_user = node->kind == FIND_UID;
	_cleanup_(user_fini) struct user user = { 0 };
	_free_ char *text = xasprintf("%s%s", is_user ? "" : "0:", node->text);
	struct err local = { 0 };

	/* A colon would be read as USER:GROUP. */
	if (strchr(node->text, ':') || user_resolve(tree, text, &user, &local) < 0)
		return err_set(err, ERR_USAGE, "%s %s: not in the image's /etc/%s",
			       is_user ? "-user" : "-group", TEXT_ESCAPED(node->text),
			       is_user ? "passwd" : "group");
	node->number = is_user ? user.uid : user.gid;
	node->text = NULL;
	return 0;
}

int find_bind(struct find_expr *expr, const struct tree *tree, struct err *err)
{
	for (size_t i = 0; i < expr->count; i++) {
		struct find_node *node = &expr->nodes[i];

		if ((node->kind == FIND_UID || node->kind == FIND_GID) && node->text)
			TRY(bind_name(node, tree, err));
	}
	return 0;
}
