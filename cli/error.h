/* SPDX-License-Identifier: Apache-2.0 */
/* How a command ends: what the user reads on stderr, and the exit status. */
#ifndef IMG_CLI_ERROR_H
#define IMG_CLI_ERROR_H

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

/* `img: error: WHAT: WHY`, then `img: hint: ...` when there is one. */
void error_print(FILE *to, const struct err *err, bool color);
/* The exit status of an error, from its kind. */
int error_status(const struct err *err);

#endif
