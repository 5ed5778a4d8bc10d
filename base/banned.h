/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Force-included in every translation unit: functions that hide errors, overflow buffers or depend
 * on hidden state do not compile. The system headers that declare them come first, so that only
 * our own uses are refused.
 */
#ifndef IMG_BASE_BANNED_H
#define IMG_BASE_BANNED_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#ifndef IMG_ALLOW_BANNED
/* Macros in some C libraries (glibc's, hardened, under clang), and clang poisons no macro. */
#undef sprintf
#undef vsprintf
#pragma GCC poison atoi atol atoll atof strtol strtoul strtoll strtoull strtok strtok_r
#pragma GCC poison sscanf vsscanf strcpy strcat strncpy strncat sprintf vsprintf
#undef alloca
#undef strdupa
#undef strndupa
#pragma GCC poison mktemp tmpnam tempnam alloca strdupa strndupa
#pragma GCC poison asctime ctime gmtime localtime
#endif

#endif
