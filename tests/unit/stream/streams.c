/* SPDX-License-Identifier: Apache-2.0 */
/* Streams and sources of the tests. */
#include "tests/unit/stream/streams.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

void fill_noise(uint8_t *data, size_t len, unsigned seed)
{
	uint32_t state = seed * 2654435761u + 1;

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(next_random(&state) >> 11);
}

void fill_text(uint8_t *data, size_t len, unsigned seed)
{
	uint32_t state = seed * 2654435761u + 1;

	for (size_t i = 0; i < len;) {
		const uint32_t r = next_random(&state);
		size_t n = 3 + r % 40;
		/* Now and then a copy from as far back as deflate can reach. */
		const size_t back = 1 + (r >> 8) % 32768;

		if (n > len - i)
			n = len - i;
		for (size_t j = 0; j < n; j++, i++)
			data[i] = r % 3 && back <= i
					  ? data[i - back]
					  : (uint8_t)("etaoin shrdlu\n"[(r >> (j % 20)) % 14]);
	}
}

static atomic_int open_count;

int sources_open(void)
{
	return atomic_load(&open_count);
}

/*
 * Memory that ends where a page without access begins: also assembly, which no sanitizer looks
 * into, cannot read behind it unseen. Small pieces come from malloc.
 */
struct guarded {
	uint8_t *data;
	uint8_t *map; /* NULL: malloc */
	size_t map_len;
};

#define GUARDED_FROM ((size_t)256)

static struct guarded guarded_copy(const uint8_t *data, size_t len)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct guarded g = { 0 };

	if (len < GUARDED_FROM) {
		g.data = xreallocarray(NULL, len, 1);
	} else {
		g.map_len = (len + page - 1) / page * page + page;
		g.map = mmap(NULL, g.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
		if (g.map == MAP_FAILED || mprotect(g.map + g.map_len - page, page, PROT_NONE) < 0)
			abort();
		g.data = g.map + g.map_len - page - len;
	}
	memcpy(g.data, data, len);
	return g;
}

static void guarded_free(struct guarded *g)
{
	if (g->map)
		(void)munmap(g->map, g->map_len);
	else
		free(g->data);
	*g = (struct guarded){ 0 };
}

struct chunked {
	struct source base;
	const uint8_t *data;
	size_t len, chunk;
	uint32_t random;
	bool cut;
	struct guarded lent;
};

static ssize_t chunked_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct chunked *c = (struct chunked *)src;
	size_t n = c->chunk ? c->chunk : 1 + next_random(&c->random) % 5000;

	guarded_free(&c->lent);
	if (n > c->len)
		n = c->len;
	if (!n)
		return c->cut ? err_set(err, ERR_NETWORK, "cut off") : 0;
	c->lent = guarded_copy(c->data, n);
	c->data += n;
	c->len -= n;
	*ret = c->lent.data;
	return (ssize_t)n;
}

static void chunked_close(struct source *src)
{
	struct chunked *c = (struct chunked *)src;

	atomic_fetch_sub(&open_count, 1);
	guarded_free(&c->lent);
	free(c);
}

struct source *source_chunked(const void *data, size_t len, size_t chunk)
{
	static const struct source_ops ops = { .next = chunked_next, .close = chunked_close };
	struct chunked *c = NEW(struct chunked);

	c->base.ops = &ops;
	c->data = data;
	c->len = len;
	c->chunk = chunk;
	c->random = 12345;
	atomic_fetch_add(&open_count, 1);
	return &c->base;
}

struct source *source_cut(const void *data, size_t len, size_t chunk)
{
	struct source *src = source_chunked(data, len, chunk);

	((struct chunked *)src)->cut = true;
	return src;
}

void make_gzip(struct buf *out, const void *data, size_t len, const struct gzip_options *options)
{
	static const struct gzip_options usual = { .level = 6 };
	const struct gzip_options *o = options ? options : &usual;
	z_stream z = { 0 };
	gz_header header = {
		.os = 3,
		.extra = (Bytef *)(uintptr_t)o->extra,
		.extra_len = o->extra ? (uInt)strlen(o->extra) : 0,
		.name = (Bytef *)(uintptr_t)o->name,
		.comment = (Bytef *)(uintptr_t)o->comment,
		.hcrc = o->hcrc,
	};

	if (deflateInit2(&z, o->level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	if (options && deflateSetHeader(&z, &header) != Z_OK)
		abort();
	const size_t bound = deflateBound(&z, len) + 100000;

	if (buf_reserve(out, bound, NULL) < 0)
		abort();
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)out->data + out->len;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	out->len += z.total_out;
	deflateEnd(&z);
}

void make_zstd(struct buf *out, const void *data, size_t len, int level, bool checksum)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	const size_t bound = ZSTD_compressBound(len);

	if (!c || buf_reserve(out, bound, NULL) < 0)
		abort();
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
	const size_t n = ZSTD_compress2(c, out->data + out->len, bound, data, len);

	if (ZSTD_isError(n))
		abort();
	out->len += n;
	ZSTD_freeCCtx(c);
}

struct outcome pull_all(struct source *src)
{
	struct outcome o = { .out = BUF_INIT((size_t)64 << 20) };

	o.rc = source_read_all(src, &o.out, &o.err);
	source_close(src);
	return o;
}

void outcome_fini(struct outcome *o)
{
	buf_fini(&o->out);
}

bool gave(const struct outcome *o, const void *data, size_t len)
{
	if (o->rc == 0 && o->out.len == len && (!len || !memcmp(o->out.data, data, len)))
		return true;
	printf("# %zu bytes instead of %zu, %d %s\n", o->out.len, len, o->rc, o->err.msg);
	return false;
}

bool failed_with(const struct outcome *o, enum err_kind kind, const char *why)
{
	if (o->rc < 0 && o->rc == -o->err.errnum && o->err.kind == kind && strstr(o->err.msg, why))
		return true;
	printf("# expected %s with '%s', got %d %s '%s'\n", err_class(kind)->name, why, o->rc,
	       err_class(o->err.kind)->name, o->err.msg);
	return false;
}
