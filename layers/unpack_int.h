/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of unpack share. Not for others. */
#ifndef IMG_LAYERS_UNPACK_INT_H
#define IMG_LAYERS_UNPACK_INT_H

#include "layers/unpack.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

/* A piece of a layer tar in memory: small files lie side by side there, so one read serves many. */
struct unpack_window {
	struct unpack_window *next;
	const struct layer *layer;
	uint64_t offset;
	size_t len;
	uint8_t *data;
};

/* A list of nodes that grows as folders are met. */
struct unpack_list {
	uint32_t *nodes;
	size_t count, alloc;
};

struct unpack {
	const struct tree *tree;
	int root_fd; /* borrowed */
	bool keep_owner;
	mode_t umask;
	uid_t uid; /* what new files get by themselves */
	gid_t gid;
	char marker[64];

	pthread_mutex_t lock; /* guards everything below but the atomics */
	pthread_cond_t changed;
	struct unpack_list todo;  /* folders to fill; last in, first out */
	struct unpack_list late;  /* folders whose own attributes come at the end */
	struct unpack_list links; /* further names of files */
	unsigned active;
	bool failed;
	struct unpack_window *windows; /* idle ones */
	struct unpack_report report;

	uint64_t item; /* for progress */
	_Atomic uint64_t names, bytes;
};

void unpack_list_add(struct unpack_list *list, uint32_t node);

/*
 * Opens the folder of a node below the target; also where the path is longer than PATH_MAX. Returns
 * the fd.
 */
int unpack_open_dir(const struct unpack *u, uint32_t node, struct err *err);

/* One name to be made in an open folder. */
struct unpack_name {
	struct unpack *unpack;
	struct op *op; /* for cancellation and progress */
	struct unpack_window *window;
	uint32_t node;
	int dir_fd;
	const char *name;
	struct tree_stat st;
};
/* Makes a file, link, device or fifo with all of its attributes. */
int unpack_make(struct unpack_name *n, struct err *err);

/* Writes the data of a regular file into fd, holes left out. */
int unpack_copy(struct unpack_name *n, int fd, struct err *err);

/*
 * Sets owner, mode, xattrs and times in the order that keeps set-id bits and capabilities. `fd` is
 * an open file or folder; -1 for what is not opened (links, devices, fifos): then by name in
 * dir_fd. `fresh_mode` is the mode it has now, or UINT32_MAX when unknown.
 */
int unpack_attributes(struct unpack_name *n, int fd, uint32_t fresh_mode, struct err *err);

/* Sets the times alone. */
int unpack_times(struct unpack_name *n, int fd, struct err *err);

/* Books something that can't be kept. */
void unpack_lose(struct unpack *u, enum unpack_loss loss, uint32_t node);
/* "PATH" of a node for messages, escaped, cut; returns dst. */
char *unpack_shown(const struct unpack *u, uint32_t node, char dst[256]);

#endif
