/* SPDX-License-Identifier: Apache-2.0 */
/* Columns that text takes on a terminal, without the locale tables of the C library. */
#ifndef IMG_CLI_WIDTH_H
#define IMG_CLI_WIDTH_H

#include <stddef.h>

/*
 * Columns of UTF-8 text without control characters: combining marks take none, East Asian wide
 * characters and emoji two.
 */
size_t width_of(const char *text, size_t len);
/* Bytes of the longest beginning that takes at most `columns`. */
size_t width_fit(const char *text, size_t len, size_t columns);

#endif
