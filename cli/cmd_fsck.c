/* SPDX-License-Identifier: Apache-2.0 */
/* img fsck: every byte of the store against its digest, and what can be mended. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/fsck_looks.h"
#include "cli/fsck_repair.h"
#include "cli/out.h"
#include "cli/wire.h"
#include "overlay/mounts.h"

#include <inttypes.h>

struct flags {
	bool repair;
	bool json;
};

static const struct opt options[] = {
	{ .name = "repair",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, repair),
	  .help = "mend what is damaged, fetch again what can't be mended" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a line: findings, what was lost, the sum" },
	OPT_END,
};

/* One run. */
struct run {
	struct cli *cli;
	const struct flags *flags;
	struct fsck_item *items;
	size_t count, lost_count;
	struct fsck_result result;
};

static void run_fini(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		free(run->items[i].name);
		free(run->items[i].text);
	}
	free(run->items);
}

static void keep(void *arg, const struct fsck_finding *f)
{
	struct run *run = arg;
	struct fsck_item item = { .finding = *f };

	item.finding.name = item.name = xstrdup(f->name);
	item.finding.what = item.text = xstrdup(f->what);
	run->items = xreallocarray(run->items, run->count + 1, sizeof(run->items[0]));
	run->items[run->count++] = item;
}

/* --- saying it --- */

/* What a finding is of: the digest of bytes, else the name. */
static const char *subject(const struct fsck_finding *f, char text[DIGEST_TEXT_BYTES])
{
	return f->thing <= FSCK_TREE ? digest_text(&f->digest, text) : f->name;
}

static const char *state_name(const struct fsck_item *item, bool repaired)
{
	static const char *const names[] = {
		[FSCK_FOUND] = "found",
		[FSCK_REPAIRED] = "repaired",
		[FSCK_REMOVED] = "removed",
		[FSCK_FAILED] = "failed",
	};

	return repaired ? names[item->state] : names[FSCK_FOUND];
}

static int say_json(const struct run *run, const struct fsck_item *item, struct err *err)
{
	const struct fsck_finding *f = &item->finding;
	struct json *o = json_new_object();
	char text[DIGEST_TEXT_BYTES];

	json_set_str(o, "Problem", fsck_problem_name(f->problem));
	json_set_str(o, "Kind", fsck_thing_name(f->thing));
	json_set_str(o, "Name", subject(f, text));
	json_set_str(o, "Message", f->what);
	json_set_bool(o, "Damage", fsck_is_damage(f->problem));
	json_set_str(o, "State", state_name(item, run->flags->repair));
	if (item->state == FSCK_FAILED)
		json_set_str(o, "Reason", item->why.msg);
	return out_json(o, 0, err);
}

static void say_text(const struct run *run, const struct fsck_item *item)
{
	const struct fsck_finding *f = &item->finding;
	char text[DIGEST_TEXT_BYTES];

	printf("%s %s %s: %s", fsck_problem_name(f->problem), fsck_thing_name(f->thing),
	       TEXT_ESCAPED(subject(f, text)), f->what);
	if (run->flags->repair && item->state != FSCK_FOUND)
		printf(" (%s%s%s)", state_name(item, true), *item->why.msg ? ": " : "",
		       item->why.msg);
	putchar('\n');
}

static int say_items(const struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->count; i++) {
		const struct fsck_item *item = &run->items[i];

		if (run->flags->json)
			TRY(say_json(run, item, err));
		else if (!run->cli->globals.quiet)
			say_text(run, item);
	}
	return 0;
}

static void say_lost(void *arg, const char *kind, const char *name)
{
	const struct run *run = arg;

	if (run->flags->json) {
		struct json *o = json_new_object();

		json_set_str(o, "Lost", name);
		json_set_str(o, "Kind", kind);
		(void)out_json(o, 0, NULL);
		return;
	}
	printf("lost: %s%s%s\n", strcmp(kind, "name") != 0 ? kind : "",
	       strcmp(kind, "name") != 0 ? " " : "", TEXT_ESCAPED(name));
}

/* Damage that is still there. */
static size_t count_left(const struct run *run)
{
	size_t left = 0;

	for (size_t i = 0; i < run->count; i++)
		left += fsck_is_damage(run->items[i].finding.problem) &&
			(run->items[i].state == FSCK_FOUND || run->items[i].state == FSCK_FAILED);
	return left;
}

