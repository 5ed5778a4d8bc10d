/* SPDX-License-Identifier: Apache-2.0 */
/* What a compressor's codec must do, and the ones there are. Not public: compressor_new picks. */
#ifndef IMG_STREAM_ENCODER_H
#define IMG_STREAM_ENCODER_H

#include "stream/compress.h"

struct encoder;

/* All mandatory. Embed `struct encoder` as the first member of the implementation. */
struct encoder_ops {
	/* After an error only free. `len` is not 0. */
	int (*write)(struct encoder *e, const void *data, size_t len, struct err *err);
	int (*finish)(struct encoder *e, struct err *err);
	void (*free)(struct encoder *e);
};

struct encoder {
	const struct encoder_ops *ops;
	compress_fn *fn;
	void *arg;
};

/* The level is in range. */
int encoder_gzip(int level, unsigned threads, struct encoder **ret, struct err *err);
int encoder_zstd(int level, unsigned threads, struct encoder **ret, struct err *err);

#endif
