/* SPDX-License-Identifier: Apache-2.0 */
/* img copy: an image from a place to a place. */
#include "transport/copy.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/copy_place.h"
#include "cli/copy_report.h"
#include "cli/out.h"
#include "cli/wire.h"

struct flags {
	bool all_platforms;
	bool sparse;
	unsigned referrers; /* enum opt_ternary */
	bool dry_run;
	bool json;
};

static const struct opt options[] = {
	{ .name = "all-platforms",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, all_platforms),
	  .help = "the index with all of its images" },
	{ .name = "sparse",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, sparse),
	  .help = "the index as it is, with the images that are there, or with --platform alone" },
	{ .name = "referrers",
	  .type = OPT_TERNARY,
	  .offset = offsetof(struct flags, referrers),
	  .help = "signatures, attestations and all else that refers to it too (default true)" },
	{ .name = "dry-run",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, dry_run),
	  .help = "only print what would be moved" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object: Digest, Size, MovedBlobs, ..." },
	OPT_END,
};

static const struct copy_words say = { "move", "Moved" };

/* One copy: the flags and the two places. */
struct one {
	struct cli *cli;
	const struct flags *flags;
	struct copy_place from, to;
	struct json *plan; /* of --dry-run --json */
};

static void one_fini(struct one *one)
{
	copy_place_close(&one->from);
	copy_place_close(&one->to);
	json_free(one->plan);
}

static void print_step(void *arg, const struct descriptor *d, bool is_there)
{
	const struct one *one = arg;

	if (!one->plan) {
		copy_report_step(&say, d, is_there);
		return;
	}
	struct json *o = json_new_object();

	json_set_str(o, "Digest", d->digest_text);
	json_set_str(o, "MediaType", d->media_type);
	json_set_int(o, "Size", (int64_t)d->size);
	json_set_bool(o, "Exists", is_there);
	json_add(one->plan, o);
}

static int print_json(struct one *one, const struct copy_result *r, const char *target,
		      struct err *err)
{
	struct json *o = json_new_object();

	json_set_str(o, "Source", one->cli->operands[0]);
	json_set_str(o, "Target", target);
	copy_report_set(&say, o, r, one->flags->dry_run);
	if (one->plan)
		json_set(o, "Plan", TAKE_PTR(one->plan));
	return out_json(o, 0, err);
}

static int print(struct one *one, const struct copy_result *r, struct err *err)
{
	_free_ char *target = copy_place_result(&one->to, &r->target);

	if (one->flags->json)
		return print_json(one, r, target, err);
	copy_report_line(&say, target, r, one->flags->dry_run);
	return 0;
}

static enum copy_platforms platforms_of(const struct flags *flags)
{
	if (flags->all_platforms)
		return COPY_ALL;
	return flags->sparse ? COPY_SPARSE : COPY_ONE;
}

/* Which of an index came along is never left to guess. */
static void tell_platform(struct one *one, const struct copy_result *r)
{
	if (platforms_of(one->flags) == COPY_SPARSE)
		cli_note(one->cli, "sparse: the index may name images that were not copied");
	if (!r->is_of_index || one->cli->image.platform)
		return;
	cli_note(one->cli, "the image of this platform alone was copied, without its index; "
			   "--all-platforms copies all");
}

static int copy(struct one *one, struct err *err)
{
	struct cli *cli = one->cli;
	_platform_ struct platform platform = { 0 };
	_cleanup_(copy_result_fini) struct copy_result result = { 0 };
	const int wants = wire_platform(cli, &platform, err);
	const char *const names[] = { one->to.name };

	TRY(wants);
	const struct copy_request req = {
		.from = one->from.transport,
		.to = one->to.transport,
		.from_name = one->from.name,
		.to_names = names,
		.to_count = one->to.name ? 1 : 0,
		.platforms = platforms_of(one->flags),
		.platform = wants ? &platform : NULL,
		.referrers = one->flags->referrers != OPT_FALSE,
		.dry_run = one->flags->dry_run,
		.mount_from = copy_place_mount(&one->from, &one->to),
		.jobs = cli->net.jobs,
		.plan = one->flags->dry_run ? print_step : NULL,
		.arg = one,
	};

	TRY(copy_image(&cli->op, &req, &result, err));
	if (!one->flags->dry_run)
		TRY(transport_finish(one->to.transport, &cli->op, err));
	tell_platform(one, &result);
	return print(one, &result, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_cleanup_(one_fini) struct one one = { .cli = cli, .flags = flags };

	if (flags->all_platforms && (cli->image.platform || flags->sparse))
		return err_set(err, ERR_USAGE, "--all-platforms excludes --platform and --sparse");
	if (flags->dry_run && flags->json)
		one.plan = json_new_array();
	/* The one that is written first: it opens the store for both. */
	TRY(copy_place_open(cli, cli->operands[1], flags->dry_run ? COPY_PLACE_DRY : COPY_PLACE_TO,
			    &one.to, err));
	TRY(copy_place_open(cli, cli->operands[0], COPY_PLACE_FROM, &one.from, err));
	if (copy(&one, err) < 0)
		return err_prefix(err, "%s", TEXT_ESCAPED(cli->operands[0]));
	return 0;
}

const struct cmd cmd_copy = {
	.name = "copy",
	.summary = "Copy an image from a place to a place, bytes unchanged",
	.operands = "SRC DST",
	.operands_min = 2,
	.operands_max = 2,
	.groups = CMD_NETWORK | CMD_PLATFORM,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"SRC and DST are REF (in a registry), oci:DIR[:NAME] or store:NAME. Prints what\n"
		"the copy is: REPO@DIGEST. Bytes and digests stay as they are. What DST has is not\n"
		"moved; blobs that were interrupted go on where they stopped. The name comes last:\n"
		"it never means an image that is not whole.\n"
		"\n"
		"Of an index the image of one platform is copied, without the index, unless\n"
		"--all-platforms or --sparse says otherwise. What refers to the image (signatures,\n"
		"SBOMs, sha256-... tags) comes along.",
	.examples = "img copy debian:12 localhost:5000/debian:12\n"
		    "img copy --all-platforms debian:12 oci:backup:debian-12\n"
		    "img copy --dry-run oci:backup:debian-12 localhost:5000/debian:12",
};
