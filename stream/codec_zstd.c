/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd (RFC 8878): frames one after the other, skippable ones skipped by the library. The window,
 * which a frame sizes, is bounded before memory for it is asked; dictionaries cannot be had, so
 * frames that need one are refused.
 */
#include "stream/decoder.h"

#include "base/mem.h"

#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MAX 27 /* 128 MiB; what `zstd --ultra -22` makes */

struct zstd {
	struct decoder base;
	ZSTD_DCtx *dctx;
	bool inside; /* a frame */
};

static int failed(size_t rc, struct err *err)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return err_set(err, ERR_LIMIT, "zstd: a window of more than %d MiB",
			       1 << (WINDOW_LOG_MAX - 20));
	case ZSTD_error_dictionary_wrong:
		return err_set(err, ERR_UNSUPPORTED, "zstd: needs a dictionary");
	case ZSTD_error_memory_allocation:
		return err_sys(err, ENOMEM, "zstd");
	default:
		return err_set(err, ERR_DAMAGED, "zstd: broken data (%s)", ZSTD_getErrorName(rc));
	}
}

static int zstd_run(struct decoder *dec, struct decoder_io *io, struct err *err)
{
	struct zstd *z = (struct zstd *)dec;
	ZSTD_inBuffer in = { io->in, io->in_len, 0 };
	ZSTD_outBuffer out = { io->out, io->out_len, 0 };

	/*
	 * Inside a frame also without input, output may be pending; at its end a call would begin
	 * another.
	 */
	while (out.pos < out.size && (in.pos < in.size || z->inside)) {
		const size_t made = out.pos, used = in.pos;
		const size_t rc = ZSTD_decompressStream(z->dctx, &out, &in);

		if (ZSTD_isError(rc))
			return failed(rc, err);
		z->inside = rc != 0;
		if (made == out.pos && used == in.pos)
			break;
	}
	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	return 0;
}

static int zstd_end(struct decoder *dec, struct err *err)
{
	struct zstd *z = (struct zstd *)dec;

	return z->inside ? err_set(err, ERR_DAMAGED, "zstd: the data ends too early") : 0;
}

static void zstd_free(struct decoder *dec)
{
	struct zstd *z = (struct zstd *)dec;

	(void)ZSTD_freeDCtx(z->dctx);
	free(z);
}

struct decoder *decoder_zstd(void)
{
	static const struct decoder_ops ops = { zstd_run, zstd_end, zstd_free };
	struct zstd *z = NEW(struct zstd);

	z->base.ops = &ops;
	z->dctx = ZSTD_createDCtx();
	if (!z->dctx)
		abort();
	(void)ZSTD_DCtx_setParameter(z->dctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return &z->base;
}
