/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as a place to read images from: a transport over its blobs and names. What is read is
 * hashed again, as from any other place.
 */
#include "base/mem.h"
#include "base/text.h"
#include "pull/local_parts.h"
#include "stream/source.h"

int local_name(const struct local *local, const char *name, struct reference *ret, struct err *err)
{
	struct digest digest = { 0 };

	if (strchr(name, ':'))
		TRY(digest_parse(name, strlen(name), &digest, err));
	else if (!reference_is_tag(name))
		return err_set(err, ERR_USAGE, "%s: not a tag", TEXT_ESCAPED(name));
	*ret = (struct reference){
		.domain = xstrdup(local->repository.domain),
		.path = xstrdup(local->repository.path),
		.tag = strchr(name, ':') ? NULL : xstrdup(name),
		.digest = digest,
	};
	return 0;
}

static int local_resolve(struct transport *t, struct op *op, const char *name,
			 struct descriptor *ret, struct err *err)
{
	const struct local *local = local_of(t);
	_reference_ struct reference ref = { 0 };

	(void)op;
	TRY(local_name(local, name, &ref, err));
	return images_resolve(local->store, &ref, ret, err);
}

int local_config(struct store *store, const struct digest *manifest, struct image_config *ret,
		 struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_image_config_ struct image_config config = { 0 };
	_document_ struct document doc = { 0 };
	const struct descriptor *d = &doc.manifest.config;

	TRY(blobs_read_verified(store->blobs, manifest, &bytes, err));
	TRY(document_parse(buf_str(&bytes), bytes.len, NULL, &doc, err));
	if (doc.kind != DOCUMENT_MANIFEST)
		return err_set(err, ERR_DAMAGED, "%s is no image manifest", DIGEST_TEXT(manifest));
	TRY(descriptor_need_digest(d, err));
	bytes.len = 0;
	TRY(blobs_read_verified(store->blobs, &d->digest, &bytes, err));
	TRY(image_config_parse(buf_str(&bytes), bytes.len, &config, err));
	TRY(image_check(&doc.manifest, &config, err));
	*ret = config;
	config = (struct image_config){ 0 };
	return 0;
}

int local_get_document(struct transport *t, struct op *op, const char *name,
		       struct transport_document *ret, struct err *err)
{
	_descriptor_ struct descriptor d = { 0 };
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);

	TRY(local_resolve(t, op, name, &d, err));
	TRY(blobs_read_verified(local_of(t)->store->blobs, &d.digest, &bytes, err));
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
	TRY(blobs_open(local_of(t)->store->blobs, &range->descriptor->digest, &fd, &size, err));
	range->ret_offset = range->offset < size ? range->offset : size;
	*ret = source_fd(fd, range->ret_offset, size - range->ret_offset);
	return 0;
}

static void local_close(struct transport *t)
{
	struct local *local = local_of(t);

	reference_fini(&local->repository);
	for (size_t i = 0; i < local->unnamed_count; i++)
		descriptor_fini(&local->unnamed[i]);
	free(local->unnamed);
	subjects_free(local->subjects);
	pin_free(local->pin);
	pthread_mutex_destroy(&local->lock);
	free(local);
}

static const struct transport_ops local_ops = {
	.get_document = local_get_document,
	.resolve = local_resolve,
	.open_blob = local_open_blob,
	.list_tags = local_list_tags,
	.get_referrers = local_get_referrers,
	.has_blob = local_has_blob,
	.put_blob = local_put_blob,
	.put_document = local_put_document,
	.finish = local_finish,
	.close = local_close,
};

struct transport *local_transport(struct store *store, const struct reference *ref)
{
	struct local *local = NEW(struct local);

	local->base.ops = &local_ops;
	local->store = store;
	pthread_mutex_init(&local->lock, NULL);
	reference_copy(ref, &local->repository);
	return &local->base;
}
