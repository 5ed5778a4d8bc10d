/* SPDX-License-Identifier: Apache-2.0 */
/* img inspect: what an image is. Of an image in the store this touches no network library. */
#include "base/json.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/inspect.h"
#include "cli/out.h"
#include "cli/template.h"

struct flags {
	bool json;
	bool raw;
	bool config;
	const char *format;
};

static const struct opt options[] = {
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object with skopeo's and docker's keys" },
	{ .name = "raw",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, raw),
	  .help = "the manifest or index, byte for byte (with --platform: that manifest)" },
	{ .name = "config",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, config),
	  .help = "the image config, byte for byte" },
	{ .name = "format",
	  .letter = 'f',
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, format),
	  .arg = "TEMPLATE",
	  .help = "a Go template over that object: '{{.Digest}}', '{{json .Config.Env}}'" },
	OPT_END,
};

/* Only the document that the name means; nothing below it is asked for. */
static int print_top(struct cli *cli, const struct image *image, struct err *err)
{
	struct transport_document doc = { 0 };
	char scratch[DIGEST_TEXT_BYTES];

	TRY(transport_get_document(image->transport, &cli->op, image_key(image, scratch), &doc,
				   err));
	const int rc = out_bytes(doc.bytes.data, doc.bytes.len, err);

	transport_document_fini(&doc);
	return rc;
}

static int print_file(const struct plan_document *file, struct err *err)
{
	return out_bytes(file->bytes.data, file->bytes.len, err);
}

static int print_format(const struct json *object, const char *format, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEMPLATE_OUTPUT_MAX);

	TRY(template_run(format, object, &text, err));
	TRY(buf_append_char(&text, '\n', err));
	return out_bytes(text.data, text.len, err);
}

static int print_object(const struct image *image, const struct image_content *content,
			const struct flags *flags, struct err *err)
{
	_json_ struct json *object = NULL;

	TRY(inspect_json(image, content, &object, err));
	if (flags->format && strcmp(flags->format, "json") != 0)
		return print_format(object, flags->format, err);
	struct json *owned = object;

	object = NULL;
	return out_json(owned, 4, err);
}

static int check_flags(const struct flags *flags, struct err *err)
{
	const int chosen = flags->json + flags->raw + flags->config + (flags->format != NULL);

	/* skopeo's `--config --raw` means the bytes of the config, which --config gives anyway. */
	if (chosen > 1 && !(chosen == 2 && flags->raw && flags->config))
		return err_set(err, ERR_USAGE,
			       "--json, --raw, --config and --format exclude each other");
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_image_content_ struct image_content content = { 0 };
	_image_ struct image image = { 0 };

	TRY(check_flags(flags, err));
	TRY(image_open(cli, cli->operands[0], &image, err));
	if (flags->raw && !flags->config && !cli->image.platform)
		return print_top(cli, &image, err);
	TRY(image_load(cli, &image, &content, err));
	if (flags->config)
		return print_file(content.config, err);
	if (flags->raw)
		return print_file(content.manifest, err);
	if (flags->json || flags->format)
		return print_object(&image, &content, flags, err);
	inspect_text(&image, &content, stdout);
	return 0;
}

const struct cmd cmd_inspect = {
	.name = "inspect",
	.summary = "Show what an image is",
	.operands = "IMAGE",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"IMAGE is REF: the store's image of that name, else the registry's (store:REF and\n"
		"docker://REF say which). Of an image in a registry only the documents are\n"
		"fetched, no layers and no list of tags.\n"
		"\n"
		"--raw and --config add no newline: `| sha256sum` gives the digest.",
	.examples = "img inspect debian:12\n"
		    "img inspect --format '{{.Digest}} {{.Os}}/{{.Architecture}}' debian:12\n"
		    "img inspect --raw docker://debian | sha256sum",
};
