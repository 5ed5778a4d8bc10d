/* SPDX-License-Identifier: Apache-2.0 */
/* img commit: a writable root becomes an image. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/out.h"
#include "cli/root_sides.h"
#include "cli/wire.h"
#include "push/commit.h"

#include <string.h>

struct flags {
	const char *message, *author;
	struct opt_strs changes;
	unsigned compression;
	unsigned level;
	unsigned jobs;
	bool json;
};

#define CODECS "gzip|zstd|none"
static const enum codec codecs[] = { CODEC_GZIP, CODEC_ZSTD, CODEC_PLAIN };

static const struct opt options[] = {
	{ .name = "message",
	  .letter = 'm',
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, message),
	  .arg = "TEXT",
	  .help = "comment, for the history" },
	{ .name = "author",
	  .letter = 'a',
	  .type = OPT_STR,
	  .offset = offsetof(struct flags, author),
	  .arg = "NAME",
	  .help = "who did it" },
	{ .name = "change",
	  .letter = 'c',
	  .type = OPT_STRS,
	  .offset = offsetof(struct flags, changes),
	  .arg = "INSTRUCTION",
	  .help = "change the config as a Dockerfile does: CMD, ENV, ... (repeatable)" },
	{ .name = "compression",
	  .type = OPT_CHOICE,
	  .offset = offsetof(struct flags, compression),
	  .arg = "CODEC",
	  .choices = CODECS,
	  .help = "of the new layer (default gzip)" },
	{ .name = "compression-level",
	  .type = OPT_UINT,
	  .offset = offsetof(struct flags, level),
	  .arg = "N",
	  .help = "gzip 1 to 9 (default 6), zstd 1 to 19 (default 3)" },
	{ .name = "jobs",
	  .letter = 'j',
	  .type = OPT_UINT,
	  .offset = offsetof(struct flags, jobs),
	  .arg = "N",
	  .help = "threads that compress (default: one a processor)" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object in place of the line" },
	OPT_END,
};

/* The last second that dates of four-digit years can say. */
#define EPOCH_MAX 253402300799u

/* reproducible-builds.org: decimal seconds, anything else is an error. */
static int read_epoch(int64_t *ret, struct err *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t n;

	*ret = -1;
	if (!text || !*text)
		return 0;
	if (text_parse_u64(text, strlen(text), 10, &n) < 0 || n > EPOCH_MAX)
		return err_set(err, ERR_USAGE, "SOURCE_DATE_EPOCH: \"%s\" is no number of seconds",
			       TEXT_ESCAPED(text));
	*ret = (int64_t)n;
	return 0;
}

static int parse_name(const char *text, struct reference *ret, struct err *err)
{
	TRY(reference_parse(text, ret, err));
	if (ret->digest.alg != DIGEST_NONE)
		return err_set(err, ERR_USAGE, "%s: the digest comes of the content, name a tag",
			       TEXT_ESCAPED(text));
	reference_add_latest(ret);
	return 0;
}

static int say_json(const char *repository, const struct reference *ref,
		    const struct commit_result *r, struct err *err)
{
	struct json *o = json_new_object();

	json_set_str(o, "Repository", repository);
	json_set_str(o, "Tag", ref->tag);
	json_set_str(o, "Digest", DIGEST_TEXT(&r->manifest));
	json_set_str(o, "ConfigDigest", DIGEST_TEXT(&r->config));
	json_set_str(o, "LayerDigest", r->is_empty ? NULL : DIGEST_TEXT(&r->blob));
	json_set_str(o, "DiffID", r->is_empty ? NULL : DIGEST_TEXT(&r->diff_id));
	json_set_int(o, "Entries", (int64_t)r->entries);
	json_set_int(o, "RawSize", (int64_t)r->tar_bytes);
	json_set_int(o, "Size", (int64_t)r->blob_bytes);
	return out_json(o, 0, err);
}

static int say(struct cli *cli, const struct flags *flags, const struct reference *ref,
	       const struct commit_result *r, struct err *err)
{
	_free_ char *repository = reference_repository(ref);

	if (r->is_empty)
		cli_note(cli, "nothing had changed: no layer was added");
	if (flags->json)
		return say_json(repository, ref, r, err);
	printf("%s@%s\n", repository, DIGEST_TEXT(&r->manifest));
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	_both_sides_ struct both_sides sides = BOTH_SIDES_CLOSED;
	_reference_ struct reference ref = { 0 };
	struct commit_result result;
	struct commit_request request = {
		.codec = codecs[flags->compression],
		.level = (int)flags->level,
		.threads = flags->jobs ? flags->jobs : wire_jobs(cli),
		.author = flags->author,
		.comment = flags->message,
		.created_by = "img commit",
		.changes = flags->changes.items,
		.change_count = flags->changes.count,
		.ref = &ref,
	};

	TRY(read_epoch(&request.source_date_epoch, err));
	TRY(parse_name(cli->operands[1], &ref, err));
	TRY(both_sides_open(cli, cli->operands[0], &sides, err));
	request.store = sides.root.store;
	request.upper_fd = sides.sides.upper_fd;
	request.lower = sides.lower;
	request.is_userxattr = sides.root.entry.is_userxattr;
	request.base = sides.root.entry.manifest;
	request.uids = sides.uids;
	request.gids = sides.gids;
	TRY(commit_image(&cli->op, &request, &result, err));
	return say(cli, flags, &ref, &result, err);
}

const struct cmd cmd_commit = {
	.name = "commit",
	.summary = "Make an image of a writable root",
	.operands = "ID REF",
	.operands_min = 2,
	.operands_max = 2,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"Adds one layer with all changes to the root's image and names the result REF. Prints\n"
		"REPO@DIGEST. The root stays as it is and may be mounted; a file that changes while\n"
		"it is read is an error.\n"
		"\n"
		"The same changes give the same layer, bit for bit, also with another number of jobs.\n"
		"With SOURCE_DATE_EPOCH in the environment no time is later than that.",
	.examples = "img commit web example.com/web:2\n"
		    "img commit -c 'CMD [\"nginx\"]' --compression zstd web web:2",
};
