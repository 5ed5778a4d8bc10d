/* SPDX-License-Identifier: Apache-2.0 */
/* The deflate data of a gzip member by zlib: where ISA-L is missing or switched off. */
#include "stream/decoder.h"

#include "base/mem.h"

#include <zlib.h>

#define TRAILER_BYTES 8

struct inflate {
	z_stream z;
	bool body_done;
	uint32_t crc, len;
	uint8_t trailer[TRAILER_BYTES];
	unsigned trailer_len;
};

static struct inflate *zlib_new(void)
{
	struct inflate *inf = NEW(struct inflate);

	/* Fails only without memory: 7 KiB and a window of 32 KiB. */
	if (inflateInit2(&inf->z, -MAX_WBITS) != Z_OK)
		abort();
	return inf;
}

static int zlib_reset(struct inflate *inf, struct err *err)
{
	if (inflateReset(&inf->z) != Z_OK)
		return err_set(err, ERR_FAILED, "gzip: zlib cannot start over");
	inf->body_done = false;
	inf->crc = 0;
	inf->len = 0;
	inf->trailer_len = 0;
	return 0;
}

static int body(struct inflate *inf, struct decoder_io *io, struct err *err)
{
	const unsigned in_len = io->in_len < INT32_MAX ? (unsigned)io->in_len : INT32_MAX;
	const unsigned out_len = io->out_len < INT32_MAX ? (unsigned)io->out_len : INT32_MAX;

	inf->z.next_in = (uint8_t *)(uintptr_t)io->in;
	inf->z.avail_in = in_len;
	inf->z.next_out = io->out;
	inf->z.avail_out = out_len;
	const int rc = inflate(&inf->z, Z_NO_FLUSH);
	const unsigned made = out_len - inf->z.avail_out;

	inf->crc = (uint32_t)crc32(inf->crc, io->out, made);
	inf->len += made;
	io->in += in_len - inf->z.avail_in;
	io->in_len = io->in_len - in_len + inf->z.avail_in;
	io->out += made;
	io->out_len -= made;
	if (rc == Z_MEM_ERROR)
		return err_sys(err, ENOMEM, "gzip");
	/* Z_BUF_ERROR: no progress without more input or room. */
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return err_set(err, ERR_DAMAGED, "gzip: broken data (%s)",
			       inf->z.msg ? inf->z.msg : "bad format");
	inf->body_done = rc == Z_STREAM_END;
	return 0;
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int zlib_run(struct inflate *inf, struct decoder_io *io, struct err *err)
{
	if (!inf->body_done)
		TRY(body(inf, io, err));
	if (!inf->body_done)
		return 0;
	while (io->in_len && inf->trailer_len < TRAILER_BYTES) {
		inf->trailer[inf->trailer_len++] = *io->in++;
		io->in_len--;
	}
	if (inf->trailer_len < TRAILER_BYTES)
		return 0;
	if (le32(inf->trailer) != inf->crc || le32(inf->trailer + 4) != inf->len)
		return err_set(err, ERR_DAMAGED, "gzip: wrong checksum or length");
	return 1;
}

static void zlib_free(struct inflate *inf)
{
	(void)inflateEnd(&inf->z);
	free(inf);
}

const struct inflate_ops inflate_zlib = { zlib_new, zlib_reset, zlib_run, zlib_free };
