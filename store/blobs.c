/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs, whatever the backend: what every commit must fulfil is checked here, once. Trusts the
 * caller to have hashed all bytes it gives a digest for.
 */
#include "store/blobs.h"

#include "base/mem.h"
#include "stream/hash.h"
#include "sys/file.h"

int blobs_stat(struct blobs *b, const struct digest *d, uint64_t *ret_size, struct err *err)
{
	return b->ops->stat(b, d, ret_size, err);
}

int blobs_open(struct blobs *b, const struct digest *d, int *ret_fd, uint64_t *ret_size,
	       struct err *err)
{
	return b->ops->open(b, d, ret_fd, ret_size, err);
}

int blobs_begin(struct blobs *b, struct op *op, const struct blob_want *want,
		struct blob_writer **ret, struct err *err)
{
	return b->ops->begin(b, op, want, ret, err);
}

int blob_writer_append(struct blob_writer *w, const void *data, size_t len, struct err *err)
{
	if (w->want.size_bytes != UINT64_MAX && len > w->want.size_bytes - w->offset_bytes)
		return err_set(err, ERR_DAMAGED,
			       "blob %s: more than the %" PRIu64 " bytes expected",
			       DIGEST_TEXT(&w->want.digest), w->want.size_bytes);
	if (len)
		TRY(w->blobs->ops->append(w, data, len, err));
	w->offset_bytes += len;
	return 0;
}

int blob_writer_rewind(struct blob_writer *w, struct err *err)
{
	TRY(w->blobs->ops->rewind(w, err));
	w->offset_bytes = 0;
	return 0;
}

static int check_whole(const struct blob_writer *w, const struct digest *computed, struct err *err)
{
	if (w->want.digest.alg != DIGEST_NONE && !digest_equal(&w->want.digest, computed))
		return err_set(err, ERR_DAMAGED, "blob %s: the content hashes to %s",
			       DIGEST_TEXT(&w->want.digest), DIGEST_TEXT(computed));
	if (w->want.size_bytes != UINT64_MAX && w->want.size_bytes != w->offset_bytes)
		return err_set(err, ERR_DAMAGED,
			       "blob %s: %" PRIu64 " bytes, %" PRIu64 " were expected",
			       DIGEST_TEXT(&w->want.digest), w->offset_bytes, w->want.size_bytes);
	return 0;
}

int blob_writer_commit(struct blob_writer *w, const struct digest *computed, struct err *err)
{
	const int rc = check_whole(w, computed, err);

	if (rc < 0) {
		blob_writer_abort(w, false);
		return rc;
	}
	return w->blobs->ops->commit(w, computed, err);
}

void blob_writer_abort(struct blob_writer *w, bool keep_for_resume)
{
	if (w)
		w->blobs->ops->abort(w, keep_for_resume);
}

static int put(struct blobs *b, struct op *op, const struct blob_want *want, const struct buf *data,
	       struct err *err)
{
	struct blob_writer *w = NULL;
	int rc = blobs_begin(b, op, want, &w, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	/* What is left of another attempt is no shorter to check than to write again. */
	if (w->offset_bytes)
		rc = blob_writer_rewind(w, err);
	if (rc == 0)
		rc = blob_writer_append(w, buf_str(data), data->len, err);
	if (rc < 0) {
		blob_writer_abort(w, false);
		return rc;
	}
	return blob_writer_commit(w, &want->digest, err);
}

int blobs_put(struct blobs *b, struct op *op, const struct digest *d, const struct buf *data,
	      struct err *err)
{
	return put(b, op, &(struct blob_want){ *d, data->len, false }, data, err);
}

int blobs_replace(struct blobs *b, struct op *op, const struct digest *d, const struct buf *data,
		  struct err *err)
{
	return put(b, op, &(struct blob_want){ *d, data->len, true }, data, err);
}

int blobs_read(struct blobs *b, const struct digest *d, struct buf *out, struct err *err)
{
	_close_ int fd = -1;
	uint64_t size = 0;
	int rc;

	TRY(blobs_open(b, d, &fd, &size, err));
	if (size > out->cap_bytes - out->len)
		return err_set(err, ERR_LIMIT, "blob %s: more than %zu bytes", DIGEST_TEXT(d),
			       out->cap_bytes);
	rc = buf_reserve(out, (size_t)size, err);
	if (rc == 0 && size)
		rc = file_pread_all(fd, out->data + out->len, (size_t)size, 0, err);
	if (rc < 0) {
		(void)err_prefix(err, "blob %s", DIGEST_TEXT(d));
		return rc;
	}
	out->len += (size_t)size;
	if (out->data)
		out->data[out->len] = '\0';
	return 0;
}

int blobs_read_verified(struct blobs *b, const struct digest *d, struct buf *out, struct err *err)
{
	const size_t before = out->len;
	struct digest found;

	TRY(blobs_read(b, d, out, err));
	hash_bytes(d->alg, buf_str(out) + before, out->len - before, &found);
	if (!digest_equal(&found, d))
		return err_set(err, ERR_DAMAGED, "blob %s is damaged (it hashes to %s)",
			       DIGEST_TEXT(d), DIGEST_TEXT(&found));
	return 0;
}

int blobs_remove(struct blobs *b, const struct digest *d, struct err *err)
{
	return b->ops->remove(b, d, err);
}

int blobs_list(struct blobs *b, blobs_fn *fn, void *arg, struct err *err)
{
	return b->ops->list(b, fn, arg, err);
}
