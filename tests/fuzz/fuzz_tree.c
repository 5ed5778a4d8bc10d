/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging any layers. The input is text, an entry a line: a type ('0' to '6', or any other), a
 * name, and after '>' a link target or a file's size; an empty line begins the next layer. A tree
 * that comes out is sound in itself.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "layers/layer.h"
#include "layers/tree.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAYERS_MAX 6u

struct line {
	const char *p;
	size_t len;
};

/* A GNU long name or link target, when there is one. */
static void put_header(struct buf *tar, char type, const char *name, const char *link)
{
	unsigned char block[512] = { 0 };
	unsigned sum = 0;
	char text[16];

	memcpy(block, name, strnlen(name, 100));
	memcpy(block + 100, "0000644", 7);
	memcpy(block + 124, "00000000000", 11);
	block[156] = (unsigned char)type;
	memcpy(block + 157, link, strnlen(link, 100));
	memcpy(block + 257,
	       "ustar\0"
	       "00",
	       8);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + 148, text, 7);
	if (buf_append(tar, block, sizeof(block), NULL) < 0)
		abort();
}

static void put_entry(struct buf *tar, struct line line)
{
	_free_ char *name = xmemdupz(line.p + 1, line.len - 1);
	char *link = strchr(name, '>');

	if (link)
		*link++ = '\0';
	/* Types that would change how the rest is read are another target's business. */
	if (!strchr("xgLKS", line.p[0]))
		put_header(tar, line.p[0], name, link ? link : "");
}

static struct layer *make_layer(const struct buf *tar)
{
	const int fd = memfd_create("tar", MFD_CLOEXEC);
	struct layer *layer = NULL;
	struct err err = { 0 };

	if (fd < 0 || pwrite(fd, buf_str(tar), tar->len, 0) != (ssize_t)tar->len)
		abort();
	if (layer_open(NULL, (struct layer_files){ fd, -1, false }, &layer, &err) < 0)
		abort();
	return layer;
}

static void check_name(const struct tree *tree, uint32_t node)
{
	const char *name = tree_name(tree, node);

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    !strncmp(name, ".wh.", 4) || strlen(name) > 255)
		abort();
}

static void check_node(const struct tree *tree, uint32_t node, uint32_t *names)
{
	_buf_ struct buf path = BUF_INIT(SIZE_MAX - 1);
	struct tree_stat st;
	struct err err = { 0 };
	uint32_t found;

	tree_stat(tree, node, &st);
	if (st.inode >= tree_inode_count(tree))
		abort();
	names[st.inode]++;
	if (!S_ISDIR(st.mode) && tree_first_child(tree, node) != TREE_NONE)
		abort();
	if (tree_path(tree, node, &path, &err) < 0 ||
	    tree_lookup(tree, buf_str(&path), false, &found, &err) < 0 || found != node)
		abort();
	(void)tree_lookup(tree, buf_str(&path), true, &found, &err);
	for (uint32_t i = tree_first_child(tree, node), last = TREE_NONE; i != TREE_NONE;
	     last = i, i = tree_next_sibling(tree, i)) {
		check_name(tree, i);
		if (tree_parent(tree, i) != node)
			abort();
		if (last != TREE_NONE && strcmp(tree_name(tree, last), tree_name(tree, i)) >= 0)
			abort();
	}
}

static void check_tree(const struct tree *tree)
{
	_free_ uint32_t *names = xcalloc(tree_inode_count(tree), sizeof(*names));
	uint32_t count = 0;

	for (uint32_t i = 0; i != TREE_NONE; i = tree_walk_next(tree, TREE_ROOT, i), count++)
		check_node(tree, i, names);
	if (count != tree_node_count(tree))
		abort();
	for (uint32_t i = 0; i < tree_inode_count(tree); i++) {
		struct tree_stat st;

		tree_stat(tree, tree_first_name(tree, i), &st);
		if (st.inode != i || !names[i] ||
		    (S_ISDIR(st.mode) ? names[i] != 1 : names[i] != st.nlink))
			abort();
	}
}

static size_t make_layers(const uint8_t *data, size_t size, struct layer **layers)
{
	struct buf tar = BUF_INIT(SIZE_MAX - 1);
	size_t count = 0;

	for (size_t at = 0; at < size && count < LAYERS_MAX - 1;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		const struct line line = { (const char *)data + at,
					   end ? (size_t)(end - data) - at : size - at };

		at += line.len + 1;
		if (line.len) {
			put_entry(&tar, line);
			continue;
		}
		layers[count++] = make_layer(&tar);
		buf_reset(&tar);
	}
	layers[count++] = make_layer(&tar);
	buf_fini(&tar);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer *layers[LAYERS_MAX];
	const size_t count = make_layers(data, size, layers);
	struct tree *tree = NULL;
	struct err err = { 0 };

	if (tree_build(NULL, layers, count, &tree, &err) == 0)
		check_tree(tree);
	else if (err.kind != ERR_DAMAGED && err.kind != ERR_LIMIT)
		abort();
	tree_free(tree);
	for (size_t i = 0; i < count; i++)
		layer_free(layers[i]);
	return 0;
}
