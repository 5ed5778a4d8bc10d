/* SPDX-License-Identifier: Apache-2.0 */
/* Printing lists of names. A reader that is gone ends the listing, however many pages were left. */
#include "cli/name_list.h"

#include "base/json.h"
#include "cli/out.h"

#include <errno.h>
#include <stdio.h>

int name_list_take(void *arg, const char *name, struct err *err)
{
	const struct name_list *list = arg;

	if (list->array) {
		json_add(list->array, json_new_str(name));
		return 0;
	}
	if (list->prefix) {
		out_escaped(list->prefix);
		putchar(list->separator);
	}
	out_escaped(name);
	putchar('\n');
	return ferror(stdout) ? err_sys(err, EPIPE, "standard output") : 0;
}
