/* SPDX-License-Identifier: Apache-2.0 */
/* img digest: what a name means, in one line. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/image.h"
#include "cli/out.h"

struct flags {
	bool full_ref;
	bool json;
};

static const struct opt options[] = {
	{ .name = "full-ref",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, full_ref),
	  .help = "print REPO@DIGEST" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object: Reference, Digest, MediaType, Size" },
	OPT_END,
};

/* HEAD tells; for one platform of an index the documents must be read. */
static int find_digest(struct cli *cli, const struct image *image, struct descriptor *ret,
		       struct err *err)
{
	char scratch[DIGEST_TEXT_BYTES];

	if (!cli->image.platform)
		return transport_resolve(image->transport, &cli->op, image_key(image, scratch), ret,
					 err);
	_image_content_ struct image_content content = { 0 };

	TRY(image_load(cli, image, &content, err));
	descriptor_copy(&content.manifest->descriptor, ret);
	return 0;
}

static int print(const struct image *image, const struct descriptor *d, const struct flags *flags,
		 struct err *err)
{
	_free_ char *repository = reference_repository(&image->ref);

	if (flags->json) {
		_free_ char *reference = reference_canonical(&image->ref);
		struct json *o = json_new_object();

		json_set_str(o, "Reference", reference);
		json_set_str(o, "Digest", d->digest_text);
		json_set_str(o, "MediaType", d->media_type);
		json_set_int(o, "Size", (int64_t)d->size);
		return out_json(o, 0, err);
	}
	printf("%s%s%s\n", flags->full_ref ? repository : "", flags->full_ref ? "@" : "",
	       d->digest_text);
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	_descriptor_ struct descriptor d = { 0 };
	_image_ struct image image = { 0 };

	/* A registry is asked unless told otherwise: the point is what the name means now. */
	if (!cli->image.local && strncmp(cli->operands[0], "store:", 6) != 0)
		cli->image.remote = true;
	TRY(image_open(cli, cli->operands[0], &image, err));
	TRY(find_digest(cli, &image, &d, err));
	return print(&image, &d, values, err);
}

const struct cmd cmd_digest = {
	.name = "digest",
	.summary = "Print the digest that a name means in its registry",
	.operands = "REF",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Asks with HEAD, which fetches nothing and counts against no rate limit. With\n"
		"--platform the digest is that of the platform's manifest in the index.\n"
		"--local asks the store.",
	.examples = "img digest debian:12\nimg digest --full-ref --platform linux/arm64 debian",
};
