/* SPDX-License-Identifier: Apache-2.0 */
/* img ls: the files of an image, as ls(1) lists them. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/layer_list.h"
#include "cli/look.h"
#include "cli/look_layer.h"
#include "cli/look_row.h"
#include "cli/out.h"

#include <sys/stat.h>

/* Longest path: TREE_DEPTH_MAX names of 255 bytes, and what the user typed. */
#define PATH_BYTES_MAX ((size_t)4 << 20)

struct flags {
	bool is_long;
	bool recursive;
	bool itself;
	bool all;
	bool json;
	unsigned layer;
};

static const struct opt options[] = {
	{ .name = "long",
	  .letter = 'l',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, is_long),
	  .help = "mode, links, owner, group, size, time (UTC) and layer too" },
	{ .name = "recursive",
	  .letter = 'R',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, recursive),
	  .help = "the folders in it too" },
	{ .name = "directory",
	  .letter = 'd',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, itself),
	  .help = "a folder itself, not what is in it" },
	{ .name = "layer",
	  .type = OPT_UINT,
	  .offset = offsetof(struct flags, layer),
	  .arg = "N",
	  .help = "what layer N has there, whiteouts too (the first is 1)" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a name" },
	{ .name = "all",
	  .letter = 'a',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, all),
	  .help = "nothing is left out in any case",
	  .hidden = true },
	OPT_END,
};

struct listing {
	struct cli *cli;
	const struct flags *flags;
	const struct tree *tree;
	struct buf path; /* of the folder that is listed */
	bool was_one;	 /* a blank line goes before the next */
};

static int put_line(struct listing *l, const struct look_widths *widths, uint32_t node,
		    const char *name, struct err *err)
{
	struct tree_stat st;

	if (ferror(stdout))
		return err_sys(err, EPIPE, "standard output");
	if (l->flags->is_long) {
		tree_stat(l->tree, node, &st);
		look_print(widths, &st, name);
		return 0;
	}
	out_escaped(name);
	putchar('\n');
	return 0;
}

static int put_json(struct listing *l, uint32_t node, const char *name, struct err *err)
{
	const size_t len = l->path.len;
	int rc;

	if (len && l->path.data[len - 1] != '/')
		TRY(buf_append_char(&l->path, '/', err));
	TRY(buf_append_str(&l->path, name, err));
	rc = out_json(look_json(l->tree, node, buf_str(&l->path)), 0, err);
	l->path.len = len;
	l->path.data[len] = '\0';
	return rc;
}

static int put_folder(struct listing *l, uint32_t dir, struct err *err)
{
	struct look_widths widths = { 0 };
	struct tree_stat st;

	TRY(op_check(&l->cli->op, err));
	for (uint32_t i = tree_first_child(l->tree, dir); l->flags->is_long && i != TREE_NONE;
	     i = tree_next_sibling(l->tree, i)) {
		tree_stat(l->tree, i, &st);
		look_measure(&widths, &st);
	}
	if (l->flags->recursive && !l->flags->json) {
		if (l->was_one)
			putchar('\n');
		out_escaped(buf_str(&l->path));
		fputs(":\n", stdout);
		l->was_one = true;
	}
	for (uint32_t i = tree_first_child(l->tree, dir); i != TREE_NONE;
	     i = tree_next_sibling(l->tree, i))
		TRY(l->flags->json ? put_json(l, i, tree_name(l->tree, i), err)
				   : put_line(l, &widths, i, tree_name(l->tree, i), err));
	return 0;
}

/* The folder `dir`, whose path ends where the one of `top` did, as a path below it. */
static int set_path(struct listing *l, size_t top_len, uint32_t top, uint32_t dir, struct err *err)
{
	_buf_ struct buf below = BUF_INIT(PATH_BYTES_MAX), above = BUF_INIT(PATH_BYTES_MAX);

	l->path.len = top_len;
	TRY(tree_path(l->tree, top, &above, err));
	TRY(tree_path(l->tree, dir, &below, err));
	if (below.len == above.len)
		return 0;
	const char *rest = buf_str(&below) + above.len + (above.len > 0);

	if (l->path.data[l->path.len - 1] != '/')
		TRY(buf_append_char(&l->path, '/', err));
	return buf_append_str(&l->path, rest, err);
}

static int put_folders(struct listing *l, uint32_t top, struct err *err)
{
	const size_t top_len = l->path.len;
	struct tree_stat st;

	TRY(put_folder(l, top, err));
	if (!l->flags->recursive)
		return 0;
	for (uint32_t i = tree_walk_next(l->tree, top, top); i != TREE_NONE;
	     i = tree_walk_next(l->tree, top, i)) {
		tree_stat(l->tree, i, &st);
		if (!S_ISDIR(st.mode))
			continue;
		TRY(set_path(l, top_len, top, i, err));
		TRY(put_folder(l, i, err));
	}
	return 0;
}

