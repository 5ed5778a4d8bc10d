/* SPDX-License-Identifier: Apache-2.0 */
/* img df: what the store's space is used for. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/error.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/wire.h"
#include "store/usage.h"

#include <inttypes.h>

struct flags {
	bool json;
	bool verbose;
};

static const struct opt options[] = {
	{ .name = "verbose",
	  .letter = 'v',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, verbose),
	  .help = "a row for each image besides" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object; with -v its member Images is filled" },
	OPT_END,
};

static void put_kinds(const struct usage *u)
{
	static const struct table_column columns[] = {
		{ .title = "KIND" },
		{ .title = "COUNT", .right = true },
		{ .title = "SIZE", .right = true },
		{ .title = "RECLAIMABLE", .right = true },
	};
	_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	uint64_t bytes = 0, reclaimable = 0;

	for (size_t i = 0; i < USAGE_KIND_COUNT; i++) {
		const struct usage_row *row = &u->rows[i];

		table_add(table, usage_kind_name(i));
		table_addf(table, "%" PRIu64, row->count);
		table_add(table, TEXT_SIZE(row->bytes));
		table_add(table,
			  u->unsure.kind == ERR_NONE ? TEXT_SIZE(row->reclaimable_bytes) : "?");
		bytes += row->bytes;
		reclaimable += row->reclaimable_bytes;
	}
	table_add(table, "Total");
	table_add(table, "");
	table_add(table, TEXT_SIZE(bytes));
	table_add(table, u->unsure.kind == ERR_NONE ? TEXT_SIZE(reclaimable) : "?");
	table_print(table, 0, stdout);
}

static void put_images(const struct usage *u)
{
	static const struct table_column columns[] = {
		{ .title = "IMAGE" },
		{ .title = "SIZE", .right = true },
		{ .title = "SHARED", .right = true },
		{ .title = "OWN", .right = true },
	};
	_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < u->image_count; i++) {
		const struct usage_image *image = &u->images[i];

		table_add(table, image->name);
		table_add(table, TEXT_SIZE(image->total_bytes));
		table_add(table, TEXT_SIZE(image->shared_bytes));
		table_add(table, TEXT_SIZE(image->total_bytes - image->shared_bytes));
	}
	putchar('\n');
	table_print(table, 0, stdout);
}

static struct json *kinds_json(const struct usage *u)
{
	struct json *kinds = json_new_array();

	for (size_t i = 0; i < USAGE_KIND_COUNT; i++) {
		const struct usage_row *row = &u->rows[i];
		const bool known = u->unsure.kind == ERR_NONE;
		struct json *o = json_new_object();

		json_set_str(o, "Kind", usage_kind_name(i));
		json_set_int(o, "Count", (int64_t)row->count);
		json_set_int(o, "Size", (int64_t)row->bytes);
		json_set(o, "ReclaimableCount",
			 known ? json_new_int((int64_t)row->reclaimable_count) : json_new_null());
		json_set(o, "Reclaimable",
			 known ? json_new_int((int64_t)row->reclaimable_bytes) : json_new_null());
		json_add(kinds, o);
	}
	return kinds;
}

static int put_json(const struct usage *u, bool with_images, struct err *err)
{
	struct json *o = json_new_object(), *images = json_new_array();

	for (size_t i = 0; with_images && i < u->image_count; i++) {
		const struct usage_image *image = &u->images[i];
		struct json *one = json_new_object();

		json_set_str(one, "Name", image->name);
		json_set_str(one, "Digest", DIGEST_TEXT(&image->target));
		json_set_int(one, "Size", (int64_t)image->total_bytes);
		json_set_int(one, "Shared", (int64_t)image->shared_bytes);
		json_set_int(one, "Own", (int64_t)(image->total_bytes - image->shared_bytes));
		json_add(images, one);
	}
	json_set(o, "Kinds", kinds_json(u));
	json_set_int(o, "ImageCount", (int64_t)u->image_count);
	json_set(o, "Images", images);
	return out_json(o, 0, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_usage_ struct usage usage = { 0 };
	struct store *store = NULL;
	const int rc = wire_store(cli, WIRE_READ, &store, err);

	/* A store that is not there yet takes nothing. */
	if (rc < 0 && err->kind != ERR_NOT_FOUND)
		return rc;
	err_clear(err);
	if (store)
		TRY(usage_measure(&cli->op, store, &usage, err));
	if (flags->json)
		return put_json(&usage, flags->verbose, err);
	put_kinds(&usage);
	if (flags->verbose)
		put_images(&usage);
	if (usage.unsure.kind != ERR_NONE)
		cli_note(cli, "what gc would free is not known: %s", usage.unsure.msg);
	return 0;
}

const struct cmd cmd_df = {
	.name = "df",
	.summary = "Say what uses the store's space",
	.operands = "",
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Sizes are those on disk; RECLAIMABLE is what img gc would free. With -v a row for\n"
		"each image: all that it needs, what other images need too, and what is its own.\n"
		"Names of the same image have the same numbers.",
	.examples = "img df\nimg df -v\nimg df --json",
};
