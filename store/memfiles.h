/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by digest in memory (memfd), for the memory backends: per digest up to two published files,
 * one that was kept for resume, and one maker at a time.
 */
#ifndef IMG_STORE_MEMFILES_H
#define IMG_STORE_MEMFILES_H

#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMFILE_PARTS 2

/* All fds owned; -1 when absent. */
struct memfile {
	struct digest digest;
	int fds[MEMFILE_PARTS]; /* published; present when the first is */
	int kept_fd;
	bool has_maker;
};

struct memfiles {
	pthread_mutex_t lock; /* guards everything below and what it points to */
	pthread_cond_t freed; /* a maker ended */
	struct memfile **items;
	size_t count;
};

void memfiles_init(struct memfiles *m);
void memfiles_fini(struct memfiles *m);
/* A fresh empty file. Returns the fd. */
int memfile_new(struct err *err);
/* The size of a file of ours. */
uint64_t memfile_bytes(int fd);
/*
 * Becomes the maker of a digest, waiting for the one before. `present` says under the lock whether
 * what is there will do: then 1 is returned and nobody is a maker.
 */
typedef bool memfiles_present_fn(const struct memfile *f, const void *arg);
int memfiles_begin(struct memfiles *m, struct op *op, const struct digest *d,
		   memfiles_present_fn *present, const void *arg);
/* Takes out what was kept for that digest, -1 when nothing was. */
int memfiles_take_kept(struct memfiles *m, const struct digest *d);
/*
 * Publishes a file (fd -1: none) as a part of that digest, in place of the one before. Takes it
 * over.
 */
void memfiles_publish(struct memfiles *m, const struct digest *d, size_t part, int fd);
/* Ends being the maker; `kept_fd` (or -1) stays for the next. Takes it over. */
void memfiles_end(struct memfiles *m, const struct digest *d, int kept_fd);
/* Returns an fd of the caller's own at offset 0; ERR_NOT_FOUND. */
int memfiles_open(struct memfiles *m, const struct digest *d, size_t part, uint64_t *ret_size,
		  struct err *err);
/* Removes what is published; ERR_NOT_FOUND. */
int memfiles_remove(struct memfiles *m, const struct digest *d, struct err *err);
typedef int memfiles_fn(void *arg, const struct digest *d, uint64_t size_bytes, struct err *err);
int memfiles_list(struct memfiles *m, memfiles_fn *fn, void *arg, struct err *err);

#endif
