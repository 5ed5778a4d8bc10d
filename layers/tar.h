/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict streaming tar reader: bytes are pushed in as they come off the wire, entries come out
 * with exact offsets. Reads v7, ustar, pax, GNU (long names, sparse, base-256) and star,
 * byte-compatible with Go's archive/tar, which every other engine reads layers with: no parser
 * differentials.
 */
#ifndef IMG_LAYERS_TAR_H
#define IMG_LAYERS_TAR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bounds: an extended header or a long name, data runs of a sparse file, extended attributes of an
 * entry.
 */
#define TAR_META_MAX	((size_t)1024 * 1024)
#define TAR_EXTENTS_MAX ((size_t)256 * 1024)
#define TAR_XATTRS_MAX	((size_t)1024)

/* A run of real data of a sparse file. */
struct tar_extent {
	uint64_t logical_offset; /* in the file */
	uint64_t bytes;
};

struct tar_xattr {
	const char *name; /* without "SCHILY.xattr.", terminated */
	const void *value;
	size_t name_len, value_len;
};

/*
 * One entry; all pointers are borrowed during the callback. Names are bytes, terminated, without
 * NUL inside, otherwise as in the archive.
 */
struct tar_entry {
	/*
	 * '0' file ('7', 'S' and NUL too), '1' link, '2' symlink, '3' char, '4' block, '5' dir, '6'
	 * fifo; 'g' is skipped; others as they are
	 */
	char type;
	const char *name;
	const char *link_name;
	uint32_t mode; /* permission bits, 07777 */
	int64_t uid, gid;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t dev_major, dev_minor; /* of '3' and '4', else 0 */
	/* logical size of the file (sparse: with the holes); 0 for types without data */
	uint64_t size_bytes;
	/* of the first header block of this entry, extended ones included */
	uint64_t header_offset;
	uint64_t data_offset;		  /* of the first data byte in the archive */
	uint64_t data_bytes;		  /* stored bytes (sparse: the runs one after the other) */
	const struct tar_extent *extents; /* sparse only, ascending, none empty */
	size_t extent_count;
	bool is_sparse;
	const struct tar_xattr *xattrs; /* names are unique */
	size_t xattr_count;
};

/* The type of an entry that is what `mode` (as st_mode) says; sockets have none: '6'. */
char tar_type_of(uint32_t mode);

struct tar_reader;
/*
 * Called once per entry, when its headers are complete and before its data has come. A negative
 * result ends the reading with that error.
 */
typedef int tar_entry_fn(void *arg, const struct tar_entry *entry, struct err *err);

struct tar_reader *tar_reader_new(tar_entry_fn *fn, void *arg);
/*
 * Takes the next bytes of the archive. After the end marker everything is accepted and ignored.
 * ERR_DAMAGED with the offset, ERR_LIMIT; only free is allowed after.
 */
int tar_reader_feed(struct tar_reader *r, const void *data, size_t len, struct err *err);
/*
 * The archive has ended: fine between entries (end marker or not, as Go has it), ERR_DAMAGED inside
 * one.
 */
int tar_reader_finish(struct tar_reader *r, struct err *err);
/* Bytes taken so far. */
uint64_t tar_reader_offset(const struct tar_reader *r);
void tar_reader_free(struct tar_reader *r);

#endif
