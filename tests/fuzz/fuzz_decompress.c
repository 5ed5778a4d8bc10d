/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream/source_decompress: any bytes are decompressed, passed on or refused, in memory that does
 * not depend on them. The first byte of the input sizes the chunks; neither their size nor the
 * gzip library may change what comes out.
 */
#include "base/mem.h"
#include "stream/source.h"

#define OUT_MAX ((uint64_t)8 << 20)

/* Chunks with memory of their own, freed as early as the contract allows. */
struct pieces {
	struct source base;
	const uint8_t *data;
	size_t len, size;
	uint8_t *lent;
};

static ssize_t pieces_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct pieces *p = (struct pieces *)src;
	const size_t n = p->len < p->size ? p->len : p->size;

	(void)err;
	free(TAKE_PTR(p->lent));
	if (!n)
		return 0;
	p->lent = xreallocarray(NULL, n, 1);
	memcpy(p->lent, p->data, n);
	p->data += n;
	p->len -= n;
	*ret = p->lent;
	return (ssize_t)n;
}

static void pieces_close(struct source *src)
{
	struct pieces *p = (struct pieces *)src;

	free(p->lent);
	free(p);
}

static struct source *pieces_new(const uint8_t *data, size_t len, size_t size)
{
	static const struct source_ops ops = { .next = pieces_next, .close = pieces_close };
	struct pieces *p = NEW(struct pieces);

	p->base.ops = &ops;
	p->data = data;
	p->len = len;
	p->size = size;
	return &p->base;
}

struct result {
	int rc;
	enum err_kind kind;
	enum codec codec;
	uint64_t bytes;
	uint64_t sum;
};

/* What came before an error depends on the chunks; whether there is one does not. */
static struct result run(struct source *from, const char *no_isal)
{
	struct result r = { .codec = CODEC_PLAIN };
	struct err err = { 0 };
	const uint8_t *data;
	ssize_t n;

	if (setenv("IMG_NO_ISAL", no_isal, 1) < 0)
		abort();
	_source_ struct source *src =
		source_limit(source_decompress(from, &r.codec), OUT_MAX, "output");

	while ((n = source_next(src, &data, &err)) > 0) {
		r.bytes += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			r.sum = r.sum * 31 + data[i];
	}
	r.rc = (int)n;
	r.kind = err.kind;
	if ((n < 0) != (err.kind != ERR_NONE) || (n < 0 && !*err.msg))
		abort();
	return r;
}

static void same(const struct result *a, const struct result *b)
{
	/* With both a limit and damage ahead, the size of the chunks decides which is met first. */
	const bool limit = a->kind == ERR_LIMIT || b->kind == ERR_LIMIT;

	if (a->codec != b->codec || (!limit && a->rc != b->rc))
		abort();
	if (a->rc == 0 && b->rc == 0 && (a->bytes != b->bytes || a->sum != b->sum))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1 || len > 100000)
		return 0;
	const size_t size = (size_t)data[0] + 1;
	const struct result whole = run(source_mem(data + 1, len - 1), "0");
	const struct result pieces = run(pieces_new(data + 1, len - 1, size), "0");
	const struct result other = run(pieces_new(data + 1, len - 1, size), "1");

	same(&whole, &pieces);
	same(&whole, &other);
	return 0;
}
