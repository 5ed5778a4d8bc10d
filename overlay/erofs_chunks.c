/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose data is not one aligned run of their tar: sparse ones above all. A chunk is a hole, or
 * points into the tar when its bytes lie there together, aligned, with nothing after them in their
 * last block that is not padding; what is neither, because it is half hole or because a tar had it
 * at an odd place, is copied into the image. The size of chunks is chosen so that indexes and copies
 * together are fewest.
 */
#include "overlay/erofs_writer.h"

#include <string.h>

/* What one file may take in indexes and copies. */
#define FILE_BYTES_MAX ((uint64_t)64 * 1024 * 1024)

/* A run of data in the file, and where the tar has it. */
struct run {
	uint64_t start, end;
	uint64_t tar_offset;
};
/* Goes through the runs of a file; those that touch come as one. */
struct runs {
	const struct tree *tree;
	uint32_t node;
	struct tree_stat st;
	uint64_t tar_whole; /* bytes of the tar in whole blocks */
	size_t next;
	uint64_t stored; /* bytes of runs before the next */
};

static struct runs runs_begin(const struct tree *tree, uint32_t node)
{
	struct runs r = { .tree = tree, .node = node };

	tree_stat(tree, node, &r.st);
	r.tar_whole = layer_tar_bytes(tree_layer(tree, r.st.layer)) &
		      ~(uint64_t)(EROFS_BLOCK_BYTES - 1);
	return r;
}

static bool one_run(const struct runs *r, size_t n, struct tar_extent *ret)
{
	if (r->st.is_sparse)
		return tree_extent(r->tree, r->node, n, ret);
	*ret = (struct tar_extent){ 0, r->st.size_bytes };
	return n == 0;
}

static bool runs_next(struct runs *r, struct run *ret)
{
	struct tar_extent e;

	if (!one_run(r, r->next, &e))
		return false;
	*ret = (struct run){ e.logical_offset, e.logical_offset, r->st.data_offset + r->stored };
	do {
		ret->end += e.bytes;
		r->stored += e.bytes;
		r->next++;
	} while (one_run(r, r->next, &e) && e.logical_offset == ret->end);
	return true;
}

/*
 * Whether the tar can stand for the chunk [start, end) of the file, which lies in the run. Chunks end
 * with a block, or with the file.
 */
static bool is_direct(const struct runs *r, const struct run *run, uint64_t start, uint64_t end)
{
	const uint64_t mask = EROFS_BLOCK_BYTES - 1;
	const uint64_t at = run->tar_offset + (start - run->start);
	const uint64_t blocks = (at + (end - start) + mask) >> EROFS_BLOCK_BITS;

	if (at & mask)
		return false;
	return blocks <= r->tar_whole >> EROFS_BLOCK_BITS && blocks < EROFS_HOLE;
}

enum chunk_kind { CHUNK_HOLE, CHUNK_DIRECT, CHUNK_COPY };

/* Goes through the chunks of a file. */
struct chunks {
	struct runs runs;
	struct run run; /* the first that ends after the chunk's start */
	bool has_run;
	uint8_t bits;
};
struct chunk {
	enum chunk_kind kind;
	uint64_t start, end;
	uint64_t tar_offset;
};

static struct chunks chunks_begin(const struct tree *tree, uint32_t node, uint8_t bits)
{
	struct chunks c = { .runs = runs_begin(tree, node), .bits = bits };

	c.has_run = runs_next(&c.runs, &c.run);
	return c;
}

/* The chunk that starts at `start`; asked for in ascending order. */
static struct chunk chunk_at(struct chunks *c, uint64_t start)
{
	const uint64_t size = c->runs.st.size_bytes;
	struct chunk k = { .kind = CHUNK_HOLE, .start = start };

	k.end = size - start > UINT64_C(1) << c->bits ? start + (UINT64_C(1) << c->bits) : size;
	while (c->has_run && c->run.end <= start)
		c->has_run = runs_next(&c->runs, &c->run);
	if (!c->has_run || c->run.start >= k.end)
		return k;
	k.kind = CHUNK_COPY;
	if (c->run.start <= start && c->run.end >= k.end &&
	    is_direct(&c->runs, &c->run, start, k.end)) {
		k.kind = CHUNK_DIRECT;
		k.tar_offset = c->run.tar_offset + (start - c->run.start);
	}
	return k;
}

static uint64_t copy_blocks(const struct chunk *k)
{
	return (k->end - k->start + EROFS_BLOCK_BYTES - 1) >> EROFS_BLOCK_BITS;
}

/*
 * Blocks to copy with chunks of this size, or UINT64_MAX when over `max`. Goes from one chunk with
 * an edge of a run in it to the next: those between are alike.
 */
