/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes that merging makes to names, one at a time, each counted for the layer that makes it:
 * a name that was there before the layer and is there after it was changed, and so on, whatever
 * happened in between.
 */
#include "layers/tree_merge.h"

#include "base/mem.h"
#include "base/text.h"

int merge_fail(const struct merge *m, struct err *err, const char *why)
{
	return err_set(err, ERR_DAMAGED, "layer %u of %zu: '%s': %s", m->layer + 1u, m->layer_count,
		       TEXT_ESCAPED(m->e.name), why);
}

void merge_note(struct merge *m, enum merge_note kind, const char *text)
{
	if (m->noted & kind)
		return;
	m->noted |= kind;
	op_note(m->op, "layer %u of %zu: '%s': %s", m->layer + 1u, m->layer_count,
		TEXT_ESCAPED(m->e.name), text);
}

struct merge_inode *merge_inode(const struct merge *m, uint32_t inode)
{
	return (struct merge_inode *)(void *)m->inodes.data + inode;
}

bool merge_is_symlink(const struct merge *m, uint32_t name)
{
	const uint32_t inode = names_at(&m->names, name)->inode;

	return inode != TREE_NONE && merge_inode(m, inode)->type == '2';
}

/* Adds `by` (1 or -1) to what one name adds to the layer's counts. */
static void count_name(struct tree_layer_stats *stats, bool before, bool after, int by)
{
	if (before && after)
		stats->changed += (uint64_t)by;
	else if (before)
		stats->removed += (uint64_t)by;
	else if (after)
		stats->added += (uint64_t)by;
}

static void touch(struct merge *m, struct name *name, bool after)
{
	struct tree_layer_stats *stats = &m->stats[m->layer];
	const bool now = name->inode != TREE_NONE;

	if (name->dir == TREE_NONE)
		return;
	if (name->touched == m->layer) {
		count_name(stats, name->existed, now, -1);
	} else {
		name->touched = m->layer;
		name->existed = now;
	}
	count_name(stats, name->existed, after, 1);
}

static void kill_dir(struct merge *m, struct name *name)
{
	if (name->own_dir == TREE_NONE)
		return;
	names_dir(&m->names, name->own_dir)->died = (uint16_t)(m->layer + 1);
	name->own_dir = TREE_NONE;
}

int merge_put(struct merge *m, uint32_t name, uint32_t inode, bool is_directory, struct err *err)
{
	struct name *n = names_at(&m->names, name);
	const bool was_directory = n->own_dir != TREE_NONE;

	/* A path may have led through it. */
	if ((was_directory && !is_directory) || merge_is_symlink(m, name))
		m->cached.p = NULL;
	touch(m, n, true);
	n->inode = inode;
	n->replaced = 0;
	if (!is_directory)
		kill_dir(m, n);
	else if (!was_directory)
		return names_add_dir(&m->names, name, err);
	return 0;
}

void merge_remove(struct merge *m, uint32_t name)
{
	struct name *n = names_at(&m->names, name);

	if (n->inode == TREE_NONE)
		return;
	m->cached.p = NULL;
	touch(m, n, false);
	n->inode = TREE_NONE;
	kill_dir(m, n);
}

int merge_empty(struct merge *m, uint32_t name, struct err *err)
{
	m->cached.p = NULL;
	kill_dir(m, names_at(&m->names, name));
	return names_add_dir(&m->names, name, err);
}

int merge_add_inode(struct merge *m, struct merge_inode inode, uint32_t *ret, struct err *err)
{
	*ret = (uint32_t)(m->inodes.len / sizeof(inode));
	return buf_append(&m->inodes, &inode, sizeof(inode), err);
}

int merge_add_implied(struct merge *m, uint32_t name, struct err *err)
{
	uint32_t inode;

	if (m->implied++ >= TREE_IMPLIED_MAX)
		return err_set(err, ERR_LIMIT, "more than %u directories without an entry",
			       TREE_IMPLIED_MAX);
	TRY(merge_add_inode(m, (struct merge_inode){ 0, LAYER_IMPLIED, '5' }, &inode, err));
	return merge_put(m, name, inode, true, err);
}
