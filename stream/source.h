/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte source: pulled by its consumer, chunk by chunk, without copying. Stages wrap a source and
 * own it; pulling is the backpressure. One consumer at a time; a source may be handed to another
 * thread between calls.
 */
#ifndef IMG_STREAM_SOURCE_H
#define IMG_STREAM_SOURCE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/op.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source;

/* What a source must do. Embed `struct source` as the first member of the implementation. */
struct source_ops {
	/*
	 * Mandatory. Points *ret at the next bytes (borrowed, valid until the next call or close)
	 * and returns their count (> 0), 0 at the end (again at each further call), or a negative
	 * errno with err set; after an error only close is allowed.
	 */
	ssize_t (*next)(struct source *src, const uint8_t **ret, struct err *err);
	/* Mandatory. Frees the source and what it owns. */
	void (*close)(struct source *src);
	/*
	 * Optional: as next, but the bytes are put into `dst`, at most `len` (> 0) of them. For
	 * sources that would copy anyway, or make their bytes; calls of the two may alternate.
	 */
	ssize_t (*next_into)(struct source *src, uint8_t *dst, size_t len, struct err *err);
};

struct source {
	const struct source_ops *ops;
};

ssize_t source_next(struct source *src, const uint8_t **ret, struct err *err);
/* NULL is fine. */
void source_close(struct source *src);

static inline void source_close_p(struct source **p)
{
	source_close(*p);
}
#define _source_ __attribute__((cleanup(source_close_p)))

/* Chunks are about this large. */
#define SOURCE_CHUNK_BYTES ((size_t)128 * 1024)

/* Bytes in memory, borrowed. */
struct source *source_mem(const void *data, size_t len);
/*
 * Takes over `fd`; reads from `offset` up to `len` bytes (UINT64_MAX: to the end) with pread; fewer
 * is ERR_DAMAGED unless UINT64_MAX.
 */
struct source *source_fd(int fd, uint64_t offset, uint64_t len);
/* Fd that cannot seek (pipe, terminal). Takes it over. */
struct source *source_pipe(int fd);
/* First all of `a`, then all of `b`; owns both. */
struct source *source_concat(struct source *a, struct source *b);
/*
 * At most `max_bytes` come through; the chunk that would cross it is ERR_LIMIT "WHAT: more than N
 * bytes" instead.
 */
struct source *source_limit(struct source *from, uint64_t max_bytes, const char *what);
/*
 * Passes bytes on and checks them: more than `size_bytes` fails at once, the end with fewer bytes
 * or another digest fails instead of returning 0 (ERR_DAMAGED, naming `what`, expected and found).
 * Digest DIGEST_NONE: size only. Size UINT64_MAX: digest only.
 */
struct source *source_verify(struct source *from, const struct digest *expected,
			     uint64_t size_bytes, const char *what);
/* Each chunk also goes to `fn` before it is passed on; its error is the source's error. */
typedef int source_tee_fn(void *arg, const uint8_t *data, size_t len, struct err *err);
struct source *source_tee(struct source *from, source_tee_fn *fn, void *arg);
/* Checks the operation before each chunk and fails with ERR_CANCELLED. */
struct source *source_op(struct source *from, struct op *op);
/*
 * A thread of its own pulls `from` ahead into `chunks` buffers of SOURCE_CHUNK_BYTES (the only
 * stage with a thread). Falls back to pulling directly when no thread can be made. Errors arrive in
 * order, after the bytes before them. What is there is given at once, also less than a chunk.
 * Closing waits for a pull of `from` that is under way, and for no further one: give `from` a
 * deadline or source_op. `from` is pulled in that thread, with all signals blocked, and closed in
 * the thread that closes.
 */
struct source *source_prefetch(struct source *from, unsigned chunks);

/* What the first bytes of a stream say it is. */
enum codec { CODEC_PLAIN, CODEC_GZIP, CODEC_ZSTD, CODEC_BZIP2, CODEC_XZ };
const char *codec_name(enum codec codec);
/*
 * Decompresses what the magic says, not what anybody claims: gzip (all members, CRC checked, zero
 * padding after the last allowed), zstd (all frames, skippable ones skipped, window at most 128
 * MiB, dictionaries refused), anything else as it is. bzip2 and xz: ERR_UNSUPPORTED. ERR_DAMAGED
 * for broken or truncated streams, ERR_LIMIT for a larger window, ERR_UNSUPPORTED for what needs a
 * dictionary. The memory is bounded (a zstd window, else 0.5 MiB), the output is not: wrap it in
 * source_limit. `ret_codec` (may be NULL) is written once the first chunk came. gzip by ISA-L when
 * built with it and not switched off by IMG_NO_ISAL=1 in the environment, zlib otherwise.
 */
struct source *source_decompress(struct source *from, enum codec *ret_codec);

/* Pulls to the end and counts. -errno on error. */
int source_drain(struct source *src, uint64_t *ret_bytes, struct err *err);
/* Pulls everything into `out` (its cap is the limit). */
int source_read_all(struct source *src, struct buf *out, struct err *err);
/* Pulls everything into the fd. */
int source_write_fd(struct source *src, int fd, uint64_t *ret_bytes, struct err *err);

#endif
