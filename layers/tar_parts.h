/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the tar reader share: numbers, header blocks, extended headers and sparse maps.
 * Not for others. All of it takes bytes from outside.
 */
#ifndef IMG_LAYERS_TAR_PARTS_H
#define IMG_LAYERS_TAR_PARTS_H

#include "base/buf.h"
#include "base/err.h"
#include "layers/tar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK ((size_t)512)

/* Numbers; -EINVAL for syntax and overflow, no err set. */

/*
 * A field of a header: octal amid spaces and NULs, or base-256 when the first bit is set (two's
 * complement).
 */
int tar_parse_numeric(const uint8_t *p, size_t len, int64_t *ret);
int tar_parse_octal(const uint8_t *p, size_t len, int64_t *ret);
/* Decimal with an optional sign, '+' too. */
int tar_parse_decimal(const char *s, size_t len, int64_t *ret);
/* "SECONDS[.FRACTION]" of a pax record; digits beyond nanoseconds are cut, not rounded. */
int tar_parse_time(const char *s, size_t len, int64_t *ret_sec, uint32_t *ret_nsec);

/* A header block. */

enum tar_format { TAR_V7, TAR_USTAR, TAR_STAR, TAR_GNU };

struct tar_header {
	enum tar_format format;
	char type;
	int64_t mode, uid, gid, size, mtime, dev_major, dev_minor;
	char name[100 + 1 + 155 + 1]; /* prefix included */
	char link_name[100 + 1];
};

bool tar_block_is_zero(const uint8_t *block);
/* Unpacks a block. On failure -EINVAL and a word on why in *ret_why. */
int tar_header_parse(const uint8_t *block, struct tar_header *ret, const char **ret_why);
/* Types 1 to 6, which never have data, whatever their size says. */
bool tar_type_has_no_data(char type);

/* An extended header. */

enum tar_pax_key {
	PAX_PATH,
	PAX_LINKPATH,
	PAX_UNAME,
	PAX_GNAME, /* up to here no NUL inside */
	PAX_UID,
	PAX_GID,
	PAX_ATIME,
	PAX_MTIME,
	PAX_CTIME,
	PAX_SIZE,
	PAX_SPARSE_MAJOR,
	PAX_SPARSE_MINOR,
	PAX_SPARSE_MAP,
	PAX_SPARSE_NAME,
	PAX_SPARSE_SIZE,
	PAX_SPARSE_REALSIZE,
	PAX_SPARSE_NUMBLOCKS,
	PAX_KEY_COUNT
};

/* A value; empty means absent. */
struct tar_slice {
	const char *p;
	size_t len;
};

struct tar_pax {
	struct buf body; /* as in the archive, then cut up in place; the rest points into it */
	struct buf map;	 /* sparse 0.0: its records joined as a 0.1 map */
	size_t map_values;
	struct tar_slice value[PAX_KEY_COUNT];
	struct tar_xattr *xattrs;
	bool xattr_is_star[TAR_XATTRS_MAX]; /* SCHILY, which beats LIBARCHIVE */
	size_t xattr_count;
};

void tar_pax_init(struct tar_pax *pax);
void tar_pax_fini(struct tar_pax *pax);
/* Forgets the records and the body. */
void tar_pax_reset(struct tar_pax *pax);
/* Cuts `body` into records. On failure a negative errno and a word on why. */
int tar_pax_parse(struct tar_pax *pax, const char **ret_why);
/* The numbers of the records laid over those of a header; -EINVAL when one is none. */
int tar_pax_merge(const struct tar_pax *pax, struct tar_entry *entry, int64_t *size);

/* Sparse maps. */

struct tar_sparse {
	struct tar_extent *extents; /* owned */
	size_t count, alloc;
	/* Map 1.0, which comes block by block: the token being read. */
	uint64_t wanted; /* values still to come; the first one is the number of extents */
	bool has_count;
	bool negative, has_sign, has_digit, bad;
	uint64_t token;
	int64_t offset; /* first half of a pair */
	bool has_offset;
};

void tar_sparse_fini(struct tar_sparse *s);
void tar_sparse_reset(struct tar_sparse *s);
/* -EINVAL when the pair is impossible, -E2BIG beyond TAR_EXTENTS_MAX. */
int tar_sparse_add(struct tar_sparse *s, int64_t offset, int64_t bytes);
/*
 * The four extents of an old GNU header, or the 21 of an extension block. Returns 1 when another
 * block follows.
 */
int tar_sparse_old(struct tar_sparse *s, const uint8_t *block, bool is_extension);
/* Which map the records speak of: -1 none, 0 in the records (0.0, 0.1), 1 before the data (1.0). */
int tar_sparse_version(const struct tar_pax *pax);
int tar_sparse_records(struct tar_sparse *s, const struct tar_pax *pax);
/* Starts a 1.0 map, then takes its blocks. Returns 1 when it is complete. */
void tar_sparse_map_begin(struct tar_sparse *s);
int tar_sparse_map_block(struct tar_sparse *s, const uint8_t *block);
/*
 * Ends a map: drops empty runs. False unless it lies inside the file and is as long as the stored
 * data.
 */
bool tar_sparse_end(struct tar_sparse *s, uint64_t size_bytes, uint64_t data_bytes);

#endif
