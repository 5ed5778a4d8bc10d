/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deflate data of a gzip member by ISA-L, which is more than twice as fast as zlib. ISA-L
 * checks CRC and length itself (ISAL_GZIP_NO_HDR_VER); it reads up to eight bytes ahead, which
 * are the trailer at most, so the member's end is exact whatever the version.
 */
#if IMG_HAVE_ISAL
#include "stream/decoder.h"

#include "base/mem.h"

#include <isa-l.h>

struct inflate {
	struct inflate_state state;
};

static struct inflate *isal_new(void)
{
	/* 88 KiB, most of it window: not zeroed, isal_inflate_init sets what matters. */
	struct inflate *inf = xreallocarray(NULL, 1, sizeof(*inf));

	isal_inflate_init(&inf->state);
	inf->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
	return inf;
}

static int isal_reset(struct inflate *inf, struct err *err)
{
	(void)err;
	isal_inflate_reset(&inf->state);
	return 0;
}

static int failed(int rc, struct err *err)
{
	if (rc == ISAL_INCORRECT_CHECKSUM)
		return err_set(err, ERR_DAMAGED, "gzip: wrong checksum or length");
	return err_set(err, ERR_DAMAGED, "gzip: broken data (%s)",
		       rc == ISAL_INVALID_BLOCK	     ? "bad block"
		       : rc == ISAL_INVALID_SYMBOL   ? "bad symbol"
		       : rc == ISAL_INVALID_LOOKBACK ? "bad distance"
						     : "bad format");
}

static int isal_run(struct inflate *inf, struct decoder_io *io, struct err *err)
{
	struct inflate_state *s = &inf->state;
	/* Its counters have 32 bits and are added to. */
	const uint32_t in_len = io->in_len < INT32_MAX ? (uint32_t)io->in_len : INT32_MAX;
	const uint32_t out_len = io->out_len < INT32_MAX ? (uint32_t)io->out_len : INT32_MAX;

	s->next_in = (uint8_t *)(uintptr_t)io->in;
	s->avail_in = in_len;
	s->next_out = io->out;
	s->avail_out = out_len;
	const int rc = isal_inflate(s);

	io->in += in_len - s->avail_in;
	io->in_len -= in_len - s->avail_in;
	io->out += out_len - s->avail_out;
	io->out_len -= out_len - s->avail_out;
	if (rc != ISAL_DECOMP_OK)
		return failed(rc, err);
	return s->block_state == ISAL_BLOCK_FINISH;
}

static void isal_free(struct inflate *inf)
{
	free(inf);
}

const struct inflate_ops inflate_isal = { isal_new, isal_reset, isal_run, isal_free };
#else
/* Not an empty translation unit. */
typedef int isal_is_missing;
#endif
