/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer opened: its tar by descriptor, its index mapped and checked. When the index is absent or
 * damaged it is made anew from the tar, in memory. The files belong to the store, which never
 * changes them in place.
 */
#include "layers/layer.h"

#include "base/mem.h"
#include "layers/index.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define READ_BYTES ((size_t)1024 * 1024)

struct layer {
	int tar_fd; /* owned */
	uint64_t tar_bytes;
	struct index_view index; /* its data is our mapping */
	bool rebuilt;
};

void layer_free(struct layer *layer)
{
	if (!layer)
		return;
	if (layer->index.data)
		munmap((void *)(uintptr_t)layer->index.data, layer->index.len);
	if (layer->tar_fd >= 0)
		(void)close(layer->tar_fd);
	free(layer);
}
DEFINE_CLEANUP(layer_free, struct layer *)
DEFINE_CLEANUP(layer_indexer_free, struct layer_indexer *)

static int file_bytes(int fd, const char *what, uint64_t *ret, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "%s", what);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_DAMAGED, "%s: not a regular file", what);
	*ret = (uint64_t)st.st_size;
	return 0;
}

/* Maps the index and checks it; the layer has no index on failure. */
static int map_index(struct layer *layer, int fd, struct err *err)
{
	uint64_t bytes = 0;
	void *data;
	int rc;

	TRY(file_bytes(fd, "layer index", &bytes, err));
	if (!bytes || bytes > SIZE_MAX)
		return err_set(err, ERR_DAMAGED, "layer index: empty");
	data = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(err, errno, "layer index");
	rc = index_open(data, (size_t)bytes, layer->tar_bytes, &layer->index, err);
	if (rc < 0)
		munmap(data, (size_t)bytes);
	return rc;
}

static int feed_tar(struct op *op, int fd, struct layer_indexer *x, struct err *err)
{
	_free_ char *data = xcalloc(1, READ_BYTES);
	uint64_t offset = 0;

	for (;;) {
		ssize_t n;

		TRY(op_check(op, err));
		n = pread(fd, data, READ_BYTES, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "layer tar");
		if (n == 0)
			return 0;
		TRY(layer_indexer_feed(x, data, (size_t)n, err));
		offset += (uint64_t)n;
	}
}

static int rebuild_index(struct op *op, struct layer *layer, struct err *err)
{
	_close_ int fd = memfd_create("layer-index", MFD_CLOEXEC);
	_cleanup_(layer_indexer_free_p) struct layer_indexer *x = NULL;

	if (fd < 0)
		return err_sys(err, errno, "layer index");
	x = layer_indexer_new(fd);
	TRY(feed_tar(op, layer->tar_fd, x, err));
	TRY(layer_indexer_finish(x, err));
	layer->rebuilt = true;
	return map_index(layer, fd, err);
}

int layer_open(struct op *op, struct layer_files files, struct layer **ret, struct err *err)
{
	_cleanup_(layer_free_p) struct layer *layer = NEW(struct layer);
	_close_ int idx = files.idx_fd;
	struct err why = { 0 };
	int rc = -ENOENT;

	layer->tar_fd = files.tar_fd;
	TRY(file_bytes(layer->tar_fd, "layer tar", &layer->tar_bytes, err));
	if (idx >= 0)
		rc = map_index(layer, idx, &why);
	if (rc < 0 && idx >= 0 && (!files.rebuild || why.kind != ERR_DAMAGED)) {
		err_keep_first(err, &why);
		return rc;
	}
	if (rc < 0)
		TRY(rebuild_index(op, layer, err));
	/* Checking read all of it; of many layers open at once only what is in use should count. */
	layer_forget_names(layer);
	*ret = TAKE_PTR(layer);
	return 0;
}

const void *layer_index_bytes(const struct layer *layer, size_t *ret_len)
{
	*ret_len = layer->index.len;
	return layer->index.data;
}

bool layer_was_rebuilt(const struct layer *layer)
{
	return layer->rebuilt;
}

size_t layer_entry_count(const struct layer *layer)
{
	return layer->index.count;
}

uint64_t layer_tar_bytes(const struct layer *layer)
{
	return layer->tar_bytes;
}

int layer_tar_fd(const struct layer *layer)
{
	return layer->tar_fd;
}

