/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as a place to read images from: a transport over its blobs and names. What is read is
 * hashed again, as from any other place.
 */
#include "pull/local.h"

#include "base/mem.h"
#include "stream/hash.h"
#include "stream/source.h"
#include "transport/transport.h"

struct local {
	struct transport base;
	struct store *store;
	struct reference repository;
};

static struct local *of(struct transport *t)
{
	return container_of(t, struct local, base);
}

static int local_resolve(struct transport *t, struct op *op, const char *name,
			 struct descriptor *ret, struct err *err)
{
	struct local *local = of(t);
	_reference_ struct reference ref = { 0 };

	(void)op;
	ref.domain = xstrdup(local->repository.domain);
	ref.path = xstrdup(local->repository.path);
	if (strchr(name, ':'))
		TRY(digest_parse(name, strlen(name), &ref.digest, err));
	else
		ref.tag = xstrdup(name);
	return images_resolve(local->store, &ref, ret, err);
}

static int check_bytes(const struct descriptor *d, const struct buf *bytes, struct err *err)
{
	struct digest computed;

	hash_bytes(d->digest.alg, bytes->data, bytes->len, &computed);
	if (!digest_equal(&computed, &d->digest))
		return err_set(err, ERR_DAMAGED,
			       "blob %s of the store is damaged (it hashes to %s)",
			       DIGEST_TEXT(&d->digest), DIGEST_TEXT(&computed));
	return 0;
}

static int local_get_document(struct transport *t, struct op *op, const char *name,
			      struct transport_document *ret, struct err *err)
{
	_descriptor_ struct descriptor d = { 0 };
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);

	TRY(local_resolve(t, op, name, &d, err));
	TRY(blobs_read(of(t)->store->blobs, &d.digest, &bytes, err));
	TRY(check_bytes(&d, &bytes, err));
	ret->descriptor = d;
	d = (struct descriptor){ 0 };
	ret->bytes = bytes;
	bytes = BUF_INIT(0);
	return 0;
}

static int local_open_blob(struct transport *t, struct op *op, struct transport_range *range,
			   struct source **ret, struct err *err)
{
	int fd = -1;
	uint64_t size = 0;

	(void)op;
	TRY(descriptor_need_digest(range->descriptor, err));
	TRY(blobs_open(of(t)->store->blobs, &range->descriptor->digest, &fd, &size, err));
	range->ret_offset = range->offset < size ? range->offset : size;
	*ret = source_fd(fd, range->ret_offset, size - range->ret_offset);
	return 0;
}

static void local_close(struct transport *t)
{
	reference_fini(&of(t)->repository);
	free(of(t));
}

static const struct transport_ops local_ops = {
	.get_document = local_get_document,
	.resolve = local_resolve,
	.open_blob = local_open_blob,
	.close = local_close,
};

struct transport *local_transport(struct store *store, const struct reference *ref)
{
	struct local *local = NEW(struct local);

	local->base.ops = &local_ops;
	local->store = store;
	reference_copy(ref, &local->repository);
	return &local->base;
}
