/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the parts are put together: the store, the network, places. Each is opened when a command
 * first asks, so that what it does not need costs nothing.
 */
#ifndef IMG_CLI_WIRE_H
#define IMG_CLI_WIRE_H

#include "base/err.h"

struct cli;
struct credentials;
struct fetch;
struct platform;
struct reference;
struct store;
struct transport;

enum wire_store_use { WIRE_READ, WIRE_WRITE };
/*
 * The store of this invocation, borrowed. WIRE_READ gives ERR_NOT_FOUND when there is none yet;
 * WIRE_WRITE makes it. Asking for WIRE_WRITE after WIRE_READ opens it anew: what was got from the
 * first is gone.
 */
int wire_store(struct cli *cli, enum wire_store_use use, struct store **ret, struct err *err);
/* The network, borrowed. */
int wire_fetch(struct cli *cli, struct fetch **ret, struct err *err);
/* The repository of `ref` in its registry; close with transport_close. */
int wire_registry(struct cli *cli, const struct reference *ref, struct transport **ret,
		  struct err *err);
/* The credential places; free with credentials_free. */
int wire_credentials(struct cli *cli, struct credentials **ret, struct err *err);
/* --platform: 1 and a value to be finished with platform_fini, or 0 when it was not given. */
int wire_platform(struct cli *cli, struct platform *ret, struct err *err);
/* Threads for work that keeps the processors busy: -j, else as many as there are processors. */
unsigned wire_jobs(const struct cli *cli);
/* Closes all. */
void wire_close(struct cli *cli);

#endif
