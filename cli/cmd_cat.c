/* SPDX-License-Identifier: Apache-2.0 */
/* img cat: the bytes of files of an image. */
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/look.h"
#include "cli/look_copy.h"
#include "cli/look_layer.h"

#include <sys/stat.h>

struct flags {
	unsigned layer;
};

static const struct opt options[] = {
	{ .name = "layer",
	  .type = OPT_UINT,
	  .offset = offsetof(struct flags, layer),
	  .arg = "N",
	  .help = "as layer N has it (the first is 1)" },
	OPT_END,
};

static const char *kind_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a fifo";
	default:
		return "a device";
	}
}

static int cat_path(struct cli *cli, struct look *look, const char *path, struct err *err)
{
	struct peek_found found;
	struct tree_stat st;

	TRY(look_path(cli, look, (struct peek_path){ path, true }, &found, err));
	tree_stat(found.tree, found.node, &st);
	if (!S_ISREG(st.mode))
		return err_set(err, ERR_FAILED, "'%s': %s", TEXT_ESCAPED(path), kind_of(st.mode));
	return look_copy(&cli->op, tree_layer(found.tree, st.layer), st.entry, err);
}

static int cat_layer(struct cli *cli, struct look *look, const struct flags *flags,
		     const char *path, struct err *err)
{
	const struct layer *layer;
	size_t entry;

	TRY(look_layer(cli, look, flags->layer, &layer, err));
	TRY(look_layer_file(layer, path, &entry, err));
	return look_copy(&cli->op, layer, entry, err);
}

/* The operands; an image that several name is opened once. */
struct place {
	char *image;
	const char *path;
	struct look *look; /* of the first with that image */
	struct look own;
};
struct places {
	struct place *items;
	size_t count;
};

static void places_fini(struct places *p)
{
	for (size_t i = 0; i < p->count; i++) {
		look_close(&p->items[i].own);
		free(p->items[i].image);
	}
	free(p->items);
}

static int split_all(const struct cli *cli, struct places *p, struct err *err)
{
	p->items = xcalloc(cli->operand_count, sizeof(p->items[0]));
	for (size_t i = 0; i < cli->operand_count; i++) {
		struct place *at = &p->items[p->count++];

		look_split(cli->operands[i], &at->image, &at->path);
		if (!at->path) {
			err_set(err, ERR_USAGE, "%s: which file?", TEXT_ESCAPED(at->image));
			err_hint(err, "img cat %s:/PATH", TEXT_ESCAPED(at->image));
			return -err_class(ERR_USAGE)->errnum;
		}
	}
	return 0;
}

static int open_place(struct cli *cli, struct places *p, size_t i, struct err *err)
{
	struct place *at = &p->items[i];
	const struct look_request request = { .image = at->image, .with_data = true };

	for (size_t k = 0; k < i; k++)
		if (!strcmp(p->items[k].image, at->image)) {
			at->look = p->items[k].look;
			return 0;
		}
	at->look = &at->own;
	return look_open(cli, &request, at->look, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_cleanup_(places_fini) struct places places = { 0 };

	TRY(split_all(cli, &places, err));
	for (size_t i = 0; i < places.count; i++) {
		struct place *at = &places.items[i];

		TRY(open_place(cli, &places, i, err));
		if (flags->layer)
			TRY(cat_layer(cli, at->look, flags, at->path, err));
		else
			TRY(cat_path(cli, at->look, at->path, err));
	}
	return 0;
}

const struct cmd cmd_cat = {
	.name = "cat",
	.summary = "Print files of an image",
	.operands = "IMAGE:PATH...",
	.operands_min = 1,
	.operands_max = CMD_ANY_COUNT,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"The exact bytes, one file after the other. PATH begins with a slash; symbolic links\n"
		"are followed inside the image. Of an image that is not in the store, layers are\n"
		"fetched from the top until one decides what PATH is, and nothing is kept.\n"
		"\n"
		"With --layer the file is read as that layer has it, also when a later one replaces or\n"
		"removes it.",
	.examples = "img cat debian:12:/etc/os-release\n"
		    "img cat --layer 1 debian:12:/etc/passwd # before later layers changed it",
};
