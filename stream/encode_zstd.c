/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd (RFC 8878) by the library's own threads. There is always at least one: with workers the data
 * is cut into jobs by the parameters alone, so their number does not show in the output; without
 * any there would be no jobs. The size is not told, as nobody knows it.
 */
#include "stream/encoder.h"

#include "base/mem.h"

#include <zstd.h>

#define THREADS_MAX 64u

struct zstd {
	struct encoder base;
	ZSTD_CCtx *cctx;
	uint8_t *out;
	size_t out_bytes;
};

static int failed(size_t rc, struct err *err)
{
	return err_set(err, ERR_FAILED, "zstd: %s", ZSTD_getErrorName(rc));
}

/* One call of the library; what it made goes out. Returns what is left to flush (0: none). */
static int step(struct zstd *z, ZSTD_inBuffer *in, ZSTD_EndDirective how, struct err *err)
{
	ZSTD_outBuffer out = { z->out, z->out_bytes, 0 };
	const size_t rc = ZSTD_compressStream2(z->cctx, &out, in, how);

	if (ZSTD_isError(rc))
		return failed(rc, err);
	if (out.pos)
		TRY(z->base.fn(z->base.arg, z->out, out.pos, err));
	return rc != 0;
}

static int zstd_write(struct encoder *e, const void *data, size_t len, struct err *err)
{
	struct zstd *z = (struct zstd *)e;
	ZSTD_inBuffer in = { data, len, 0 };

	while (in.pos < in.size)
		TRY(step(z, &in, ZSTD_e_continue, err));
	return 0;
}

static int zstd_finish(struct encoder *e, struct err *err)
{
	struct zstd *z = (struct zstd *)e;
	ZSTD_inBuffer in = { "", 0, 0 };
	int more;

	do {
		more = step(z, &in, ZSTD_e_end, err);
	} while (more > 0);
	return more;
}

static void zstd_free(struct encoder *e)
{
	struct zstd *z = (struct zstd *)e;

	(void)ZSTD_freeCCtx(z->cctx);
	free(z->out);
	free(z);
}

static int set_up(struct zstd *z, int level, unsigned threads, struct err *err)
{
	const int workers = (int)(threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads);
	size_t rc;

	if (!z->cctx)
		return err_sys(err, ENOMEM, "zstd");
	rc = ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_checksumFlag, 1);
	if (ZSTD_isError(rc))
		return failed(rc, err);
	/* A library built without threads works in ours. */
	(void)ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_nbWorkers, workers);
	return 0;
}

int encoder_zstd(int level, unsigned threads, struct encoder **ret, struct err *err)
{
	static const struct encoder_ops ops = { zstd_write, zstd_finish, zstd_free };
	struct zstd *z = NEW(struct zstd);

	z->base.ops = &ops;
	z->cctx = ZSTD_createCCtx();
	z->out_bytes = ZSTD_CStreamOutSize();
	z->out = xcalloc(1, z->out_bytes);
	const int rc = set_up(z, level, threads, err);

	if (rc < 0) {
		zstd_free(&z->base);
		return rc;
	}
	*ret = &z->base;
	return 0;
}
