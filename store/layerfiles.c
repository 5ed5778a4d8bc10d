/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers, whatever the backend: the digest is checked here, once. Trusts the caller to have hashed
 * all.
 */
#include "store/layerfiles.h"

int layerfiles_open(struct layerfiles *l, const struct digest *diffid, int *ret_tar, int *ret_idx,
		    struct err *err)
{
	return l->ops->open(l, diffid, ret_tar, ret_idx, err);
}

bool layerfiles_has(struct layerfiles *l, const struct digest *diffid)
{
	return l->ops->has(l, diffid);
}

int layerfiles_begin(struct layerfiles *l, struct op *op, const struct digest *diffid,
		     struct layer_writer **ret, struct err *err)
{
	return l->ops->begin(l, op, diffid, ret, err);
}

void layer_writer_progress(struct layer_writer *w, uint64_t tar_bytes)
{
	w->layers->ops->progress(w, tar_bytes);
}

int layer_writer_commit(struct layer_writer *w, const struct digest *computed, struct err *err)
{
	if (w->diffid.alg != DIGEST_NONE && !digest_equal(&w->diffid, computed)) {
		const int rc = err_set(err, ERR_DAMAGED, "layer %s: the content hashes to %s",
				       DIGEST_TEXT(&w->diffid), DIGEST_TEXT(computed));

		layer_writer_abort(w);
		return rc;
	}
	return w->layers->ops->commit(w, computed, err);
}

void layer_writer_abort(struct layer_writer *w)
{
	if (w)
		w->layers->ops->abort(w);
}

int layerfiles_replace_index(struct layerfiles *l, const struct digest *diffid, const void *data,
			     size_t len, struct err *err)
{
	return l->ops->replace_index(l, diffid, data, len, err);
}

int layerfiles_remove(struct layerfiles *l, const struct digest *diffid, struct err *err)
{
	return l->ops->remove(l, diffid, err);
}

int layerfiles_list(struct layerfiles *l, layerfiles_fn *fn, void *arg, struct err *err)
{
	return l->ops->list(l, fn, arg, err);
}
