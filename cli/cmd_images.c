/* SPDX-License-Identifier: Apache-2.0 */
/* img images: what the store has names for. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/image.h"
#include "cli/image_facts.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/wire.h"
#include "store/images.h"

struct flags {
	bool digests;
	bool no_trunc;
	bool json;
};

static const struct opt options[] = {
	{ .name = "digests",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, digests),
	  .help = "show digests in full" },
	{ .name = "no-trunc",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, no_trunc),
	  .help = "cut nothing" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a line" },
	OPT_END,
};

struct listing {
	struct cli *cli;
	const struct flags *flags;
	struct store *store;
	struct table *table;
	const struct reference *only; /* repository and, when it was typed, tag; NULL: all */
};

static bool is_wanted(const struct listing *l, const struct image_name *name)
{
	if (!l->only)
		return true;
	_free_ char *repository = reference_repository(l->only);

	if (strcmp(repository, name->repository) != 0)
		return false;
	return !l->only->tag || (name->tag && !strcmp(l->only->tag, name->tag));
}

/* The shortest text that names it: what other commands take. */
static char *short_name(const struct image_name *name)
{
	_free_ char *full =
		name->tag ? xasprintf("%s:%s", name->repository, name->tag)
			  : xasprintf("%s@%s", name->repository, name->target.digest_text);
	_reference_ struct reference ref = { 0 };

	if (reference_parse(full, &ref, NULL) < 0)
		return TAKE_PTR(full);
	return reference_familiar(&ref);
}

static char *short_repository(const struct image_name *name)
{
	_reference_ struct reference ref = { 0 };

	if (reference_parse(name->repository, &ref, NULL) < 0)
		return xstrdup(name->repository);
	return reference_familiar(&ref);
}

static char *platforms_text(const struct image_facts *facts)
{
	_buf_ struct buf text = BUF_INIT(DOCUMENT_BYTES_MAX);

	for (size_t i = 0; i < facts->platform_count; i++)
		(void)buf_printf(&text, NULL, "%s%s", i ? "," : "", facts->platforms[i]);
	return buf_take(&text);
}

static int put_json(const struct image_name *name, const struct image_facts *facts, struct err *err)
{
	struct json *o = json_new_object(), *platforms = json_new_array();
	char stored[21];

	for (size_t i = 0; i < facts->platform_count; i++)
		json_add(platforms, json_new_str(facts->platforms[i]));
	json_set_str(o, "Repository", name->repository);
	json_set_str(o, "Tag", name->tag);
	json_set_str(o, "Digest", name->target.digest_text);
	json_set_str(o, "MediaType", name->target.media_type);
	json_set(o, "Platforms", platforms);
	json_set_str(o, "Created", facts->created);
	json_set_str(o, "StoredAt", text_rfc3339(stored, sizeof(stored), name->stored_at));
	json_set_int(o, "Size", (int64_t)facts->bytes);
	return out_json(o, 0, err);
}

static void put_row(const struct listing *l, const struct image_name *name,
		    const struct image_facts *facts)
{
	_free_ char *repository = short_repository(name), *platforms = platforms_text(facts);
	const bool full = l->flags->digests || l->flags->no_trunc;

	table_add(l->table, repository);
	table_add(l->table, name->tag ? name->tag : "<none>");
	if (full)
		table_add(l->table, name->target.digest_text);
	else
		table_addf(l->table, "%.12s", DIGEST_HEX(&name->target.digest));
	table_add(l->table, platforms);
	/* The day; the time of day says little. */
	table_addf(l->table, "%.10s", facts->created ? facts->created : "");
	table_add(l->table, TEXT_SIZE(facts->bytes));
}

static int take_name(void *arg, const struct image_name *name, struct err *err)
{
	struct listing *l = arg;

	if (!is_wanted(l, name))
		return 0;
	if (l->cli->globals.quiet && !l->flags->json) {
		_free_ char *text = short_name(name);

		return puts(text) < 0 ? err_sys(err, EPIPE, "standard output") : 0;
	}
	_image_facts_ struct image_facts facts = { 0 };

	TRY(op_check(&l->cli->op, err));
	image_facts_read(l->store, &name->target, &facts);
	if (l->flags->json)
		return put_json(name, &facts, err);
	put_row(l, name, &facts);
	return 0;
}

static int list(struct listing *l, struct err *err)
{
	const struct table_column columns[] = {
		{ .title = "REPOSITORY" },
		{ .title = "TAG" },
		{ .title = "DIGEST" },
		{ .title = "PLATFORMS", .max = l->flags->no_trunc ? 0 : 40 },
		{ .title = "CREATED" },
		{ .title = "SIZE", .right = true },
	};
	_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const bool is_table = !l->flags->json && !l->cli->globals.quiet;

	l->table = table;
	if (l->store)
		TRY(images_list(l->store, take_name, l, err));
	if (is_table)
		table_print(table, 0, stdout);
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	struct listing l = { .cli = cli, .flags = values };
	_reference_ struct reference only = { 0 };

	if (cli->operand_count) {
		TRY(reference_parse(cli->operands[0], &only, err));
		l.only = &only;
	}
	const int rc = wire_store(cli, WIRE_READ, &l.store, err);

	/* A store that is not there yet holds nothing. */
	if (rc < 0 && err->kind != ERR_NOT_FOUND)
		return rc;
	return list(&l, err);
}

const struct cmd cmd_images = {
	.name = "images",
	.summary = "List the images in the store",
	.operands = "[REPO[:TAG]]",
	.operands_max = 1,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"PLATFORMS are those that the store has; SIZE is what their blobs take, compressed\n"
		"as they came. With -q only names, one a line, as other commands take them. With\n"
		"--json: Repository, Tag, Digest, MediaType, Platforms, Created, StoredAt, Size.",
	.examples = "img images\nimg images --json debian",
};
