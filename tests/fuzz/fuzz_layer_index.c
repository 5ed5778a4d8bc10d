/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer index of any bytes, as it is and with its checksum put right: it is refused, or all it
 * says can be followed.
 */
#include "base/mem.h"
#include "layers/index.h"
#include "layers/layer.h"
#include "layers/tree.h"

#include <stdint.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sink;

static void touch(const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sink += ((const uint8_t *)p)[i];
}

static void use_entry(const struct layer *layer, size_t i)
{
	struct tar_entry e;
	struct tar_xattr x;
	struct tar_extent run;
	uint64_t at, bytes;

	layer_entry(layer, i, &e);
	touch(e.name, strlen(e.name));
	touch(e.link_name, strlen(e.link_name));
	for (size_t n = 0; n < layer_entry_xattr(layer, i, n, &x); n++) {
		if (strnlen(x.name, x.name_len + 1) > x.name_len)
			abort();
		touch(x.value, x.value_len);
	}
	for (uint64_t from = 0; from < e.size_bytes; from += bytes) {
		layer_entry_locate(layer, i, from, &at, &bytes);
		if (!bytes || bytes > e.size_bytes - from)
			abort();
		if (at != UINT64_MAX &&
		    (at > layer_tar_bytes(layer) || bytes > layer_tar_bytes(layer) - at))
			abort();
	}
	if (e.extent_count)
		(void)layer_entry_extent(layer, i, e.extent_count - 1, &run);
}

static void use_layer(struct layer *layer)
{
	struct tree *tree = NULL;
	struct err err = { 0 };

	for (size_t i = 0; i < layer_entry_count(layer); i++)
		use_entry(layer, i);
	layer_forget_names(layer);
	if (tree_build(NULL, &layer, 1, &tree, &err) == 0)
		for (uint32_t i = 0; i != TREE_NONE; i = tree_walk_next(tree, TREE_ROOT, i)) {
			struct tree_stat st;

			tree_stat(tree, i, &st);
			sink += st.mode;
		}
	tree_free(tree);
}

static void try_index(const uint8_t *data, size_t size)
{
	const int tar = memfd_create("tar", MFD_CLOEXEC), idx = memfd_create("idx", MFD_CLOEXEC);
	struct layer *layer = NULL;
	struct err err = { 0 };
	uint64_t tar_bytes;

	if (tar < 0 || idx < 0 || pwrite(idx, data, size, 0) != (ssize_t)size)
		abort();
	memcpy(&tar_bytes, data + offsetof(struct index_header, tar_bytes), 8);
	/* A hole: nothing is read of it. */
	if (tar_bytes <= (uint64_t)1 << 40 && ftruncate(tar, (off_t)tar_bytes) < 0)
		abort();
	if (layer_open(NULL, (struct layer_files){ tar, idx, false }, &layer, &err) == 0)
		use_layer(layer);
	else if (err.kind != ERR_DAMAGED)
		abort();
	layer_free(layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ uint8_t *copy = (uint8_t *)xmemdupz(data, size);
	struct index_header *header = (struct index_header *)(void *)copy;

	if (size < sizeof(*header))
		return 0;
	try_index(data, size);
	header->checksum = index_checksum(INDEX_CHECKSUM_START, copy + sizeof(*header),
					  (size - sizeof(*header)) & ~(size_t)7);
	header->checksum = index_checksum_header(header->checksum, header);
	try_index(copy, size);
	return 0;
}