static uint64_t count_copies(const struct tree *tree, uint32_t node, uint8_t bits, uint64_t max)
{
	struct chunks c = chunks_begin(tree, node, bits);
	const uint64_t step = UINT64_C(1) << bits;
	uint64_t total = 0, done = 0;

	while (c.has_run) {
		uint64_t start = c.run.start & ~(step - 1);
		struct chunk k;

		start = start < done ? done : start;
		if (start >= c.runs.st.size_bytes)
			break;
		k = chunk_at(&c, start);
		if (k.kind == CHUNK_COPY)
			total += copy_blocks(&k);
		if (total > max)
			return UINT64_MAX;
		done = k.end;
		if (k.kind == CHUNK_DIRECT && c.run.end - k.end > step)
			done = k.end + ((c.run.end - k.end) & ~(step - 1));
		while (c.has_run && c.run.end <= done)
			c.has_run = runs_next(&c.runs, &c.run);
	}
	return total;
}

int erofs_chunks_choose(const struct tree *tree, uint32_t node, const struct tree_stat *st,
			struct erofs_shape *shape, struct err *err)
{
	uint64_t best = FILE_BYTES_MAX + 1;

	for (uint8_t bits = EROFS_BLOCK_BITS; bits <= EROFS_CHUNK_BITS_MAX; bits++) {
		const uint64_t count = ((st->size_bytes - 1) >> bits) + 1;
		uint64_t copies;

		if (count > FILE_BYTES_MAX / sizeof(struct erofs_chunk))
			continue;
		copies = count_copies(tree, node, bits, FILE_BYTES_MAX >> EROFS_BLOCK_BITS);
		if (copies == UINT64_MAX ||
		    count * sizeof(struct erofs_chunk) + copies * EROFS_BLOCK_BYTES >= best)
			continue;
		best = count * sizeof(struct erofs_chunk) + copies * EROFS_BLOCK_BYTES;
		shape->chunk_bits = bits;
		shape->chunk_count = count;
		shape->copy_blocks = copies;
	}
	if (best > FILE_BYTES_MAX)
		return erofs_refuse(tree, node, err, ERR_UNSUPPORTED,
				    "a sparse file too scattered to mount");
	return 0;
}

void erofs_chunks_write(const struct tree *tree, uint32_t node, const struct erofs_shape *shape,
			struct erofs_chunk *dst)
{
	struct chunks c = chunks_begin(tree, node, shape->chunk_bits);
	const uint16_t device = (uint16_t)(c.runs.st.layer + 1);
	uint64_t copy_block = shape->copy_block;

	for (uint64_t i = 0; i < shape->chunk_count; i++) {
		const struct chunk k = chunk_at(&c, i << shape->chunk_bits);

		dst[i] = (struct erofs_chunk){ .block = EROFS_HOLE };
		if (k.kind == CHUNK_DIRECT) {
			dst[i].device = device;
			dst[i].block = (uint32_t)(k.tar_offset >> EROFS_BLOCK_BITS);
		} else if (k.kind == CHUNK_COPY) {
			dst[i].block = (uint32_t)copy_block;
			copy_block += copy_blocks(&k);
		}
	}
}

static int copy_chunk(const struct tree *tree, uint32_t node, const struct chunk *k, char *dst,
		      struct err *err)
{
	const struct tree_place from = { .node = node, .offset = k->start };
	const ssize_t n = tree_read(tree, from, dst, (size_t)(k->end - k->start), err);

	if (n >= 0 && (uint64_t)n != k->end - k->start)
		return err_set(err, ERR_DAMAGED, "layer tar: cut short");
	return n < 0 ? (int)n : 0;
}

int erofs_chunks_copy(const struct tree *tree, uint32_t node, const struct erofs_shape *shape,
		      struct erofs_out *out, struct err *err)
{
	struct chunks c = chunks_begin(tree, node, shape->chunk_bits);
	uint64_t copy_block = shape->copy_block;

	for (uint64_t i = 0; i < shape->chunk_count; i++) {
		const struct chunk k = chunk_at(&c, i << shape->chunk_bits);
		const uint64_t at = copy_block << EROFS_BLOCK_BITS;
		char *dst;

		if (k.kind != CHUNK_COPY)
			continue;
		TRY(erofs_out_at(out, at, (size_t)(copy_blocks(&k) << EROFS_BLOCK_BITS), &dst,
				 err));
		TRY(copy_chunk(tree, node, &k, dst, err));
		copy_block += copy_blocks(&k);
		TRY(erofs_out_settle(out, copy_block << EROFS_BLOCK_BITS, err));
	}
	return 0;
}