static int say_sum(const struct run *run, struct err *err)
{
	const struct fsck_result *r = &run->result;
	const size_t left = count_left(run);

	if (run->flags->json) {
		struct json *o = json_new_object();

		json_set_bool(o, "Sound", left == 0 && run->lost_count == 0);
		json_set_int(o, "Blobs", (int64_t)r->blobs);
		json_set_int(o, "Layers", (int64_t)r->layers);
		json_set_int(o, "Trees", (int64_t)r->trees);
		json_set_int(o, "Names", (int64_t)r->names);
		json_set_int(o, "Bytes", (int64_t)r->bytes);
		json_set_int(o, "Damaged", (int64_t)r->found);
		json_set_int(o, "Left", (int64_t)left);
		json_set_int(o, "Lost", (int64_t)run->lost_count);
		return out_json(o, 0, err);
	}
	if (run->cli->globals.quiet)
		return 0;
	printf("%s: %" PRIu64 " blobs, %" PRIu64 " layers, %" PRIu64 " trees, %" PRIu64
	       " names, %s",
	       left || run->lost_count ? "Damaged"
	       : r->found	       ? "Repaired"
				       : "Sound",
	       r->blobs, r->layers, r->trees, r->names, TEXT_SIZE(r->bytes));
	if (r->found)
		printf("; %" PRIu64 " damaged, %zu left, %zu lost", r->found, left,
		       run->lost_count);
	putchar('\n');
	return 0;
}

/* --- doing it --- */

static int check(struct run *run, struct store *store, struct err *err)
{
	struct fsck_chains *chains = fsck_chains_new(store);
	struct fsck_hooks hooks;
	const struct fsck_request request = {
		.hooks = &hooks, .jobs = wire_jobs(run->cli), .fn = keep, .arg = run
	};

	fsck_looks_init(&hooks, chains);
	const int rc = fsck_check(&run->cli->op, store, &request, &run->result, err);

	fsck_chains_free(chains);
	return rc;
}

/* What is mounted keeps the files it was made of. */
static int renew_mounts(const struct run *run, struct store *store, struct err *err)
{
	uint64_t mounts = 0;
	bool is_new = false;

	for (size_t i = 0; i < run->count; i++) {
		const struct fsck_item *item = &run->items[i];

		is_new |= (item->finding.thing == FSCK_LAYER || item->finding.thing == FSCK_TREE) &&
			  (item->state == FSCK_REPAIRED || item->state == FSCK_REMOVED);
	}
	if (!is_new)
		return 0;
	TRY(mounts_renew(&run->cli->op, store, &mounts, err));
	if (mounts)
		cli_note(run->cli,
			 "%" PRIu64 " mounts still show what was there before; unmount them and "
			 "mount again",
			 mounts);
	return 0;
}

static int mend(struct run *run, struct err *err)
{
	struct fsck_repair repair = { .cli = run->cli,
				      .items = run->items,
				      .count = run->count,
				      .lost = say_lost,
				      .arg = run };

	TRY(wire_store(run->cli, WIRE_WRITE, &repair.store, err));
	const int rc = fsck_repair(&repair, err);

	run->lost_count = repair.lost_count;
	return rc < 0 ? rc : renew_mounts(run, repair.store, err);
}

static int run_fsck(struct cli *cli, const void *values, struct err *err)
{
	_cleanup_(run_fini) struct run run = { .cli = cli, .flags = values };
	struct store *store;

	/* One that is not there is not made for this. */
	TRY(wire_store(cli, WIRE_READ, &store, err));
	TRY(check(&run, store, err));
	if (run.flags->repair)
		TRY(mend(&run, err));
	TRY(say_items(&run, err));
	TRY(say_sum(&run, err));
	return count_left(&run) || run.lost_count ? err_class(ERR_DAMAGED)->exit_code : 0;
}

const struct cmd cmd_fsck = {
	.name = "fsck",
	.summary = "Check every byte of the store, and mend it",
	.operands = "",
	.groups = CMD_NETWORK,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run_fsck,
	.description =
		"Reads all blobs and layers and compares them with their digests, indexes and trees\n"
		"with what the layers give, records with what they name; a line for each finding.\n"
		"Files that are none of ours are named and left alone. Exit 0 when sound, 5 when\n"
		"damaged.\n"
		"\n"
		"--repair makes indexes and layers anew and fetches blobs again from the registry\n"
		"that the name of their image says. Names whose blobs it has no more are\n"
		"forgotten, and said: \"lost: NAME\"; when it can't be asked, nothing is lost for\n"
		"that. Writable roots are never touched. Exit 0 when\n"
		"all was mended, 5 when something was lost or is damaged still.",
	.examples = "img fsck\nimg fsck --repair\nimg fsck --json -q",
};
