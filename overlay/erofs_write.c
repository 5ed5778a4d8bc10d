/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an image in two passes over the tree: the first places every inode, the second does the
 * same again and fills in. Order: each directory (parents first, as a walk meets them) has its
 * dirents, then the inodes of all its children by name, because that is how find and tar read. The
 * end of a directory's dirents and the target of a link lie behind the inode itself.
 */
#include "overlay/erofs.h"

#include "base/mem.h"
#include "overlay/erofs_devices.h"
#include "overlay/erofs_writer.h"
#include "sys/file.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/*
 * What copied data may take in all, and as much again the indexes of scattered files: a layer of a
 * few bytes can hold thousands of files of exabytes.
 */
#define COPY_BYTES_MAX	((uint64_t)256 * 1024 * 1024)
#define CANCEL_INTERVAL 4096u

struct writer {
	struct op *op;
	const struct tree *tree;
	const struct digest *chain;
	size_t device_count;
	uint64_t meta_offset; /* nids count from here */
	uint64_t meta_end;    /* known after the first pass */
	struct erofs_nids nids;
	struct erofs_device *devices; /* slots as they go out */
	uint32_t *block;	      /* by node: first own block; of files: of the copied data */
	uint32_t *copied;	      /* nodes of files with copied data, in order */
	size_t copy_count;	      /* of them, */
	uint64_t copy_blocks;
	uint64_t scattered_chunks;
	uint64_t inode_count, lost_xattrs;
	struct erofs_layout layout;
	bool is_filling; /* the second pass */
	bool is_summed;	 /* the superblock has its checksum */
	struct erofs_out out;
};

static void writer_fini(struct writer *w)
{
	free(w->devices);
	free(w->nids.nid);
	free(w->nids.type);
	free(w->block);
	free(w->copied);
	erofs_out_fini(&w->out);
}
#define _writer_ __attribute__((cleanup(writer_fini)))

static void make_devices(struct writer *w)
{
	uint64_t next = EROFS_UNIFIED_START;

	w->devices = xcalloc(w->device_count + 1, sizeof(*w->devices));
	for (size_t i = 0; i < w->device_count; i++)
		w->devices[i] = erofs_device_make(
			w->device_count, layer_tar_bytes(tree_layer(w->tree, (uint16_t)i)), &next);
	w->meta_offset = erofs_meta_offset(w->device_count);
}

/* The shape of a node, where small files need no chunk index. */
static int shape_node(struct writer *w, uint32_t node, const struct tree_stat *st,
		      struct erofs_shape *ret, struct err *err)
{
	TRY(erofs_shape(w->tree, node, st, ret, err));
	ret->copy_block = w->block[node];
	if (ret->layout == EROFS_LAYOUT_CHUNKS && !ret->is_scattered &&
	    ret->size_bytes <= EROFS_UNIFIED_BYTES_MAX && w->devices[st->layer].unified_block) {
		ret->layout = EROFS_LAYOUT_PLAIN;
		ret->chunk_count = 0;
	}
	return 0;
}

/* --- the second pass --- */

static uint32_t device_number(const struct tree_stat *st)
{
	return (st->dev_minor & 0xff) | st->dev_major << 8 | (st->dev_minor & ~0xffu) << 12;
}

static uint32_t inode_u(const struct writer *w, uint32_t node, const struct tree_stat *st,
			const struct erofs_shape *s)
{
	if (s->layout == EROFS_LAYOUT_CHUNKS)
		return EROFS_CHUNK_INDEXES | (uint32_t)(s->chunk_bits - EROFS_BLOCK_BITS);
	if (s->type == EROFS_TYPE_CHARACTER || s->type == EROFS_TYPE_BLOCK)
		return device_number(st);
	if (s->type == EROFS_TYPE_FILE && s->size_bytes)
		return w->devices[st->layer].unified_block +
		       (uint32_t)(st->data_offset >> EROFS_BLOCK_BITS);
	return w->block[node];
}

/* Chunks of a file that is one run of its tar. */
static void fill_run(const struct tree_stat *st, const struct erofs_shape *s,
		     struct erofs_chunk *dst)
{
	for (uint64_t i = 0; i < s->chunk_count; i++)
		dst[i] = (struct erofs_chunk){ .device = (uint16_t)(st->layer + 1),
					       .block = (uint32_t)((st->data_offset +
								    (i << s->chunk_bits)) >>
								   EROFS_BLOCK_BITS) };
}

struct tail_put {
	char *dst;
	uint64_t block; /* the one that lies behind the inode */
};

