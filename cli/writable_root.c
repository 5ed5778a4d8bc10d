/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a root names the manifest, which it keeps from the collector; the layers are read
 * from there: hundreds of them in a record would take longer than the mount.
 */
#include "cli/writable_root.h"

#include "base/text.h"
#include "cli/cli.h"
#include "cli/wire.h"

#include <string.h>

void writable_root_close(struct writable_root *r)
{
	local_tree_fini(&r->tree);
	image_config_fini(&r->image);
	mount_entry_fini(&r->entry);
}

static int open_tree_of(void *arg, const struct tree **ret, struct err *err)
{
	struct writable_root *r = arg;

	if (!r->tree.tree)
		TRY(local_tree_open(&r->cli->op, r->store, &r->image, &r->tree, err));
	*ret = r->tree.tree;
	return 0;
}

int writable_root_open(struct cli *cli, const char *name, struct writable_root *ret,
		       struct err *err)
{
	*ret = (struct writable_root){ .cli = cli };
	TRY(wire_store(cli, WIRE_WRITE, &ret->store, err));
	TRY(mounts_find(ret->store, name, &ret->entry, err));
	if (!ret->entry.is_writable) {
		const int rc = err_set(err, ERR_NOT_FOUND, "%s: a mount, not a writable root",
				       TEXT_ESCAPED(name));

		err_hint(err, "img mount --rw makes one");
		return rc;
	}
	if (local_config(ret->store, &ret->entry.manifest, &ret->image, err) < 0)
		return err_prefix(err, "%s: its image", ret->entry.id);
	ret->request = (struct mount_request){
		.store = ret->store,
		.image = ret->entry.image,
		.manifest = ret->entry.manifest,
		.diff_ids = ret->image.diff_ids,
		.layer_count = ret->image.diff_id_count,
		.tree = open_tree_of,
		.tree_arg = ret,
		.id = ret->entry.id,
		.is_writable = true,
	};
	return 0;
}
