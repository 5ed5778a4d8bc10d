/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs: fetched again from the registry that the name of each image in need says, and replaced in
 * place when they are whole. Only what that could not bring back costs a name.
 */
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/fsck_repair.h"
#include "cli/wire.h"
#include "pull/pull.h"
#include "store/gc_mark.h"
#include "store/image_records.h"
#include "store/images.h"
#include "transport/transport.h"

#include <string.h>

/* A manifest that something needs. */
struct root {
	char *key;
	char *repository; /* NULL: a writable root or a mount */
	struct digest manifest;
	bool is_index;
	bool may_come; /* it could not be fetched this time: not lost */
};
struct roots {
	struct root *items;
	size_t count;
};

static void roots_fini(struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++) {
		free(roots->items[i].key);
		free(roots->items[i].repository);
	}
	free(roots->items);
}

static int add_root(void *arg, const char *key, const struct digest *manifest, struct err *err)
{
	static const char prefix[] = "repo/";
	struct roots *roots = arg;
	const char *end = strstr(key, "/_m/");
	struct root root = { .key = xstrdup(key), .manifest = *manifest };

	(void)err;
	if (text_starts_with(key, prefix) && end)
		root.repository =
			xmemdupz(key + strlen(prefix), (size_t)(end - key) - strlen(prefix));
	roots->items = xreallocarray(roots->items, roots->count + 1, sizeof(roots->items[0]));
	roots->items[roots->count++] = root;
	return 0;
}

static void learn_kinds(struct store *store, struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++) {
		_manifest_record_ struct manifest_record m = { 0 };
		struct root *root = &roots->items[i];

		if (root->repository && manifest_record_get(store->records, root->repository,
							    &root->manifest, &m, NULL) == 0)
			root->is_index = media_classify(m.media_type).kind == MEDIA_INDEX;
	}
}

/* --- who needs what --- */

struct need {
	const struct fsck_repair *r;
	struct digest_set *mark_good; /* or NULL */
	bool is_hit;
};

static int see(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
	       struct err *err)
{
	struct need *n = arg;

	(void)size;
	(void)err;
	if (kind != REACH_BLOB)
		return 0;
	if (n->mark_good)
		digest_set_add(n->mark_good, d);
	n->is_hit |= fsck_repair_is_bad(n->r, d);
	return 0;
}

static int see_bad(void *arg, const struct digest *d, const struct err *why, struct err *err)
{
	struct need *n = arg;

	(void)d;
	(void)why;
	(void)err;
	n->is_hit = true;
	return 0;
}

static bool needs_bad(const struct fsck_repair *r, const struct root *root)
{
	struct need n = { .r = r };
	const struct reach reach = { .fn = see, .bad = see_bad, .arg = &n, .alone = true };

	return reach_walk(r->store, &root->manifest, &reach, NULL) < 0 || n.is_hit;
}

/* --- fetching --- */

static int fetch_index(struct fsck_repair *r, struct transport *from, const struct digest *d,
		       struct err *err)
{
	struct transport_document doc = { 0 };

	TRY(transport_get_document(from, &r->cli->op, DIGEST_TEXT(d), &doc, err));
	const int rc = blobs_replace(r->store->blobs, &r->cli->op, d, &doc.bytes, err);

	transport_document_fini(&doc);
	return rc;
}

static int fetch_image(struct fsck_repair *r, struct transport *from, const struct reference *ref,
		       struct err *err)
{
	_digest_set_ struct digest_set *distrusted = digest_set_new();
	struct pull_result result = { 0 };
	const struct pull_request req = {
		.from = from,
		.to = r->store,
		.ref = ref,
		.all_platforms = true,
		.no_unpack = true,
		.unnamed = true,
		.distrusted = distrusted,
		.jobs = r->cli->net.jobs,
	};

	for (size_t i = 0; i < r->count; i++)
		if (fsck_repair_is_bad(r, &r->items[i].finding.digest))
			digest_set_add(distrusted, &r->items[i].finding.digest);
	TRY(pull_image(&r->cli->op, &req, &result, err));
	pull_result_fini(&result);
	return 0;
}

static int fetch(struct fsck_repair *r, const struct root *root, struct err *err)
{
	_reference_ struct reference ref = { 0 };
	struct transport *from = NULL;

	TRY(reference_parse(root->repository, &ref, err));
	ref.digest = root->manifest;
	TRY(wire_registry(r->cli, &ref, &from, err));
	const int rc = root->is_index ? fetch_index(r, from, &root->manifest, err)
				      : fetch_image(r, from, &ref, err);

	transport_close(from);
	return rc;
}

/* All that the image reaches is right now. */
static void mark_good(struct fsck_repair *r, const struct root *root)
{
	struct need n = { .r = r, .mark_good = r->good };
	const struct reach reach = { .fn = see, .bad = see_bad, .arg = &n, .alone = true };

	(void)reach_walk(r->store, &root->manifest, &reach, NULL);
}

/*
 * Lost is what the registry has no more, or only with other bytes. A full disk, a network that is
 * down or a login that ended say nothing about that.
 */
static bool is_lost(const struct err *why)
{
	return why->kind == ERR_NOT_FOUND || why->kind == ERR_DAMAGED ||
	       why->kind == ERR_UNSUPPORTED || why->kind == ERR_LIMIT;
}

