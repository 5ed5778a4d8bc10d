/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressing a stream, by several threads at once. Bytes are pushed in and come out through a
 * function. The output depends on the input, codec, level and library version only, never on the
 * number of threads or the sizes of the writes.
 */
#ifndef IMG_STREAM_COMPRESS_H
#define IMG_STREAM_COMPRESS_H

#include "base/err.h"
#include "stream/source.h"

#include <stddef.h>

struct compressor;

/* Takes the next bytes of the output; its error is the writer's. One call at a time. */
typedef int compress_fn(void *arg, const void *data, size_t len, struct err *err);

struct compress_options {
	enum codec codec; /* CODEC_PLAIN, CODEC_GZIP or CODEC_ZSTD */
	int level;	  /* 0: the default (gzip 6 as others have it, zstd 3) */
	unsigned threads; /* 0 or 1: none but the caller's */
	compress_fn *fn;
	void *arg;
};
/*
 * ERR_UNSUPPORTED for another codec, ERR_USAGE for a level out of range. gzip: one member, mtime 0,
 * no name (RFC 1952); blocks of fixed size, compressed on their own and joined by empty stored
 * blocks, each with the last 32 KiB before it as dictionary. zstd: one frame, with checksum.
 */
int compressor_new(const struct compress_options *options, struct compressor **ret,
		   struct err *err);
int compressor_write(struct compressor *c, const void *data, size_t len, struct err *err);
/* Ends the stream; all output has been given when it returns. */
int compressor_finish(struct compressor *c, struct err *err);
/* Also unfinished. NULL is fine. */
void compressor_free(struct compressor *c);

#endif
