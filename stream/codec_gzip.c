/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip framing (RFC 1952): headers, members one after the other, zero padding after the last. The
 * deflate data of a member is ISA-L's or zlib's; what is accepted around it is decided here, so
 * that both accept the same. Every byte comes from outside.
 */
#include "stream/decoder.h"

#include "base/mem.h"

#include <zlib.h>

enum {
	FLAG_HCRC = 0x02,
	FLAG_EXTRA = 0x04,
	FLAG_NAME = 0x08,
	FLAG_COMMENT = 0x10,
	FLAGS_RESERVED = 0xe0, /* "must be zero" (2.3.1.2): they would mean further fields */
};

/* In the order of the header. */
enum state {
	FIXED, /* the ten bytes every header begins with */
	EXTRA_LEN,
	EXTRA,
	NAME,
	COMMENT,
	HCRC,
	BODY,	 /* deflate data and trailer */
	PADDING, /* zeros, until the end */
};

struct gzip {
	struct decoder base;
	const struct inflate_ops *ops;
	struct inflate *inflate;
	enum state state;
	uint8_t flags;
	uint32_t count; /* bytes of this state seen */
	uint32_t field; /* the number being read: length of FEXTRA, CRC16 */
	uint32_t crc;	/* of the header so far */
	bool any;	/* a member is complete */
};

static int damaged(struct err *err, const char *why)
{
	return err_set(err, ERR_DAMAGED, "gzip: %s", why);
}

/* Leaves the state for the next one that the flags ask for. */
static int next_state(struct gzip *g, struct err *err)
{
	static const uint8_t wanted_by[] = {
		[EXTRA_LEN] = FLAG_EXTRA, [EXTRA] = FLAG_EXTRA, [NAME] = FLAG_NAME,
		[COMMENT] = FLAG_COMMENT, [HCRC] = FLAG_HCRC,
	};

	do
		g->state++;
	while (g->state < BODY && !(g->flags & wanted_by[g->state]));
	g->count = 0;
	if (g->state == EXTRA_LEN || g->state == HCRC)
		g->field = 0;
	return g->state == BODY ? g->ops->reset(g->inflate, err) : 0;
}

static int fixed_byte(struct gzip *g, uint8_t byte, struct err *err)
{
	static const uint8_t magic[] = { 0x1f, 0x8b };

	if (g->count == 0 && g->any && byte == 0) {
		g->state = PADDING;
		return 0;
	}
	if (g->count < sizeof(magic) && byte != magic[g->count])
		return damaged(err, g->any ? "garbage after the end" : "no gzip header");
	if (g->count == 2 && byte != Z_DEFLATED)
		return damaged(err, "unknown compression method");
	if (g->count == 3 && (byte & FLAGS_RESERVED))
		return damaged(err, "unknown flags in the header");
	if (g->count == 3)
		g->flags = byte;
	return ++g->count == 10 ? next_state(g, err) : 0;
}

/* Two bytes, low one first. */
static bool read_u16(struct gzip *g, uint8_t byte)
{
	g->field |= (uint32_t)byte << (8 * g->count);
	return ++g->count == 2;
}

static int header_byte(struct gzip *g, uint8_t byte, struct err *err)
{
	bool done = false;

	if (g->state == FIXED)
		return fixed_byte(g, byte, err);
	if (g->state == EXTRA_LEN) {
		done = read_u16(g, byte);
		if (done && g->field == 0)
			g->state = EXTRA; /* nothing in it */
	} else if (g->state == EXTRA) {
		done = ++g->count == g->field;
	} else if (g->state == HCRC) {
		done = read_u16(g, byte);
		if (done && g->field != (g->crc & 0xffff))
			return damaged(err, "wrong checksum of the header");
	} else {
		done = byte == 0; /* NAME, COMMENT */
	}
	return done ? next_state(g, err) : 0;
}

/* Reads header bytes until the body, the padding or the end of the input. */
static int read_header(struct gzip *g, struct decoder_io *io, struct err *err)
{
	while (io->in_len && g->state < BODY) {
		const uint8_t byte = *io->in;

		if (g->state == FIXED && g->count == 0)
			g->crc = 0;
		TRY(header_byte(g, byte, err));
		/* The CRC16 covers what is before it; afterwards nobody looks. */
		if (g->state != HCRC || g->count == 0)
			g->crc = (uint32_t)crc32(g->crc, &byte, 1);
		io->in++;
		io->in_len--;
	}
	return 0;
}

static int read_padding(struct decoder_io *io, struct err *err)
{
	for (; io->in_len; io->in++, io->in_len--)
		if (*io->in)
			return damaged(err, "garbage after the end");
	return 0;
}

static int gzip_run(struct decoder *dec, struct decoder_io *io, struct err *err)
{
	struct gzip *g = (struct gzip *)dec;

	for (;;) {
		if (g->state < BODY)
			TRY(read_header(g, io, err));
		if (g->state == PADDING)
			return read_padding(io, err);
		if (g->state != BODY)
			return 0;
		const int done = g->ops->run(g->inflate, io, err);

		if (done <= 0)
			return done;
		g->any = true;
		g->state = FIXED;
		g->count = 0;
	}
}

static int gzip_end(struct decoder *dec, struct err *err)
{
	struct gzip *g = (struct gzip *)dec;

	if (g->state == PADDING || (g->state == FIXED && g->count == 0 && g->any))
		return 0;
	return damaged(err, g->state == BODY ? "the data ends too early"
					     : "the data ends inside a header");
}

static void gzip_free(struct decoder *dec)
{
	struct gzip *g = (struct gzip *)dec;

	g->ops->free(g->inflate);
	free(g);
}

static const struct inflate_ops *pick(void)
{
#if IMG_HAVE_ISAL
	const char *no = getenv("IMG_NO_ISAL");

	if (!no || strcmp(no, "1") != 0)
		return &inflate_isal;
#endif
	return &inflate_zlib;
}

struct decoder *decoder_gzip(void)
{
	static const struct decoder_ops ops = { gzip_run, gzip_end, gzip_free };
	struct gzip *g = NEW(struct gzip);

	g->base.ops = &ops;
	g->ops = pick();
	g->inflate = g->ops->new ();
	return &g->base;
}
