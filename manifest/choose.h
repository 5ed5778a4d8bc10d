/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which entry of an index serves a platform: containerd's order, the first among equals (image-spec
 * image-index.md).
 */
#ifndef IMG_MANIFEST_CHOOSE_H
#define IMG_MANIFEST_CHOOSE_H

#include "base/err.h"
#include "manifest/document.h"
#include "manifest/platform.h"

#include <stdbool.h>

/*
 * Finds the best entry for `want`. Attestations, artifacts and entries of unknown type are passed
 * over. Returns
 *   0  *ret is the best of the entries that state a matching platform (it may be a nested index);
 *   1  none does, but *ret is the first that states none: the caller reads its config (or its
 *      index) and asks platform_match_rank, then goes on with index_next_unstated, and at the end
 *      calls index_no_match;
 *   -ENOENT (ERR_NOT_FOUND, the message lists what is available) otherwise.
 * *ret is borrowed from `index`.
 */
int index_choose(const struct index *index, const struct platform *want,
		 const struct descriptor **ret, struct err *err);
/*
 * The next image or index entry without a platform after `entry` (NULL: from the start), or NULL.
 */
const struct descriptor *index_next_unstated(const struct index *index,
					     const struct descriptor *entry);
/*
 * Sets ERR_NOT_FOUND "no image for linux/s390x (available: linux/amd64, linux/arm64/v8)" and its
 * hint; returns -ENOENT.
 */
int index_no_match(const struct index *index, const struct platform *want, struct err *err);
/*
 * True for an entry that is an image or an index: known type, not an attestation, not an artifact.
 * What --all-platforms unpacks.
 */
bool index_entry_is_image(const struct descriptor *entry);

#endif
