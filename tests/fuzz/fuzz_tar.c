/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar reader on any bytes: what it hands out is sane, and does not depend on how the bytes are
 * cut into chunks.
 */
#include "base/mem.h"
#include "layers/tar.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t sum, count;
	uint64_t end; /* of the data before */
};

static void add(struct seen *seen, const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		seen->sum = (seen->sum ^ ((const uint8_t *)p)[i]) * 1099511628211u;
}

static void add_number(struct seen *seen, uint64_t n)
{
	add(seen, &n, sizeof(n));
}

static void check_extents(const struct tar_entry *e)
{
	uint64_t end = 0, sum = 0;

	for (size_t i = 0; i < e->extent_count; i++) {
		if (e->extents[i].logical_offset < end || !e->extents[i].bytes)
			abort();
		end = e->extents[i].logical_offset + e->extents[i].bytes;
		sum += e->extents[i].bytes;
	}
	if (end > e->size_bytes || (e->is_sparse ? sum : e->size_bytes) != e->data_bytes)
		abort();
}

static void check_entry(const struct tar_entry *e, struct seen *seen)
{
	if (e->mode > 07777 || e->mtime_nsec > 999999999 || e->data_offset % 512)
		abort();
	if (e->header_offset < seen->end || e->data_offset < e->header_offset + 512)
		abort();
	if (e->type >= '1' && e->type <= '6' && (e->size_bytes || e->data_bytes))
		abort();
	if (e->size_bytes > INT64_MAX || e->xattr_count > TAR_XATTRS_MAX)
		abort();
	check_extents(e);
	seen->end = e->data_offset + e->data_bytes;
}

static int on_entry(void *arg, const struct tar_entry *e, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	check_entry(e, seen);
	seen->count++;
	add(seen, &e->type, 1);
	add(seen, e->name, strlen(e->name) + 1);
	add(seen, e->link_name, strlen(e->link_name) + 1);
	add_number(seen, e->mode);
	add_number(seen, (uint64_t)e->uid);
	add_number(seen, (uint64_t)e->gid);
	add_number(seen, (uint64_t)e->mtime_sec);
	add_number(seen, e->mtime_nsec);
	add_number(seen, e->dev_major);
	add_number(seen, e->dev_minor);
	add_number(seen, e->size_bytes);
	add_number(seen, e->header_offset);
	add_number(seen, e->data_offset);
	add_number(seen, e->data_bytes);
	if (e->extent_count)
		add(seen, e->extents, e->extent_count * sizeof(*e->extents));
	for (size_t i = 0; i < e->xattr_count; i++) {
		if (strlen(e->xattrs[i].name) != e->xattrs[i].name_len)
			abort();
		add(seen, e->xattrs[i].name, e->xattrs[i].name_len);
		add(seen, e->xattrs[i].value, e->xattrs[i].value_len);
	}
	return 0;
}

/* Reads all of it in chunks of `chunk` bytes, each in memory of its own. */
static int read_all(const uint8_t *data, size_t size, size_t chunk, struct seen *seen)
{
	struct tar_reader *r = tar_reader_new(on_entry, seen);
	struct err err = { 0 };
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < size;) {
		const size_t n = chunk < size - at ? chunk : size - at;
		_free_ void *copy = xmemdupz(data + at, n);

		rc = tar_reader_feed(r, copy, n, &err);
		at += n;
	}
	if (rc == 0)
		rc = tar_reader_finish(r, &err);
	if ((rc < 0) != (err.kind != ERR_NONE))
		abort();
	tar_reader_free(r);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t chunks[] = { 1, 511, 700 };
	struct seen whole = { 0 };
	const int rc = read_all(data, size, SIZE_MAX, &whole);

	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct seen seen = { 0 };

		if (read_all(data, size, chunks[i], &seen) != rc || seen.sum != whole.sum ||
		    seen.count != whole.count)
			abort();
	}
	return 0;
}
