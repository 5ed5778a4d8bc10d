/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout (image-spec image-layout.md) as a transport: a folder with `oci-layout`,
 * `index.json` and blobs/<alg>/<hex>. Names are the annotation org.opencontainers.image.ref.name;
 * nested indexes are looked into, as umoci and skopeo write and read them. Whoever writes holds a
 * lock on the folder; index.json is replaced atomically, at finish. Blobs of a stranger's layout
 * are opened without following links and verified by whoever reads them.
 */
#ifndef IMG_TRANSPORT_LAYOUT_H
#define IMG_TRANSPORT_LAYOUT_H

#include "base/err.h"
#include "transport/transport.h"

enum layout_use {
	LAYOUT_READ,
	LAYOUT_WRITE, /* made when absent or an empty folder; ERR_USAGE for one with other things */
};
/*
 * Opens the layout. The names of its documents are ref names (else containerd's full names) and
 * digests; a digest need not be listed. Nothing is made before the first write. ERR_NOT_FOUND,
 * ERR_DAMAGED (not a layout, index.json that can't be read), ERR_UNSUPPORTED (another version).
 *
 * Names that were put are there after transport_finish, which replaces index.json: ERR_BUSY when
 * somebody else writes for more than a while (umoci too), ERR_CHANGED when a blob was removed
 * meanwhile. Entries and members of others are kept; a name that is put again means the new thing
 * alone. What was put without a name is listed without one, unless an index of this time names it.
 */
int layout_open(struct op *op, const char *path, enum layout_use use, struct transport **ret,
		struct err *err);
/*
 * The one name there is (a digest when it has none), when no name was said; ERR_USAGE listing them
 * when there are several, ERR_NOT_FOUND when there is none. Free with free().
 */
int layout_only_name(struct transport *t, char **ret, struct err *err);

#endif
