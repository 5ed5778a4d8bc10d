/* SPDX-License-Identifier: Apache-2.0 */
/* img rmi: forgets names of the store. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/error.h"
#include "cli/image.h"
#include "cli/out.h"
#include "cli/wire.h"
#include "store/images.h"

struct flags {
	bool json;
};

static const struct opt options[] = {
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a line: Removed, Digest" },
	OPT_END,
};

static int say(void *arg, const struct image_name *name, struct err *err)
{
	const struct flags *flags = arg;
	const char *digest = name->target.digest_text;

	if (flags->json) {
		_free_ char *text = name->tag ? xasprintf("%s:%s", name->repository, name->tag)
					      : xasprintf("%s@%s", name->repository, digest);
		struct json *o = json_new_object();

		json_set_str(o, "Removed", text);
		json_set_str(o, "Digest", digest);
		return out_json(o, 0, err);
	}
	printf("Untagged: %s%s%s@%s\n", name->repository, name->tag ? ":" : "",
	       name->tag ? name->tag : "", digest);
	return 0;
}

static int remove_one(struct cli *cli, const char *name, const struct flags *flags, struct err *err)
{
	_reference_ struct reference ref = { 0 };
	struct store *store;

	TRY(image_parse_ref(name, &ref, err));
	TRY(wire_store(cli, WIRE_WRITE, &store, err));
	return images_remove(store, &ref, say, (void *)flags, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	int rc = 0;

	/* All are tried; the first error is the result, the others are said on the way. */
	for (size_t i = 0; i < cli->operand_count; i++) {
		struct err one = { 0 };
		const int one_rc = remove_one(cli, cli->operands[i], values, &one);

		if (one_rc < 0 && rc < 0)
			error_print(stderr, &one, cli->err_is_color);
		if (one_rc < 0 && rc == 0) {
			rc = one_rc;
			*err = one;
		}
	}
	return rc;
}

const struct cmd cmd_rmi = {
	.name = "rmi",
	.summary = "Forget names of images in the store",
	.operands = "NAME...",
	.operands_min = 1,
	.operands_max = CMD_ANY_COUNT,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description = "Removes the names only, and says which; the bytes stay until they are\n"
		       "collected. REPO@DIGEST forgets a manifest and the tags that mean it.",
	.examples = "img rmi debian:12\nimg rmi $(img images -q)",
};
