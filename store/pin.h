/* SPDX-License-Identifier: Apache-2.0 */
/* The pins of the living, read by the collector. What sets them is in keep.h. */
#ifndef IMG_STORE_PIN_H
#define IMG_STORE_PIN_H

#include "base/err.h"
#include "store/reach.h"

/* Their files in staging/ are called this and 16 digits. */
#define PIN_PREFIX "pin-"

/* Adds what is pinned by now to the two sets. */
int pins_read(struct store *store, struct digest_set *blobs, struct digest_set *layers,
	      struct err *err);

#endif