static int put_tail(void *arg, uint64_t block, const void *data, size_t len, struct err *err)
{
	const struct tail_put *t = arg;

	(void)err;
	if (block == t->block)
		memcpy(t->dst, data, len);
	return 0;
}

static int fill_inode(struct writer *w, uint32_t node, const struct tree_stat *st,
		      const struct erofs_shape *s, struct err *err)
{
	const struct erofs_extent extent = erofs_shape_extent(s);
	const uint32_t head = (uint32_t)sizeof(struct erofs_inode) + s->xattr_bytes;
	struct erofs_inode inode = {
		.format = (uint16_t)EROFS_FORMAT(s->layout),
		.mode = (uint16_t)st->mode,
		.size_bytes = s->size_bytes,
		.u = inode_u(w, node, st, s),
		.number = st->inode + 1,
		.uid = (uint32_t)st->uid,
		.gid = (uint32_t)st->gid,
		.mtime_sec = st->mtime_sec,
		.mtime_nsec = st->mtime_nsec,
		.nlink = st->nlink,
	};
	char *dst;

	TRY(erofs_out_at(&w->out, s->offset, (size_t)extent.bytes, &dst, err));
	if (s->xattr_bytes) {
		inode.xattr_count = (uint16_t)((s->xattr_bytes - 12) / 4 + 1);
		erofs_xattrs_write(w->tree, node, st, dst + sizeof(inode));
	}
	memcpy(dst, &inode, sizeof(inode));
	if (s->type == EROFS_TYPE_SYMLINK && s->tail_bytes)
		memcpy(dst + head, st->link_target, s->tail_bytes);
	else if (s->tail_bytes)
		TRY(erofs_dir_blocks(&w->nids, node, put_tail,
				     &(struct tail_put){ dst + head, s->blocks }, err));
	if (s->layout == EROFS_LAYOUT_CHUNKS) {
		struct erofs_chunk *chunks = (void *)(dst + erofs_shape_chunks_at(s));

		if (s->is_scattered)
			erofs_chunks_write(w->tree, node, s, chunks);
		else
			fill_run(st, s, chunks);
	}
	return 0;
}

struct blocks_put {
	struct writer *w;
	uint64_t start, count;
};

static int put_block(void *arg, uint64_t block, const void *data, size_t len, struct err *err)
{
	const struct blocks_put *p = arg;
	char *dst;

	if (block >= p->count)
		return 0;
	TRY(erofs_out_at(&p->w->out, (p->start + block) << EROFS_BLOCK_BITS, EROFS_BLOCK_BYTES,
			 &dst, err));
	memcpy(dst, data, len);
	return 0;
}

static int fill_dir(struct writer *w, uint32_t node, uint64_t start, uint64_t count,
		    struct err *err)
{
	struct blocks_put put = { w, start, count };

	return erofs_dir_blocks(&w->nids, node, put_block, &put, err);
}

static int fill_link(struct writer *w, const struct tree_stat *st, uint64_t start, uint64_t count,
		     struct err *err)
{
	char *dst;

	TRY(erofs_out_at(&w->out, start << EROFS_BLOCK_BITS, (size_t)count << EROFS_BLOCK_BITS,
			 &dst, err));
	memcpy(dst, st->link_target, st->size_bytes);
	return 0;
}

/* --- both passes --- */

/* Books what a file copies into the image; where that comes to lie is known after the first pass. */
static int place_copies(struct writer *w, uint32_t node, const struct erofs_shape *s,
			struct err *err)
{
	if (!s->is_scattered || w->is_filling)
		return 0;
	w->scattered_chunks += s->chunk_count;
	if (w->copy_blocks + s->copy_blocks > COPY_BYTES_MAX >> EROFS_BLOCK_BITS ||
	    w->scattered_chunks > COPY_BYTES_MAX / sizeof(struct erofs_chunk))
		return erofs_refuse(w->tree, node, err, ERR_UNSUPPORTED,
				    "too many scattered sparse files to mount");
	if (!s->copy_blocks)
		return 0;
	w->copied = xreallocarray(w->copied, w->copy_count + 1, sizeof(*w->copied));
	w->copied[w->copy_count++] = node;
	w->block[node] = (uint32_t)w->copy_blocks;
	w->copy_blocks += s->copy_blocks;
	return 0;
}

