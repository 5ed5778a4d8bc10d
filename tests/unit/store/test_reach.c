/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over what a manifest reaches, and the set of digests. */
#include "base/mem.h"
#include "store/reach.h"
#include "tests/unit/store/garden.h"

void test_reach__a_set_holds_each_digest_once(void)
{
	_digest_set_ struct digest_set *s = digest_set_new();
	char text[16];

	CU_ASSERT_FALSE(digest_set_has(s, &(struct digest){ .alg = DIGEST_SHA256 }));
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "%u", i % 1000);
		const struct digest d = digest_of_str(text), other = digest512_of_str(text);

		CU_ASSERT_EQUAL(digest_set_add(s, &d), i < 1000);
		CU_ASSERT_TRUE(digest_set_has(s, &d));
		CU_ASSERT_FALSE(digest_set_has(s, &other));
	}
	CU_ASSERT_EQUAL(digest_set_count(s), 1000);
	/* Digests that begin alike are different all the same. */
	struct digest near = digest_of_str("1");

	near.bytes[31] ^= 1;
	CU_ASSERT_FALSE(digest_set_has(s, &near));
	CU_ASSERT_TRUE(digest_set_add(s, &near));
}

/* What a walk said. */
struct heard {
	struct digest_set *kinds[REACH_KIND_COUNT];
	unsigned count, stop_after;
	struct digest bad;
	enum err_kind why;
	bool go_on;
};

static void heard_init(struct heard *h)
{
	*h = (struct heard){ 0 };
	for (size_t i = 0; i < REACH_KIND_COUNT; i++)
		h->kinds[i] = digest_set_new();
}

static void heard_fini(struct heard *h)
{
	for (size_t i = 0; i < REACH_KIND_COUNT; i++)
		digest_set_free(h->kinds[i]);
}

static int hear(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		struct err *err)
{
	struct heard *h = arg;

	(void)err;
	CU_ASSERT_EQUAL(size == 0, kind != REACH_BLOB);
	digest_set_add(h->kinds[kind], d);
	return ++h->count == h->stop_after ? 7 : 0;
}

static int hear_bad(void *arg, const struct digest *d, const struct err *why, struct err *err)
{
	struct heard *h = arg;

	h->bad = *d;
	h->why = why->kind;
	return h->go_on ? 0 : err_set(err, ERR_FAILED, "stopped");
}

static bool heard_is(const struct heard *h, size_t blobs, size_t layers, size_t trees)
{
	return digest_set_count(h->kinds[REACH_BLOB]) == blobs &&
	       digest_set_count(h->kinds[REACH_LAYER]) == layers &&
	       digest_set_count(h->kinds[REACH_TREE]) == trees;
}

void test_reach__an_image_is_documents_blobs_layers_and_one_tree(void)
{
	FOR_EACH_BACKEND(f)
	{
		_cleanup_(heard_fini) struct heard h;
		const struct plant p = plant_image(f.store, 1);
		const struct reach reach = { .fn = hear, .bad = hear_bad, .arg = &h };

		heard_init(&h);
		CU_ASSERT_EQUAL(reach_walk(f.store, &p.manifest, &reach, NULL), 0);
		CU_ASSERT_TRUE(heard_is(&h, 4, 2, 1));
		CU_ASSERT_TRUE(digest_set_has(h.kinds[REACH_BLOB], &p.manifest));
		CU_ASSERT_TRUE(digest_set_has(h.kinds[REACH_BLOB], &p.config));
		CU_ASSERT_TRUE(digest_set_has(h.kinds[REACH_BLOB], &p.blobs[1]));
		CU_ASSERT_TRUE(digest_set_has(h.kinds[REACH_LAYER], &p.diffids[0]));
		CU_ASSERT_TRUE(digest_set_has(h.kinds[REACH_TREE], &p.chain));
		/* What says stop is heard. */
		h.count = 0;
		h.stop_after = 3;
		CU_ASSERT_EQUAL(reach_walk(f.store, &p.manifest, &reach, NULL), 7);
	}
}

