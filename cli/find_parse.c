/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of find(1): OR of ANDs of NOTs, parentheses, -a left out at will. By descent, whose
 * depth is bounded.
 */
#include "cli/find_expr.h"

#include "base/mem.h"
#include "base/text.h"

#include <limits.h>

#define DEPTH_MAX 200
#define NODES_MAX 10000

struct parser {
	const char *const *words;
	size_t count, at;
	unsigned depth;
	struct find_expr *expr;
};

static int parse_or(struct parser *p, size_t *ret, struct err *err);

static const char *peek(const struct parser *p)
{
	return p->at < p->count ? p->words[p->at] : NULL;
}

static bool is(const struct parser *p, const char *word, const char *other)
{
	const char *at = peek(p);

	return at && (!strcmp(at, word) || (other && !strcmp(at, other)));
}

/* Before a node is made that owns something. */
static int need_room(const struct parser *p, struct err *err)
{
	if (p->expr->count >= NODES_MAX)
		return err_set(err, ERR_USAGE, "an expression of more than %d parts", NODES_MAX);
	return 0;
}

static int add(struct parser *p, struct find_node node, size_t *ret, struct err *err)
{
	struct find_expr *e = p->expr;

	TRY(need_room(p, err));
	if (e->count == e->alloc) {
		e->alloc = e->alloc ? e->alloc * 2 : 16;
		e->nodes = xreallocarray(e->nodes, e->alloc, sizeof(node));
	}
	*ret = e->count;
	e->nodes[e->count++] = node;
	return 0;
}

static int parse_depth(struct parser *p, unsigned *ret, struct err *err)
{
	const char *word = p->words[p->at++], *arg = peek(p);
	uint64_t n;

	if (!arg || text_parse_u64(arg, strlen(arg), 10, &n) < 0 || n >= UINT_MAX)
		return err_set(err, ERR_USAGE, "%s: needs a number, not \"%s\"", word,
			       arg ? TEXT_ESCAPED(arg) : "");
	p->at++;
	*ret = (unsigned)n;
	return 0;
}

static const struct {
	const char *word;
	enum find_kind kind;
} plain[] = {
	{ "-true", FIND_TRUE },	    { "-false", FIND_FALSE }, { "-empty", FIND_EMPTY },
	{ "-prune", FIND_PRUNE },   { "-quit", FIND_QUIT },   { "-print", FIND_PRINT },
	{ "-print0", FIND_PRINT0 }, { "-ls", FIND_LS },
};

/* A word without an argument; 0 when it is none. */
static int parse_plain(struct parser *p, const char *word, size_t *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(word, plain[i].word)) {
			p->at++;
			p->expr->has_action |= plain[i].kind >= FIND_QUIT;
			TRY(add(p, (struct find_node){ .kind = plain[i].kind }, ret, err));
			return 1;
		}
	return 0;
}

static int unknown(const char *word, struct err *err)
{
	const int rc =
		err_set(err, ERR_USAGE, "%s: not a part of an expression", TEXT_ESCAPED(word));

	err_hint(err, "options of img itself come before IMAGE; img find --help lists the tests");
	return rc;
}

static int parse_test(struct parser *p, size_t *ret, struct err *err)
{
	const char *word = p->words[p->at];
	const char *arg = p->at + 1 < p->count ? p->words[p->at + 1] : NULL;
	struct find_node node = { 0 };
	int rc = parse_plain(p, word, ret, err);

	if (rc)
		return rc < 0 ? rc : 0;
	TRY(need_room(p, err));
	rc = find_test(p->expr, &node, word, arg, err);
	TRY(rc);
	if (!rc)
		return unknown(word, err);
	p->at += 2;
	return add(p, node, ret, err);
}

static int parse_group(struct parser *p, size_t *ret, struct err *err)
{
	p->at++;
	if (is(p, ")", NULL))
		return err_set(err, ERR_USAGE, "( ): nothing between the parentheses");
	TRY(parse_or(p, ret, err));
	if (!is(p, ")", NULL))
		return err_set(err, ERR_USAGE, "(: no ) for it");
	p->at++;
	return 0;
}

/* Options that stand anywhere and hold for all. */
static int parse_option(struct parser *p, size_t *ret, struct err *err)
{
	if (is(p, "-maxdepth", NULL))
		TRY(parse_depth(p, &p->expr->max_depth, err));
	else
		TRY(parse_depth(p, &p->expr->min_depth, err));
	return add(p, (struct find_node){ .kind = FIND_TRUE }, ret, err);
}

static int parse_one(struct parser *p, size_t *ret, struct err *err)
{
	const char *word = peek(p);
	struct find_node node = { .kind = FIND_NOT };
	int rc;

	if (!word)
		return err_set(err, ERR_USAGE, "%s: nothing after it", p->words[p->at - 1]);
	if (++p->depth > DEPTH_MAX)
		return err_set(err, ERR_USAGE, "an expression more than %d deep", DEPTH_MAX);
	if (is(p, "!", "-not")) {
		p->at++;
		TRY(parse_one(p, &node.left, err));
		rc = add(p, node, ret, err);
	} else if (is(p, "(", NULL)) {
		rc = parse_group(p, ret, err);
	} else if (is(p, ")", NULL)) {
		rc = err_set(err, ERR_USAGE, "): no ( for it");
	} else if (is(p, "-maxdepth", "-mindepth")) {
		rc = parse_option(p, ret, err);
	} else if (is(p, "-a", "-and") || is(p, "-o", "-or")) {
		rc = err_set(err, ERR_USAGE, "%s: nothing before it", word);
	} else {
		rc = parse_test(p, ret, err);
	}
	p->depth--;
	return rc;
}

static int parse_and(struct parser *p, size_t *ret, struct err *err)
{
	struct find_node node = { .kind = FIND_AND };

	TRY(parse_one(p, ret, err));
	while (peek(p) && !is(p, ")", NULL) && !is(p, "-o", "-or")) {
		if (is(p, "-a", "-and"))
			p->at++;
		node.left = *ret;
		TRY(parse_one(p, &node.right, err));
		TRY(add(p, node, ret, err));
	}
	return 0;
}

static int parse_or(struct parser *p, size_t *ret, struct err *err)
{
	struct find_node node = { .kind = FIND_OR };

	TRY(parse_and(p, ret, err));
	while (is(p, "-o", "-or")) {
		p->at++;
		node.left = *ret;
		TRY(parse_and(p, &node.right, err));
		TRY(add(p, node, ret, err));
	}
	return 0;
}

void find_expr_fini(struct find_expr *expr)
{
	for (size_t i = 0; i < expr->count; i++)
		if (expr->nodes[i].regex) {
			regfree(expr->nodes[i].regex);
			free(expr->nodes[i].regex);
		}
	free(expr->nodes);
	*expr = (struct find_expr){ 0 };
}

int find_parse(const char *const *words, size_t count, struct find_expr *ret, struct err *err)
{
	struct find_expr expr = { .max_depth = UINT_MAX };
	struct parser p = { words, count, 0, 0, &expr };
	int rc;

	if (count)
		rc = parse_or(&p, &expr.root, err);
	else
		rc = add(&p, (struct find_node){ .kind = FIND_TRUE }, &expr.root, err);
	if (rc == 0 && p.at < count)
		rc = err_set(err, ERR_USAGE, "): no ( for it");
	if (rc < 0) {
		find_expr_fini(&expr);
		return rc;
	}
	*ret = expr;
	return 0;
}
