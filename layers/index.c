/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening an index: one pass over all of it, after which nothing in it can lead outside. A checksum
 * that fits proves only that the file is as it was written, so bounds are checked all the same.
 */
#include "layers/index.h"

#include "layers/tar.h"

#include <inttypes.h>
#include <stdbool.h>

uint64_t index_checksum(uint64_t sum, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, 8);
		sum = (sum ^ word) * UINT64_C(0xd6e8feb86659fd93);
		sum = sum << 29 | sum >> 35;
	}
	return sum;
}

uint64_t index_checksum_header(uint64_t sum, const struct index_header *header)
{
	return index_checksum(sum, header, offsetof(struct index_header, checksum));
}

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_DAMAGED, "layer index: %s", what);
}

/* Whether `count` items of `size` bytes lie in the heap at `at`. */
static bool in_heap(const struct index_view *v, uint64_t at, uint64_t count, size_t size)
{
	return at <= v->header->heap_bytes && count <= (v->header->heap_bytes - at) / size;
}

const struct index_extra *index_extra(const struct index_view *v, const struct index_entry *e)
{
	return e->extra ? (const struct index_extra *)(const void *)(v->heap + e->extra) : NULL;
}

const struct index_extent *index_extents(const struct index_extra *x)
{
	return (const struct index_extent *)(const void *)(x + 1);
}

const struct index_xattr *index_xattrs(const struct index_extra *x)
{
	return (const struct index_xattr *)(const void *)(index_extents(x) + x->extent_count);
}

static bool extents_are_valid(const struct index_entry *e, const struct index_extra *x)
{
	const struct index_extent *runs = index_extents(x);
	uint64_t stored = 0, end = 0;

	for (uint32_t i = 0; i < x->extent_count; i++) {
		if (runs[i].logical_offset < end || runs[i].stored_offset != stored ||
		    !runs[i].bytes ||
		    __builtin_add_overflow(runs[i].logical_offset, runs[i].bytes, &end) ||
		    end > e->size_bytes)
			return false;
		stored += runs[i].bytes; /* the runs do not overlap: no overflow */
	}
	return stored == x->data_bytes;
}

static bool xattrs_are_valid(const struct index_view *v, const struct index_extra *x)
{
	const struct index_xattr *list = index_xattrs(x);

	for (uint32_t i = 0; i < x->xattr_count; i++) {
		if (!in_heap(v, list[i].name, (uint64_t)list[i].name_len + 1, 1) ||
		    v->heap[list[i].name + list[i].name_len] ||
		    !in_heap(v, list[i].value, list[i].value_len, 1))
			return false;
	}
	return true;
}

static uint64_t plain_bytes(const struct index_entry *e)
{
	return e->type < '1' || e->type > '6' ? e->size_bytes : 0;
}

static bool extra_is_valid(const struct index_view *v, const struct index_entry *e)
{
	const struct index_extra *x = index_extra(v, e);
	uint64_t at = e->extra;

	if (e->extra % 8 || !in_heap(v, at, 1, sizeof(*x)))
		return false;
	at += sizeof(*x);
	if (x->extent_count > TAR_EXTENTS_MAX || x->xattr_count > TAR_XATTRS_MAX ||
	    !in_heap(v, at, x->extent_count, sizeof(struct index_extent)))
		return false;
	at += x->extent_count * sizeof(struct index_extent);
	if (!in_heap(v, at, x->xattr_count, sizeof(struct index_xattr)))
		return false;
	if (e->is_sparse ? !extents_are_valid(e, x)
			 : x->extent_count || x->data_bytes != plain_bytes(e))
		return false;
	return xattrs_are_valid(v, x);
}

static bool entry_is_valid(const struct index_view *v, const struct index_entry *e)
{
	const struct index_header *h = v->header;
	const uint64_t header_bytes = (uint64_t)e->header_blocks * 512;
	uint64_t data_bytes = plain_bytes(e);

	if (e->name >= h->heap_bytes || e->link_name >= h->heap_bytes)
		return false;
	if (e->mtime_nsec >= 1000000000 || e->mode > 07777 || e->is_sparse > 1)
		return false;
	if (e->is_sparse && (!e->extra || (e->type >= '1' && e->type <= '6')))
		return false;
	if (e->extra) {
		if (!extra_is_valid(v, e))
			return false;
		data_bytes = e->is_sparse ? index_extra(v, e)->data_bytes : data_bytes;
	}
	return header_bytes && header_bytes <= e->data_offset && e->data_offset <= h->tar_bytes &&
	       data_bytes <= h->tar_bytes - e->data_offset;
}

static int check_header(const struct index_view *v, uint64_t tar_bytes, struct err *err)
{
	const struct index_header *h = v->header;
	uint64_t body, total;

	if (v->len < sizeof(*h) || memcmp(h->magic, INDEX_MAGIC, 8) != 0)
		return damaged(err, "not one");
	if (h->version != INDEX_VERSION || h->entry_bytes != sizeof(struct index_entry))
		return damaged(err, "of another version");
	if (h->tar_bytes != tar_bytes)
		return err_set(err, ERR_DAMAGED,
			       "layer index: made for a tar of %" PRIu64 " bytes, not %" PRIu64,
			       h->tar_bytes, tar_bytes);
	if (h->heap_bytes % 8 || !h->heap_bytes ||
	    __builtin_mul_overflow(h->entry_count, sizeof(struct index_entry), &body) ||
	    __builtin_add_overflow(body, h->heap_bytes, &body) ||
	    __builtin_add_overflow(body, sizeof(*h), &total) || total != v->len)
		return damaged(err, "of a wrong length");
	return 0;
}

int index_open(const void *data, size_t len, uint64_t tar_bytes, struct index_view *ret,
	       struct err *err)
{
	struct index_view v = { .data = data, .len = len, .header = data };
	uint64_t sum;

	TRY(check_header(&v, tar_bytes, err));
	v.heap = (const char *)(v.header + 1);
	v.entries = (const struct index_entry *)(const void *)(v.heap + v.header->heap_bytes);
	v.count = v.header->entry_count;
	sum = index_checksum(INDEX_CHECKSUM_START, v.heap, len - sizeof(*v.header));
	if (index_checksum_header(sum, v.header) != v.header->checksum)
		return damaged(err, "the checksum is wrong");
	if (v.heap[0] || v.heap[v.header->heap_bytes - 1])
		return damaged(err, "its texts do not end");
	for (size_t i = 0; i < v.count; i++)
		if (!entry_is_valid(&v, &v.entries[i]))
			return err_set(err, ERR_DAMAGED, "layer index: entry %zu is damaged", i);
	*ret = v;
	return 0;
}
