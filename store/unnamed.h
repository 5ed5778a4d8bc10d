/* SPDX-License-Identifier: Apache-2.0 */
/* Files in staging/ whose digest is known only when they are written. */
#ifndef IMG_STORE_UNNAMED_H
#define IMG_STORE_UNNAMED_H

#include "base/digest.h"
#include "base/err.h"

/* What stands for the digest in the name of such a file: random, never used twice. */
int unnamed_digest(struct digest *ret, struct err *err);

#endif
