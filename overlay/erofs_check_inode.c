/* SPDX-License-Identifier: Apache-2.0 */
/* Checking one inode: its fields, its xattrs, where its data lies. */
#include "overlay/erofs_check.h"

#include <string.h>
#include <sys/stat.h>

static uint64_t blocks_up(uint64_t bytes)
{
	return bytes / EROFS_BLOCK_BYTES + (bytes % EROFS_BLOCK_BYTES > 0);
}

static uint8_t type_of(uint32_t mode)
{
	static const struct {
		uint32_t mode;
		uint8_t type;
	} types[] = {
		{ S_IFREG, EROFS_TYPE_FILE },	   { S_IFDIR, EROFS_TYPE_DIRECTORY },
		{ S_IFCHR, EROFS_TYPE_CHARACTER }, { S_IFBLK, EROFS_TYPE_BLOCK },
		{ S_IFIFO, EROFS_TYPE_FIFO },	   { S_IFLNK, EROFS_TYPE_SYMLINK },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((mode & S_IFMT) == types[i].mode)
			return types[i].type;
	return 0;
}

int check_read_inode(struct check *c, uint64_t nid, struct check_inode *ret, struct err *err)
{
	const uint64_t image = c->image.image_bytes;
	struct check_inode i = { .nid = nid };

	if (!nid || nid > image / EROFS_SLOT_BYTES)
		return check_failed(err, nid, "nid");
	i.offset = c->meta_offset + nid * EROFS_SLOT_BYTES;
	if (i.offset + sizeof(i.inode) > image)
		return check_failed(err, nid, "nid");
	memcpy(&i.inode, c->image.data + i.offset, sizeof(i.inode));
	i.type = type_of(i.inode.mode);
	if (!i.type)
		return check_failed(err, nid, "mode");
	i.layout = i.inode.format >> 1;
	i.head = sizeof(i.inode);
	if (i.inode.xattr_count)
		i.head += (uint32_t)sizeof(struct erofs_xattr_header) +
			  4u * (i.inode.xattr_count - 1u);
	if (i.head > image - i.offset)
		return check_failed(err, nid, "xattr_count");
	*ret = i;
	return 0;
}

static int check_fields(struct check *c, const struct check_inode *i, struct err *err)
{
	const struct erofs_inode *n = &i->inode;
	const uint32_t bit = n->number - 1;

	if (!(n->format & EROFS_FORMAT_EXTENDED) ||
	    (i->layout != EROFS_LAYOUT_PLAIN && i->layout != EROFS_LAYOUT_INLINE &&
	     i->layout != EROFS_LAYOUT_CHUNKS))
		return check_failed(err, i->nid, "format");
	if (n->reserved || !check_is_zero(n->reserved2, sizeof(n->reserved2)))
		return check_failed(err, i->nid, "reserved");
	if (n->uid == UINT32_MAX || n->gid == UINT32_MAX)
		return check_failed(err, i->nid, "owner");
	if (n->mtime_nsec >= 1000000000)
		return check_failed(err, i->nid, "mtime_nsec");
	if (!n->nlink)
		return check_failed(err, i->nid, "nlink");
	if (!n->number || n->number > c->image.inode_count || c->numbers[bit / 8] & 1u << bit % 8)
		return check_failed(err, i->nid, "number");
	c->numbers[bit / 8] |= (uint8_t)(1u << bit % 8);
	return 0;
}

/* Claims inode, xattrs and what lies behind them in one piece. */
static int claim_inode(struct check *c, const struct check_inode *i, uint64_t bytes,
		       struct err *err)
{
	if (!check_claim(c, i->offset, bytes))
		return check_failed(err, i->nid, "place");
	return 0;
}

/* The bytes of a directory or a link target: own blocks, and a tail behind the inode. */
static int check_own_data(struct check *c, const struct check_inode *i, struct err *err)
{
	const uint64_t size = i->inode.size_bytes;
	const bool is_inline = i->layout == EROFS_LAYOUT_INLINE;
	const uint32_t tail = is_inline ? (uint32_t)(size % EROFS_BLOCK_BYTES) : 0;
	const uint64_t at = (uint64_t)i->inode.u << EROFS_BLOCK_BITS;
	const uint64_t blocks = is_inline ? size / EROFS_BLOCK_BYTES : blocks_up(size);

	if (i->layout == EROFS_LAYOUT_CHUNKS || (is_inline && !tail))
		return check_failed(err, i->nid, "format");
	if (size > c->image.image_bytes)
		return check_failed(err, i->nid, "size");
	TRY(claim_inode(c, i, (uint64_t)i->head + tail, err));
	if (tail && (i->offset + i->head) % EROFS_BLOCK_BYTES + tail > EROFS_BLOCK_BYTES)
		return check_failed(err, i->nid, "tail");
	if (!blocks)
		return i->inode.u ? check_failed(err, i->nid, "block") : 0;
	if (!check_claim(c, at, blocks << EROFS_BLOCK_BITS))
		return check_failed(err, i->nid, "block");
	if (!is_inline &&
	    !check_is_zero(c->image.data + at + size, (blocks << EROFS_BLOCK_BITS) - size))
		return check_failed(err, i->nid, "end of data");
	return 0;
}

static int check_link(struct check *c, const struct check_inode *i, struct err *err)
{
	const uint64_t size = i->inode.size_bytes;
	const bool fits = i->head + size <= EROFS_BLOCK_BYTES;
	uint64_t at = i->offset + i->head;

	if (!size || size > EROFS_TARGET_MAX)
		return check_failed(err, i->nid, "size");
	if (i->layout != (fits ? EROFS_LAYOUT_INLINE : EROFS_LAYOUT_PLAIN))
		return check_failed(err, i->nid, "format");
	TRY(check_own_data(c, i, err));
	if (fits && i->offset % EROFS_BLOCK_BYTES + i->head + size > EROFS_BLOCK_BYTES)
		return check_failed(err, i->nid, "tail");
	if (!fits)
		at = (uint64_t)i->inode.u << EROFS_BLOCK_BITS;
	if (memchr(c->image.data + at, 0, (size_t)size))
		return check_failed(err, i->nid, "target");
	return 0;
}

/* A small file, by the number of its block among those of all devices. */
static int check_unified(struct check *c, const struct check_inode *i, struct err *err)
{
	const uint64_t blocks = blocks_up(i->inode.size_bytes);

	TRY(claim_inode(c, i, i->head, err));
	if (!blocks)
		return i->inode.u ? check_failed(err, i->nid, "block") : 0;
	if (i->inode.size_bytes > EROFS_UNIFIED_BYTES_MAX)
		return check_failed(err, i->nid, "format");
	for (uint64_t d = 0; d < c->image.device_count && d < EROFS_UNIFIED_DEVICES_MAX; d++) {
		const uint32_t start = c->devices[d].unified_block;

		if (start && i->inode.u >= start && i->inode.u - start < c->devices[d].blocks &&
		    blocks <= c->devices[d].blocks - (i->inode.u - start))
			return 0;
	}
	return check_failed(err, i->nid, "block");
}

static int check_chunk(struct check *c, const struct check_inode *i,
		       const struct erofs_chunk *chunk, uint64_t bytes, struct err *err)
{
	const uint64_t blocks = blocks_up(bytes);
	const uint64_t at = (uint64_t)chunk->block << EROFS_BLOCK_BITS;

	if (chunk->block_high || chunk->device > c->image.device_count)
		return check_failed(err, i->nid, "device of a chunk");
	if (chunk->device) {
		const uint32_t have = c->devices[chunk->device - 1].blocks;

		if (chunk->block >= have || blocks > have - chunk->block)
			return check_failed(err, i->nid, "block of a chunk");
		return 0;
	}
	if (chunk->block == EROFS_HOLE)
		return 0;
	if (!check_claim(c, at, blocks << EROFS_BLOCK_BITS) ||
	    !check_is_zero(c->image.data + at + bytes, (blocks << EROFS_BLOCK_BITS) - bytes))
		return check_failed(err, i->nid, "block of a chunk");
	return 0;
}

static int check_chunks(struct check *c, const struct check_inode *i, struct err *err)
{
	const uint64_t size = i->inode.size_bytes;
	const unsigned bits = EROFS_BLOCK_BITS + (i->inode.u & EROFS_CHUNK_BITS_MASK);
	const uint64_t at = (i->offset + i->head + 7) & ~UINT64_C(7);
	uint64_t count;

	if (i->inode.u >> 6 || !(i->inode.u & EROFS_CHUNK_INDEXES))
		return check_failed(err, i->nid, "chunk format");
	if (!size || size > INT64_MAX - EROFS_BLOCK_BYTES)
		return check_failed(err, i->nid, "size");
	count = ((size - 1) >> bits) + 1;
	if (count > c->image.image_bytes / sizeof(struct erofs_chunk))
		return check_failed(err, i->nid, "size");
	TRY(claim_inode(c, i, at + count * sizeof(struct erofs_chunk) - i->offset, err));
	if (!check_is_zero(c->image.data + i->offset + i->head, at - i->offset - i->head))
		return check_failed(err, i->nid, "bytes before the chunks");
	for (uint64_t n = 0; n < count; n++) {
		const uint64_t left = size - (n << bits);
		struct erofs_chunk chunk;

		memcpy(&chunk, c->image.data + at + n * sizeof(chunk), sizeof(chunk));
		TRY(check_chunk(c, i, &chunk, left >> bits ? UINT64_C(1) << bits : left, err));
	}
	return 0;
}

static int check_special(struct check *c, const struct check_inode *i, struct err *err)
{
	if (i->layout != EROFS_LAYOUT_PLAIN)
		return check_failed(err, i->nid, "format");
	if (i->inode.size_bytes)
		return check_failed(err, i->nid, "size");
	if (i->type == EROFS_TYPE_FIFO && i->inode.u)
		return check_failed(err, i->nid, "device number");
	return claim_inode(c, i, i->head, err);
}

static int check_data(struct check *c, const struct check_inode *i, struct err *err)
{
	switch (i->type) {
	case EROFS_TYPE_DIRECTORY:
		return check_own_data(c, i, err);
	case EROFS_TYPE_SYMLINK:
		return check_link(c, i, err);
	case EROFS_TYPE_FILE:
		if (i->layout == EROFS_LAYOUT_INLINE)
			return check_failed(err, i->nid, "format");
		return i->layout == EROFS_LAYOUT_CHUNKS ? check_chunks(c, i, err)
							: check_unified(c, i, err);
	default:
		return check_special(c, i, err);
	}
}

int check_inode(struct check *c, const struct check_inode *i, struct err *err)
{
	TRY(check_fields(c, i, err));
	TRY(check_xattrs(c, i, err));
	TRY(check_data(c, i, err));
	c->names[i->offset / EROFS_SLOT_BYTES] = 1;
	c->inodes_seen++;
	return 0;
}
