/* SPDX-License-Identifier: Apache-2.0 */
/* Compressors: what all codecs have in common. Trusts its caller with everything but memory. */
#include "stream/compress.h"

#include "base/mem.h"
#include "stream/encoder.h"

#include <stdbool.h>

struct compressor {
	struct encoder *encoder;
	bool over; /* finished, or failed */
};

struct plain {
	struct encoder base;
};

static int plain_write(struct encoder *e, const void *data, size_t len, struct err *err)
{
	return e->fn(e->arg, data, len, err);
}

static int plain_finish(struct encoder *e, struct err *err)
{
	(void)e;
	(void)err;
	return 0;
}

static void plain_free(struct encoder *e)
{
	free(e);
}

static int encoder_plain(int level, unsigned threads, struct encoder **ret, struct err *err)
{
	static const struct encoder_ops ops = { plain_write, plain_finish, plain_free };
	struct plain *p = NEW(struct plain);

	(void)level;
	(void)threads;
	(void)err;
	p->base.ops = &ops;
	*ret = &p->base;
	return 0;
}

/* Levels a codec has; the default is what the programs of that name have. */
struct levels {
	int min, max, standard;
	int (*make)(int level, unsigned threads, struct encoder **ret, struct err *err);
};

static const struct levels *levels_of(enum codec codec)
{
	static const struct levels table[] = {
		[CODEC_PLAIN] = { 0, 0, 0, encoder_plain },
		[CODEC_GZIP] = { 1, 9, 6, encoder_gzip },
		/* Beyond 19 a decoder needs more memory than some are willing to spend. */
		[CODEC_ZSTD] = { 1, 19, 3, encoder_zstd },
	};

	return (size_t)codec < ARRAY_SIZE(table) ? &table[codec] : NULL;
}

int compressor_new(const struct compress_options *options, struct compressor **ret, struct err *err)
{
	const struct levels *levels = levels_of(options->codec);
	struct encoder *encoder = NULL;
	int level = options->level;

	if (!levels)
		return err_set(err, ERR_UNSUPPORTED, "%s: can be read, not made",
			       codec_name(options->codec));
	if (level == 0)
		level = levels->standard;
	if (level < levels->min || level > levels->max)
		return err_set(err, ERR_USAGE, "compression level %d: %s has %d to %d", level,
			       codec_name(options->codec), levels->min, levels->max);
	TRY(levels->make(level, options->threads, &encoder, err));
	encoder->fn = options->fn;
	encoder->arg = options->arg;
	*ret = NEW(struct compressor);
	(*ret)->encoder = encoder;
	return 0;
}

static int over(struct err *err)
{
	return err_set(err, ERR_FAILED, "compressor: used after its end");
}

int compressor_write(struct compressor *c, const void *data, size_t len, struct err *err)
{
	if (c->over)
		return over(err);
	if (!len)
		return 0;
	const int rc = c->encoder->ops->write(c->encoder, data, len, err);

	c->over = rc < 0;
	return rc;
}

int compressor_finish(struct compressor *c, struct err *err)
{
	if (c->over)
		return over(err);
	c->over = true;
	return c->encoder->ops->finish(c->encoder, err);
}

void compressor_free(struct compressor *c)
{
	if (!c)
		return;
	c->encoder->ops->free(c->encoder);
	free(c);
}
