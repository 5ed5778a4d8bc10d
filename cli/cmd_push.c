/* SPDX-License-Identifier: Apache-2.0 */
/* img push: an image of the store, or of another place, into repositories of registries. */
#include "transport/copy.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_list.h"
#include "cli/copy_place.h"
#include "cli/copy_report.h"
#include "cli/image.h"
#include "cli/out.h"
#include "cli/push_source.h"
#include "cli/wire.h"

struct flags {
	bool all_platforms;
	unsigned referrers; /* enum opt_ternary */
	bool dry_run;
	bool json;
};

static const struct opt options[] = {
	{ .name = "all-platforms",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, all_platforms),
	  .help = "the index with all of its images, or nothing" },
	{ .name = "referrers",
	  .type = OPT_TERNARY,
	  .offset = offsetof(struct flags, referrers),
	  .help = "signatures, attestations and all else that refers to it too (default true)" },
	{ .name = "dry-run",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, dry_run),
	  .help = "only print what would be sent" },
	{ .name = "json",
	  .type = OPT_BOOL,
	  .offset = offsetof(struct flags, json),
	  .help = "one object a line: Reference, Digest, MediaType, Size, SentBytes, ..." },
	OPT_END,
};

static const struct copy_words say = { "send", "Sent" };

/* The names of one repository that are pushed together. */
struct push {
	struct cli *cli;
	const struct flags *flags;
	const struct copy_place *from;
	struct copy_place to;
	const char **tags; /* borrowed but for the array */
	size_t tag_count;
};

static void push_fini(struct push *p)
{
	copy_place_close(&p->to);
	free(p->tags);
}

/* --- the product ----------------------------------------------------------------------------- */

static void print_step(void *arg, const struct descriptor *d, bool is_there)
{
	(void)arg;
	copy_report_step(&say, d, is_there);
}

static int print_json(const struct push *p, const struct copy_result *r, const char *tag,
		      struct err *err)
{
	_free_ char *repository = reference_repository(&p->to.ref);
	_free_ char *reference = xasprintf("%s:%s", repository, tag);
	struct json *o = json_new_object();

	json_set_str(o, "Reference", reference);
	copy_report_set(&say, o, r, p->flags->dry_run);
	return out_json(o, 0, err);
}

/* Several tags are one thing in the repository: one line, but an object each. */
static int print(const struct push *p, const struct copy_result *r, struct err *err)
{
	_free_ char *what = copy_place_result(&p->to, &r->target);

	for (size_t i = 0; i < p->tag_count && p->flags->json; i++)
		TRY(print_json(p, r, p->tags[i], err));
	if (p->flags->json)
		return 0;
	copy_report_line(&say, what, r, p->flags->dry_run);
	return 0;
}

/* --- one repository -------------------------------------------------------------------------- */

static int copy(const struct push *p, enum copy_platforms platforms,
		const struct platform *platform, struct copy_result *ret, struct err *err)
{
	_free_ char *mount = push_source_mount(p->cli, p->from, &p->to.ref);
	const bool shows = p->flags->dry_run && !p->flags->json;
	const struct copy_request req = {
		.from = p->from->transport,
		.to = p->to.transport,
		.from_name = p->from->name,
		.to_names = p->tags,
		.to_count = p->tag_count,
		.platforms = platforms,
		.platform = platform,
		.referrers = p->flags->referrers != OPT_FALSE,
		.dry_run = p->flags->dry_run,
		.mount_from = mount,
		.jobs = p->cli->net.jobs,
		.plan = shows ? print_step : NULL,
	};

	return copy_image(&p->cli->op, &req, ret, err);
}

static bool is_index(const struct push *p)
{
	_descriptor_ struct descriptor d = { 0 };

	return transport_resolve(p->from->transport, &p->cli->op, p->from->name, &d, NULL) >= 0 &&
	       d.media.kind == MEDIA_INDEX;
}

/* All of an index when its place has all of it; else the image of this machine's platform. */
static int copy_what_is_there(const struct push *p, struct copy_result *ret, struct err *err)
{
	struct err why = { 0 };
	const int rc = copy(p, COPY_ALL, NULL, ret, &why);

	if (rc >= 0)
		return 0;
	if (p->flags->all_platforms || why.kind != ERR_NOT_FOUND || !is_index(p)) {
		*err = why;
		return rc;
	}
	TRY(copy(p, COPY_ONE, NULL, ret, err));
	cli_note(p->cli, "not all images of the index are there: the one of this platform alone "
			 "is pushed, without the index");
	return 0;
}

