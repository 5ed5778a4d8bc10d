/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees: checked by themselves, and against the one that the layers give, where all layers are
 * there and a manifest still says which they are.
 */
#include "base/mem.h"
#include "cli/fsck_looks.h"
#include "layers/tree.h"
#include "overlay/erofs.h"
#include "store/gc_mark.h"
#include "store/memfiles.h"

/* The layers of one chain. */
struct chain {
	size_t first, count; /* in diffids */
};
struct fsck_chains {
	struct store *store;
	struct digest_set *seen;
	struct digest *ids; /* in step with chains */
	struct chain *chains;
	size_t count;
	struct digest *diffids;
	size_t diffid_count, begun;
};

/* Layers come lowest first, then the tree of them. */
static int learn(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		 struct err *err)
{
	struct fsck_chains *c = arg;

	(void)size;
	(void)err;
	if (kind == REACH_LAYER) {
		c->diffids = xreallocarray(c->diffids, c->diffid_count + 1, sizeof(*c->diffids));
		c->diffids[c->diffid_count++] = *d;
	}
	if (kind != REACH_TREE)
		return 0;
	if (!digest_set_add(c->seen, d)) {
		c->diffid_count = c->begun;
		return 0;
	}
	c->ids = xreallocarray(c->ids, c->count + 1, sizeof(*c->ids));
	c->chains = xreallocarray(c->chains, c->count + 1, sizeof(*c->chains));
	c->ids[c->count] = *d;
	c->chains[c->count++] = (struct chain){ c->begun, c->diffid_count - c->begun };
	c->begun = c->diffid_count;
	return 0;
}

static int learn_root(void *arg, const char *key, const struct digest *manifest, struct err *err)
{
	struct fsck_chains *c = arg;
	const struct reach reach = { .fn = learn, .arg = c, .alone = true };

	(void)key;
	(void)err;
	/* What can't be read is told elsewhere. */
	(void)reach_walk(c->store, manifest, &reach, NULL);
	c->diffid_count = c->begun;
	return 0;
}

struct fsck_chains *fsck_chains_new(struct store *store)
{
	struct fsck_chains *c = NEW(struct fsck_chains);

	c->store = store;
	c->seen = digest_set_new();
	(void)roots_list(store, learn_root, c, NULL);
	return c;
}

void fsck_chains_free(struct fsck_chains *c)
{
	if (!c)
		return;
	digest_set_free(c->seen);
	free(c->ids);
	free(c->chains);
	free(c->diffids);
	free(c);
}

const struct digest *fsck_chains_find(const struct fsck_chains *c, const struct digest *chain_id,
				      size_t *ret_count)
{
	for (size_t i = 0; i < c->count; i++)
		if (digest_equal(&c->ids[i], chain_id)) {
			*ret_count = c->chains[i].count;
			return &c->diffids[c->chains[i].first];
		}
	return NULL;
}

struct store *fsck_chains_store(const struct fsck_chains *c)
{
	return c->store;
}

/* --- the look --- */

struct stack {
	struct layer **layers;
	size_t count;
	struct tree *tree;
};

static void stack_fini(struct stack *s)
{
	tree_free(s->tree);
	for (size_t i = 0; i < s->count; i++)
		layer_free(s->layers[i]);
	free(s->layers);
}

static int open_stack(struct op *op, struct store *store, const struct digest *diffids,
		      struct stack *s, struct err *err)
{
	const size_t count = s->count;

	s->layers = xcalloc(count, sizeof(struct layer *));
	for (s->count = 0; s->count < count; s->count++) {
		int tar = -1, idx = -1;

		TRY(layerfiles_open(store->layers, &diffids[s->count], &tar, &idx, err));
		TRY(layer_open(op, (struct layer_files){ tar, idx, true }, &s->layers[s->count],
			       err));
	}
	return tree_build(op, s->layers, s->count, &s->tree, err);
}

/* Writes the tree of the layers anew and compares. Without all of them there is nothing to say. */
static int compare(struct fsck_chains *c, const struct fsck_tree *tree, struct err *ret_bad,
		   struct err *err)
{
	_cleanup_(stack_fini) struct stack s = { 0 };
	const struct digest *diffids = fsck_chains_find(c, tree->chain_id, &s.count);
	struct op quiet = { .parent = NULL }; /* the remarks of merging are for others */
	_close_ int fresh = diffids ? memfile_new(err) : -1;

	if (!diffids) {
		s.count = 0;
		return 0;
	}
	TRY(fresh);
	if (open_stack(&quiet, c->store, diffids, &s, NULL) < 0)
		return op_check(tree->op, err);
	TRY(erofs_write(tree->op, s.tree, tree->chain_id, fresh, err));
	const int same = fsck_same_bytes(fresh, tree->fd, err);

	if (same == 0)
		(void)err_set(ret_bad, ERR_DAMAGED, "is not the tree of its layers");
	return same < 0 ? same : 0;
}

int fsck_look_at_tree(void *arg, const struct fsck_tree *tree, struct err *ret_bad, struct err *err)
{
	struct erofs *e = NULL;
	int rc = erofs_open(tree->fd, &e, ret_bad);

	if (rc == 0)
		rc = erofs_verify(tree->op, e, ret_bad);
	erofs_free(e);
	if (rc == -ECANCELED) {
		err_keep_first(err, ret_bad);
		return rc;
	}
	return rc < 0 ? 0 : compare(arg, tree, ret_bad, err);
}

void fsck_looks_init(struct fsck_hooks *ret, struct fsck_chains *chains)
{
	*ret = (struct fsck_hooks){ fsck_look_at_layer, fsck_look_at_tree, chains };
}
