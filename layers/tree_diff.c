/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two trees walked side by side, as sorted lists are merged. Hard links need a walk of their own
 * before: which names lead to one inode is known only when all were seen, and is remembered as a
 * sum over the paths of the names that both trees have.
 */
#include "layers/tree_diff.h"

#include "base/mem.h"
#include "layers/tree_diff_parts.h"

#include <sys/random.h>
#include <sys/stat.h>

/* One folder on the way: what is still to come of it on both sides. */
struct level {
	uint32_t a, b;
	size_t path_len; /* of the folder */
};

/* Called for each pair of names; one of the two may be TREE_NONE. */
struct walk {
	struct op *op;
	const struct tree *a, *b;
	struct buf path;
	struct level *levels;
	size_t depth, alloc;
	uint64_t steps;
};

static void walk_fini(struct walk *w)
{
	free(w->levels);
	buf_fini(&w->path);
}

static void walk_init(struct walk *w, struct op *op, const struct tree_diff_request *request)
{
	*w = (struct walk){
		.op = op, .a = request->a, .b = request->b, .path = BUF_INIT((size_t)1 << 30)
	};
}

static void enter(struct walk *w, uint32_t a, uint32_t b)
{
	const struct level level = { a == TREE_NONE ? a : tree_first_child(w->a, a),
				     b == TREE_NONE ? b : tree_first_child(w->b, b), w->path.len };

	if (w->depth == w->alloc) {
		w->alloc = w->alloc ? w->alloc * 2 : 32;
		w->levels = xreallocarray(w->levels, w->alloc, sizeof(level));
	}
	w->levels[w->depth++] = level;
}

/* The next name of a folder: on both sides when it is the same. */
static void take(struct walk *w, struct level *at, struct tree_diff *ret)
{
	int order = at->a == TREE_NONE ? 1 : at->b == TREE_NONE ? -1 : 0;

	if (order == 0)
		order = strcmp(tree_name(w->a, at->a), tree_name(w->b, at->b));
	*ret = (struct tree_diff){ order <= 0 ? at->a : TREE_NONE, order >= 0 ? at->b : TREE_NONE,
				   NULL, 0 };
	if (order <= 0)
		at->a = tree_next_sibling(w->a, at->a);
	if (order >= 0)
		at->b = tree_next_sibling(w->b, at->b);
}

/* Children before siblings. 1 with the next pair, 0 at the end. */
static int walk_next(struct walk *w, struct tree_diff *ret, struct err *err)
{
	while (w->depth) {
		struct level *at = &w->levels[w->depth - 1];

		w->path.len = at->path_len;
		if (at->a == TREE_NONE && at->b == TREE_NONE) {
			w->depth--;
			continue;
		}
		if (w->steps++ % 1024 == 0)
			TRY(op_check(w->op, err));
		take(w, at, ret);
		const char *name = ret->a != TREE_NONE ? tree_name(w->a, ret->a)
						       : tree_name(w->b, ret->b);

		if (w->path.len)
			TRY(buf_append_char(&w->path, '/', err));
		TRY(buf_append_str(&w->path, name, err));
		ret->path = buf_str(&w->path);
		enter(w, ret->a, ret->b);
		return 1;
	}
	return 0;
}

/* --- hard links --- */

static uint64_t path_sum(const struct diff *d, const struct buf *path)
{
	uint64_t h = d->seed ^ path->len, word;

	for (size_t i = 0; i < path->len; i += sizeof(word)) {
		const size_t n = path->len - i < sizeof(word) ? path->len - i : sizeof(word);

		word = 0;
		memcpy(&word, path->data + i, n);
		const __uint128_t product = (__uint128_t)(h ^ word) * UINT64_C(0xe7037ed1a0b428db);

		h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ d->seed;
	}
	return h * UINT64_C(0x9e3779b97f4a7c15) ^ h >> 31;
}

static bool has_links(const struct tree *tree)
{
	return tree_inode_count(tree) != tree_node_count(tree);
}

static int sum_groups(struct op *op, struct diff *d, struct err *err)
{
	_cleanup_(walk_fini) struct walk w = { 0 };
	struct tree_stat a, b;
	struct tree_diff pair;
	int rc;

	if (!has_links(d->request->a) && !has_links(d->request->b))
		return 0;
	d->a_groups = xcalloc(tree_inode_count(d->request->a), sizeof(uint64_t));
	d->b_groups = xcalloc(tree_inode_count(d->request->b), sizeof(uint64_t));
	walk_init(&w, op, d->request);
	enter(&w, TREE_ROOT, TREE_ROOT);
	while ((rc = walk_next(&w, &pair, err)) > 0) {
		if (pair.a == TREE_NONE || pair.b == TREE_NONE)
			continue;
		tree_stat(w.a, pair.a, &a);
		tree_stat(w.b, pair.b, &b);
		const uint64_t sum = path_sum(d, &w.path);

		d->a_groups[a.inode] += sum;
		d->b_groups[b.inode] += sum;
	}
	return rc;
}

/* --- the comparison --- */

static int tell(struct diff *d, struct tree_diff *pair, struct err *err)
{
	if (pair->a != TREE_NONE && pair->b != TREE_NONE) {
		TRY(diff_nodes(d, pair, err));
		if (!pair->what || (pair->what == TREE_DIFF_TIME && !d->request->with_time))
			return 0;
	}
	return d->fn(d->arg, pair, err);
}

static int tell_root(struct diff *d, struct err *err)
{
	struct tree_diff pair = { TREE_ROOT, TREE_ROOT, "", 0 };
	struct tree_stat a, b;

	tree_stat(d->request->a, TREE_ROOT, &a);
	tree_stat(d->request->b, TREE_ROOT, &b);
	if (a.layer == UINT16_MAX || b.layer == UINT16_MAX)
		return 0;
	return tell(d, &pair, err);
}

static int compare_all(struct op *op, struct diff *d, struct err *err)
{
	_cleanup_(walk_fini) struct walk w = { 0 };
	struct tree_diff pair;
	int rc;

	TRY(tell_root(d, err));
	walk_init(&w, op, d->request);
	enter(&w, TREE_ROOT, TREE_ROOT);
	while ((rc = walk_next(&w, &pair, err)) > 0)
		TRY(tell(d, &pair, err));
	return rc;
}

static void diff_fini(struct diff *d)
{
	free(d->a_groups);
	free(d->b_groups);
	free(d->buffer);
	free(d->a_xattrs.items);
	free(d->b_xattrs.items);
}

int tree_diff(struct op *op, const struct tree_diff_request *request, tree_diff_fn *fn, void *arg,
	      struct err *err)
{
	_cleanup_(diff_fini) struct diff d = { .op = op, .request = request, .fn = fn, .arg = arg };

	if (getrandom(&d.seed, sizeof(d.seed), 0) != sizeof(d.seed))
		d.seed = (uintptr_t)&d;
	TRY(sum_groups(op, &d, err));
	return compare_all(op, &d, err);
}
