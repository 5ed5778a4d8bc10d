/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as the lower side of a comparison. Names are found by halves, over blocks and then over
 * the dirents of one, as the kernel does. The checksum was checked when the image was opened, so a
 * wrong offset is no attack; bounds are checked all the same, and what leads outside is ERR_DAMAGED.
 */
#include "overlay/erofs.h"

#include "base/mem.h"
#include "overlay/erofs_devices.h"
#include "overlay/erofs_reader.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define DIRENT_BYTES ((uint32_t)sizeof(struct erofs_dirent))

struct image_lower {
	struct lower lower;
	const struct erofs *e;
};

struct place {
	uint64_t nid;
	const unsigned char *at;
	struct erofs_inode inode;
};
struct text {
	const char *p;
	size_t len;
	uint64_t nid; /* that the name leads to */
};
/* A block of a directory. */
struct block {
	const unsigned char *p;
	uint32_t len, count;
};

static int damaged(uint64_t nid, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "image tree: inode %" PRIu64 " leads outside", nid);
}

static int read_inode(const struct erofs *e, uint64_t nid, struct place *ret, struct err *err)
{
	const uint64_t meta = erofs_meta_offset(e->device_count);

	if (nid > (e->image_bytes - sizeof(ret->inode)) / EROFS_SLOT_BYTES ||
	    meta + nid * EROFS_SLOT_BYTES > e->image_bytes - sizeof(ret->inode))
		return damaged(nid, err);
	ret->nid = nid;
	ret->at = e->data + meta + nid * EROFS_SLOT_BYTES;
	memcpy(&ret->inode, ret->at, sizeof(ret->inode));
	return 0;
}

static void fill_stat(const struct erofs_inode *i, struct lower_stat *ret)
{
	*ret = (struct lower_stat){ .mode = i->mode,
				    .uid = i->uid,
				    .gid = i->gid,
				    .mtime_sec = i->mtime_sec,
				    .mtime_nsec = i->mtime_nsec,
				    .size_bytes = S_ISDIR(i->mode) ? 0 : i->size_bytes };
}

/* Block `n` of a directory. */
static int read_block(const struct erofs *e, const struct place *dir, uint64_t n, struct block *ret,
		      struct err *err)
{
	const uint64_t left = dir->inode.size_bytes - n * EROFS_BLOCK_BYTES;
	uint64_t at = ((uint64_t)dir->inode.u + n) << EROFS_BLOCK_BITS;
	struct erofs_dirent first;

	ret->len = left < EROFS_BLOCK_BYTES ? (uint32_t)left : EROFS_BLOCK_BYTES;
	if (dir->inode.format >> 1 == EROFS_LAYOUT_INLINE && left < EROFS_BLOCK_BYTES) {
		at = (uint64_t)(dir->at - e->data) + sizeof(dir->inode);
		if (dir->inode.xattr_count)
			at += sizeof(struct erofs_xattr_header) +
			      4u * (dir->inode.xattr_count - 1u);
	}
	if (ret->len < DIRENT_BYTES || at > e->image_bytes || ret->len > e->image_bytes - at)
		return damaged(dir->nid, err);
	ret->p = e->data + at;
	memcpy(&first, ret->p, sizeof(first));
	ret->count = first.name_offset / DIRENT_BYTES;
	if (!ret->count || first.name_offset > ret->len)
		return damaged(dir->nid, err);
	return 0;
}

static uint64_t block_count(const struct place *dir)
{
	return dir->inode.size_bytes / EROFS_BLOCK_BYTES +
	       (dir->inode.size_bytes % EROFS_BLOCK_BYTES > 0);
}

static int read_name(const struct place *dir, const struct block *b, uint32_t i, struct text *ret,
		     struct err *err)
{
	struct erofs_dirent d, next = { .name_offset = (uint16_t)b->len };

	if (i >= b->count)
		return damaged(dir->nid, err);
	memcpy(&d, b->p + i * DIRENT_BYTES, sizeof(d));
	if (i + 1 < b->count)
		memcpy(&next, b->p + (i + 1) * DIRENT_BYTES, sizeof(next));
	if (d.name_offset > next.name_offset || next.name_offset > b->len)
		return damaged(dir->nid, err);
	ret->p = (const char *)b->p + d.name_offset;
	ret->len = strnlen(ret->p, (size_t)(next.name_offset - d.name_offset));
	ret->nid = d.nid;
	return 0;
}

