/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decompressing stage: looks at the first bytes, picks the codec they name and feeds it the
 * chunks below where they lie. What a registry calls the bytes is not asked (docs/LAYER-CASES.md
 * #75).
 */
#include "stream/source.h"

#include "base/mem.h"
#include "stream/decoder.h"

/* Enough for every magic number. */
#define HEAD_BYTES 6
/* Large, because ISA-L copies its window in and out at each call; it still fits a core's cache. */
#define OUT_BYTES ((size_t)256 * 1024)

struct decompress {
	struct source base;
	struct source *from;
	enum codec *ret_codec;	 /* may be NULL */
	struct decoder *decoder; /* NULL: plain */
	struct decoder_io io;
	bool sniffed, ended;
	bool pending; /* the decoder may hold output without further input */
	uint8_t head[HEAD_BYTES];
	size_t head_len;
	const uint8_t *chunk; /* what followed the head in its chunk */
	size_t chunk_len;
	uint8_t *out; /* OUT_BYTES; NULL until next needs it */
};

const char *codec_name(enum codec codec)
{
	static const char *const names[] = {
		[CODEC_PLAIN] = "plain", [CODEC_GZIP] = "gzip", [CODEC_ZSTD] = "zstd",
		[CODEC_BZIP2] = "bzip2", [CODEC_XZ] = "xz",
	};

	return names[codec];
}

/* RFC 1952 2.3.1; RFC 8878 3.1.1 and 3.1.2 (skippable frames); the formats of bzip2 and xz. */
static enum codec sniff(const uint8_t *p, size_t len)
{
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return CODEC_GZIP;
	if (len >= 4 && !memcmp(p, "\x28\xb5\x2f\xfd", 4))
		return CODEC_ZSTD;
	if (len >= 4 && (p[0] & 0xf0) == 0x50 && !memcmp(p + 1, "\x2a\x4d\x18", 3))
		return CODEC_ZSTD;
	if (len >= 4 && !memcmp(p, "BZh", 3) && p[3] >= '1' && p[3] <= '9')
		return CODEC_BZIP2;
	if (len >= 6 && !memcmp(p,
				"\xfd"
				"7zXZ\0",
				6))
		return CODEC_XZ;
	return CODEC_PLAIN;
}

/* Gathers the head, chunk by chunk when they are tiny. */
static int read_head(struct decompress *d, struct err *err)
{
	while (d->head_len < HEAD_BYTES) {
		const ssize_t n = source_next(d->from, &d->chunk, err);

		if (n < 0)
			return (int)n;
		d->chunk_len = (size_t)n;
		if (n == 0)
			break;
		/* The usual case: nothing is moved. */
		if (d->head_len == 0 && d->chunk_len >= HEAD_BYTES)
			break;
		while (d->chunk_len && d->head_len < HEAD_BYTES) {
			d->head[d->head_len++] = *d->chunk++;
			d->chunk_len--;
		}
	}
	return 0;
}

static int start(struct decompress *d, struct err *err)
{
	TRY(read_head(d, err));
	const enum codec codec = d->head_len ? sniff(d->head, d->head_len)
					     : sniff(d->chunk, d->chunk_len);

	d->sniffed = true;
	if (d->ret_codec)
		*d->ret_codec = codec;
	if (codec == CODEC_BZIP2 || codec == CODEC_XZ)
		return err_set(err, ERR_UNSUPPORTED, "compressed with %s, which is not supported",
			       codec_name(codec));
	if (codec == CODEC_GZIP)
		d->decoder = decoder_gzip();
	else if (codec == CODEC_ZSTD)
		d->decoder = decoder_zstd();
	return 0;
}

/* The next piece of input: the head, what came with it, then chunks. 0 at the end. */
static ssize_t pull(struct decompress *d, const uint8_t **ret, struct err *err)
{
	size_t n = d->head_len;

	if (n) {
		d->head_len = 0;
		*ret = d->head;
		return (ssize_t)n;
	}
	n = d->chunk_len;
	if (n) {
		d->chunk_len = 0;
		*ret = d->chunk;
		return (ssize_t)n;
	}
	return source_next(d->from, ret, err);
}

/* Runs the decoder on what is there. Returns the bytes made, in dst. */
static ssize_t run(struct decompress *d, uint8_t *dst, size_t len, struct err *err)
{
	const size_t in_before = d->io.in_len;

	d->io.out = dst;
	d->io.out_len = len;
	TRY(d->decoder->ops->run(d->decoder, &d->io, err));
	const size_t made = len - d->io.out_len;

	d->pending = d->io.out_len == 0;
	/* The decoder's promise, kept by a library: better an error than an endless loop. */
	if (in_before && d->io.in_len == in_before && !made)
		return err_set(err, ERR_DAMAGED, "compressed data that leads nowhere");
	return (ssize_t)made;
}

static int refill(struct decompress *d, struct err *err)
{
	const ssize_t n = pull(d, &d->io.in, err);

	if (n < 0)
		return (int)n;
	d->io.in_len = (size_t)n;
	if (n == 0) {
		TRY(d->decoder->ops->end(d->decoder, err));
		d->ended = true;
	}
	return 0;
}

static ssize_t decode_into(struct decompress *d, uint8_t *dst, size_t len, struct err *err)
{
	while (!d->ended) {
		if (d->io.in_len || d->pending) {
			const ssize_t made = run(d, dst, len, err);

			if (made != 0)
				return made;
		} else {
			TRY(refill(d, err));
		}
	}
	return 0;
}

/* Plain bytes where they lie; io.in is what next_into has left of a chunk. */
static ssize_t plain_next(struct decompress *d, const uint8_t **ret, struct err *err)
{
	const size_t n = d->io.in_len;

	if (!n)
		return pull(d, ret, err);
	*ret = d->io.in;
	d->io.in_len = 0;
	return (ssize_t)n;
}

static ssize_t decompress_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct decompress *d = (struct decompress *)src;

	if (!d->sniffed)
		TRY(start(d, err));
	if (!d->decoder)
		return plain_next(d, ret, err);
	if (!d->out)
		d->out = xreallocarray(NULL, OUT_BYTES, 1);
	*ret = d->out;
	return decode_into(d, d->out, OUT_BYTES, err);
}

