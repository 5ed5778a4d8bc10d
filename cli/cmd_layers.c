/* SPDX-License-Identifier: Apache-2.0 */
/* img layers: the layers of an image, what made each and what it did to the files. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/image.h"
#include "cli/layer_list.h"
#include "cli/out.h"
#include "cli/table.h"
#include "pull/local.h"
#include "store/layerfiles.h"

struct flags {
	unsigned files;
	bool no_trunc;
	bool json;
};

static const struct opt options[] = {
	{ .name = "files",
	  .type = OPT_UINT,
	  .offset = offsetof(struct flags, files),
	  .arg = "N",
	  .help = "list the entries of layer N (the first is 1)" },
	{ .name = "no-trunc",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, no_trunc),
	  .help = "cut nothing" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a layer, or an entry" },
	OPT_END,
};

/* One layer; what needs its files is there when `has_files`. */
struct row {
	size_t number; /* from 1 */
	const struct descriptor *blob;
	const struct digest *diffid;
	struct digest chain;
	const char *created_by; /* or NULL */
	bool has_files;
	uint64_t raw_bytes;
	struct tree_layer_stats stats;
};

struct listing {
	const struct flags *flags;
	const struct image_content *content;
	struct local_tree tree;
	bool has_tree;
};

static struct row row_of(const struct listing *l, size_t i, const struct digest *parent)
{
	const struct image_content *c = l->content;
	const struct image_history *made = image_config_layer_history(&c->image, i);
	struct row row = { .number = i + 1,
			   .blob = &c->doc.manifest.layers.items[i],
			   .diffid = &c->image.diff_ids[i],
			   .created_by = made ? made->created_by : NULL,
			   .has_files = l->has_tree };

	chain_id(parent, row.diffid, &row.chain);
	if (row.has_files && l->tree.layers) {
		row.raw_bytes = layer_tar_bytes(l->tree.layers[i]);
		tree_layer_stats(l->tree.tree, (uint16_t)i, &row.stats);
	}
	return row;
}

static void add_digest(struct table *t, const struct digest *d, bool full)
{
	table_addf(t, full ? "%s" : "%.19s", DIGEST_TEXT(d));
}

static void add_number(struct table *t, bool is_known, uint64_t n)
{
	if (is_known)
		table_addf(t, "%" PRIu64, n);
	else
		table_add(t, "-");
}

static void put_row(const struct listing *l, struct table *t, const struct row *row)
{
	const bool full = l->flags->no_trunc, known = row->has_files;

	table_addf(t, "%zu", row->number);
	table_add(t, TEXT_SIZE(row->blob->size));
	table_add(t, known ? TEXT_SIZE(row->raw_bytes) : "-");
	add_digest(t, row->diffid, full);
	add_digest(t, &row->chain, full);
	add_number(t, known, row->stats.added);
	add_number(t, known, row->stats.changed);
	add_number(t, known, row->stats.removed);
	table_add(t, known ? TEXT_SIZE(row->stats.wasted_bytes) : "-");
	table_add(t, row->created_by);
}

static void set_number(struct json *o, const char *key, bool is_known, uint64_t n)
{
	json_set(o, key, is_known ? json_new_int((int64_t)n) : json_new_null());
}

static int put_json(const struct row *row, struct err *err)
{
	const bool known = row->has_files;
	struct json *o = json_new_object();

	json_set_int(o, "Number", (int64_t)row->number);
	json_set_str(o, "Digest", row->blob->digest_text);
	json_set_str(o, "MediaType", row->blob->media_type);
	json_set_int(o, "Size", (int64_t)row->blob->size);
	set_number(o, "RawSize", known, row->raw_bytes);
	json_set_str(o, "DiffID", DIGEST_TEXT(row->diffid));
	json_set_str(o, "ChainID", DIGEST_TEXT(&row->chain));
	set_number(o, "Added", known, row->stats.added);
	set_number(o, "Changed", known, row->stats.changed);
	set_number(o, "Removed", known, row->stats.removed);
	set_number(o, "AddedBytes", known, row->stats.added_bytes);
	set_number(o, "WastedBytes", known, row->stats.wasted_bytes);
	json_set_str(o, "CreatedBy", row->created_by);
	return out_json(o, 0, err);
}

