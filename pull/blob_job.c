/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline of one blob:
 *
 *   network -> append to staging -+                      +-> hash (DiffID, a thread of its own)
 *   prefix of an earlier fetch ---+-> verify -> prefetch -> decompress -> layer.tar
 *                                                        +-> entry index
 *
 * Network, staging and blob digest run in the prefetch thread, decompression and index in the
 * job's. Nothing is believed: the blob's digest and size are arguments of the verifying source, the
 * DiffID is compared before either file is committed. Order of locks: blob, then layer.
 */
#include "pull/blob_job.h"

#include "base/mem.h"
#include "base/text.h"
#include "layers/layer.h"
#include "pull/raw_layer.h"
#include "stream/source.h"
#include "sys/file.h"

#include <fcntl.h>

/* How often a collector may be faster than a job. */
#define ATTEMPTS_MAX 3

/* One run of a job. */
struct run {
	struct blob_watch watch;
	struct blob_job *job;
	struct blob_writer *writer; /* NULL: the blob is in the store */
	bool resumed;		    /* bytes of an earlier fetch are part of it */
};

static int keep_bytes(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct run *run = arg;

	atomic_fetch_add_explicit(&run->job->context->fetched_bytes, len, memory_order_relaxed);
	return blob_writer_append(run->writer, data, len, err);
}

/* The part that is still missing, appended to staging as it comes; NULL when nothing is. */
static int open_rest(struct run *run, struct source **ret, struct err *err)
{
	const struct descriptor *d = run->job->descriptor;
	struct transport_range range = { d, run->writer->offset_bytes, 0 };
	struct source *net = NULL;

	*ret = NULL;
	if (run->writer->offset_bytes == d->size && d->size)
		return 0;
	TRY(transport_open_blob(run->job->context->from, run->watch.op, &range, &net, err));
	if (range.ret_offset != run->writer->offset_bytes) {
		const int rc = blob_writer_rewind(run->writer, err);

		if (rc < 0) {
			source_close(net);
			return rc;
		}
	}
	*ret = source_tee(net, keep_bytes, run);
	return 0;
}

