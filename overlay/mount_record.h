/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of mounts: mount/<id> for what can only be read, root/<id> for what can be written. JSON
 * with the member "manifest", by which the collector keeps what is mounted (store/keep.h).
 */
#ifndef IMG_OVERLAY_MOUNT_RECORD_H
#define IMG_OVERLAY_MOUNT_RECORD_H

#include "overlay/mounts.h"

/* A record as it was read. Owns both. */
struct mount_record {
	struct mount_entry entry; /* its state is the kernel's */
	uint64_t generation;
};
void mount_record_fini(struct mount_record *r);
#define _mount_record_ __attribute__((cleanup(mount_record_fini)))

/* ERR_USAGE unless it is [a-z0-9][a-z0-9_.-]{0,63}. */
int mount_id_check(const char *id, struct err *err);
/* Twelve hexadecimal digits of chance. */
int mount_id_make(char ret[MOUNT_ID_BYTES], struct err *err);

/* ERR_EXISTS. */
int mount_record_create(struct store *store, const struct mount_entry *e, struct err *err);
int mount_record_swap(struct store *store, const struct mount_record *old,
		      const struct mount_entry *e, struct err *err);
int mount_record_remove(struct store *store, const struct mount_record *old, struct err *err);
/* By id, with its state. ERR_NOT_FOUND. */
int mount_record_get(struct store *store, const char *id, struct mount_record *ret,
		     struct err *err);

/* Called for each record, by id; non-zero stops. May change records. */
typedef int mount_record_fn(void *arg, const struct mount_record *r, struct err *err);
/*
 * Walks mounts, then roots. With `chain_id` only those of that chain. One that can't be read is
 * passed over, and a line of the log says so.
 */
int mount_record_list(struct store *store, const struct digest *chain_id, mount_record_fn *fn,
		      void *arg, struct err *err);

/* Whether any record names that chain, also one that can't be read: 1 or 0. */
int mount_record_names(struct store *store, const struct digest *chain_id, struct err *err);

/* What the kernel says of it, seen from `here`. */
enum mount_state mount_entry_state(const struct mount_entry *e, const struct mount_id *here);
/* ChainID of the layers; of no layers the sha256 of nothing. */
void mount_chain_id(const struct digest *diff_ids, size_t count, struct digest *ret);

#endif
