/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a tar in chunks of several sizes and compares what comes out with a text, entries separated
 * by "; ":
 * TYPE NAME[->LINK] [UID:GID] [at SECONDS.NANOSECONDS] SIZE@HEADER-DATA [holds STORED
 * [LOGICAL+BYTES ...]] [XATTR=VALUE ...]
 */
#ifndef TESTS_LAYERS_TARCHECK_H
#define TESTS_LAYERS_TARCHECK_H

#include "base/buf.h"
#include "tests/unit/layers/tarmaker.h"

/* Frees the tar. `want` is the text, or '!' and a part of the error. */
void tarcheck(struct tarmaker *t, const char *title, const char *want);
/* Appends the text of what was read. */
int tarcheck_read(const struct tarmaker *t, size_t chunk, struct buf *out, struct err *err);

#endif