static int place_inode(struct writer *w, uint32_t node, const struct tree_stat *st, struct err *err)
{
	struct erofs_shape s;
	uint64_t nid;

	TRY(shape_node(w, node, st, &s, err));
	if (s.type == EROFS_TYPE_SYMLINK && s.blocks) {
		const uint64_t start = erofs_layout_blocks(&w->layout, s.blocks);

		w->block[node] = (uint32_t)start;
		if (w->is_filling)
			TRY(fill_link(w, st, start, s.blocks, err));
	}
	TRY(place_copies(w, node, &s, err));
	s.offset = erofs_layout_inode(&w->layout, erofs_shape_extent(&s));
	if (w->is_filling)
		return fill_inode(w, node, st, &s, err);
	nid = (s.offset - w->meta_offset) / EROFS_SLOT_BYTES;
	if (nid > UINT32_MAX)
		return erofs_refuse(w->tree, node, err, ERR_UNSUPPORTED, "too many files to mount");
	w->nids.nid[node] = (uint32_t)nid;
	w->nids.type[node] = s.type;
	w->inode_count++;
	w->lost_xattrs += erofs_xattrs_lost(w->tree, node, st);
	return 0;
}

/* A later name of an inode that has its place by its first one. */
static bool is_later_name(const struct writer *w, uint32_t node, const struct tree_stat *st)
{
	if (S_ISDIR(st->mode) || st->nlink == 1 || tree_first_name(w->tree, st->inode) == node)
		return false;
	w->nids.type[node] = erofs_type(st->mode);
	return true;
}

static int place_dir(struct writer *w, uint32_t dir, struct err *err)
{
	struct tree_stat st;
	struct erofs_shape s;

	tree_stat(w->tree, dir, &st);
	TRY(erofs_shape(w->tree, dir, &st, &s, err));
	if (s.blocks) {
		const uint64_t start = erofs_layout_blocks(&w->layout, s.blocks);

		w->block[dir] = (uint32_t)start;
		if (w->is_filling)
			TRY(fill_dir(w, dir, start, s.blocks, err));
	}
	for (uint32_t i = tree_first_child(w->tree, dir); i != TREE_NONE;
	     i = tree_next_sibling(w->tree, i)) {
		tree_stat(w->tree, i, &st);
		if (!is_later_name(w, i, &st))
			TRY(place_inode(w, i, &st, err));
	}
	return 0;
}

/* The kernel's sum over the superblock's block, which holds the first inodes too. */
static int fill_checksum(struct writer *w, struct err *err)
{
	uint32_t sum;
	char *dst;

	if (w->is_summed)
		return 0;
	TRY(erofs_out_at(&w->out, EROFS_SUPER_OFFSET, EROFS_BLOCK_BYTES, &dst, err));
	sum = erofs_crc32c(UINT32_MAX, dst, EROFS_BLOCK_BYTES);
	memcpy(dst + offsetof(struct erofs_super, checksum), &sum, sizeof(sum));
	w->is_summed = true;
	return 0;
}

static int settle(struct writer *w, struct err *err)
{
	const uint64_t settled = erofs_layout_settled(&w->layout);

	if (settled >= EROFS_SUPER_OFFSET + EROFS_BLOCK_BYTES)
		TRY(fill_checksum(w, err));
	return erofs_out_settle(&w->out, settled, err);
}

static int place_all(struct writer *w, struct err *err)
{
	struct tree_stat st;
	uint32_t seen = 0;

	w->layout = (struct erofs_layout){ .end = EROFS_DEVICES_OFFSET +
						  w->device_count * sizeof(struct erofs_device) };
	tree_stat(w->tree, TREE_ROOT, &st);
	TRY(place_inode(w, TREE_ROOT, &st, err));
	for (uint32_t i = TREE_ROOT; i != TREE_NONE; i = tree_walk_next(w->tree, TREE_ROOT, i)) {
		if (++seen % CANCEL_INTERVAL == 0)
			TRY(op_check(w->op, err));
		if (w->nids.type[i] != EROFS_TYPE_DIRECTORY)
			continue;
		TRY(place_dir(w, i, err));
		if (w->is_filling)
			TRY(settle(w, err));
	}
	return 0;
}

static uint64_t blocks_up(uint64_t bytes)
{
	return (bytes + EROFS_BLOCK_BYTES - 1) >> EROFS_BLOCK_BITS;
}

static int end_first_pass(struct writer *w, struct err *err)
{
	const uint64_t first = blocks_up(w->layout.end);

	w->meta_end = first << EROFS_BLOCK_BITS;
	if (first + w->copy_blocks >= EROFS_UNIFIED_START)
		return err_set(err, ERR_UNSUPPORTED, "too many files to mount");
	for (size_t i = 0; i < w->copy_count; i++)
		w->block[w->copied[i]] += (uint32_t)first;
	if (w->lost_xattrs)
		op_note(w->op,
			"%" PRIu64 " extended attributes are left out: Linux knows none like them",
			w->lost_xattrs);
	return 0;
}

