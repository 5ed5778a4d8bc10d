/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a finished tree. What an inode is stands in the index of the layer it came from. */
#include "layers/tree.h"

#include "base/mem.h"
#include "layers/tree_parts.h"

#include <sys/stat.h>

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	free(tree->layers);
	free(tree->stats);
	free(tree->nodes);
	free(tree->inodes);
	free(tree->names);
	free(tree);
}

uint32_t tree_node_count(const struct tree *tree)
{
	return tree->node_count;
}

uint32_t tree_inode_count(const struct tree *tree)
{
	return tree->inode_count;
}

uint32_t tree_first_child(const struct tree *tree, uint32_t node)
{
	return tree->nodes[node].first_child;
}

uint32_t tree_next_sibling(const struct tree *tree, uint32_t node)
{
	const uint32_t next = node + 1;

	if (next == tree->node_count || tree->nodes[next].parent != tree->nodes[node].parent)
		return TREE_NONE;
	return next;
}

uint32_t tree_parent(const struct tree *tree, uint32_t node)
{
	return tree->nodes[node].parent;
}

const char *tree_name(const struct tree *tree, uint32_t node)
{
	return tree->names + tree->nodes[node].name;
}

uint32_t tree_first_name(const struct tree *tree, uint32_t inode)
{
	return tree->inodes[inode].first_name;
}

size_t tree_layer_count(const struct tree *tree)
{
	return tree->layer_count;
}

const struct layer *tree_layer(const struct tree *tree, uint16_t layer)
{
	return tree->layers[layer];
}

void tree_layer_stats(const struct tree *tree, uint16_t layer, struct tree_layer_stats *ret)
{
	*ret = tree->stats[layer];
}

uint32_t tree_walk_next(const struct tree *tree, uint32_t root, uint32_t node)
{
	if (tree->nodes[node].child_count)
		return tree->nodes[node].first_child;
	while (node != root) {
		const uint32_t next = tree_next_sibling(tree, node);

		if (next != TREE_NONE)
			return next;
		node = tree->nodes[node].parent;
	}
	return TREE_NONE;
}

static uint32_t mode_of(const struct tar_entry *e)
{
	static const struct {
		char type;
		uint32_t mode;
	} types[] = {
		{ '0', S_IFREG }, { '2', S_IFLNK }, { '3', S_IFCHR },
		{ '4', S_IFBLK }, { '5', S_IFDIR }, { '6', S_IFIFO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == e->type)
			return types[i].mode | (e->type == '2' ? 0777 : e->mode);
	return e->mode;
}

static void stat_entry(const struct tar_entry *e, struct tree_stat *ret)
{
	const bool is_link = e->type == '2';

	ret->mode = mode_of(e);
	ret->uid = e->uid;
	ret->gid = e->gid;
	ret->mtime_sec = e->mtime_sec;
	ret->mtime_nsec = e->mtime_nsec;
	ret->dev_major = e->dev_major;
	ret->dev_minor = e->dev_minor;
	ret->size_bytes = is_link ? strlen(e->link_name) : e->size_bytes;
	ret->data_offset = e->data_offset;
	ret->data_bytes = e->data_bytes;
	ret->is_sparse = e->is_sparse;
	ret->link_target = is_link ? e->link_name : NULL;
}

void tree_stat(const struct tree *tree, uint32_t node, struct tree_stat *ret)
{
	const struct tree_inode *inode = &tree->inodes[tree->nodes[node].inode];
	struct tar_entry e;

	*ret = (struct tree_stat){ .mode = S_IFDIR | 0755,
				   .nlink = inode->nlink,
				   .inode = tree->nodes[node].inode,
				   .layer = inode->layer,
				   .entry = inode->entry };
	if (inode->layer == LAYER_IMPLIED)
		return;
	layer_entry(tree->layers[inode->layer], inode->entry, &e);
	stat_entry(&e, ret);
}

bool tree_xattr(const struct tree *tree, uint32_t node, size_t n, struct tar_xattr *ret)
{
	const struct tree_inode *inode = &tree->inodes[tree->nodes[node].inode];
	const struct layer *layer;
	struct tar_xattr x;

	if (inode->layer == LAYER_IMPLIED)
		return false;
	layer = tree->layers[inode->layer];
	for (size_t i = 0; i < layer_entry_xattr(layer, inode->entry, i, &x); i++)
		if (!tree_xattr_is_hidden(&x) && n-- == 0) {
			*ret = x;
			return true;
		}
	return false;
}

bool tree_extent(const struct tree *tree, uint32_t node, size_t n, struct tar_extent *ret)
{
	const struct tree_inode *inode = &tree->inodes[tree->nodes[node].inode];

	if (inode->layer == LAYER_IMPLIED)
		return false;
	return n < layer_entry_extent(tree->layers[inode->layer], inode->entry, n, ret);
}

int tree_path(const struct tree *tree, uint32_t node, struct buf *out, struct err *err)
{
	size_t len = 0;

	for (uint32_t i = node; i != TREE_ROOT; i = tree->nodes[i].parent)
		len += strlen(tree_name(tree, i)) + 1;
	if (!len)
		return 0;
	TRY(buf_reserve(out, len - 1, err));
	out->len += len - 1;
	out->data[out->len] = '\0';
	/* Written from its end, because nodes know their parents. */
	for (char *end = out->data + out->len;; *--end = '/') {
		const char *name = tree_name(tree, node);

		for (size_t n = strlen(name); n > 0;)
			*--end = name[--n];
		node = tree->nodes[node].parent;
		if (node == TREE_ROOT)
			return 0;
	}
}