void layer_entry(const struct layer *layer, size_t index, struct tar_entry *ret)
{
	const struct index_entry *e = &layer->index.entries[index];
	const struct index_extra *x = index_extra(&layer->index, e);
	const bool is_device = e->type == '3' || e->type == '4';
	const bool has_data = e->type < '1' || e->type > '6';

	*ret = (struct tar_entry){
		.type = (char)e->type,
		.name = layer->index.heap + e->name,
		.link_name = layer->index.heap + e->link_name,
		.mode = e->mode,
		.uid = x ? x->uid : e->uid,
		.gid = x ? x->gid : e->gid,
		.mtime_sec = e->mtime_sec,
		.mtime_nsec = e->mtime_nsec,
		.dev_major = is_device ? (uint32_t)(e->size_bytes >> 32) : 0,
		.dev_minor = is_device ? (uint32_t)e->size_bytes : 0,
		.size_bytes = has_data ? e->size_bytes : 0,
		.header_offset = e->data_offset - (uint64_t)e->header_blocks * 512,
		.data_offset = e->data_offset,
		.data_bytes = !has_data ? 0
			      : x	? x->data_bytes
					: e->size_bytes,
		.extent_count = x ? x->extent_count : 0,
		.is_sparse = e->is_sparse,
		.xattr_count = x ? x->xattr_count : 0,
	};
}

const char *layer_entry_name(const struct layer *layer, size_t index)
{
	return layer->index.heap + layer->index.entries[index].name;
}

size_t layer_entry_xattr(const struct layer *layer, size_t index, size_t n, struct tar_xattr *ret)
{
	const struct index_view *v = &layer->index;
	const struct index_extra *x = index_extra(v, &v->entries[index]);

	if (!x)
		return 0;
	if (n < x->xattr_count) {
		const struct index_xattr *from = index_xattrs(x) + n;

		*ret = (struct tar_xattr){ v->heap + from->name, v->heap + from->value,
					   from->name_len, from->value_len };
	}
	return x->xattr_count;
}

size_t layer_entry_extent(const struct layer *layer, size_t index, size_t n, struct tar_extent *ret)
{
	const struct index_extra *x = index_extra(&layer->index, &layer->index.entries[index]);

	if (!x)
		return 0;
	if (n < x->extent_count) {
		const struct index_extent *from = index_extents(x) + n;

		*ret = (struct tar_extent){ from->logical_offset, from->bytes };
	}
	return x->extent_count;
}

/* The first run that ends after `offset`; the count when none does. */
static size_t find_run(const struct index_extra *x, uint64_t offset)
{
	const struct index_extent *runs = index_extents(x);
	size_t low = 0, high = x->extent_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (runs[middle].logical_offset + runs[middle].bytes <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void locate_sparse(const struct index_entry *e, const struct index_extra *x, uint64_t offset,
			  uint64_t *ret_tar_offset, uint64_t *ret_bytes)
{
	const size_t i = find_run(x, offset);
	const struct index_extent *run = index_extents(x) + i;
	uint64_t into;

	*ret_tar_offset = UINT64_MAX;
	if (i == x->extent_count) {
		*ret_bytes = e->size_bytes - offset;
	} else if (run->logical_offset > offset) {
		*ret_bytes = run->logical_offset - offset;
	} else {
		into = offset - run->logical_offset;
		*ret_tar_offset = e->data_offset + run->stored_offset + into;
		*ret_bytes = run->bytes - into;
	}
}

void layer_entry_locate(const struct layer *layer, size_t index, uint64_t offset,
			uint64_t *ret_tar_offset, uint64_t *ret_bytes)
{
	const struct index_entry *e = &layer->index.entries[index];
	const bool has_data = e->type < '1' || e->type > '6';

	if (!has_data || offset >= e->size_bytes) {
		*ret_tar_offset = UINT64_MAX;
		*ret_bytes = 0;
	} else if (e->is_sparse) {
		locate_sparse(e, index_extra(&layer->index, e), offset, ret_tar_offset, ret_bytes);
	} else {
		*ret_tar_offset = e->data_offset + offset;
		*ret_bytes = e->size_bytes - offset;
	}
}

void layer_forget_names(const struct layer *layer)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t len = (sizeof(struct index_header) + layer->index.header->heap_bytes) &
			   ~(page - 1);

	if (len)
		(void)madvise((void *)(uintptr_t)layer->index.data, len, MADV_DONTNEED);
}
