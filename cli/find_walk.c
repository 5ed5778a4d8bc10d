/* SPDX-License-Identifier: Apache-2.0 */
/* img find at work: each name of the tree, in the order of the walk, against the expression. */
#include "cli/find_walk.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <sys/stat.h>

#define PATH_BYTES_MAX ((size_t)4 << 20)
#define DAY_SECONDS    86400

struct finding {
	struct op *op;
	const struct find_request *request;
	find_action_fn *fn;
	void *arg;
	struct find_at at;
	struct buf path;
	bool prune, quit;
};

static bool compare(const struct find_node *n, int64_t value)
{
	switch (n->order) {
	case FIND_MORE:
		return value > n->number;
	case FIND_LESS:
		return value < n->number;
	default:
		return value == n->number;
	}
}

static bool matches(const struct find_node *n, const char *text)
{
	return fnmatch(n->text, text, n->ignore_case ? FNM_CASEFOLD : 0) == 0;
}

static char type_letter(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	default:
		return 'p';
	}
}

static bool test_perm(const struct find_node *n, uint32_t mode)
{
	const uint32_t bits = mode & 07777, want = (uint32_t)n->number;

	if (n->bits == FIND_BITS_ALL)
		return (bits & want) == want;
	if (n->bits == FIND_BITS_ANY)
		return !want || (bits & want);
	return bits == want;
}

/* Whole days, the rest cut off; also before the epoch and in the future. */
static int64_t age_days(int64_t now, int64_t then)
{
	int64_t age;

	if (__builtin_sub_overflow(now, then, &age))
		return then < 0 ? INT64_MAX : INT64_MIN;
	return age / DAY_SECONDS - (age % DAY_SECONDS < 0);
}

static bool test_xattr(const struct find_node *n, const struct find_at *at)
{
	struct tar_xattr x;

	for (size_t i = 0; tree_xattr(at->tree, at->node, i, &x); i++)
		if (matches(n, x.name))
			return true;
	return false;
}

static bool is_empty(const struct find_at *at)
{
	if (S_ISDIR(at->st.mode))
		return tree_first_child(at->tree, at->node) == TREE_NONE;
	return S_ISREG(at->st.mode) && !at->st.size_bytes;
}

static const char *last_name(const struct find_at *at)
{
	return at->node == TREE_ROOT ? "/" : tree_name(at->tree, at->node);
}

/* Tests of numbers. */
static bool test_number(const struct finding *f, const struct find_node *n)
{
	const struct tree_stat *st = &f->at.st;

	switch (n->kind) {
	case FIND_SIZE:
		return compare(
			n, (int64_t)(st->size_bytes / n->unit + (st->size_bytes % n->unit != 0)));
	case FIND_UID:
		return compare(n, st->uid);
	case FIND_GID:
		return compare(n, st->gid);
	case FIND_LINKS:
		return compare(n, st->nlink);
	case FIND_INUM:
		return compare(n, st->inode);
	case FIND_LAYER:
		return st->layer != UINT16_MAX && compare(n, st->layer + 1);
	case FIND_MTIME:
		return compare(n, age_days(f->request->now_sec, st->mtime_sec));
	default:
		return st->mtime_sec > n->number ||
		       (st->mtime_sec == n->number && st->mtime_nsec > n->nsec);
	}
}

static bool test(const struct finding *f, const struct find_node *n)
{
	const struct find_at *at = &f->at;

	switch (n->kind) {
	case FIND_TRUE:
		return true;
	case FIND_FALSE:
		return false;
	case FIND_NAME:
		return matches(n, last_name(at));
	case FIND_PATH:
		return matches(n, at->path);
	case FIND_LNAME:
		return at->st.link_target && matches(n, at->st.link_target);
	case FIND_REGEX:
		return regexec(n->regex, at->path, 0, NULL, 0) == 0;
	case FIND_TYPE:
		return strchr(n->text, type_letter(at->st.mode)) != NULL;
	case FIND_PERM:
		return test_perm(n, at->st.mode);
	case FIND_EMPTY:
		return is_empty(at);
	case FIND_XATTR:
		return test_xattr(n, at);
	default:
		return test_number(f, n);
	}
}

