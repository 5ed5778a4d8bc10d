/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an index while the tar goes by: texts and rare records stream to the file in pieces, the
 * entries themselves stay in memory until the end.
 */
#include "base/mem.h"
#include "layers/index.h"
#include "layers/layer.h"
#include "layers/tar.h"
#include "sys/file.h"

/* At most this much of the heap is in memory. A multiple of 8. */
#define HEAP_PIECE ((size_t)64 * 1024)
/* About 19 million entries. */
#define ENTRIES_MAX ((size_t)1024 * 1024 * 1024)

struct layer_indexer {
	int fd; /* borrowed */
	struct tar_reader *tar;
	struct buf entries;   /* struct index_entry, one after the other */
	uint64_t heap_bytes;  /* so far, those still in `piece` too */
	uint64_t file_offset; /* where `piece` goes */
	uint64_t checksum;    /* of what was written */
	size_t piece_len;
	unsigned char *piece;
};

static int flush(struct layer_indexer *x, struct err *err)
{
	TRY(file_pwrite_all(x->fd, x->piece, x->piece_len, x->file_offset, err));
	x->checksum = index_checksum(x->checksum, x->piece, x->piece_len);
	x->file_offset += x->piece_len;
	x->piece_len = 0;
	return 0;
}

static int put(struct layer_indexer *x, const void *data, size_t len, struct err *err)
{
	const unsigned char *p = data;

	while (len) {
		const size_t room = HEAP_PIECE - x->piece_len;
		const size_t n = len < room ? len : room;

		memcpy(x->piece + x->piece_len, p, n);
		x->piece_len += n;
		x->heap_bytes += n;
		p += n;
		len -= n;
		if (x->piece_len == HEAP_PIECE)
			TRY(flush(x, err));
	}
	if (x->heap_bytes > UINT32_MAX)
		return err_set(err, ERR_LIMIT, "layer index: more than 4 GiB of names");
	return 0;
}

static int put_aligned(struct layer_indexer *x, uint32_t *ret, struct err *err)
{
	static const char zeros[8];

	TRY(put(x, zeros, (size_t)(-x->heap_bytes % 8), err));
	*ret = (uint32_t)x->heap_bytes;
	return 0;
}

/* A text with its terminator; the empty one is at offset 0 already. */
static int put_text(struct layer_indexer *x, const char *s, uint32_t *ret, struct err *err)
{
	const uint64_t at = x->heap_bytes;

	if (*s)
		TRY(put(x, s, strlen(s) + 1, err));
	*ret = *s ? (uint32_t)at : 0;
	return 0;
}

static int put_xattr(struct layer_indexer *x, const struct tar_xattr *from, struct index_xattr *ret,
		     struct err *err)
{
	ret->name = (uint32_t)x->heap_bytes;
	ret->name_len = (uint32_t)from->name_len;
	TRY(put(x, from->name, from->name_len, err));
	TRY(put(x, "", 1, err));
	ret->value = (uint32_t)x->heap_bytes;
	ret->value_len = (uint32_t)from->value_len;
	return put(x, from->value, from->value_len, err);
}

static int put_extents(struct layer_indexer *x, const struct tar_entry *e, struct err *err)
{
	uint64_t stored = 0;

	for (size_t i = 0; i < e->extent_count; i++) {
		const struct index_extent run = { e->extents[i].logical_offset, e->extents[i].bytes,
						  stored };

		TRY(put(x, &run, sizeof(run), err));
		stored += run.bytes;
	}
	return 0;
}

static bool needs_extra(const struct tar_entry *e)
{
	return e->is_sparse || e->xattr_count || e->uid < 0 || e->uid > UINT32_MAX || e->gid < 0 ||
	       e->gid > UINT32_MAX;
}

static int put_extra(struct layer_indexer *x, const struct tar_entry *e, uint32_t *ret,
		     struct err *err)
{
	const struct index_extra extra = { .uid = e->uid,
					   .gid = e->gid,
					   .data_bytes = e->data_bytes,
					   .extent_count = (uint32_t)e->extent_count,
					   .xattr_count = (uint32_t)e->xattr_count };
	_free_ struct index_xattr *xattrs = NULL;