/* All bytes of the blob, old and new. */
static int open_fetch(struct run *run, struct source **ret, struct err *err)
{
	_source_ struct source *rest = NULL;

	TRY(open_rest(run, &rest, err));
	run->resumed = run->writer->offset_bytes > 0;
	if (!run->resumed) {
		*ret = TAKE_PTR(rest);
		return 0;
	}
	blob_watch_report(&run->watch, PROGRESS_STATE, "resuming");
	const int fd = fcntl(run->writer->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_sys(err, errno, "staging file");
	struct source *prefix = source_fd(fd, 0, run->writer->offset_bytes);

	*ret = rest ? source_concat(prefix, TAKE_PTR(rest)) : prefix;
	return 0;
}

static int open_stored(struct run *run, struct source **ret, struct err *err)
{
	int fd = -1;
	uint64_t size = 0;

	TRY(blobs_open(run->job->context->to->blobs, &run->job->descriptor->digest, &fd, &size,
		       err));
	*ret = source_fd(fd, 0, size);
	return 0;
}

/* The blob as a verified source, counted for progress. */
static int open_blob(struct run *run, struct source **ret, struct err *err)
{
	const struct descriptor *d = run->job->descriptor;
	struct source *src = NULL;

	run->watch.seen_bytes = 0;
	if (run->writer)
		TRY(open_fetch(run, &src, err));
	else
		TRY(open_stored(run, &src, err));
	src = source_tee(src, blob_watch_count, &run->watch);
	*ret = source_verify(src, &d->digest, d->size, "blob");
	return 0;
}

static uint64_t times(uint64_t bytes, unsigned ratio)
{
	uint64_t product;

	return __builtin_mul_overflow(bytes, ratio, &product) ? UINT64_MAX : product;
}

uint64_t blob_raw_limit(uint64_t blob_bytes, uint64_t seen_bytes, unsigned max_ratio)
{
	const unsigned ratio = max_ratio ? max_ratio : BLOB_MAX_RATIO;
	const uint64_t whole = times(blob_bytes, ratio);
	uint64_t now;

	if (__builtin_add_overflow(times(seen_bytes, ratio), BLOB_RAW_AHEAD_BYTES, &now))
		now = UINT64_MAX;
	if (whole < BLOB_RAW_FREE_BYTES)
		return BLOB_RAW_FREE_BYTES;
	return whole < now ? whole : now;
}

/* Where the raw bytes of a layer go. */
struct layer_sink {
	struct layer_writer *writer;
	struct layer_indexer *indexer;
	struct raw_layer raw;
};

static void layer_sink_fini(struct layer_sink *sink)
{
	layer_writer_abort(sink->writer);
	layer_indexer_free(sink->indexer);
	raw_layer_fini(&sink->raw);
}

static int sink_raw(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct layer_sink *sink = arg;

	TRY(file_write_all(sink->writer->tar_fd, data, len, "layer tar", err));
	layer_writer_progress(sink->writer, sink->raw.bytes);
	return layer_indexer_feed(sink->indexer, data, len, err);
}

/* Pulls the blob through decompression into the layer's files, without committing them. */
static int fill_layer(struct run *run, struct source *blob, struct layer_sink *sink,
		      struct err *err)
{
	const struct raw_layer_to to = { sink_raw, sink };

	sink->indexer = layer_indexer_new(sink->writer->idx_fd);
	raw_layer_init(&sink->raw, &run->watch, &run->job->diffid, run->job->context->max_ratio);
	sink->raw.limit_hint = "a decompression bomb? --max-ratio N allows more";
	TRY(raw_layer_read(&sink->raw, blob, &to, err));
	return layer_indexer_finish(sink->indexer, err);
}

/* Publishes the blob, when one was fetched. Its digest was verified by the source. */
static int commit_blob(struct run *run, struct err *err)
{
	if (!run->writer)
		return 0;
	return blob_writer_commit(TAKE_PTR(run->writer), &run->job->descriptor->digest, err);
}

static int drain_blob(struct run *run, struct source *blob, struct err *err)
{
	uint64_t bytes;

	TRY(source_drain(blob, &bytes, err));
	return commit_blob(run, err);
}

/* One pass over the blob: layer and blob, or the blob alone. */
static int pass(struct run *run, struct err *err)
{
	struct blob_job *job = run->job;
	_source_ struct source *blob = NULL;
	_cleanup_(layer_sink_fini) struct layer_sink sink = { 0 };
	int present = 1;

	if (job->diffid.alg != DIGEST_NONE)
		present = layerfiles_begin(job->context->to->layers, run->watch.op, &job->diffid,
					   &sink.writer, err);
	TRY(present);
	if (present && !run->writer)
		return 0;
	TRY(open_blob(run, &blob, err));
	if (present)
		return drain_blob(run, blob, err);
	TRY(fill_layer(run, TAKE_PTR(blob), &sink, err));
	TRY(commit_blob(run, err));
	return layer_writer_commit(TAKE_PTR(sink.writer), &sink.raw.computed, err);
}

/* What an interruption leaves is worth keeping; what is wrong or fills the disk is not. */
static bool is_resumable(const struct err *err)
{
	return err->kind == ERR_CANCELLED || err_class(err->kind)->retryable;
}

static int passes(struct run *run, struct err *err)
{
	int rc = pass(run, err);

	/* The old prefix may be what is damaged: once more from the start. */
	if (rc < 0 && err->kind == ERR_DAMAGED && run->resumed && run->writer) {
		err_clear(err);
		TRY(blob_writer_rewind(run->writer, err));
		rc = pass(run, err);
	}
	return rc;
}

/* 1 when the blob is there, 0 with a writer for it. */
static int begin(struct run *run, struct err *err)
{
	const struct descriptor *d = run->job->descriptor;
	struct blobs *blobs = run->job->context->to->blobs;

	if (!run->job->context->from) {
		TRY(blobs_stat(blobs, &d->digest, NULL, err));
		blob_watch_report(&run->watch, PROGRESS_STATE, "unpacking");
		return 1;
	}
	const struct digest_set *distrusted = run->job->context->distrusted;
	const struct blob_want want = { d->digest, d->size,
					distrusted && digest_set_has(distrusted, &d->digest) };
	const int rc = blobs_begin(blobs, run->watch.op, &want, &run->writer, err);

	blob_watch_report(&run->watch, PROGRESS_STATE, rc == 0 ? "downloading" : "exists");
	return rc;
}

int blob_job_run(struct op *op, void *arg, struct err *err)
{
	struct blob_job *job = arg;
	const struct descriptor *d = job->descriptor;
	struct run run = { .watch = { op, d, op_item(), 0 }, .job = job };
	struct err local = { 0 };
	bool exists;
	unsigned attempt = 0;
	int rc;

	blob_watch_report(&run.watch, PROGRESS_BEGIN, "waiting");
	do {
		err_clear(&local);
		rc = begin(&run, &local);
		exists = rc == 1;
		if (rc >= 0)
			rc = passes(&run, &local);
		/* There, and collected before it was opened: now it is fetched. */
	} while (rc == -ENOENT && exists && job->context->from && ++attempt < ATTEMPTS_MAX);
	blob_writer_abort(TAKE_PTR(run.writer), rc < 0 && is_resumable(&local));
	blob_watch_report(&run.watch, PROGRESS_END, rc < 0 ? "failed" : exists ? "exists" : "done");
	if (rc < 0) {
		err_prefix(&local, "%.19s",
			   d->digest_text ? d->digest_text : DIGEST_TEXT(&d->digest));
		if (err)
			*err = local;
		return rc;
	}
	return 0;
}
