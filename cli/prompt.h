/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the person at the terminal. */
#ifndef IMG_CLI_PROMPT_H
#define IMG_CLI_PROMPT_H

#include "base/op.h"

#include <stdbool.h>

/*
 * Asks `question` on the terminal and reads one line, without echo when `secret`. Free with free(),
 * after wiping a secret. ERR_USAGE when there is no terminal; ERR_CANCELLED after Ctrl-C.
 */
int prompt_line(const struct op *op, const char *question, bool secret, char **ret,
		struct err *err);
/* All of standard input up to 64 KiB, one newline at the end taken off. */
int prompt_stdin(char **ret, struct err *err);

#endif
