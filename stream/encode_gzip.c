/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) by several threads: the input is cut into blocks of fixed size, each is
 * compressed on its own with the 32 KiB before it as dictionary, ends on a byte by an empty stored
 * block (Z_SYNC_FLUSH), and all are joined into one member. So neither the number of threads nor
 * the sizes of the writes show in the output.
 *
 * The caller fills blocks in order and gives out their results in order; workers take what is
 * filled. Memory: two blocks a thread, each about 2.2 MiB with its result.
 */
#include "stream/encoder.h"

#include "base/mem.h"
#include "stream/thread.h"

#include <string.h>
#include <zlib.h>

#define BLOCK_BYTES ((size_t)1 << 20)
#define DICT_BYTES  ((size_t)32 << 10)
#define THREADS_MAX 64u

enum state { FREE, FILLED, DONE };

struct block {
	uint8_t *in; /* the dictionary, then BLOCK_BYTES */
	size_t dict_len, len;
	uint8_t *out;
	size_t out_len;
	uint32_t crc;
	bool is_last;
	enum state state; /* guarded by the lock of the gzip */
	int zrc;	  /* of zlib; valid when DONE */
};

struct gzip {
	struct encoder base;
	int level;
	struct block *blocks;
	size_t block_count;
	size_t out_bytes; /* room for a result */
	/* Of the caller's thread: blocks since the start; the ring is indexed modulo its size. */
	uint64_t filling, given;
	uint32_t crc;
	uint32_t total; /* modulo 2^32 */
	bool begun;
	z_stream own; /* without workers */
	bool has_own;

	pthread_t *threads;
	size_t thread_count;
	pthread_mutex_t lock;	/* guards the states and the rest */
	pthread_cond_t to_do;	/* a block was filled, or the end */
	pthread_cond_t is_done; /* a block is done */
	uint64_t taken;		/* next block for a worker */
	uint64_t filled;	/* blocks that may be taken */
	bool stop;
};

static struct block *block_at(struct gzip *g, uint64_t n)
{
	return &g->blocks[n % g->block_count];
}

static int start_deflate(z_stream *z, int level)
{
	*z = (z_stream){ 0 };
	return deflateInit2(z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}

static int deflate_block(const struct gzip *g, z_stream *z, struct block *b)
{
	int rc = deflateReset(z);

	if (rc == Z_OK && b->dict_len)
		rc = deflateSetDictionary(z, b->in + DICT_BYTES - b->dict_len, (uInt)b->dict_len);
	if (rc != Z_OK)
		return rc;
	z->next_in = b->in + DICT_BYTES;
	z->avail_in = (uInt)b->len;
	z->next_out = b->out;
	z->avail_out = (uInt)g->out_bytes;
	rc = deflate(z, b->is_last ? Z_FINISH : Z_SYNC_FLUSH);
	if (rc == Z_OK && (z->avail_in || !z->avail_out || b->is_last))
		rc = Z_BUF_ERROR;
	b->out_len = g->out_bytes - z->avail_out;
	b->crc = (uint32_t)crc32(0, b->in + DICT_BYTES, (uInt)b->len);
	return rc == Z_STREAM_END ? Z_OK : rc;
}

static void *work(void *arg)
{
	struct gzip *g = arg;
	z_stream z;
	const int init = start_deflate(&z, g->level);

	pthread_mutex_lock(&g->lock);
	for (;;) {
		while (!g->stop && g->taken == g->filled)
			pthread_cond_wait(&g->to_do, &g->lock);
		if (g->stop)
			break;
		struct block *b = block_at(g, g->taken++);

		pthread_mutex_unlock(&g->lock);
		b->zrc = init == Z_OK ? deflate_block(g, &z, b) : init;
		pthread_mutex_lock(&g->lock);
		b->state = DONE;
		pthread_cond_signal(&g->is_done);
	}
	pthread_mutex_unlock(&g->lock);
	if (init == Z_OK)
		(void)deflateEnd(&z);
	return NULL;
}

static int put(struct gzip *g, const void *data, size_t len, struct err *err)
{
	return g->base.fn(g->base.arg, data, len, err);
}

/* RFC 1952 2.3: no flags, no time, "unknown" operating system, as Go and pigz -n have it. */
static int put_header(struct gzip *g, struct err *err)
{
	static const uint8_t header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };

	if (g->begun)
		return 0;
	g->begun = true;
	return put(g, header, sizeof(header), err);
}

static int put_trailer(struct gzip *g, struct err *err)
{
	uint8_t trailer[8];

	for (unsigned i = 0; i < 4; i++) {
		trailer[i] = (uint8_t)(g->crc >> (8 * i));
		trailer[4 + i] = (uint8_t)(g->total >> (8 * i));
	}
	return put(g, trailer, sizeof(trailer), err);
}