static int put_all(const struct listing *l, struct err *err)
{
	const struct table_column columns[] = {
		{ .title = "#", .right = true },
		{ .title = "SIZE", .right = true },
		{ .title = "RAW", .right = true },
		{ .title = "DIFFID" },
		{ .title = "CHAINID" },
		{ .title = "ADDED", .right = true },
		{ .title = "CHANGED", .right = true },
		{ .title = "REMOVED", .right = true },
		{ .title = "WASTED", .right = true },
		{ .title = "CREATED BY", .max = l->flags->no_trunc ? 0 : 60 },
	};
	_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	struct digest parent;

	for (size_t i = 0; i < l->content->doc.manifest.layers.count; i++) {
		const struct row row = row_of(l, i, i ? &parent : NULL);

		if (l->flags->json)
			TRY(put_json(&row, err));
		else
			put_row(l, table, &row);
		parent = row.chain;
	}
	if (!l->flags->json)
		table_print(table, 0, stdout);
	return 0;
}

static bool has_all_layers(const struct image *image, const struct image_content *c)
{
	for (size_t i = 0; image->is_local && i < c->image.diff_id_count; i++)
		if (!layerfiles_has(image->store->layers, &c->image.diff_ids[i]))
			return false;
	return image->is_local;
}

static int list_layers(struct cli *cli, const struct image *image, struct listing *l,
		       struct err *err)
{
	if (has_all_layers(image, l->content)) {
		TRY(local_tree_open(&cli->op, image->store, &l->content->image, &l->tree, err));
		l->has_tree = true;
	}
	const int rc = put_all(l, err);

	if (l->has_tree)
		local_tree_fini(&l->tree);
	else if (rc == 0)
		cli_note(cli, "the rest needs the layers in the store: img pull %s",
			 cli->operands[0]);
	return rc;
}

static int list_files(struct cli *cli, const struct image *image, const struct listing *l,
		      struct err *err)
{
	const struct image_config *config = &l->content->image;
	const unsigned n = l->flags->files;
	struct layer_files files = { -1, -1, true };
	struct layer *layer = NULL;

	if (n > config->diff_id_count)
		return err_set(err, ERR_NOT_FOUND, "layer %u: the image has %zu", n,
			       config->diff_id_count);
	if (!image->is_local || !layerfiles_has(image->store->layers, &config->diff_ids[n - 1])) {
		err_set(err, ERR_NOT_FOUND, "layer %u is not in the store", n);
		err_hint(err, "img pull %s", cli->operands[0]);
		return -err_class(ERR_NOT_FOUND)->errnum;
	}
	TRY(layerfiles_open(image->store->layers, &config->diff_ids[n - 1], &files.tar_fd,
			    &files.idx_fd, err));
	TRY(layer_open(&cli->op, files, &layer, err));
	const int rc = layer_list_print(&cli->op, layer, l->flags->json, err);

	layer_free(layer);
	return rc;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	_image_content_ struct image_content content = { 0 };
	_image_ struct image image = { 0 };
	struct listing l = { .flags = values, .content = &content };

	TRY(image_open(cli, cli->operands[0], &image, err));
	TRY(image_load(cli, &image, &content, err));
	if (!content.is_image)
		return err_set(err, ERR_UNSUPPORTED, "not an image but an artifact: no layers");
	TRY(image_check(&content.doc.manifest, &content.image, err));
	return l.flags->files ? list_files(cli, &image, &l, err)
			      : list_layers(cli, &image, &l, err);
}

const struct cmd cmd_layers = {
	.name = "layers",
	.summary = "List the layers of an image, or the files of one",
	.operands = "IMAGE",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"SIZE is compressed, RAW is the tar. ADDED, CHANGED and REMOVED count names;\n"
		"WASTED are bytes of the layer that a later one hides. They need the layers in the\n"
		"store.",
	.examples = "img layers debian:12\nimg layers --files 1 debian:12 | grep bin/sh",
};
