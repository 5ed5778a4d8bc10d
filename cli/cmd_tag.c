/* SPDX-License-Identifier: Apache-2.0 */
/* img tag: a further name for an image of the store. */
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/image.h"
#include "cli/wire.h"
#include "store/images.h"

/* Deepest nesting of indexes looked through. */
#define DEPTH_MAX 8

/* The manifests below an index that the store has. Owns its items. */
struct children {
	struct store *store;
	struct descriptors found;
	size_t alloc;
};

static void add_child(struct children *c, const struct descriptor *d)
{
	if (c->found.count == c->alloc) {
		c->alloc = c->alloc ? 2 * c->alloc : 16;
		c->found.items = xreallocarray(c->found.items, c->alloc, sizeof(*d));
	}
	descriptor_copy(d, &c->found.items[c->found.count++]);
}

static int collect(struct children *c, const struct descriptor *d, unsigned depth, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };

	if (d->media.kind != MEDIA_INDEX || depth > DEPTH_MAX)
		return 0;
	TRY(blobs_read(c->store->blobs, &d->digest, &bytes, err));
	TRY(document_parse(buf_str(&bytes), bytes.len, d->media_type, &doc, err));
	for (size_t i = 0; i < doc.index.manifests.count; i++) {
		const struct descriptor *child = &doc.index.manifests.items[i];

		if (child->digest.alg == DIGEST_NONE ||
		    blobs_stat(c->store->blobs, &child->digest, NULL, NULL) < 0)
			continue;
		add_child(c, child);
		TRY(collect(c, child, depth + 1, err));
	}
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	_reference_ struct reference from = { 0 }, to = { 0 };
	_descriptor_ struct descriptor target = { 0 };
	struct children children = { 0 };

	(void)values;
	TRY(image_parse_ref(cli->operands[0], &from, err));
	TRY(image_parse_ref(cli->operands[1], &to, err));
	if (to.digest.alg != DIGEST_NONE)
		return err_set(err, ERR_USAGE, "%s: a new name can't have a digest",
			       TEXT_ESCAPED(cli->operands[1]));
	reference_add_latest(&to);
	TRY(wire_store(cli, WIRE_WRITE, &children.store, err));
	TRY(images_resolve(children.store, &from, &target, err));
	int rc = collect(&children, &target, 0, err);

	if (rc == 0)
		rc = images_put(children.store, &to, &target, &children.found, err);
	descriptors_fini(&children.found);
	return rc;
}

const struct cmd cmd_tag = {
	.name = "tag",
	.summary = "Give an image of the store a further name",
	.operands = "SRC DST",
	.operands_min = 2,
	.operands_max = 2,
	.complete = COMPLETE_IMAGE,
	.run = run,
	.description =
		"DST names the same manifest or index as SRC; nothing is copied. A name that\n"
		"exists is moved.",
	.examples = "img tag debian:12 registry.example:5000/base/debian:12",
};