/* Finds what is to be listed: as ls does, through a last link to a folder unless -l or -d. */
static int find(struct listing *l, struct look *look, const char *path, uint32_t *ret,
		struct err *err)
{
	const bool may_follow = !l->flags->is_long && !l->flags->itself;
	struct peek_found found;
	struct tree_stat st;
	uint32_t target;

	if (!strcmp(path, "/") && !l->flags->itself) {
		*ret = TREE_ROOT;
		return look_tree(l->cli, look, &l->tree, err);
	}
	TRY(look_path(l->cli, look, (struct peek_path){ path, false }, &found, err));
	l->tree = found.tree;
	*ret = found.node;
	tree_stat(l->tree, *ret, &st);
	if (S_ISLNK(st.mode) && may_follow) {
		TRY(look_tree(l->cli, look, &l->tree, err));
		TRY(tree_lookup(l->tree, path, false, ret, err));
		if (tree_lookup(l->tree, path, true, &target, NULL) == 0)
			tree_stat(l->tree, target, &st);
		if (S_ISDIR(st.mode))
			*ret = target;
	} else if (S_ISDIR(st.mode)) {
		/* What is in it, and how many links it has, all layers decide together. */
		TRY(look_tree(l->cli, look, &l->tree, err));
		TRY(tree_lookup(l->tree, path, false, ret, err));
	}
	return 0;
}

static int list(struct listing *l, struct look *look, const char *path, struct err *err)
{
	struct look_widths widths = { 0 };
	struct tree_stat st;
	uint32_t node;

	TRY(find(l, look, path, &node, err));
	tree_stat(l->tree, node, &st);
	TRY(buf_append_str(&l->path, path, err));
	while (l->path.len > 1 && l->path.data[l->path.len - 1] == '/')
		l->path.data[--l->path.len] = '\0';
	if (S_ISDIR(st.mode) && !l->flags->itself)
		return put_folders(l, node, err);
	if (l->flags->json)
		return out_json(look_json(l->tree, node, buf_str(&l->path)), 0, err);
	look_measure(&widths, &st);
	return put_line(l, &widths, node, buf_str(&l->path), err);
}

/* --- one layer ------------------------------------------------------------------------------------ */

static int put_entry(const struct flags *flags, const struct layer *layer,
		     const struct look_entry *at, const char *below, struct err *err)
{
	_free_ char *name = xmemdupz(at->path, at->path_len);
	const size_t skip = strspn(below, "/");
	size_t len = strlen(below + skip);
	struct tar_entry e;

	if (at->index != SIZE_MAX && (flags->json || flags->is_long)) {
		layer_entry(layer, at->index, &e);
		return layer_list_put(&e, flags->json, err);
	}
	if (flags->json)
		return 0;
	while (len && below[skip + len - 1] == '/')
		len--;
	if (flags->is_long)
		fputs("d????????? (no entry)  ", stdout);
	out_escaped(at->path_len > len && len && !flags->is_long ? name + len + 1 : name);
	putchar('\n');
	return 0;
}

static int list_layer(struct cli *cli, const struct flags *flags, struct look *look,
		      const char *path, struct err *err)
{
	const struct look_query query = { path, flags->recursive, flags->itself };
	_cleanup_(look_entries_fini) struct look_entries entries = { 0 };
	const struct layer *layer;

	TRY(look_layer(cli, look, flags->layer, &layer, err));
	TRY(look_entries_find(layer, &query, &entries, err));
	for (size_t i = 0; i < entries.count; i++) {
		TRY(op_check(&cli->op, err));
		if (ferror(stdout))
			return err_sys(err, EPIPE, "standard output");
		TRY(put_entry(flags, layer, &entries.items[i], path, err));
	}
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_free_ char *image = NULL;
	_look_ struct look look = { 0 };
	struct listing l = { .cli = cli, .flags = flags, .path = BUF_INIT(PATH_BYTES_MAX) };
	const char *path;
	int rc;

	look_split(cli->operands[0], &image, &path);
	if (!path)
		path = "/";
	TRY(look_open(cli, &(struct look_request){ .image = image }, &look, err));
	rc = flags->layer ? list_layer(cli, flags, &look, path, err) : list(&l, &look, path, err);
	buf_fini(&l.path);
	return rc;
}

const struct cmd cmd_ls = {
	.name = "ls",
	.summary = "List files of an image",
	.operands = "IMAGE[:PATH]",
	.operands_min = 1,
	.operands_max = 1,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"PATH begins with a slash (default: /). With -l, #N is the number of the layer that\n"
		"an entry comes from, as `img layers` counts; #- says that no layer has an entry for\n"
		"the folder. Owners are numbers, times are UTC. Control characters in names are shown\n"
		"as \\xNN.\n"
		"\n"
		"An image that is not in the store is not pulled: its layers are streamed, for one\n"
		"file only as many as decide what it is, and nothing is kept.",
	.examples = "img ls debian:12\nimg ls -lR debian:12:/etc\n"
		    "img ls --layer 2 -lR example.com/app # what the second layer brought",
};
