/* SPDX-License-Identifier: Apache-2.0 */
/* What the space of a store is used for. */
#ifndef IMG_STORE_USAGE_H
#define IMG_STORE_USAGE_H

#include "base/op.h"
#include "manifest/descriptor.h"
#include "store/store.h"

#include <stddef.h>
#include <stdint.h>

enum usage_kind {
	USAGE_BLOBS,
	USAGE_LAYERS,
	USAGE_TREES,
	USAGE_ROOTS,   /* what was written to writable roots */
	USAGE_STAGING, /* what is being made, and what was interrupted */
	USAGE_RECORDS, /* the database */
	USAGE_KIND_COUNT
};
const char *usage_kind_name(enum usage_kind kind);

/* Bytes are those of the disk (st_blocks), but in a store in memory. */
struct usage_row {
	uint64_t count, bytes;
	uint64_t reclaimable_count, reclaimable_bytes; /* what gc would free */
};
/* One name, and what its image takes: with its index's children, layers and trees. */
struct usage_image {
	char *name; /* "docker.io/library/debian:12", or with "@sha256:..." */
	struct digest target;
	uint64_t total_bytes;
	uint64_t shared_bytes; /* of these, what other images (by target) need too */
};
/* Value; owns its images. */
struct usage {
	struct usage_row rows[USAGE_KIND_COUNT];
	struct usage_image *images; /* in the order of images_list */
	size_t image_count;
	struct err unsure; /* why nobody knows what is reclaimable; ERR_NONE when it is known */
};
void usage_fini(struct usage *u);
#define _usage_ __attribute__((cleanup(usage_fini)))

/* Measures. What comes or goes meanwhile is counted or not. */
int usage_measure(struct op *op, struct store *store, struct usage *ret, struct err *err);

/* Sum of the sizes on disk below a folder, without entering mounts; hard links count once. */
int usage_of_folder(int dir, const char *name, uint64_t *ret_bytes, struct err *err);

#endif
