/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline of one layer that is only looked at: as a pull's, but into files that have no name.
 *
 *   network -> verify -> prefetch -> decompress -+-> hash (DiffID, a thread of its own)
 *                                                +-> entry index
 *                                                +-> the tar, when contents will be read
 *
 * When they will not, a file of the same size that is one hole stands for the tar: the index alone
 * says what is in the layer. Nothing of the layer is seen before size, digest and DiffID are right.
 */
#include "pull/peek_parts.h"

#include "base/mem.h"
#include "pull/blob_job.h"
#include "stream/hash.h"
#include "stream/source.h"
#include "sys/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

/* Buffers between network and decompression: 1 MiB a layer. */
#define PREFETCH_CHUNKS 8

struct stream {
	struct op *op;
	struct peek_job *job;
	uint64_t item;		     /* for progress */
	_Atomic uint64_t seen_bytes; /* of the blob; counted by the prefetch thread */
	uint64_t raw_bytes;
	int tar_fd, idx_fd;
	struct layer_indexer *indexer;
	struct hash_thread *hash; /* NULL when the blob's digest is the DiffID */
};

static void stream_fini(struct stream *s)
{
	layer_indexer_free(s->indexer);
	hash_thread_free(s->hash);
	if (s->tar_fd >= 0)
		(void)close(s->tar_fd);
	if (s->idx_fd >= 0)
		(void)close(s->idx_fd);
}

static void report(struct stream *s, enum progress_kind kind, const char *state)
{
	char label[32];
	const struct descriptor *d = s->job->descriptor;

	snprintf(label, sizeof(label), "%.12s", DIGEST_HEX(&d->digest));
	op_report(s->op, &(struct progress_event){ .kind = kind,
						   .item = s->item,
						   .label = label,
						   .state = state,
						   .bytes = s->seen_bytes,
						   .total_bytes = d->size });
}

/* A file that nobody else can open and that goes with its descriptor. */
static int open_unnamed(const char *dir, struct err *err)
{
	_free_ char *path = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	/* File systems that can't: a name for a moment. */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		path = xasprintf("%s/img-peek.XXXXXX", dir);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(path);
	}
	return fd < 0 ? err_sys(err, errno, "temporary file in %s", dir) : fd;
}

/*
 * The index goes to the disk too, where there is one to write to: what a peer says must not grow
 * into memory.
 */
static int open_files(struct stream *s, struct err *err)
{
	const struct peek_request *req = s->job->request;

	s->idx_fd = open_unnamed(req->tmp_dir, NULL);
	if (s->idx_fd < 0)
		s->idx_fd = memfd_create("peek-index", MFD_CLOEXEC);
	s->tar_fd = req->with_data ? open_unnamed(req->tmp_dir, err)
				   : memfd_create("peek-tar", MFD_CLOEXEC);
	if (s->tar_fd < 0 && req->with_data)
		return err_prefix(err, "contents of the layer");
	return s->tar_fd < 0 || s->idx_fd < 0 ? err_sys(err, errno, "memory file") : 0;
}

static int count_bytes(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct stream *s = arg;

	(void)data;
	TRY(op_check(s->op, err));
	s->seen_bytes += len;
	report(s, PROGRESS_BYTES, NULL);
	return 0;
}

static int open_blob(struct stream *s, struct source **ret, struct err *err)
{
	const struct descriptor *d = s->job->descriptor;
	struct transport_range range = { d, 0, 0 };
	struct source *net = NULL;

	TRY(descriptor_need_digest(d, err));
	TRY(transport_open_blob(s->job->request->from, s->op, &range, &net, err));
	net = source_tee(net, count_bytes, s);
	*ret = source_verify(net, &d->digest, d->size, "blob");
	return 0;
}

static int take_raw(struct stream *s, const uint8_t *data, size_t len, struct err *err)
{
	const struct peek_request *req = s->job->request;
	const uint64_t max =
		blob_raw_limit(s->job->descriptor->size, s->seen_bytes, req->max_ratio);

	s->raw_bytes += len;
	if (s->raw_bytes > max)
		return err_set(err, ERR_LIMIT,
			       "layer grows beyond %" PRIu64 " bytes, far more than its blob", max);
	if (s->hash)
		hash_thread_update(s->hash, data, len);
	if (req->with_data)
		TRY(file_write_all(s->tar_fd, data, len, "temporary file", err));
	return layer_indexer_feed(s->indexer, data, len, err);
}

static int check_diffid(struct stream *s, enum codec codec, struct err *err)
{
	const struct digest *want = s->job->diffid;
	struct digest computed;

	if (!s->hash && codec != CODEC_PLAIN)
		return err_set(err, ERR_DAMAGED, "DiffID %s is the digest of the compressed blob",
			       DIGEST_TEXT(want));
	if (!s->hash)
		return 0;
	hash_thread_final(s->hash, &computed);
	if (!digest_equal(&computed, want))
		return err_set(err, ERR_DAMAGED, "raw bytes hash to %s, the config's DiffID is %s",
			       DIGEST_TEXT(&computed), DIGEST_TEXT(want));
	return 0;
}

static int take_all(struct stream *s, struct err *err)
{
	enum codec codec = CODEC_PLAIN;
	struct source *blob = NULL;
	const uint8_t *data;
	ssize_t n;

	TRY(open_blob(s, &blob, err));
	_source_ struct source *raw = source_prefetch(
		source_decompress(source_prefetch(blob, PREFETCH_CHUNKS), &codec), PREFETCH_CHUNKS);

	while ((n = source_next(raw, &data, err)) > 0) {
		TRY(op_check(s->op, err));
		TRY(take_raw(s, data, (size_t)n, err));
	}
	TRY(n);
	TRY(check_diffid(s, codec, err));
	return layer_indexer_finish(s->indexer, err);
}

static int open_layer(struct stream *s, struct err *err)
{
	if (!s->job->request->with_data && ftruncate(s->tar_fd, (off_t)s->raw_bytes) < 0)
		return err_sys(err, errno, "memory file");
	return layer_open(s->op,
			  (struct layer_files){ TAKE_FD(s->tar_fd), TAKE_FD(s->idx_fd), false },
			  &s->job->layer, err);
}

static int stream(struct stream *s, struct err *err)
{
	TRY(open_files(s, err));
	s->indexer = layer_indexer_new(s->idx_fd);
	if (!digest_equal(s->job->diffid, &s->job->descriptor->digest))
		s->hash = hash_thread_new(s->job->diffid->alg);
	TRY(take_all(s, err));
	return open_layer(s, err);
}

int peek_stream(struct op *op, void *arg, struct err *err)
{
	struct peek_job *job = arg;
	const struct descriptor *d = job->descriptor;
	_cleanup_(stream_fini) struct stream s = {
		.op = op, .job = job, .item = op_item(), .tar_fd = -1, .idx_fd = -1
	};
	struct err local = { 0 };

	report(&s, PROGRESS_BEGIN, "downloading");
	const int rc = stream(&s, &local);

	report(&s, PROGRESS_END, rc < 0 ? "failed" : "done");
	if (rc < 0) {
		err_prefix(&local, "%.19s",
			   d->digest_text ? d->digest_text : DIGEST_TEXT(&d->digest));
		err_keep_first(err, &local);
	}
	return rc;
}
