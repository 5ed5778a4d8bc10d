/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a directory: its blocks, the order of its names, and what each leads to. */
#include "overlay/erofs_check.h"

#include <string.h>

#define DIRENT_BYTES ((uint32_t)sizeof(struct erofs_dirent))

/* A directory on the way through its names. */
struct walk {
	struct check *c;
	struct check_dir dir;
	struct check_inode inode;
	const unsigned char *last; /* the name before, */
	uint32_t last_len;	   /* or 0 */
	uint32_t dots;		   /* how many of "." and ".." were met */
	uint64_t subdirectories;
};
/* A block, `len` bytes of which are the directory's. */
struct block {
	const unsigned char *p;
	uint32_t len;
	uint32_t count; /* of dirents */
};
struct name {
	const unsigned char *p;
	uint32_t len;
	struct erofs_dirent d;
};

static int bad(const struct walk *w, struct err *err, const char *field)
{
	return check_failed(err, w->dir.nid, field);
}

static bool name_is_valid(const struct walk *w, const struct name *n)
{
	const uint32_t both = n->len < w->last_len ? n->len : w->last_len;
	int order;

	if (!n->len || n->len > EROFS_NAME_MAX || memchr(n->p, 0, n->len) ||
	    memchr(n->p, '/', n->len))
		return false;
	if (!w->last_len)
		return true;
	order = memcmp(w->last, n->p, both);
	return order < 0 || (order == 0 && w->last_len < n->len);
}

/* A name that is not a dot: its inode is checked when met for the first time. */
static int check_child(struct walk *w, const struct name *n, struct err *err)
{
	const struct check_dir child = { n->d.nid, w->dir.nid };
	struct check *c = w->c;
	struct check_inode i;
	uint32_t *names;

	TRY(check_read_inode(c, n->d.nid, &i, err));
	if (i.type != n->d.type)
		return bad(w, err, "type of a name");
	names = &c->names[i.offset / EROFS_SLOT_BYTES];
	if (!*names)
		TRY(check_inode(c, &i, err));
	else if (i.type == EROFS_TYPE_DIRECTORY || *names == UINT32_MAX)
		return bad(w, err, "a directory of two names");
	else
		++*names;
	if (i.type != EROFS_TYPE_DIRECTORY)
		return 0;
	w->subdirectories++;
	return buf_append(&c->directories, &child, sizeof(child), err);
}

static int check_name(struct walk *w, const struct name *n, struct err *err)
{
	const bool is_dots = n->p[0] == '.' && (n->len == 1 || (n->len == 2 && n->p[1] == '.'));

	if (n->d.reserved)
		return bad(w, err, "reserved byte of a name");
	if (!is_dots)
		return check_child(w, n, err);
	w->dots++;
	if (n->d.type != EROFS_TYPE_DIRECTORY ||
	    n->d.nid != (n->len == 1 ? w->dir.nid : w->dir.parent))
		return bad(w, err, "\".\" or \"..\"");
	return 0;
}

/* Name `i` of a block; the last ends with the block or before zeros. */
static bool read_name(const struct block *b, uint32_t i, struct name *ret)
{
	struct erofs_dirent next;
	uint32_t end = b->len;

	memcpy(&ret->d, b->p + i * DIRENT_BYTES, sizeof(ret->d));
	if (i + 1 < b->count) {
		memcpy(&next, b->p + (i + 1) * DIRENT_BYTES, sizeof(next));
		end = next.name_offset;
	}
	if (end > b->len || ret->d.name_offset >= end ||
	    ret->d.name_offset < b->count * DIRENT_BYTES)
		return false;
	ret->p = b->p + ret->d.name_offset;
	ret->len = end - ret->d.name_offset;
	if (i + 1 == b->count && b->len == EROFS_BLOCK_BYTES) {
		ret->len = (uint32_t)strnlen((const char *)ret->p, ret->len);
		return check_is_zero(ret->p + ret->len, end - ret->d.name_offset - ret->len);
	}
	return true;
}

static int check_block(struct walk *w, struct block *b, struct err *err)
{
	struct erofs_dirent first;

	if (b->len < DIRENT_BYTES)
		return bad(w, err, "size");
	memcpy(&first, b->p, sizeof(first));
	b->count = first.name_offset / DIRENT_BYTES;
	if (!b->count || first.name_offset % DIRENT_BYTES || first.name_offset >= b->len)
		return bad(w, err, "first name offset of a block");
	for (uint32_t i = 0; i < b->count; i++) {
		struct name n;

		if (!read_name(b, i, &n))
			return bad(w, err, "name offset");
		if (!name_is_valid(w, &n))
			return bad(w, err, "a name, or the order of names");
		TRY(check_name(w, &n, err));
		w->last = n.p;
		w->last_len = n.len;
	}
	return 0;
}

/* Where block `n` of the directory lies; its place was checked with the inode. */
static const unsigned char *block_at(const struct walk *w, uint64_t n)
{
	const struct check_inode *i = &w->inode;

	if (i->layout == EROFS_LAYOUT_INLINE && n == i->inode.size_bytes / EROFS_BLOCK_BYTES)
		return w->c->image.data + i->offset + i->head;
	return w->c->image.data + ((i->inode.u + n) << EROFS_BLOCK_BITS);
}

int check_dir(struct check *c, struct check_dir dir, struct err *err)
{
	struct walk w = { .c = c, .dir = dir };
	uint64_t size;

	TRY(check_read_inode(c, dir.nid, &w.inode, err));
	size = w.inode.inode.size_bytes;
	for (uint64_t at = 0; at < size; at += EROFS_BLOCK_BYTES) {
		struct block b = { .p = block_at(&w, at / EROFS_BLOCK_BYTES),
				   .len = size - at < EROFS_BLOCK_BYTES ? (uint32_t)(size - at)
									: EROFS_BLOCK_BYTES };

		TRY(check_block(&w, &b, err));
	}
	if (w.dots != 2)
		return bad(&w, err, "\".\" or \"..\"");
	if (w.inode.inode.nlink != w.subdirectories + 2)
		return bad(&w, err, "nlink");
	return 0;
}
