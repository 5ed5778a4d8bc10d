/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit from end to end. All that is written is pinned until the name is there, which comes last
 * and in a transaction of its own; before, nothing refers to it.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "store/images.h"

static void commit_fini(struct commit *c)
{
	base_image_fini(&c->base);
	pin_free(c->pin);
}

int commit_image(struct op *op, const struct commit_request *request, struct commit_result *ret,
		 struct err *err)
{
	_cleanup_(commit_fini) struct commit c = { .op = op, .request = request };
	_descriptor_ struct descriptor manifest = { 0 };
	struct digest config;

	TRY(commit_read_base(&c, err));
	TRY(commit_check_changes(&c, err));
	TRY(pin_new(request->store, &c.pin, err));
	TRY(commit_layer(&c, err));
	TRY(commit_documents(&c, &manifest, &config, err));
	TRY(op_check(op, err));
	TRY(images_put(request->store, request->ref, &manifest, NULL, err));
	*ret = (struct commit_result){ .manifest = manifest.digest,
				       .config = config,
				       .diff_id = c.layer.diff_id,
				       .blob = c.layer.blob,
				       .entries = c.layer.entries,
				       .tar_bytes = c.layer.tar_bytes,
				       .blob_bytes = c.layer.blob_bytes,
				       .is_empty = !c.layer.entries };
	return 0;
}