void test_reach__an_index_leads_to_children_that_are_there(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		const struct digest index = plant_index(f.store, "h.test/x", &p);

		for (int alone = 0; alone < 2; alone++) {
			_cleanup_(heard_fini) struct heard h;
			const struct reach reach = {
				.fn = hear, .bad = hear_bad, .arg = &h, .alone = alone
			};

			heard_init(&h);
			CU_ASSERT_EQUAL(reach_walk(f.store, &index, &reach, NULL), 0);
			CU_ASSERT_TRUE(alone ? heard_is(&h, 1, 0, 0) : heard_is(&h, 5, 2, 1));
		}
		_cleanup_(heard_fini) struct heard h;
		const struct reach reach = { .fn = hear, .bad = hear_bad, .arg = &h };

		heard_init(&h);
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &p.manifest, NULL), 0);
		CU_ASSERT_EQUAL(reach_walk(f.store, &index, &reach, NULL), 0);
		CU_ASSERT_TRUE(heard_is(&h, 1, 0, 0));
		CU_ASSERT_EQUAL(h.why, ERR_NONE);
	}
}

/* Intact bytes that are no documents reach themselves; damaged and absent ones are told. */
void test_reach__what_cannot_be_read_is_told(void)
{
	FOR_EACH_BACKEND(f)
	{
		_cleanup_(heard_fini) struct heard h;
		const struct reach reach = { .fn = hear, .bad = hear_bad, .arg = &h };
		const struct reach strict = { .fn = hear, .arg = &h };
		const struct digest text = put_blob(f.store, "no document"),
				    absent = digest_of_str("nowhere");
		const struct plant p = plant_image(f.store, 1);
		struct err err = { 0 };

		heard_init(&h);
		h.go_on = true;
		CU_ASSERT_EQUAL(reach_walk(f.store, &text, &reach, NULL), 0);
		CU_ASSERT_TRUE(heard_is(&h, 1, 0, 0));
		CU_ASSERT_EQUAL(h.why, ERR_NONE);
		CU_ASSERT_EQUAL(reach_walk(f.store, &absent, &reach, NULL), 0);
		CU_ASSERT_EQUAL(h.why, ERR_NOT_FOUND);
		CU_ASSERT_EQUAL(reach_walk(f.store, &absent, &strict, &err), -ENOENT);
		CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
		/* A config that is gone: all but what it names. */
		CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &p.config, NULL), 0);
		CU_ASSERT_EQUAL(reach_walk(f.store, &p.manifest, &reach, NULL), 0);
		CU_ASSERT_TRUE(digest_equal(&h.bad, &p.config));
		CU_ASSERT_TRUE(heard_is(&h, 5, 0, 0));
		h.go_on = false;
		CU_ASSERT_EQUAL(reach_walk(f.store, &p.manifest, &reach, NULL), -EIO);
	}
}

void test_reach__damaged_documents_are_not_believed(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct plant p = plant_image(f.store, 1);
	_free_ char *name = xasprintf("%s/blobs/sha256/%s", f.path, DIGEST_HEX(&p.manifest));
	const struct reach reach = { .fn = hear, .bad = hear_bad };
	struct err err = { 0 };
	FILE *file;

	CU_ASSERT_EQUAL(unlink(name), 0);
	file = fopen(name, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs("{}", file);
	(void)fclose(file);
	_cleanup_(heard_fini) struct heard h;
	struct reach told = reach;

	heard_init(&h);
	told.arg = &h;
	CU_ASSERT_EQUAL(reach_walk(f.store, &p.manifest, &told, &err), -EIO);
	CU_ASSERT_EQUAL(h.why, ERR_DAMAGED);
	CU_ASSERT_EQUAL(h.count, 0);
}
