/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of each kind of inode. Names, links, sizes and owners come from outside: whatever EROFS
 * or Linux can't hold is refused here, with its path.
 */
#include "overlay/erofs_writer.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <sys/stat.h>

int erofs_refuse(const struct tree *tree, uint32_t node, struct err *err, enum err_kind kind,
		 const char *why)
{
	_buf_ struct buf path = BUF_INIT((size_t)1 << 30);

	(void)tree_path(tree, node, &path, NULL);
	return err_set(err, kind, "'%s': %s", TEXT_ESCAPED(buf_str(&path)), why);
}

uint8_t erofs_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EROFS_TYPE_FILE;
	case S_IFDIR:
		return EROFS_TYPE_DIRECTORY;
	case S_IFCHR:
		return EROFS_TYPE_CHARACTER;
	case S_IFBLK:
		return EROFS_TYPE_BLOCK;
	case S_IFIFO:
		return EROFS_TYPE_FIFO;
	case S_IFLNK:
		return EROFS_TYPE_SYMLINK;
	default:
		return 0;
	}
}

static uint32_t head_bytes(const struct erofs_shape *s)
{
	return (uint32_t)sizeof(struct erofs_inode) + s->xattr_bytes;
}

/* A directory's last bytes lie behind its inode when they can lie in one block there. */
static void shape_dir(const struct tree *tree, uint32_t node, struct erofs_shape *s)
{
	const uint32_t odd = head_bytes(s) % EROFS_SLOT_BYTES;
	uint32_t tail;

	s->size_bytes = erofs_dir_bytes(tree, node);
	s->blocks = s->size_bytes / EROFS_BLOCK_BYTES;
	tail = (uint32_t)(s->size_bytes % EROFS_BLOCK_BYTES);
	if (tail && tail <= EROFS_BLOCK_BYTES - odd) {
		s->layout = EROFS_LAYOUT_INLINE;
		s->tail_bytes = tail;
	} else {
		s->blocks += tail > 0;
	}
}

/* A link lies in one block with its inode, which is what the kernel keeps at hand; or has its own. */
static int shape_link(const struct tree *tree, uint32_t node, struct erofs_shape *s,
		      struct err *err)
{
	if (s->size_bytes == 0 || s->size_bytes > EROFS_TARGET_MAX)
		return erofs_refuse(tree, node, err, ERR_UNSUPPORTED,
				    "a symlink whose target is not of 1 to 4095 bytes");
	if (head_bytes(s) + s->size_bytes <= EROFS_BLOCK_BYTES) {
		s->layout = EROFS_LAYOUT_INLINE;
		s->tail_bytes = (uint32_t)s->size_bytes;
	} else {
		s->blocks = (s->size_bytes + EROFS_BLOCK_BYTES - 1) / EROFS_BLOCK_BYTES;
	}
	return 0;
}

static int shape_file(const struct tree *tree, uint32_t node, const struct tree_stat *st,
		      struct erofs_shape *s, struct err *err)
{
	const uint64_t mask = EROFS_BLOCK_BYTES - 1;
	const uint64_t whole = layer_tar_bytes(tree_layer(tree, st->layer)) & ~mask;
	uint64_t padded;

	if (!s->size_bytes)
		return 0;
	s->layout = EROFS_LAYOUT_CHUNKS;
	if (s->size_bytes > INT64_MAX - EROFS_BLOCK_BYTES)
		return erofs_refuse(tree, node, err, ERR_UNSUPPORTED, "a file too large");
	padded = (s->size_bytes + mask) & ~mask;
	if ((st->data_offset + st->data_bytes + mask) >> EROFS_BLOCK_BITS >= EROFS_HOLE)
		return erofs_refuse(tree, node, err, ERR_UNSUPPORTED,
				    "data beyond 2 TiB of its layer");
	if (st->is_sparse || (st->data_offset & mask) || padded > whole ||
	    st->data_offset > whole - padded) {
		s->is_scattered = true;
		return erofs_chunks_choose(tree, node, st, s, err);
	}
	s->chunk_bits = EROFS_BLOCK_BITS;
	while (s->chunk_bits < EROFS_CHUNK_BITS_MAX && s->size_bytes > UINT64_C(1) << s->chunk_bits)
		s->chunk_bits++;
	s->chunk_count = ((s->size_bytes - 1) >> s->chunk_bits) + 1;
	return 0;
}

static int check_owner(const struct tree *tree, uint32_t node, const struct tree_stat *st,
		       struct err *err)
{
	/* (uid_t)-1 is nobody's. */
	if (st->uid < 0 || st->gid < 0 || st->uid >= UINT32_MAX || st->gid >= UINT32_MAX)
		return erofs_refuse(tree, node, err, ERR_DAMAGED, "an owner out of range");
	/* As mknod(2) has it: 12 and 20 bits. */
	if (st->dev_major >= 1u << 12 || st->dev_minor >= 1u << 20)
		return erofs_refuse(tree, node, err, ERR_UNSUPPORTED,
				    "a device number out of range");
	return 0;
}

int erofs_shape(const struct tree *tree, uint32_t node, const struct tree_stat *st,
		struct erofs_shape *ret, struct err *err)
{
	struct erofs_shape s = { .layout = EROFS_LAYOUT_PLAIN, .type = erofs_type(st->mode) };

	if (!s.type)
		return erofs_refuse(tree, node, err, ERR_UNSUPPORTED, "an unknown type of file");
	TRY(check_owner(tree, node, st, err));
	TRY(erofs_xattrs_measure(tree, node, st, &s.xattr_bytes, err));
	s.size_bytes = st->size_bytes;
	if (s.type == EROFS_TYPE_DIRECTORY)
		shape_dir(tree, node, &s);
	else if (s.type == EROFS_TYPE_SYMLINK)
		TRY(shape_link(tree, node, &s, err));
	else if (s.type == EROFS_TYPE_FILE)
		TRY(shape_file(tree, node, st, &s, err));
	*ret = s;
	return 0;
}

uint64_t erofs_shape_chunks_at(const struct erofs_shape *s)
{
	return (head_bytes(s) + 7) & ~(uint64_t)7;
}

struct erofs_extent erofs_shape_extent(const struct erofs_shape *s)
{
	const uint32_t head = head_bytes(s);

	if (s->layout == EROFS_LAYOUT_CHUNKS)
		return (struct erofs_extent){
			erofs_shape_chunks_at(s) + s->chunk_count * sizeof(struct erofs_chunk), 0
		};
	if (s->type == EROFS_TYPE_SYMLINK && s->tail_bytes)
		return (struct erofs_extent){ head + s->tail_bytes, head + s->tail_bytes };
	return (struct erofs_extent){ (uint64_t)head + s->tail_bytes, s->tail_bytes };
}
