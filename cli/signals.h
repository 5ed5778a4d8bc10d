/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C: the first asks the operation to stop, the second ends the process. */
#ifndef IMG_CLI_SIGNALS_H
#define IMG_CLI_SIGNALS_H

#include "base/op.h"

/*
 * From now on SIGINT and SIGTERM cancel `root`, which must live as long as the process; SIGPIPE
 * becomes EPIPE.
 */
void signals_install(struct op *root);

#endif
