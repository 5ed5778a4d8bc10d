/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a decompressor must do, and the ones there are. Not public: source_decompress picks.
 * Decoders keep no pointer into the input between calls; bits of it they may.
 */
#ifndef IMG_STREAM_DECODER_H
#define IMG_STREAM_DECODER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The input that is left and the room for output that is left; both move as bytes are used. */
struct decoder_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

struct decoder;

/* All mandatory. Embed `struct decoder` as the first member of the implementation. */
struct decoder_ops {
	/*
	 * Uses input and makes output until one of the two has run out. Output may be pending although all
	 * input is used: then the room for output is used up. Makes progress whenever there is input and room.
	 * ERR_DAMAGED, ERR_UNSUPPORTED or ERR_LIMIT for a bad stream.
	 */
	int (*run)(struct decoder *dec, struct decoder_io *io, struct err *err);
	/* The input is over and all of it used: ERR_DAMAGED when the stream may not end here. */
	int (*end)(struct decoder *dec, struct err *err);
	void (*free)(struct decoder *dec);
};

struct decoder {
	const struct decoder_ops *ops;
};

/* gzip (RFC 1952): all members. */
struct decoder *decoder_gzip(void);
/* zstd (RFC 8878): all frames. */
struct decoder *decoder_zstd(void);

/*
 * The part of gzip that libraries compete in: the deflate data of one member (RFC 1951) and the
 * eight bytes of CRC-32 and length behind it, which are checked. The header is decoder_gzip's.
 */
struct inflate;

struct inflate_ops {
	struct inflate *(*new)(void);
	/* Ready for the next member. */
	int (*reset)(struct inflate *inf, struct err *err);
	/* Like a decoder's run; returns 1 when the member is over, with the input behind its last byte, else 0. */
	int (*run)(struct inflate *inf, struct decoder_io *io, struct err *err);
	void (*free)(struct inflate *inf);
};

#if IMG_HAVE_ISAL
extern const struct inflate_ops inflate_isal;
#endif
extern const struct inflate_ops inflate_zlib;

#endif