static int fill_super(struct writer *w, struct err *err)
{
	struct erofs_super s = {
		.magic = EROFS_SUPER_MAGIC,
		.feature_compat = EROFS_COMPAT_CHKSUM | EROFS_COMPAT_MTIME,
		.block_bits = EROFS_BLOCK_BITS,
		.root_nid = (uint16_t)w->nids.nid[TREE_ROOT],
		.inode_count = w->inode_count,
		.blocks = (uint32_t)(blocks_up(w->meta_end) + w->copy_blocks),
		.meta_block = (uint32_t)(w->meta_offset >> EROFS_BLOCK_BITS),
		.feature_incompat = EROFS_CHUNKED_FILE | EROFS_DEVICE_TABLE,
		.device_count = (uint16_t)w->device_count,
		.device_slot = EROFS_DEVICES_OFFSET / sizeof(struct erofs_device),
	};
	char *dst;

	memcpy(s.uuid, w->chain->bytes, sizeof(s.uuid));
	TRY(erofs_out_at(&w->out, 0, EROFS_DEVICES_OFFSET, &dst, err));
	memcpy(dst + EROFS_SUPER_OFFSET, &s, sizeof(s));
	if (!w->device_count)
		return 0;
	TRY(erofs_out_at(&w->out, EROFS_DEVICES_OFFSET, w->device_count * sizeof(*w->devices), &dst,
			 err));
	memcpy(dst, w->devices, w->device_count * sizeof(*w->devices));
	return 0;
}

/* Our own end: what the kernel does not read. */
static int fill_footer(struct writer *w, struct err *err)
{
	const uint64_t image = w->meta_end + (w->copy_blocks << EROFS_BLOCK_BITS);
	const uint64_t table =
		(w->device_count * 8 + EROFS_SUM_STRIPE - 1) / EROFS_SUM_STRIPE * EROFS_SUM_STRIPE;
	struct erofs_footer f = { .version = EROFS_FOOTER_VERSION,
				  .device_count = (uint32_t)w->device_count,
				  .image_bytes = image,
				  .inode_count = w->inode_count };
	char *dst;

	TRY(erofs_out_at(&w->out, image, (size_t)table, &dst, err));
	for (size_t i = 0; i < w->device_count; i++) {
		const uint64_t bytes = layer_tar_bytes(tree_layer(w->tree, (uint16_t)i));

		memcpy(dst + i * 8, &bytes, 8);
	}
	TRY(erofs_out_finish(&w->out, image + table, err));
	memcpy(f.magic, EROFS_FOOTER_MAGIC, sizeof(f.magic));
	f.checksum = erofs_sum_end(&w->out.sum, &f, offsetof(struct erofs_footer, checksum));
	return file_pwrite_all(w->out.fd, &f, sizeof(f), image + table, err);
}

static int second_pass(struct writer *w, struct err *err)
{
	w->is_filling = true;
	TRY(fill_super(w, err));
	TRY(place_all(w, err));
	TRY(fill_checksum(w, err));
	for (size_t i = 0; i < w->copy_count; i++) {
		const uint32_t node = w->copied[i];
		struct erofs_shape s;
		struct tree_stat st;

		tree_stat(w->tree, node, &st);
		TRY(shape_node(w, node, &st, &s, err));
		TRY(op_check(w->op, err));
		TRY(erofs_chunks_copy(w->tree, node, &s, &w->out, err));
	}
	return fill_footer(w, err);
}

int erofs_write(struct op *op, const struct tree *tree, const struct digest *chain_id, int fd,
		struct err *err)
{
	const uint32_t nodes = tree_node_count(tree);
	_writer_ struct writer w = {
		.op = op, .tree = tree, .chain = chain_id, .device_count = tree_layer_count(tree)
	};

	erofs_out_init(&w.out, fd);
	w.nids.tree = tree;
	w.nids.nid = xcalloc(nodes, sizeof(*w.nids.nid));
	w.nids.type = xcalloc(nodes, sizeof(*w.nids.type));
	w.block = xcalloc(nodes, sizeof(*w.block));
	make_devices(&w);
	TRY(place_all(&w, err));
	TRY(end_first_pass(&w, err));
	return second_pass(&w, err);
}