static int push(const struct push *p, struct err *err)
{
	_cleanup_(copy_result_fini) struct copy_result result = { 0 };
	_platform_ struct platform platform = { 0 };
	const int wants = wire_platform(p->cli, &platform, err);

	TRY(wants);
	if (wants)
		TRY(copy(p, COPY_ONE, &platform, &result, err));
	else
		TRY(copy_what_is_there(p, &result, err));
	if (!p->flags->dry_run)
		TRY(transport_finish(p->to.transport, &p->cli->op, err));
	TRY(print(p, &result, err));
	fflush(stdout);
	return 0;
}

/* --- all of them ----------------------------------------------------------------------------- */

static bool is_same_repository(const struct reference *a, const struct reference *b)
{
	return strcmp(a->domain, b->domain) == 0 && strcmp(a->path, b->path) == 0;
}

/* The names to push to: parsed before anything is done. */
struct names {
	struct reference *items;
	bool *is_done;
	size_t count;
};

/* Pushes to the name at `first` and to those of its repository behind it. */
static int push_some(struct push *p, struct names *n, size_t first, struct err *err)
{
	_free_ char *operand = reference_canonical(&n->items[first]);

	p->tags = xcalloc(n->count, sizeof(*p->tags));
	for (size_t i = first; i < n->count; i++)
		if (is_same_repository(&n->items[first], &n->items[i])) {
			p->tags[p->tag_count++] = reference_tag_or_latest(&n->items[i]);
			n->is_done[i] = true;
		}
	TRY(copy_place_open(p->cli, operand, p->flags->dry_run ? COPY_PLACE_DRY : COPY_PLACE_TO,
			    &p->to, err));
	if (push(p, err) < 0)
		return err_prefix(err, "%s", operand);
	return 0;
}

static void names_fini(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		reference_fini(&n->items[i]);
	free(n->items);
	free(n->is_done);
}

static int names_parse(const char *const *words, size_t count, struct names *n, struct err *err)
{
	n->items = xcalloc(count, sizeof(*n->items));
	n->is_done = xcalloc(count, sizeof(*n->is_done));
	for (; n->count < count; n->count++) {
		struct reference *ref = &n->items[n->count];

		TRY(image_parse_remote(words[n->count], ref, err));
		if (ref->digest.alg == DIGEST_NONE)
			continue;
		n->count++;
		err_set(err, ERR_USAGE, "%s: a push can't be told its digest",
			TEXT_ESCAPED(words[n->count - 1]));
		err_hint(err, "name a tag; the digest stays what it is");
		return -err_class(ERR_USAGE)->errnum;
	}
	return 0;
}

static int run(struct cli *cli, const void *values, struct err *err)
{
	const struct flags *flags = values;
	const size_t has_source = cli->operand_count > 1;
	_copy_place_ struct copy_place from = { 0 };
	_cleanup_(names_fini) struct names names = { 0 };

	if (flags->all_platforms && cli->image.platform)
		return err_set(err, ERR_USAGE, "--platform and --all-platforms exclude each other");
	TRY(names_parse(cli->operands + has_source, cli->operand_count - has_source, &names, err));
	TRY(push_source_open(cli, has_source ? cli->operands[0] : NULL, &names.items[0], &from,
			     err));
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_(push_fini) struct push p = { .cli = cli, .flags = flags, .from = &from };

		if (!names.is_done[i])
			TRY(push_some(&p, &names, i, err));
	}
	return 0;
}

const struct cmd cmd_push = {
	.name = "push",
	.summary = "Upload an image to registries",
	.operands = "[SRC] REF...",
	.operands_min = 1,
	.operands_max = CMD_ANY_COUNT,
	.groups = CMD_NETWORK | CMD_PLATFORM,
	.complete = COMPLETE_IMAGE,
	.options = options,
	.flags_bytes = sizeof(struct flags),
	.run = run,
	.description =
		"SRC is an image of the store (or, where the store lacks it, of a registry),\n"
		"store:NAME, docker://REF or oci:DIR[:NAME]; without it, the image that REF names\n"
		"in the store. Prints REPO@DIGEST. What the registry has is not sent, what another\n"
		"repository of it has is mounted from there, an upload that broke off goes on where\n"
		"it stopped. The tags come last: they never mean an image that is not whole.\n"
		"\n"
		"Of an index all images are pushed when all are there, else that of this platform,\n"
		"without the index; --platform and --all-platforms say which. What refers to the\n"
		"image (signatures, SBOMs, sha256-... tags) comes along.",
	.examples = "img push registry.example/app:1\n"
		    "img push app:dev registry.example/app:1 registry.example/app:latest\n"
		    "img push oci:backup:app localhost:5000/app",
};
