/* SPDX-License-Identifier: Apache-2.0 */
/* Which SQLite this is, for whoever reports a fault. */
#include "store/store.h"

#include <sqlite3.h>

const char *store_library_version(void)
{
	return sqlite3_libversion();
}
