/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the store share: a store of each backend, digests of texts, looks at the disk.
 */
#ifndef TESTS_UNIT_STORE_SUPPORT_H
#define TESTS_UNIT_STORE_SUPPORT_H

#include "base/digest.h"
#include "store/store.h"
#include "tests/support/tmp.h"

#include <stdbool.h>
#include <stddef.h>

/* A store of one backend, gone at the end. */
struct fixture {
	struct store *store;
	const char *backend; /* "files", "memory" */
	bool is_files;
	struct tmp tmp; /* the store is in its "store" when of files */
	char path[300];
	unsigned failures_before;
};

/* Every contract test runs for each: FOR_EACH_BACKEND(f) { ... f.store ... }. */
#define BACKEND_COUNT 2
struct fixture fixture_open(size_t backend);
void fixture_close(struct fixture *f);
#define FOR_EACH_BACKEND(f)                                             \
	for (size_t backend_ = 0; backend_ < BACKEND_COUNT; backend_++) \
		for (struct fixture f = fixture_open(backend_); f.store; fixture_close(&f))

/* A store of files. */
struct fixture fixture_files(void);
#define _fixture_ __attribute__((cleanup(fixture_close)))

struct digest digest_of(const void *data, size_t len);
struct digest digest_of_str(const char *text);
/* The same by sha512. */
struct digest digest512_of_str(const char *text);
/* A blob in the store with that text; fails the test when it can't be. */
struct digest put_blob(struct store *store, const char *text);
/* A writer for the text's digest and size; NULL fails the test. */
struct blob_writer *begin_blob(struct store *store, const char *text);
/* Whether the blob's content is that text. */
bool blob_is(struct store *store, const struct digest *d, const char *text);
/* Content of a file descriptor as text, from its position. */
bool fd_is(int fd, const char *text);

/* Entries of a folder below `f`, "." and ".." aside; -1 when it isn't there. */
int count_entries(const struct fixture *f, const char *folder);
/* Open descriptors of this process. */
int count_fds(void);
/*
 * Looks at every byte below a store's folder: blobs and layers hash to their names and are
 * read-only. Returns the number of files, -1 and says what is wrong.
 */
int check_whole(const char *path);

#endif
