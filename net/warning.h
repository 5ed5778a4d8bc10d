/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Warning header as registries use it: `Warning: 299 - "text"` (distribution-spec, "Warnings").
 */
#ifndef IMG_NET_WARNING_H
#define IMG_NET_WARNING_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Takes the next warning with code 299 and agent "-" from a header line: *at moves on, `text` gets
 * the unquoted text (not escaped for a terminal). Returns 1, or 0 at the end of the line. Other
 * codes are passed over.
 */
int warning_next(const char **at, struct buf *text, struct err *err);

#endif