static int fetch_all(struct fsck_repair *r, struct roots *roots, struct err *err)
{
	for (size_t i = 0; i < roots->count; i++) {
		struct root *root = &roots->items[i];
		struct err why = { 0 };

		TRY(op_check(&r->cli->op, err));
		if (!root->repository || !needs_bad(r, root))
			continue;
		if (fetch(r, root, &why) == 0)
			mark_good(r, root);
		root->may_come = !is_lost(&why);
		if (why.kind != ERR_NONE && why.kind != ERR_CANCELLED)
			cli_note(r->cli, "%s@%.19s: %s", root->repository,
				 DIGEST_TEXT(&root->manifest), why.msg);
	}
	return op_check(&r->cli->op, err);
}

/* --- what could not be had --- */

static int tell_lost(void *arg, const struct image_name *name, struct err *err)
{
	struct fsck_repair *r = arg;
	_free_ char *text =
		name->tag ? xasprintf("%s:%s", name->repository, name->tag)
			  : xasprintf("%s@%s", name->repository, DIGEST_TEXT(&name->target.digest));

	(void)err;
	r->lost_count++;
	r->lost(r->arg, "name", text);
	return 0;
}

static int forget(struct fsck_repair *r, const char *repository, const struct digest *d,
		  struct err *err)
{
	_reference_ struct reference ref = { 0 };
	struct err why = { 0 };

	TRY(reference_parse(repository, &ref, err));
	ref.digest = *d;
	/* It may have gone with an index above it. */
	const int rc = images_remove(r->store, &ref, tell_lost, r, &why);

	if (rc == -ENOENT)
		return 0;
	err_keep_first(err, &why);
	return rc;
}

/* Indexes all of whose images are gone mean nothing any more. */
static int forget_empty_indexes(struct fsck_repair *r, const char *repository, struct err *err)
{
	_repository_ struct repository repo = { 0 };

	TRY(repository_load(r->store->records, repository, &repo, err));
	for (size_t i = 0; i < repo.manifest_count; i++) {
		const struct manifest_record *m = &repo.manifests[i];
		size_t left = 0;

		for (size_t n = 0; n < m->manifests.count; n++) {
			const char *text = m->manifests.items[n];
			struct digest d;

			left += digest_parse(text, strlen(text), &d, NULL) == 0 &&
				repository_find(&repo, &d) != NULL;
		}
		if (m->manifests.count && !left)
			TRY(forget(r, repository, &m->digest, err));
	}
	return 0;
}

static int give_up(struct fsck_repair *r, const struct roots *roots, struct err *err)
{
	for (size_t i = 0; i < roots->count; i++) {
		const struct root *root = &roots->items[i];

		if (root->may_come || !needs_bad(r, root))
			continue;
		if (root->repository) {
			TRY(forget(r, root->repository, &root->manifest, err));
			TRY(forget_empty_indexes(r, root->repository, err));
			continue;
		}
		r->lost_count++;
		r->lost(r->arg, "image of", root->key);
	}
	return 0;
}

/* --- the items --- */

static int keep_one(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		    struct err *err)
{
	(void)size;
	(void)err;
	if (kind == REACH_BLOB)
		digest_set_add(arg, d);
	return 0;
}

static int pass_over(void *arg, const struct digest *d, const struct err *why, struct err *err)
{
	(void)why;
	(void)err;
	digest_set_add(arg, d);
	return 0;
}

/* Damaged bytes that nobody needs any more are removed; those that a root needs stay as they are. */
static int end_items(struct fsck_repair *r, struct err *err)
{
	_cleanup_(roots_fini) struct roots left = { 0 };
	_digest_set_ struct digest_set *needed = digest_set_new();
	const struct reach reach = {
		.fn = keep_one, .bad = pass_over, .arg = needed, .alone = true
	};

	/* With a root that can't be read nobody knows what it needs. */
	const bool all_known = roots_list(r->store, add_root, &left, NULL) == 0;

	TRY(op_check(&r->cli->op, err));
	for (size_t i = 0; i < left.count; i++)
		(void)reach_walk(r->store, &left.items[i].manifest, &reach, NULL);
	for (size_t i = 0; i < r->count; i++) {
		struct fsck_item *item = &r->items[i];
		const struct digest *d = &item->finding.digest;
		struct err why = { 0 };

		if (item->finding.thing != FSCK_BLOB || !fsck_is_damage(item->finding.problem))
			continue;
		if (!fsck_repair_is_bad(r, d))
			fsck_item_end(item, 0, NULL, FSCK_REPAIRED);
		else if (!all_known || digest_set_has(needed, d))
			fsck_item_end(item, -EIO, NULL, FSCK_FAILED);
		else if (blobs_remove(r->store->blobs, d, &why) < 0 && why.kind != ERR_NOT_FOUND)
			fsck_item_end(item, -why.errnum, &why, FSCK_FAILED);
		else
			fsck_item_end(item, 0, NULL, FSCK_REMOVED);
	}
	return 0;
}

int fsck_repair_blobs(struct fsck_repair *r, struct err *err)
{
	_cleanup_(roots_fini) struct roots roots = { 0 };

	if (digest_set_count(r->bad) == 0)
		return 0;
	/* The repositories come first: they are known even if a root that follows can't be read. */
	(void)roots_list(r->store, add_root, &roots, NULL);
	learn_kinds(r->store, &roots);
	TRY(fetch_all(r, &roots, err));
	TRY(give_up(r, &roots, err));
	return end_items(r, err);
}
