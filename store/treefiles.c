/* SPDX-License-Identifier: Apache-2.0 */
/* Trees, whatever the backend. */
#include "store/treefiles.h"

int treefiles_open(struct treefiles *t, const struct digest *chain_id, int *ret_fd, struct err *err)
{
	return t->ops->open(t, chain_id, ret_fd, err);
}

int treefiles_begin(struct treefiles *t, struct op *op, const struct digest *chain_id,
		    struct tree_writer **ret, struct err *err)
{
	return t->ops->begin(t, op, chain_id, ret, err);
}

int tree_writer_commit(struct tree_writer *w, struct err *err)
{
	return w->trees->ops->commit(w, err);
}

void tree_writer_abort(struct tree_writer *w)
{
	if (w)
		w->trees->ops->abort(w);
}

int treefiles_remove(struct treefiles *t, const struct digest *chain_id, struct err *err)
{
	return t->ops->remove(t, chain_id, err);
}

int treefiles_list(struct treefiles *t, treefiles_fn *fn, void *arg, struct err *err)
{
	return t->ops->list(t, fn, arg, err);
}
