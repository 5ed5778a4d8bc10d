/* SPDX-License-Identifier: Apache-2.0 */
/* img gc: frees what no name, mount or root reaches. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/out.h"
#include "cli/wire.h"
#include "overlay/mounts.h"
#include "store/gc.h"

struct flags {
	bool dry_run;
	bool json;
	bool verbose;
};

static const struct opt options[] = {
	{ .name = "dry-run",
	  .letter = 'n',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, dry_run),
	  .help = "free nothing, say what would be" },
	{ .name = "verbose",
	  .letter = 'v',
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, verbose),
	  .help = "a line for each thing" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object; with -v one a line for each thing before it" },
	OPT_END,
};

/* What the collector tells of each thing. */
static void say(void *arg, const char *kind, const char *name, uint64_t bytes)
{
	const struct flags *flags = arg;

	if (!flags->verbose)
		return;
	if (flags->json) {
		struct json *o = json_new_object();

		json_set_str(o, "Kind", kind);
		json_set_str(o, "Name", name);
		json_set_int(o, "Size", (int64_t)bytes);
		(void)out_json(o, 0, NULL);
		return;
	}
	printf("%-5s  %s  %s\n", kind, name, TEXT_SIZE(bytes));
}

static uint64_t total(const struct gc_result *r)
{
	return r->blob_bytes + r->layer_bytes + r->tree_bytes + r->part_bytes;
}

static int put_json(const struct flags *flags, const struct gc_result *r, uint64_t mounts,
		    struct err *err)
{
	struct json *o = json_new_object();

	json_set_bool(o, "DryRun", flags->dry_run);
	json_set_int(o, "Blobs", (int64_t)r->blobs);
	json_set_int(o, "BlobBytes", (int64_t)r->blob_bytes);
	json_set_int(o, "Layers", (int64_t)r->layers);
	json_set_int(o, "LayerBytes", (int64_t)r->layer_bytes);
	json_set_int(o, "Trees", (int64_t)r->trees);
	json_set_int(o, "TreeBytes", (int64_t)r->tree_bytes);
	json_set_int(o, "Parts", (int64_t)r->parts);
	json_set_int(o, "PartBytes", (int64_t)r->part_bytes);
	json_set_int(o, "StaleMounts", (int64_t)mounts);
	json_set_int(o, "TotalBytes", (int64_t)total(r));
	return out_json(o, 0, err);
}

/* "3 blobs", after a comma when it is not the first. */
static void put_count(bool *ret_first, uint64_t count, const char *what)
{
	if (!count)
		return;
	printf("%s%llu %s%s", *ret_first ? " (" : ", ", (unsigned long long)count, what,
	       count == 1 ? "" : "s");
	*ret_first = false;
}

static void put_text(const struct flags *flags, const struct gc_result *r, uint64_t mounts)
{
	bool first = true;

	printf("%s: %s", flags->dry_run ? "Would free" : "Freed", TEXT_SIZE(total(r)));
	put_count(&first, r->blobs, "blob");
	put_count(&first, r->layers, "layer");
	put_count(&first, r->trees, "tree");
	put_count(&first, r->parts, "interrupted download");
	put_count(&first, mounts, "stale mount");
	puts(first ? "" : ")");
}

static int collect(struct cli *cli, const struct flags *flags, struct gc_result *ret,
		   uint64_t *ret_mounts, struct err *err)
{
	const struct gc_request request = { .dry_run = flags->dry_run,
					    .fn = say,
					    .arg = (void *)flags };
	struct store *store;
	const int rc = wire_store(cli, WIRE_READ, &store, err);

	if (rc < 0 && err->kind == ERR_NOT_FOUND) {
		/* Where there is no store nothing is to be freed, and none is made for that. */
		err_clear(err);
		return 0;
	}
	TRY(rc);
	if (!flags->dry_run) {
		TRY(wire_store(cli, WIRE_WRITE, &store, err));
		/* What is mounted no more holds nothing. */
		TRY(mounts_clean(&cli->op, store, ret_mounts, err));
	}
	if (gc_collect(&cli->op, store, &request, ret, err) < 0)
		return err_prefix(err, "collect");
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	struct gc_result result = { 0 };
	uint64_t mounts = 0;

	TRY(collect(cli, flags, &result, &mounts, err));
	if (flags->json)
		return put_json(flags, &result, mounts, err);
	if (!cli->globals.quiet)
		put_text(flags, &result, mounts);
	return 0;
}

const struct cmd cmd_gc = {
	.name = "gc",
	.summary = "Free what no name, mount or writable root needs",
	.operands = "",
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Safe while others pull, mount, commit or collect; nobody has to stop. What is\n"
		"being pulled is left alone, what an interrupted pull would go on with is not.\n"
		"\n"
		"When a document that a name needs is missing or damaged nobody knows what it\n"
		"needs: then nothing is freed (exit 5) and img fsck --repair comes first.",
	.examples = "img gc\nimg rmi debian:12 && img gc -v\nimg gc --dry-run --json",
};
