/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deterministic tar writer: ustar where an entry fits, else one pax header with sorted keys; no
 * user or group names, no access or change times, no padding beyond the two zero blocks at the end.
 * Same entries, same bytes.
 */
#ifndef IMG_LAYERS_TAR_WRITE_H
#define IMG_LAYERS_TAR_WRITE_H

#include "layers/tar.h"

struct tar_writer;

/* Writes to `fd` (borrowed; file, pipe or socket), buffered. */
struct tar_writer *tar_writer_new(int fd);
/* The same to a function, which gets large pieces; its error is the writer's. */
typedef int tar_sink_fn(void *arg, const void *data, size_t len, struct err *err);
struct tar_writer *tar_writer_new_sink(tar_sink_fn *fn, void *arg);
/*
 * Begins an entry. Used of `entry`: type, name (folders get their slash), link_name, mode, uid,
 * gid, mtime, devices, size_bytes (files) and xattrs. ERR_UNSUPPORTED for what tar can't say.
 * Exactly size_bytes of data must follow by the calls below. A file with is_sparse is stored as GNU
 * sparse 1.0 by its extents (ascending, none empty): then their bytes follow, one after the other.
 */
int tar_writer_entry(struct tar_writer *w, const struct tar_entry *entry, struct err *err);
int tar_writer_data(struct tar_writer *w, const void *data, size_t len, struct err *err);
int tar_writer_zeros(struct tar_writer *w, uint64_t len, struct err *err);
/* The same from a file, inside the kernel where that can be. */
int tar_writer_file(struct tar_writer *w, int fd, uint64_t offset, uint64_t len, struct err *err);
/* Ends the archive and flushes. */
int tar_writer_finish(struct tar_writer *w, uint64_t *ret_bytes, struct err *err);
/* Frees without ending. NULL is fine. */
void tar_writer_free(struct tar_writer *w);

#endif
