/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit from end to end. All that is written is pinned until the name is there, which comes last
 * and in a transaction of its own; before, nothing refers to it.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "store/images.h"

static int make_all(struct op *op, const struct commit_request *request, struct base_image *base,
		    struct commit_result *ret, struct err *err)
{
	_descriptor_ struct descriptor manifest = { 0 };
	_pin_ struct pin *pin = NULL;
	struct made_layer layer = { 0 };
	struct digest config;

	TRY(base_image_read(base, request, err));
	TRY(commit_check_changes(base, request, err));
	TRY(pin_new(request->store, &pin, err));
	TRY(commit_layer(op, request, pin, &layer, err));
	TRY(commit_documents(op, request, base, &layer, pin, &manifest, &config, err));
	TRY(op_check(op, err));
	TRY(images_put(request->store, request->ref, &manifest, NULL, err));
	*ret = (struct commit_result){ .manifest = manifest.digest,
				       .config = config,
				       .diff_id = layer.diff_id,
				       .blob = layer.blob,
				       .entries = layer.entries,
				       .tar_bytes = layer.tar_bytes,
				       .blob_bytes = layer.blob_bytes,
				       .is_empty = !layer.entries };
	return 0;
}

int commit_image(struct op *op, const struct commit_request *request, struct commit_result *ret,
		 struct err *err)
{
	_cleanup_(base_image_fini) struct base_image base;

	base_image_init(&base);
	return make_all(op, request, &base, ret, err);
}