/* Waits for the oldest block that was handed over, and gives its result out. */
static int give_one(struct gzip *g, struct err *err)
{
	struct block *b = block_at(g, g->given);

	pthread_mutex_lock(&g->lock);
	while (b->state != DONE)
		pthread_cond_wait(&g->is_done, &g->lock);
	b->state = FREE;
	pthread_mutex_unlock(&g->lock);
	g->given++;
	if (b->zrc != Z_OK)
		return b->zrc == Z_MEM_ERROR
			       ? err_sys(err, ENOMEM, "deflate")
			       : err_set(err, ERR_FAILED, "deflate: error %d", b->zrc);
	TRY(put_header(g, err));
	TRY(put(g, b->out, b->out_len, err));
	g->crc = (uint32_t)crc32_combine(g->crc, b->crc, (z_off_t)b->len);
	g->total += (uint32_t)b->len;
	return 0;
}

/* Hands the block over that is being filled, to a worker or to ourselves. */
static void hand_over(struct gzip *g, bool is_last)
{
	struct block *b = block_at(g, g->filling);

	b->is_last = is_last;
	if (!g->thread_count) {
		b->zrc = deflate_block(g, &g->own, b);
		b->state = DONE;
		g->filling++;
		return;
	}
	pthread_mutex_lock(&g->lock);
	b->state = FILLED;
	g->filling++;
	g->filled = g->filling;
	pthread_cond_signal(&g->to_do);
	pthread_mutex_unlock(&g->lock);
}

/* Makes the next block ready for bytes; the end of the one before is its dictionary. */
static int next_block(struct gzip *g, struct err *err)
{
	const struct block *before = block_at(g, g->filling - 1);
	struct block *b = block_at(g, g->filling);

	if (g->filling - g->given == g->block_count)
		TRY(give_one(g, err));
	/* A block is whole when it is handed over before the end, so longer than the dictionary. */
	memcpy(b->in, before->in + DICT_BYTES + BLOCK_BYTES - DICT_BYTES, DICT_BYTES);
	b->dict_len = DICT_BYTES;
	b->len = 0;
	return 0;
}

static int gzip_write(struct encoder *e, const void *data, size_t len, struct err *err)
{
	struct gzip *g = (struct gzip *)e;
	const uint8_t *p = data;

	while (len) {
		struct block *b = block_at(g, g->filling);
		const size_t room = BLOCK_BYTES - b->len;
		const size_t n = len < room ? len : room;

		memcpy(b->in + DICT_BYTES + b->len, p, n);
		b->len += n;
		p += n;
		len -= n;
		if (b->len == BLOCK_BYTES) {
			hand_over(g, false);
			TRY(next_block(g, err));
		}
	}
	return 0;
}

static int gzip_finish(struct encoder *e, struct err *err)
{
	struct gzip *g = (struct gzip *)e;

	hand_over(g, true);
	while (g->given < g->filling)
		TRY(give_one(g, err));
	return put_trailer(g, err);
}

static void gzip_free(struct encoder *e)
{
	struct gzip *g = (struct gzip *)e;

	pthread_mutex_lock(&g->lock);
	g->stop = true;
	pthread_cond_broadcast(&g->to_do);
	pthread_mutex_unlock(&g->lock);
	for (size_t i = 0; i < g->thread_count; i++)
		pthread_join(g->threads[i], NULL);
	if (g->has_own)
		(void)deflateEnd(&g->own);
	for (size_t i = 0; i < g->block_count; i++) {
		free(g->blocks[i].in);
		free(g->blocks[i].out);
	}
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->to_do);
	pthread_cond_destroy(&g->is_done);
	free(g->blocks);
	free(g->threads);
	free(g);
}

static void make_blocks(struct gzip *g, size_t count)
{
	/* zlib's bound for one block, the empty stored block at its end, and a little. */
	g->out_bytes = compressBound(BLOCK_BYTES) + 64;
	g->block_count = count;
	g->blocks = xcalloc(count, sizeof(g->blocks[0]));
	for (size_t i = 0; i < count; i++) {
		/* Not zeroed: pages of blocks that are never filled cost nothing. */
		g->blocks[i].in = xreallocarray(NULL, 1, DICT_BYTES + BLOCK_BYTES);
		g->blocks[i].out = xreallocarray(NULL, 1, g->out_bytes);
	}
}

static void start_threads(struct gzip *g, unsigned threads)
{
	g->threads = xcalloc(threads, sizeof(g->threads[0]));
	while (g->thread_count < threads && thread_start(&g->threads[g->thread_count], work, g))
		g->thread_count++;
}

int encoder_gzip(int level, unsigned threads, struct encoder **ret, struct err *err)
{
	static const struct encoder_ops ops = { gzip_write, gzip_finish, gzip_free };
	struct gzip *g = NEW(struct gzip);

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	g->base.ops = &ops;
	g->level = level;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->to_do, NULL);
	pthread_cond_init(&g->is_done, NULL);
	make_blocks(g, threads > 1 ? 2 * (size_t)threads : 2);
	if (threads > 1)
		start_threads(g, threads);
	if (!g->thread_count) {
		g->has_own = start_deflate(&g->own, level) == Z_OK;
		if (!g->has_own) {
			gzip_free(&g->base);
			return err_sys(err, ENOMEM, "deflate");
		}
	}
	*ret = &g->base;
	return 0;
}
