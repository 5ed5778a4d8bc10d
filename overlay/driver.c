/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers by order and by name, and the one that is not there yet. */
#include "overlay/driver.h"

#include "base/text.h"
#include "overlay/mounts.h"

#include <string.h>

const struct driver *const drivers[] = {
	&driver_erofs, &driver_loop, &driver_unpacked, &driver_fuse, NULL,
};

int driver_find(const char *name, const struct driver **ret, struct err *err)
{
	*ret = NULL;
	if (!name || !strcmp(name, "auto"))
		return 0;
	for (const struct driver *const *d = drivers; *d; d++)
		if (!strcmp((*d)->name, name))
			*ret = *d;
	if (*ret)
		return 0;
	const int rc = err_set(err, ERR_USAGE, "%s: no such driver", TEXT_ESCAPED(name));

	err_hint(err, "auto, erofs, loop, unpacked or fuse");
	return rc;
}

static int fuse_probe(struct store *store, struct err *err)
{
	(void)store;
	return err_set(err, ERR_UNSUPPORTED, "img-fuse-overlay is not there yet");
}

static int fuse_lower(struct op *op, const struct mount_request *request,
		      const struct digest *chain_id, int *ret_mount, struct err *err)
{
	(void)op;
	(void)chain_id;
	TRY(fuse_probe(request->store, err));
	*ret_mount = -1;
	return 0;
}

const struct driver driver_fuse = {
	.name = "fuse",
	.probe = fuse_probe,
	.lower = fuse_lower,
};
