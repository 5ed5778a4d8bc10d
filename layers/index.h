/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry index of a layer on disk. Little-endian, fixed structs:
 *
 *   header | heap (texts, each terminated; records of what few entries have) | entries
 *
 * The heap streams out while the tar goes by, the entries follow at the end, the header is written
 * last. Offsets into the heap count from its start; offset 0 is the empty text. Not for others:
 * layers/layer.h is.
 */
#ifndef IMG_LAYERS_INDEX_H
#define IMG_LAYERS_INDEX_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Version: any change of the structs below makes a new one. */
#define INDEX_MAGIC   "IMGLIDX"
#define INDEX_VERSION 1u

struct index_header {
	char magic[8];
	uint32_t version;
	uint32_t entry_bytes; /* sizeof(struct index_entry) */
	uint64_t tar_bytes;   /* of the raw tar this belongs to */
	uint64_t heap_bytes;  /* a multiple of 8 */
	uint64_t entry_count;
	uint64_t checksum; /* over heap and entries, then the fields above */
};

struct index_entry {
	uint32_t name, link_name; /* in the heap */
	uint64_t size_bytes;	  /* devices: major << 32 | minor */
	uint64_t data_offset;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t header_blocks; /* from the first header to the data, in blocks of 512 */
	uint32_t uid, gid;	/* the low half of what the extra record holds, when there is one */
	uint32_t extra;		/* in the heap, a multiple of 8; 0: none */
	uint16_t mode;
	uint8_t type;
	uint8_t is_sparse;
};

/* What few entries have: wide ids, data runs, xattrs. */
struct index_extra {
	int64_t uid, gid;
	uint64_t data_bytes;
	uint32_t extent_count, xattr_count;
	/* then extents, then xattrs */
};
struct index_extent {
	uint64_t logical_offset, bytes;
	uint64_t stored_offset; /* from the first data byte */
};
struct index_xattr {
	uint32_t name, name_len; /* terminated in the heap */
	uint32_t value, value_len;
};

_Static_assert(sizeof(struct index_header) == 48, "on disk");
_Static_assert(sizeof(struct index_entry) == 56, "on disk");
_Static_assert(sizeof(struct index_extra) == 32, "on disk");
_Static_assert(sizeof(struct index_extent) == 24, "on disk");
_Static_assert(sizeof(struct index_xattr) == 16, "on disk");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the index is read in place");

/* An index in memory, checked: every offset in it may be followed. Borrowed. */
struct index_view {
	const void *data; /* the whole of it */
	size_t len;
	const struct index_header *header;
	const char *heap;
	const struct index_entry *entries;
	size_t count;
};

/*
 * Checks every byte that is trusted later. ERR_DAMAGED names what is off. `data` must be aligned to
 * 8.
 */
int index_open(const void *data, size_t len, uint64_t tar_bytes, struct index_view *ret,
	       struct err *err);

/* The extra record of an entry, or NULL. */
const struct index_extra *index_extra(const struct index_view *v, const struct index_entry *e);
const struct index_extent *index_extents(const struct index_extra *x);
const struct index_xattr *index_xattrs(const struct index_extra *x);

/*
 * A checksum against damage, not malice: each step is a bijection, so any one changed word shows.
 * `len` is a multiple of 8.
 */
uint64_t index_checksum(uint64_t sum, const void *data, size_t len);
#define INDEX_CHECKSUM_START UINT64_C(0x9e3779b97f4a7c15)
/* The checksum of the header's fields after the body's. */
uint64_t index_checksum_header(uint64_t sum, const struct index_header *header);

#endif