static int compare(struct text a, struct text b)
{
	const int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The last block whose first name is not after `name`: 1, or 0 when there is none. */
static int find_block(const struct erofs *e, const struct place *dir, struct text name,
		      struct block *ret, struct err *err)
{
	uint64_t low = 0, high = block_count(dir);

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;
		struct block b = { 0 };
		struct text first = { .p = "" };

		TRY(read_block(e, dir, middle, &b, err));
		TRY(read_name(dir, &b, 0, &first, err));
		if (compare(first, name) <= 0) {
			low = middle + 1;
			*ret = b;
		} else {
			high = middle;
		}
	}
	return low > 0;
}

/* 1 and the nid, or 0. */
static int find_name(const struct erofs *e, const struct place *dir, struct text name,
		     uint64_t *ret, struct err *err)
{
	struct block b = { 0 };
	uint32_t low = 0, high;
	int rc;

	TRY(rc = find_block(e, dir, name, &b, err));
	if (!rc)
		return 0;
	for (high = b.count; low < high;) {
		const uint32_t middle = low + (high - low) / 2;
		struct text found = { .p = "" };
		int order;

		TRY(read_name(dir, &b, middle, &found, err));
		order = compare(found, name);
		if (order == 0) {
			*ret = found.nid;
			return 1;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

static bool is_dots(struct text name)
{
	return name.len > 0 && name.len <= 2 && !memcmp(name.p, "..", name.len);
}

/* 1 and the inode, or 0. */
static int find_path(const struct erofs *e, const char *path, struct place *ret, struct err *err)
{
	struct erofs_super super;

	memcpy(&super, e->data + EROFS_SUPER_OFFSET, sizeof(super));
	TRY(read_inode(e, super.root_nid, ret, err));
	while (*path) {
		const size_t len = (size_t)(strchrnul(path, '/') - path);
		const struct text name = { path, len, 0 };
		uint64_t nid = 0;
		int rc;

		path += len + (path[len] == '/');
		if (!len)
			continue;
		if (!S_ISDIR(ret->inode.mode) || is_dots(name))
			return 0;
		TRY(rc = find_name(e, ret, name, &nid, err));
		if (!rc)
			return 0;
		TRY(read_inode(e, nid, ret, err));
	}
	return 1;
}

static int image_find(struct lower *l, const char *path, struct lower_stat *ret, struct err *err)
{
	struct place found = { 0 };
	int rc;

	TRY(rc = find_path(container_of(l, struct image_lower, lower)->e, path, &found, err));
	if (rc)
		fill_stat(&found.inode, ret);
	return rc;
}

struct listing {
	const struct erofs *e;
	lower_fn *fn;
	void *arg;
};

static int list_block(const struct listing *l, const struct place *dir, const struct block *b,
		      struct err *err)
{
	for (uint32_t i = 0; i < b->count; i++) {
		char name[EROFS_NAME_MAX + 1];
		struct lower_stat st;
		struct place child = { 0 };
		struct text text = { .p = "" };
		int rc;

		TRY(read_name(dir, b, i, &text, err));
		if (is_dots(text))
			continue;
		if (text.len > EROFS_NAME_MAX)
			return damaged(dir->nid, err);
		TRY(read_inode(l->e, text.nid, &child, err));
		memcpy(name, text.p, text.len);
		name[text.len] = '\0';
		fill_stat(&child.inode, &st);
		rc = l->fn(l->arg, name, &st, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int image_list(struct lower *l, const char *path, lower_fn *fn, void *arg, struct err *err)
{
	const struct listing listing = { container_of(l, struct image_lower, lower)->e, fn, arg };
	struct place dir = { 0 };
	int rc;

	TRY(rc = find_path(listing.e, path, &dir, err));
	if (!rc || !S_ISDIR(dir.inode.mode))
		return 0;
	for (uint64_t n = 0; n < block_count(&dir); n++) {
		struct block b = { 0 };

		TRY(read_block(listing.e, &dir, n, &b, err));
		rc = list_block(&listing, &dir, &b, err);
		if (rc)
			return rc;
	}
	return 0;
}

static void image_close(struct lower *l)
{
	free(container_of(l, struct image_lower, lower));
}

struct lower *erofs_lower(const struct erofs *e)
{
	static const struct lower_ops ops = { image_find, image_list, image_close };
	struct image_lower *l = NEW(struct image_lower);

	l->lower.ops = &ops;
	l->e = e;
	return &l->lower;
}
