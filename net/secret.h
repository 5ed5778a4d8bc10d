/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that held a secret: overwritten before it is given back. */
#ifndef IMG_NET_SECRET_H
#define IMG_NET_SECRET_H

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

/* Wipes and frees. NULL is fine. */
void secret_free(char *s);
/* Wipes all that was allocated and empties the buffer. */
void secret_buf_fini(struct buf *b);
/* Wipes every string of the value, which must not be used after but to be freed. */
void secret_json_wipe(const struct json *v);
/* The same, and frees it. */
void secret_json_free(struct json *root);

DEFINE_CLEANUP(secret_free, char *)
DEFINE_CLEANUP(secret_json_free, struct json *)

#define _secret_      __attribute__((cleanup(secret_free_p)))
#define _secret_buf_  __attribute__((cleanup(secret_buf_fini)))
#define _secret_json_ __attribute__((cleanup(secret_json_free_p)))

#endif
