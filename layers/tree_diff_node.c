/* SPDX-License-Identifier: Apache-2.0 */
/* In what two nodes of the same name differ: cheap things first, bytes last. */
#include "layers/tree_diff_parts.h"

#include "base/mem.h"

#include <sys/stat.h>

#define CHUNK_BYTES ((size_t)256 * 1024)

static bool is_same_layer(const struct diff *d, const struct tree_stat *a,
			  const struct tree_stat *b)
{
	const struct tree_diff_request *r = d->request;

	if (a->layer == UINT16_MAX || b->layer == UINT16_MAX)
		return false;
	if (a->layer < r->a_count && b->layer < r->b_count &&
	    digest_equal(&r->a_diffids[a->layer], &r->b_diffids[b->layer]))
		return true;
	return tree_layer(r->a, a->layer) == tree_layer(r->b, b->layer);
}

/* --- extended attributes --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

static void gather(const struct tree *tree, uint32_t node, struct diff_xattrs *ret)
{
	struct tar_xattr one;

	ret->count = 0;
	while (tree_xattr(tree, node, ret->count, &one)) {
		if (ret->count == ret->alloc) {
			ret->alloc = ret->alloc ? ret->alloc * 2 : 16;
			ret->items = xreallocarray(ret->items, ret->alloc, sizeof(one));
		}
		ret->items[ret->count++] = one;
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(one), by_name);
}

static bool is_same_xattr(const struct tar_xattr *a, const struct tar_xattr *b)
{
	return !strcmp(a->name, b->name) && a->value_len == b->value_len &&
	       (!a->value_len || !memcmp(a->value, b->value, a->value_len));
}

static bool has_same_xattrs(struct diff *d, const struct tree_diff *pair)
{
	gather(d->request->a, pair->a, &d->a_xattrs);
	gather(d->request->b, pair->b, &d->b_xattrs);
	if (d->a_xattrs.count != d->b_xattrs.count)
		return false;
	for (size_t i = 0; i < d->a_xattrs.count; i++)
		if (!is_same_xattr(&d->a_xattrs.items[i], &d->b_xattrs.items[i]))
			return false;
	return true;
}

/* --- contents --- */

/* How many bytes from `offset` on are holes in both files. */
static uint64_t common_hole(const struct diff *d, const struct tree_stat *a,
			    const struct tree_stat *b, uint64_t offset)
{
	uint64_t a_at, a_bytes, b_at, b_bytes;

	layer_entry_locate(tree_layer(d->request->a, a->layer), a->entry, offset, &a_at, &a_bytes);
	layer_entry_locate(tree_layer(d->request->b, b->layer), b->entry, offset, &b_at, &b_bytes);
	if (a_at != UINT64_MAX || b_at != UINT64_MAX)
		return 0;
	return a_bytes < b_bytes ? a_bytes : b_bytes;
}

/* 1 when the next bytes of both are the same; *ret_n of them were compared. */
static int has_same_chunk(struct diff *d, const struct tree_diff *pair, uint64_t offset,
			  size_t *ret_n, struct err *err)
{
	const ssize_t n = tree_read(d->request->a, (struct tree_place){ pair->a, offset },
				    d->buffer, CHUNK_BYTES, err);

	TRY(n);
	const ssize_t m = tree_read(d->request->b, (struct tree_place){ pair->b, offset },
				    d->buffer + CHUNK_BYTES, CHUNK_BYTES, err);

	TRY(m);
	*ret_n = (size_t)n;
	return n > 0 && n == m && !memcmp(d->buffer, d->buffer + CHUNK_BYTES, (size_t)n);
}

/* 1 when the bytes of two files of one size are the same. */
static int has_same_bytes(struct diff *d, const struct tree_diff *pair, const struct tree_stat *a,
			  const struct tree_stat *b, struct err *err)
{
	uint64_t offset = 0;
	int same = 1;

	if (!d->buffer)
		d->buffer = xcalloc(2, CHUNK_BYTES);
	while (same && offset < a->size_bytes) {
		const uint64_t hole = common_hole(d, a, b, offset);
		size_t n = 0;

		TRY(op_check(d->op, err));
		if (!hole)
			same = has_same_chunk(d, pair, offset, &n, err);
		TRY(same);
		offset += hole ? hole : n;
	}
	return same;
}

static int diff_content(struct diff *d, struct tree_diff *pair, const struct tree_stat *a,
			const struct tree_stat *b, struct err *err)
{
	int same = 1;

	if (S_ISLNK(a->mode)) {
		same = !strcmp(a->link_target, b->link_target);
	} else if (S_ISCHR(a->mode) || S_ISBLK(a->mode)) {
		same = a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
	} else if (S_ISREG(a->mode) && a->size_bytes != b->size_bytes) {
		pair->what |= TREE_DIFF_SIZE;
	} else if (S_ISREG(a->mode)) {
		same = has_same_bytes(d, pair, a, b, err);
		TRY(same);
	}
	if (!same)
		pair->what |= TREE_DIFF_CONTENT;
	return 0;
}

/* --- all of it --- */

static unsigned diff_attributes(struct diff *d, const struct tree_diff *pair,
				const struct tree_stat *a, const struct tree_stat *b)
{
	unsigned what = 0;

	if ((a->mode & 07777) != (b->mode & 07777))
		what |= TREE_DIFF_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		what |= TREE_DIFF_OWNER;
	if (a->mtime_sec != b->mtime_sec || a->mtime_nsec != b->mtime_nsec)
		what |= TREE_DIFF_TIME;
	if (!has_same_xattrs(d, pair))
		what |= TREE_DIFF_XATTR;
	return what;
}

int diff_nodes(struct diff *d, struct tree_diff *pair, struct err *err)
{
	struct tree_stat a, b;

	tree_stat(d->request->a, pair->a, &a);
	tree_stat(d->request->b, pair->b, &b);
	if (d->a_groups && !S_ISDIR(a.mode) && !S_ISDIR(b.mode) &&
	    d->a_groups[a.inode] != d->b_groups[b.inode])
		pair->what |= TREE_DIFF_LINKS;
	/* The same entry: nothing else can differ. */
	if (is_same_layer(d, &a, &b) && a.entry == b.entry)
		return 0;
	pair->what |= diff_attributes(d, pair, &a, &b);
	if ((a.mode & S_IFMT) == (b.mode & S_IFMT))
		return diff_content(d, pair, &a, &b, err);
	pair->what |= TREE_DIFF_TYPE;
	return 0;
}
