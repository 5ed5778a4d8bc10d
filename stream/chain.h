/* SPDX-License-Identifier: Apache-2.0 */
/* The ChainID: the name of a stack of layers (image-spec config.md, "Layer ChainID"). */
#ifndef IMG_STREAM_CHAIN_H
#define IMG_STREAM_CHAIN_H

#include "base/digest.h"

/* Of the first layer (parent NULL) its DiffID, then sha256(parent + " " + DiffID). */
void chain_id(const struct digest *parent, const struct digest *diffid, struct digest *ret);

#endif
