/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs of a registry, and layers that are kept elsewhere (image-spec descriptor.md "urls").
 * Another place gets no credentials and is no more trusted: whoever reads verifies.
 */
#include "base/mem.h"
#include "base/text.h"
#include "registry/client_priv.h"

/* Most places of a foreign layer that are tried. */
#define URLS_MAX 8

/* The first that has it. `why` is what the registry said. */
static int open_elsewhere(const struct registry *r, struct op *op, struct transport_range *range,
			  struct source **ret, struct err *err)
{
	const struct descriptor *d = range->descriptor;
	int rc = -1;

	for (size_t i = 0; i < d->urls.count && i < URLS_MAX; i++) {
		struct fetch_body body = {
			.req = { .host = r->host, .path = d->urls.items[i], .anonymous = true },
			.offset = range->offset,
			.total_bytes = d->size,
		};

		err_clear(err);
		rc = fetch_open(r->fetch, op, &body, ret, err);
		range->ret_offset = body.ret_offset;
		if (rc >= 0 || err->kind == ERR_CANCELLED)
			break;
	}
	return rc;
}

int registry_open_blob(struct transport *t, struct op *op, struct transport_range *range,
		       struct source **ret, struct err *err)
{
	const struct registry *r = container_of(t, struct registry, base);
	const struct descriptor *d = range->descriptor;
	struct err why = { 0 };

	TRY(descriptor_need_digest(d, err));
	char *_free_ path = xasprintf("/v2/%s/blobs/%s", r->name, DIGEST_TEXT(&d->digest));
	struct fetch_body body = { .req = registry_request(r, "GET", path),
				   .offset = range->offset,
				   .total_bytes = d->size };
	int rc = fetch_open(r->fetch, op, &body, ret, &why);

	range->ret_offset = body.ret_offset;
	if (rc < 0 && why.kind == ERR_NOT_FOUND && d->urls.count) {
		err_clear(&why);
		rc = open_elsewhere(r, op, range, ret, &why);
	}
	if (rc >= 0)
		return 0;
	err_keep_first(err, &why);
	return err_prefix(err, "blob %s", DIGEST_TEXT(&d->digest));
}