/* 1 true, 0 false. The depth was bounded when the expression was read, and so are long chains. */
static int eval(struct finding *f, size_t index, struct err *err)
{
	const struct find_node *n = &f->request->expr->nodes[index];
	int left;

	switch (n->kind) {
	case FIND_NOT:
		left = eval(f, n->left, err);
		return left < 0 ? left : !left;
	case FIND_AND:
		left = eval(f, n->left, err);
		return left > 0 && !f->quit ? eval(f, n->right, err) : left;
	case FIND_OR:
		left = eval(f, n->left, err);
		return left == 0 && !f->quit ? eval(f, n->right, err) : left;
	case FIND_PRUNE:
		f->prune = true;
		return 1;
	case FIND_QUIT:
		f->quit = true;
		return 1;
	case FIND_PRINT:
	case FIND_PRINT0:
	case FIND_LS:
		TRY(f->fn(f->arg, n->kind, &f->at, err));
		return 1;
	default:
		return test(f, n);
	}
}

static int visit(struct finding *f, uint32_t node, unsigned depth, struct err *err)
{
	const struct find_expr *expr = f->request->expr;

	f->at = (struct find_at){ f->request->tree, node, { 0 }, buf_str(&f->path), depth };
	tree_stat(f->at.tree, node, &f->at.st);
	f->prune = depth >= expr->max_depth;
	if (depth < expr->min_depth)
		return 0;
	const int rc = eval(f, expr->root, err);

	TRY(rc);
	if (rc && !expr->has_action)
		return f->fn(f->arg, FIND_PRINT, &f->at, err);
	return 0;
}

static int push(struct finding *f, uint32_t node, struct err *err)
{
	if (f->path.len && f->path.data[f->path.len - 1] != '/')
		TRY(buf_append_char(&f->path, '/', err));
	return buf_append_str(&f->path, tree_name(f->request->tree, node), err);
}

/* Takes the last name off, but nothing of the start. */
static void pop(struct finding *f)
{
	const size_t keep = strlen(f->request->start_path);
	const char *slash = memrchr(f->path.data, '/', f->path.len);
	const size_t len = slash ? (size_t)(slash - f->path.data) : 0;

	f->path.len = len > keep ? len : keep;
	f->path.data[f->path.len] = '\0';
}

/* The next node in walk order, the path kept up with it; TREE_NONE at the end. */
static int next(struct finding *f, uint32_t *node, unsigned *depth, struct err *err)
{
	const struct tree *tree = f->request->tree;
	uint32_t to = f->prune ? TREE_NONE : tree_first_child(tree, *node);

	if (to != TREE_NONE) {
		++*depth;
		*node = to;
		return push(f, to, err);
	}
	while (*depth) {
		pop(f);
		to = tree_next_sibling(tree, *node);
		if (to != TREE_NONE) {
			*node = to;
			return push(f, to, err);
		}
		*node = tree_parent(tree, *node);
		--*depth;
	}
	*node = TREE_NONE;
	return 0;
}

int find_walk(struct op *op, const struct find_request *request, find_action_fn *fn, void *arg,
	      struct err *err)
{
	_buf_ struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct finding f = { .op = op, .request = request, .fn = fn, .arg = arg };
	uint32_t node = request->start;
	unsigned depth = 0;
	int rc = buf_append_str(&path, request->start_path, err);

	f.path = path;
	path = BUF_INIT(0);
	for (size_t steps = 0; rc == 0 && node != TREE_NONE && !f.quit; steps++) {
		if (steps % 1024 == 0)
			rc = op_check(op, err);
		if (rc == 0)
			rc = visit(&f, node, depth, err);
		if (rc == 0)
			rc = next(&f, &node, &depth, err);
	}
	buf_fini(&f.path);
	return rc;
}