/* Plain bytes: copied, and what does not fit is kept for the next call. */
static ssize_t copy_into(struct decompress *d, uint8_t *dst, size_t len, struct err *err)
{
	const uint8_t *data;

	if (!d->io.in_len && !d->head_len && !d->chunk_len && d->from->ops->next_into)
		return d->from->ops->next_into(d->from, dst, len, err);
	const ssize_t n = plain_next(d, &data, err);

	if (n <= 0)
		return n;
	if ((size_t)n < len)
		len = (size_t)n;
	memcpy(dst, data, len);
	d->io.in = data + len;
	d->io.in_len = (size_t)n - len;
	return (ssize_t)len;
}

static ssize_t decompress_next_into(struct source *src, uint8_t *dst, size_t len, struct err *err)
{
	struct decompress *d = (struct decompress *)src;

	if (!d->sniffed)
		TRY(start(d, err));
	return d->decoder ? decode_into(d, dst, len, err) : copy_into(d, dst, len, err);
}

static void decompress_close(struct source *src)
{
	struct decompress *d = (struct decompress *)src;

	if (d->decoder)
		d->decoder->ops->free(d->decoder);
	source_close(d->from);
	free(d->out);
	free(d);
}

struct source *source_decompress(struct source *from, enum codec *ret_codec)
{
	static const struct source_ops ops = { decompress_next, decompress_close,
					       decompress_next_into };
	struct decompress *d = NEW(struct decompress);

	d->base.ops = &ops;
	d->from = from;
	d->ret_codec = ret_codec;
	return &d->base;
}
