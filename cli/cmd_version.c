/* SPDX-License-Identifier: Apache-2.0 */
/* img version: ours, and that of what we stand on. */
#include "base/json.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/out.h"
#include "net/http.h"
#include "store/store.h"
#include "stream/library.h"

#include <gnu/libc-version.h>
#include <sys/utsname.h>

struct flags {
	bool json;
};

static const struct opt options[] = {
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object" },
	OPT_END,
};

static struct json *facts(void)
{
	struct json *o = json_new_object();
	struct utsname os;
	char curl[96];

	json_set_str(o, "Version", IMG_VERSION);
	json_set_str(o, "Curl", http_library_version(curl, sizeof(curl), NULL) < 0 ? NULL : curl);
	json_set_str(o, "SHA2", library_sha2());
	json_set_str(o, "Gzip", library_gzip());
	json_set_str(o, "Zstd", library_zstd());
	json_set_str(o, "SQLite", store_library_version());
	json_set_str(o, "Jansson", json_library_version());
	json_set_str(o, "Compiler", __VERSION__);
	json_set_str(o, "LibC", gnu_get_libc_version());
	if (uname(&os) == 0) {
		json_set_str(o, "Kernel", os.release);
		json_set_str(o, "Machine", os.machine);
	}
	return o;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	struct json *o = facts();
	struct json_iter it;

	(void)cli;
	if (flags->json)
		return out_json(o, 4, err);
	_json_ struct json *owned = o;

	for (json_iter_init(&it, owned); json_iter_next(&it);)
		printf("%-10s %s\n", it.key, json_str(it.value, "none"));
	return 0;
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "Print the versions of img and of what it uses",
	.operands = "",
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
};
