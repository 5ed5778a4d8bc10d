/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one file of a layer on their way to a descriptor. */
#ifndef IMG_CLI_LOOK_COPY_H
#define IMG_CLI_LOOK_COPY_H

#include "base/op.h"
#include "layers/layer.h"

/*
 * Writes all of entry `entry`, a file, to standard output past stdio; inside the kernel where that
 * can be, holes as zeros.
 */
int look_copy(struct op *op, const struct layer *layer, size_t entry, struct err *err);

#endif
