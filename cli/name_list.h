/* SPDX-License-Identifier: Apache-2.0 */
/* Names as a registry lists them: a line each, as they come, or gathered for JSON. */
#ifndef IMG_CLI_NAME_LIST_H
#define IMG_CLI_NAME_LIST_H

#include "base/err.h"

struct json;

struct name_list {
	const char *prefix; /* printed before each with `separator`; NULL: nothing */
	char separator;
	struct json *array; /* NULL: print; else gather here (borrowed) */
};

/* A transport_name_fn; `arg` is a struct name_list. */
int name_list_take(void *arg, const char *name, struct err *err);

#endif
