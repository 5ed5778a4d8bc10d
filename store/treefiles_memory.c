/* SPDX-License-Identifier: Apache-2.0 */
/* Trees in memory, for tests: the same contract as the files, kept by the same tests. */
#include "base/mem.h"
#include "store/backends.h"
#include "store/memfiles.h"

struct memory_trees {
	struct treefiles base;
	struct memfiles files;
};

static struct memory_trees *of(struct treefiles *t)
{
	return container_of(t, struct memory_trees, base);
}

/* Puts the name before an error; passes every result on. */
static int named(int rc, const struct digest *chain_id, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "tree %s", DIGEST_TEXT(chain_id));
	return rc;
}

static int memory_open(struct treefiles *t, const struct digest *chain_id, int *ret_fd,
		       struct err *err)
{
	const int fd = memfiles_open(&of(t)->files, chain_id, 0, NULL, err);

	if (fd < 0)
		return named(fd, chain_id, err);
	*ret_fd = fd;
	return 0;
}

static bool is_present(const struct memfile *f, const void *arg)
{
	(void)arg;
	return f->fds[0] >= 0;
}

static void end(struct tree_writer *w)
{
	memfiles_end(&of(w->trees)->files, &w->chain_id, -1);
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}

static int memory_begin(struct treefiles *base, struct op *op, const struct digest *chain_id,
			struct tree_writer **ret, struct err *err)
{
	const int rc = memfiles_begin(&of(base)->files, op, chain_id, is_present, NULL);

	if (rc < 0)
		return named(op_check(op, err), chain_id, err);
	if (rc > 0)
		return 1;
	struct tree_writer *w = NEW(struct tree_writer);

	*w = (struct tree_writer){ .chain_id = *chain_id, .trees = base };
	w->fd = memfile_new(err);
	if (w->fd < 0) {
		const int why = w->fd;

		end(w);
		return named(why, chain_id, err);
	}
	*ret = w;
	return 0;
}

static int memory_commit(struct tree_writer *w, struct err *err)
{
	(void)err;
	memfiles_publish(&of(w->trees)->files, &w->chain_id, 0, TAKE_FD(w->fd));
	end(w);
	return 0;
}

static int memory_remove(struct treefiles *t, const struct digest *chain_id, struct err *err)
{
	return named(memfiles_remove(&of(t)->files, chain_id, err), chain_id, err);
}

static int memory_list(struct treefiles *t, treefiles_fn *fn, void *arg, struct err *err)
{
	return memfiles_list(&of(t)->files, fn, arg, err);
}

static void memory_close(struct treefiles *t)
{
	memfiles_fini(&of(t)->files);
	free(of(t));
}

struct treefiles *treefiles_new_memory(void)
{
	static const struct treefiles_ops ops = {
		.open = memory_open,
		.begin = memory_begin,
		.commit = memory_commit,
		.abort = end,
		.remove = memory_remove,
		.list = memory_list,
		.close = memory_close,
	};
	struct memory_trees *t = NEW(struct memory_trees);

	t->base.ops = &ops;
	memfiles_init(&t->files);
	return &t->base;
}
