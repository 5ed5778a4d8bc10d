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
#include "pull/raw_layer.h"
#include "stream/source.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/mman.h>

struct stream {
	struct blob_watch watch;
	struct peek_job *job;
	int tar_fd, idx_fd;
	struct layer_indexer *indexer;
	struct raw_layer raw;
};

static void stream_fini(struct stream *s)
{
	layer_indexer_free(s->indexer);
	raw_layer_fini(&s->raw);
	if (s->tar_fd >= 0)
		(void)close(s->tar_fd);
	if (s->idx_fd >= 0)
		(void)close(s->idx_fd);
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

static int open_blob(struct stream *s, struct source **ret, struct err *err)
{
	const struct descriptor *d = s->job->descriptor;
	struct transport_range range = { d, 0, 0 };
	struct source *net = NULL;

	TRY(descriptor_need_digest(d, err));
	TRY(transport_open_blob(s->job->request->from, s->watch.op, &range, &net, err));
	net = source_tee(net, blob_watch_count, &s->watch);
	*ret = source_verify(net, &d->digest, d->size, "blob");
	return 0;
}

static int take_raw(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct stream *s = arg;

	if (s->job->request->with_data)
		TRY(file_write_all(s->tar_fd, data, len, "temporary file", err));
	return layer_indexer_feed(s->indexer, data, len, err);
}

static int open_layer(struct stream *s, struct err *err)
{
	if (!s->job->request->with_data && ftruncate(s->tar_fd, (off_t)s->raw.bytes) < 0)
		return err_sys(err, errno, "memory file");
	return layer_open(s->watch.op,
			  (struct layer_files){ TAKE_FD(s->tar_fd), TAKE_FD(s->idx_fd), false },
			  &s->job->layer, err);
}

static int stream(struct stream *s, struct err *err)
{
	const struct raw_layer_to to = { take_raw, s };
	struct source *blob = NULL;

	TRY(open_files(s, err));
	s->indexer = layer_indexer_new(s->idx_fd);
	TRY(open_blob(s, &blob, err));
	raw_layer_init(&s->raw, &s->watch, s->job->diffid, s->job->request->max_ratio);
	TRY(raw_layer_read(&s->raw, blob, &to, err));
	TRY(layer_indexer_finish(s->indexer, err));
	return open_layer(s, err);
}

int peek_stream(struct op *op, void *arg, struct err *err)
{
	struct peek_job *job = arg;
	const struct descriptor *d = job->descriptor;
	_cleanup_(stream_fini) struct stream s = {
		.watch = { op, d, op_item(), 0 }, .job = job, .tar_fd = -1, .idx_fd = -1
	};
	struct err local = { 0 };

	blob_watch_report(&s.watch, PROGRESS_BEGIN, "downloading");
	const int rc = stream(&s, &local);

	blob_watch_report(&s.watch, PROGRESS_END, rc < 0 ? "failed" : "done");
	if (rc < 0) {
		err_prefix(&local, "%.19s",
			   d->digest_text ? d->digest_text : DIGEST_TEXT(&d->digest));
		err_keep_first(err, &local);
	}
	return rc;
}
