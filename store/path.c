/* SPDX-License-Identifier: Apache-2.0 */
/* Where the store is when nobody says: root's in /var/lib, a user's by the XDG base directories. */
#include "base/mem.h"
#include "store/store.h"

#include <stdlib.h>
#include <unistd.h>

static bool is_set(const char *value)
{
	return value && *value;
}

int store_default_path(const char *flag, char **ret, struct err *err)
{
	const char *env = getenv("IMG_STORE");
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");

	if (flag && !*flag)
		return err_set(err, ERR_USAGE, "store: the name of the folder is empty");
	if (flag || is_set(env))
		*ret = xstrdup(flag ? flag : env);
	else if (geteuid() == 0)
		*ret = xstrdup("/var/lib/img");
	else if (is_set(data) &&
		 data[0] == '/') /* relative ones are to be ignored, says the spec */
		*ret = xasprintf("%s/img", data);
	else if (is_set(home) && home[0] == '/')
		*ret = xasprintf("%s/.local/share/img", home);
	else {
		const int rc = err_set(err, ERR_USAGE, "store: HOME is not set");

		err_hint(err, "name the folder with --store DIR or IMG_STORE");
		return rc;
	}
	return 0;
}
