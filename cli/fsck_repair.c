/* SPDX-License-Identifier: Apache-2.0 */
/* The order of repairs: records, blobs, what is made of blobs, and what is thrown away. */
#include "cli/fsck_repair.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/pull_one.h"

#include <string.h>

bool fsck_repair_is_bad(const struct fsck_repair *r, const struct digest *d)
{
	return digest_set_has(r->bad, d) && !digest_set_has(r->good, d);
}

void fsck_item_end(struct fsck_item *item, int rc, const struct err *why, enum fsck_state done)
{
	item->state = rc < 0 ? FSCK_FAILED : done;
	if (item->state == FSCK_FAILED && why)
		item->why = *why;
}

static void mend_tree(struct fsck_repair *r, struct fsck_item *item)
{
	struct err why = { 0 };
	const int rc = treefiles_remove(r->store->trees, &item->finding.digest, &why);

	fsck_item_end(item, rc == -ENOENT ? 0 : rc, &why, FSCK_REMOVED);
}

/*
 * A tag that had to go, as it said nothing or nothing that is there: its registry may still know
 * what it means.
 */
static int pull_tag(struct fsck_repair *r, const char *key, char **ret_name)
{
	static const char prefix[] = "repo/", part[] = "/_t/";
	const char *at = strstr(key, part);
	_reference_ struct reference ref = { 0 };
	const struct pull_one what = { .no_unpack = true };
	struct pull_result result = { 0 };
	struct err why = { 0 };

	*ret_name = xasprintf("%.*s:%s", (int)((size_t)(at - key) - strlen(prefix)),
			      key + strlen(prefix), at + strlen(part));
	if (reference_parse(*ret_name, &ref, &why) == 0 &&
	    pull_one(r->cli, &ref, &what, &result, &why) == 0) {
		pull_result_fini(&result);
		return 0;
	}
	cli_note(r->cli, "%s", why.msg);
	return -why.errnum;
}

/* What the store mends alone. */
static void mend(struct fsck_repair *r, struct fsck_item *item)
{
	struct err why = { 0 };
	const int rc = fsck_mend(r->store, &item->finding, &why);

	if (rc == -EOPNOTSUPP) {
		if (fsck_is_damage(item->finding.problem))
			item->state = FSCK_FAILED;
		return;
	}
	_free_ char *name = NULL;
	const bool is_lost = rc == 1 && pull_tag(r, item->finding.name, &name) < 0;

	if (is_lost) {
		r->lost_count++;
		r->lost(r->arg, "name", name);
	}
	fsck_item_end(item, rc, &why, is_lost ? FSCK_REMOVED : FSCK_REPAIRED);
}

static bool is_for_others(const struct fsck_finding *f)
{
	return f->problem != FSCK_MODE && (f->thing == FSCK_BLOB || f->thing == FSCK_LAYER ||
					   f->thing == FSCK_INDEX || f->thing == FSCK_TREE);
}

static int repair(struct fsck_repair *r, struct err *err)
{
	TRY(fsck_repair_blobs(r, err));
	TRY(fsck_repair_layers(r, err));
	for (size_t i = 0; i < r->count; i++) {
		struct fsck_item *item = &r->items[i];

		TRY(op_check(&r->cli->op, err));
		if (item->finding.thing == FSCK_TREE && fsck_is_damage(item->finding.problem))
			mend_tree(r, item);
		else if (!is_for_others(&item->finding))
			mend(r, item);
	}
	return 0;
}

int fsck_repair(struct fsck_repair *r, struct err *err)
{
	_digest_set_ struct digest_set *bad = digest_set_new(), *good = digest_set_new();

	r->bad = bad;
	r->good = good;
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].finding.thing == FSCK_BLOB &&
		    fsck_is_damage(r->items[i].finding.problem))
			digest_set_add(bad, &r->items[i].finding.digest);
	return repair(r, err);
}
