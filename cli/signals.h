/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C: the first asks the operation to stop, the second ends the process. */
#ifndef IMG_CLI_SIGNALS_H
#define IMG_CLI_SIGNALS_H

#include "base/op.h"

/*
 * From now on SIGINT, SIGTERM and SIGHUP cancel `root`, which must live as long as the process;
 * SIGPIPE becomes EPIPE. SIGINT and SIGHUP stay ignored where they were (nohup, `&` in scripts).
 */
void signals_install(struct op *root);

#endif
