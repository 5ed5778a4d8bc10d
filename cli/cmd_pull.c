/* SPDX-License-Identifier: Apache-2.0 */
/* img pull: images from registries into the store. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/error.h"
#include "cli/image.h"
#include "cli/out.h"
#include "cli/pull_one.h"

struct flags {
	bool all_platforms;
	bool no_unpack;
	bool json;
	unsigned max_ratio;
};

static const struct opt options[] = {
	{ .name = "all-platforms",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, all_platforms),
	  .help = "all images of an index" },
	{ .name = "no-unpack",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, no_unpack),
	  .help = "fetch the blobs only, don't make layers ready for use" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a line: Reference, Digest, MediaType, Size, FetchedBytes, Current" },
	{ .name = "max-ratio",
	  .type = OPT_UINT,
	  .arg = "N",
	  .offset = offsetof(struct flags, max_ratio),
	  .help = "let a layer beyond 1 GB grow to N times its blob (default 200)" },
	OPT_END,
};

static int print(const struct reference *ref, const struct pull_result *result,
		 const struct flags *flags, struct err *err)
{
	_free_ char *repository = reference_repository(ref);

	if (flags->json) {
		_free_ char *reference = reference_canonical(ref);
		struct json *o = json_new_object();

		json_set_str(o, "Reference", reference);
		json_set_str(o, "Digest", result->target.digest_text);
		json_set_str(o, "MediaType", result->target.media_type);
		json_set_int(o, "Size", (int64_t)result->target.size);
		json_set_int(o, "FetchedBytes", (int64_t)result->fetched_bytes);
		json_set_bool(o, "Current", result->was_current);
		return out_json(o, 0, err);
	}
	printf("%s@%s\n", repository, result->target.digest_text);
	return 0;
}

static int pull(struct cli *cli, const char *operand, const struct flags *flags, struct err *err)
{
	const struct pull_one what = { .all_platforms = flags->all_platforms,
				       .no_unpack = flags->no_unpack,
				       .max_ratio = flags->max_ratio };
	_reference_ struct reference ref = { 0 };
	struct pull_result result = { 0 };

	TRY(image_parse_remote(operand, &ref, err));
	TRY(pull_one(cli, &ref, &what, &result, err));
	const int rc = print(&ref, &result, flags, err);

	pull_result_fini(&result);
	/* Each line as soon as it is true: the next image may take long. */
	fflush(stdout);
	return rc;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	int rc = 0;

	if (flags->all_platforms && cli->image.platform)
		return err_set(err, ERR_USAGE, "--platform and --all-platforms exclude each other");
	/* Each is tried; the first error decides, the others are said on the way. */
	for (size_t i = 0; i < cli->operand_count; i++) {
		struct err one = { 0 };
		const int one_rc = pull(cli, cli->operands[i], flags, &one);

		if (one_rc < 0 && rc < 0)
			error_print(stderr, &one, cli->err_is_color);
		if (one_rc < 0 && rc == 0) {
			rc = one_rc;
			*err = one;
		}
		if (op_is_cancelled(&cli->op))
			break;
	}
	return rc;
}

const struct cmd cmd_pull = {
	.name = "pull",
	.summary = "Copy images from registries into the store",
	.operands = "REF...",
	.operands_min = 1,
	.operands_max = CMD_ANY_COUNT,
	.groups = CMD_NETWORK | CMD_PLATFORM,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Prints REPO@DIGEST of each. What the store has already is not fetched; a blob that\n"
		"was interrupted goes on where it stopped, also in a later run. The name is\n"
		"recorded last, so an image is there whole or not at all.",
	.examples = "img pull debian:12\n"
		    "img pull --platform linux/arm64 alpine busybox\n"
		    "img pull localhost:5000/app@sha256:0123...",
};