	if (!needs_extra(e)) {
		*ret = 0;
		return 0;
	}
	xattrs = xcalloc(e->xattr_count + 1, sizeof(*xattrs));
	for (size_t i = 0; i < e->xattr_count; i++)
		TRY(put_xattr(x, &e->xattrs[i], &xattrs[i], err));
	TRY(put_aligned(x, ret, err));
	TRY(put(x, &extra, sizeof(extra), err));
	TRY(put_extents(x, e, err));
	return put(x, xattrs, e->xattr_count * sizeof(*xattrs), err);
}

static int on_entry(void *arg, const struct tar_entry *e, struct err *err)
{
	struct layer_indexer *x = arg;
	const bool is_device = e->type == '3' || e->type == '4';
	const uint64_t header_blocks = (e->data_offset - e->header_offset) / 512;
	struct index_entry out = { .size_bytes = is_device ? (uint64_t)e->dev_major << 32 |
								     e->dev_minor
							   : e->size_bytes,
				   .data_offset = e->data_offset,
				   .mtime_sec = e->mtime_sec,
				   .mtime_nsec = e->mtime_nsec,
				   .header_blocks = (uint32_t)header_blocks,
				   .uid = (uint32_t)e->uid,
				   .gid = (uint32_t)e->gid,
				   .mode = (uint16_t)e->mode,
				   .type = (uint8_t)e->type,
				   .is_sparse = e->is_sparse };

	if (header_blocks > UINT32_MAX)
		return err_set(err, ERR_LIMIT, "layer index: an entry with endless headers");
	TRY(put_text(x, e->name, &out.name, err));
	TRY(put_text(x, e->link_name, &out.link_name, err));
	TRY(put_extra(x, e, &out.extra, err));
	return buf_append(&x->entries, &out, sizeof(out), err);
}

struct layer_indexer *layer_indexer_new(int idx_fd)
{
	struct layer_indexer *x = NEW(struct layer_indexer);

	x->fd = idx_fd;
	x->tar = tar_reader_new(on_entry, x);
	x->entries = BUF_INIT(ENTRIES_MAX);
	x->checksum = INDEX_CHECKSUM_START;
	x->file_offset = sizeof(struct index_header);
	x->piece = xcalloc(1, HEAP_PIECE);
	x->piece_len = x->heap_bytes = 1; /* the empty text */
	return x;
}

void layer_indexer_free(struct layer_indexer *x)
{
	if (!x)
		return;
	tar_reader_free(x->tar);
	buf_fini(&x->entries);
	free(x->piece);
	free(x);
}

int layer_indexer_feed(struct layer_indexer *x, const void *data, size_t len, struct err *err)
{
	return tar_reader_feed(x->tar, data, len, err);
}

int layer_indexer_finish(struct layer_indexer *x, struct err *err)
{
	struct index_header header = { .magic = INDEX_MAGIC,
				       .version = INDEX_VERSION,
				       .entry_bytes = sizeof(struct index_entry),
				       .entry_count = x->entries.len / sizeof(struct index_entry) };
	static const char end[1];
	uint32_t heap_bytes;

	TRY(tar_reader_finish(x->tar, err));
	header.tar_bytes = tar_reader_offset(x->tar);
	TRY(put(x, end, 1, err)); /* so that every text ends, whatever was put last */
	TRY(put_aligned(x, &heap_bytes, err));
	TRY(flush(x, err));
	header.heap_bytes = heap_bytes;
	header.checksum = index_checksum(x->checksum, x->entries.data, x->entries.len);
	header.checksum = index_checksum_header(header.checksum, &header);
	TRY(file_pwrite_all(x->fd, x->entries.data, x->entries.len, x->file_offset, err));
	return file_pwrite_all(x->fd, &header, sizeof(header), 0, err);
}
