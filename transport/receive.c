/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob on its way into a folder of blobs. From the start the upload's source verifies the bytes;
 * from an offset nobody does, so the prefix and the rest are hashed here.
 */
#include "transport/receive.h"

#include "base/mem.h"
#include "stream/hash.h"

#include <fcntl.h>

struct receiving {
	struct op *op;
	struct transport_upload *upload;
	struct blob_writer *writer;
	struct hash *hash; /* of prefix and rest; NULL: there is no prefix */
};

static void receiving_fini(struct receiving *r)
{
	hash_free(r->hash);
}

static int hash_prefix(struct receiving *r, struct err *err)
{
	const uint8_t *data;
	ssize_t n;
	const int fd = fcntl(r->writer->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_sys(err, errno, "staging file");
	_source_ struct source *prefix = source_fd(fd, 0, r->writer->offset_bytes);

	r->hash = hash_new(r->writer->want.digest.alg);
	while ((n = source_next(prefix, &data, err)) > 0) {
		TRY(op_check(r->op, err));
		hash_update(r->hash, data, (size_t)n);
	}
	return (int)n;
}

static int append_rest(struct receiving *r, struct source *rest, struct err *err)
{
	const struct transport_upload *up = r->upload;
	const uint8_t *data;
	ssize_t n;

	while ((n = source_next(rest, &data, err)) > 0) {
		TRY(op_check(r->op, err));
		TRY(blob_writer_append(r->writer, data, (size_t)n, err));
		if (r->hash)
			hash_update(r->hash, data, (size_t)n);
		if (up->moved)
			up->moved(up->arg, r->writer->offset_bytes);
	}
	return (int)n;
}

/* One pass: all that is missing. *ret_resumed: there was a prefix. */
static int pass(struct receiving *r, bool *ret_resumed, struct err *err)
{
	const struct blob_want *want = &r->writer->want;
	_source_ struct source *rest = NULL;
	struct digest computed = want->digest;

	*ret_resumed = r->writer->offset_bytes > 0;
	if (*ret_resumed)
		TRY(hash_prefix(r, err));
	if (!*ret_resumed || r->writer->offset_bytes < want->size_bytes) {
		TRY(r->upload->open(r->upload->arg, r->op, r->writer->offset_bytes, &rest, err));
		TRY(append_rest(r, rest, err));
	}
	if (r->hash)
		hash_final(r->hash, &computed);
	if (!digest_equal(&computed, &want->digest))
		return err_set(err, ERR_DAMAGED, "its bytes hash to %s", DIGEST_TEXT(&computed));
	return blob_writer_commit(TAKE_PTR(r->writer), &computed, err);
}

static int passes(struct receiving *r, struct err *err)
{
	bool resumed;
	const int rc = pass(r, &resumed, err);

	/* The prefix may be what is wrong: once more, from the start. */
	if (rc >= 0 || err->kind != ERR_DAMAGED || !resumed || !r->writer)
		return rc;
	err_clear(err);
	hash_free(TAKE_PTR(r->hash));
	TRY(blob_writer_rewind(r->writer, err));
	return pass(r, &resumed, err);
}

/* What an interruption leaves is worth keeping; what is wrong or fills the disk is not. */
static bool is_resumable(const struct err *err)
{
	return err->kind == ERR_CANCELLED || err_class(err->kind)->retryable;
}

int receive_blob(struct blobs *to, struct op *op, struct transport_upload *upload, struct err *err)
{
	const struct descriptor *d = upload->descriptor;
	_cleanup_(receiving_fini) struct receiving r = { .op = op, .upload = upload };
	const struct blob_want want = { .digest = d->digest, .size_bytes = d->size };
	struct err why = { 0 };

	TRY(descriptor_need_digest(d, err));
	const int present = blobs_begin(to, op, &want, &r.writer, err);

	TRY(present);
	upload->ret_how = present ? UPLOAD_EXISTED : UPLOAD_SENT;
	if (present)
		return 0;
	const int rc = passes(&r, &why);

	blob_writer_abort(r.writer, rc < 0 && is_resumable(&why));
	err_keep_first(err, &why);
	return rc < 0 ? rc : 0;
}
