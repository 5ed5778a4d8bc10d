/* SPDX-License-Identifier: Apache-2.0 */
/* img find: the files of an image that an expression is true of. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/find_walk.h"
#include "cli/look.h"
#include "cli/look_row.h"
#include "cli/out.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

struct flags {
	bool json;
};

static const struct opt options[] = {
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a match" },
	OPT_END,
};

/* As find -ls: inode and blocks of 1 KiB before what ls -l says. */
static void put_ls(const struct find_at *at)
{
	const struct look_widths widths = { 3, 5, 5, 10, 1 };
	const uint64_t bytes = S_ISREG(at->st.mode) ? at->st.data_bytes : 0;

	printf("%8u %8" PRIu64 " ", at->st.inode, bytes / 1024 + (bytes % 1024 != 0));
	look_print(&widths, &at->st, at->path);
}

static int act(void *arg, enum find_kind action, const struct find_at *at, struct err *err)
{
	const struct flags *flags = arg;

	if (ferror(stdout))
		return err_sys(err, EPIPE, "standard output");
	if (flags->json)
		return out_json(look_json(at->tree, at->node, at->path), 0, err);
	switch (action) {
	case FIND_PRINT0:
		return out_bytes(at->path, strlen(at->path) + 1, err);
	case FIND_LS:
		put_ls(at);
		return 0;
	default:
		out_escaped(at->path);
		putchar('\n');
		return 0;
	}
}

static int find(struct cli *cli, struct look *look, struct find_expr *expr, const char *path,
		struct err *err)
{
	_free_ char *shown = xstrdup(path);
	struct find_request request = { .expr = expr, .start_path = shown, .now_sec = time(NULL) };
	size_t len = strlen(shown);

	TRY(look_tree(cli, look, &request.tree, err));
	TRY(tree_lookup(request.tree, path, false, &request.start, err));
	TRY(find_bind(expr, request.tree, err));
	while (len > 1 && shown[len - 1] == '/')
		shown[--len] = '\0';
	return find_walk(&cli->op, &request, act, cli->flags, err);
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	_cleanup_(find_expr_fini) struct find_expr expr = { 0 };
	_look_ struct look look = { 0 };
	_free_ char *image = NULL;
	struct look_request request = { 0 };
	const char *path;

	(void)values;
	TRY(find_parse(cli->operands + 1, cli->operand_count - 1, &expr, err));
	look_split(cli->operands[0], &image, &path);
	request.image = image;
	/* To look names up, passwd and group must be read. */
	request.with_data = expr.has_names;
	TRY(look_open(cli, &request, &look, err));
	return find(cli, &look, &expr, path ? path : "/", err);
}

const struct cmd cmd_find = {
	.name = "find",
	.summary = "Find files of an image",
	.operands = "IMAGE[:PATH] [EXPRESSION]",
	.operands_min = 1,
	.operands_max = CMD_ANY_COUNT,
	.groups = CMD_NETWORK | CMD_PLATFORM | CMD_PLACE | CMD_STOP_AT_OPERAND,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"The expression is that of find(1): -name, -iname, -path, -ipath, -lname, -ilname\n"
		"PATTERN; -regex, -iregex ERE (of the whole path); -type f,d,l,p,c,b; -size N[cwbkMG];\n"
		"-perm MODE, -MODE, /MODE; -uid, -gid, -links, -inum, -mtime N; -user, -group NAME (of\n"
		"the image); -newermt TIME; -empty; -xattr PATTERN; -layer N (the layer it comes from);\n"
		"-maxdepth, -mindepth N; -true, -false, -prune, -quit, -print, -print0, -ls; and\n"
		"( ) ! -not -a -and -o -or. Numbers are N, +N or -N. Options of img come before IMAGE.\n"
		"\n"
		"Names are shown with control characters and backslashes escaped; -print0 prints their\n"
		"bytes. Of an image that is not in the store all layers are streamed and none is kept.",
	.examples = "img find debian:12 -perm /u=s,g=s -type f -ls\n"
		    "img find debian:12:/usr -size +10M\n"
		    "img find --json example.com/app -layer +2 -name '*.so*'",
};
