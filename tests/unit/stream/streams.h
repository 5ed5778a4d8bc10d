/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources that misbehave as sources may, and compressed streams of every kind, for the tests here.
 */
#ifndef TESTS_UNIT_STREAM_STREAMS_H
#define TESTS_UNIT_STREAM_STREAMS_H

#include "base/buf.h"
#include "stream/source.h"

/* Bytes that compress like text; the same for the same seed. */
void fill_text(uint8_t *data, size_t len, unsigned seed);
/* Bytes that do not compress. */
void fill_noise(uint8_t *data, size_t len, unsigned seed);

/*
 * Gives `len` bytes in chunks of `chunk` bytes (0: sizes from 1 to 5000, ever other). Each chunk
 * has memory of its own that is freed when the next is asked for, as the contract allows.
 */
struct source *source_chunked(const void *data, size_t len, size_t chunk);
/* The same, but instead of the end there comes the error ERR_NETWORK "cut off". */
struct source *source_cut(const void *data, size_t len, size_t chunk);

/* How many sources of these two kinds are open. */
int sources_open(void);

struct gzip_options {
	int level; /* 0: stored */
	const char *extra, *name, *comment;
	bool hcrc;
};

/* Appends one gzip member; `options` may be NULL (level 6). */
void make_gzip(struct buf *out, const void *data, size_t len, const struct gzip_options *options);
/* Appends one zstd frame. */
void make_zstd(struct buf *out, const void *data, size_t len, int level, bool checksum);

/* What became of a stream: everything it gave, or its error. */
struct outcome {
	int rc;
	struct err err;
	struct buf out;
};

/* Pulls to the end (at most 64 MiB) and closes. */
struct outcome pull_all(struct source *src);
void outcome_fini(struct outcome *o);
#define _outcome_ __attribute__((cleanup(outcome_fini)))

/* True when the stream gave exactly these bytes; says what it gave otherwise. */
bool gave(const struct outcome *o, const void *data, size_t len);
/* True when it failed so; `why` occurs in the message. */
bool failed_with(const struct outcome *o, enum err_kind kind, const char *why);

#endif
