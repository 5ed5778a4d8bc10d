/* SPDX-License-Identifier: Apache-2.0 */
/* What fsck finds in a store, and what the store mends of it alone. */
#include "store/fsck.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/condemned.h"
#include "tests/unit/store/garden.h"

#include <fcntl.h>
#include <sys/stat.h>

/* What was found, as "PROBLEM THING;..." in order of the words. */
struct found {
	struct fsck_finding items[16]; /* names and texts are gone */
	char names[16][300];
	size_t count;
};

static void find(void *arg, const struct fsck_finding *f)
{
	struct found *found = arg;

	if (found->count == ARRAY_SIZE(found->items))
		return;
	snprintf(found->names[found->count], sizeof(found->names[0]), "%s", f->name);
	CU_ASSERT_TRUE(strlen(f->what) > 0);
	found->items[found->count] = *f;
	found->items[found->count].name = found->names[found->count];
	found->count++;
}

static int look_at_layer(void *arg, const struct fsck_layer *layer, struct err *ret_tar,
			 struct err *ret_idx, struct err *err)
{
	char text[64];
	const ssize_t n = pread(layer->tar_fd, text, sizeof(text), 0);

	(void)arg;
	(void)err;
	if (n < 3 || memcmp(text, "raw", 3) != 0)
		(void)err_set(ret_tar, ERR_DAMAGED, "no raw layer");
	if (layer->idx_fd >= 0 &&
	    (pread(layer->idx_fd, text, 5, 0) != 5 || memcmp(text, "index", 5)))
		(void)err_set(ret_idx, ERR_DAMAGED, "no index");
	layer->progress(layer->progress_arg, (uint64_t)n);
	return 0;
}

static int look_at_tree(void *arg, const struct fsck_tree *tree, struct err *ret_bad,
			struct err *err)
{
	char text[4];

	(void)arg;
	(void)err;
	if (pread(tree->fd, text, 4, 0) != 4 || memcmp(text, "tree", 4) != 0)
		(void)err_set(ret_bad, ERR_DAMAGED, "no tree");
	return 0;
}

/* Puts the names of a copy where it is. */
static void settle(struct found *found)
{
	for (size_t i = 0; i < found->count; i++)
		found->items[i].name = found->names[i];
}

static struct found check(struct store *s, struct fsck_result *ret)
{
	static const struct fsck_hooks hooks = { look_at_layer, look_at_tree, NULL };
	struct found found = { 0 };
	const struct fsck_request request = { .hooks = &hooks, .fn = find, .arg = &found };
	struct fsck_result result;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(fsck_check(NULL, s, &request, ret ? ret : &result, &err), 0);
	if (err.kind != ERR_NONE)
		printf("# %s\n", err.msg);
	return found;
}

static bool found_is(const struct found *found, enum fsck_problem problem, enum fsck_thing thing)
{
	const bool is = found->count == 1 && found->items[0].problem == problem &&
			found->items[0].thing == thing;

	for (size_t i = 0; !is && i < found->count; i++)
		printf("# found %s %s %s\n", fsck_problem_name(found->items[i].problem),
		       fsck_thing_name(found->items[i].thing), found->names[i]);
	return is;
}

void test_fsck__finds_nothing_in_a_sound_store(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		struct fsck_result r;

		(void)plant_blobs(f.store, 2);
		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/a", &p, NULL), 0);
		(void)plant_index(f.store, "h.test/b", &p);
		CU_ASSERT_EQUAL(plant_root(f.store, "r1", &p.manifest, NULL), 0);
		/* Harmless: the next collector takes it up. */
		CU_ASSERT_EQUAL(condemned_add(f.store->records, REACH_BLOB, &p.config, NULL), 0);
		CU_ASSERT_EQUAL(check(f.store, &r).count, 0);
		CU_ASSERT_EQUAL(r.blobs, 8);
		CU_ASSERT_EQUAL(r.layers, 2);
		CU_ASSERT_EQUAL(r.trees, 1);
		CU_ASSERT_EQUAL(r.names, 2);
		CU_ASSERT_EQUAL(r.found, 0);
		CU_ASSERT_TRUE(r.bytes > 100);
	}
}

static void overwrite(const struct fixture *f, const char *folder, const struct digest *d,
		      const char *suffix)
{
	_free_ char *path = xasprintf("%s/%s/sha256/%s%s", f->path, folder, DIGEST_HEX(d), suffix);

	CU_ASSERT_EQUAL(unlink(path), 0);
	FILE *file = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs("else", file);
	(void)fclose(file);
	CU_ASSERT_EQUAL(chmod(path, 0444), 0);
}

/* One damage each; found as what it is, and once. */
void test_fsck__finds_what_is_damaged(void)
{
	static const struct {
		const char *folder, *suffix;
		size_t offset;
		enum fsck_thing thing;
	} rows[] = {
		{ "blobs", "", offsetof(struct plant, manifest), FSCK_BLOB },
		{ "blobs", "", offsetof(struct plant, config), FSCK_BLOB },
		{ "blobs", "", offsetof(struct plant, blobs[1]), FSCK_BLOB },
		{ "layers", ".tar", offsetof(struct plant, diffids[1]), FSCK_LAYER },
		{ "layers", ".idx", offsetof(struct plant, diffids[1]), FSCK_INDEX },
		{ "trees", ".erofs", offsetof(struct plant, chain), FSCK_TREE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_fixture_ struct fixture f = fixture_files();
		const struct plant p = plant_image(f.store, 1);
		const struct digest *d = (const struct digest *)((const char *)&p + rows[i].offset);

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/a", &p, NULL), 0);
		overwrite(&f, rows[i].folder, d, rows[i].suffix);
		struct found found = check(f.store, NULL);

		/* The record of a damaged manifest says another size besides. */
		if (i == 0 && found.count == 2) {
			CU_ASSERT_EQUAL(found.items[0].thing, FSCK_MANIFEST);
			found.items[0] = found.items[1];
			found.count = 1;
		}
		CU_ASSERT_TRUE(found_is(&found, FSCK_DAMAGED, rows[i].thing));
		CU_ASSERT_TRUE(digest_equal(&found.items[0].digest, d));
	}
}

void test_fsck__finds_what_is_missing(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		const struct digest all[] = { p.manifest, p.config, p.blobs[0] };

		CU_ASSERT_EQUAL(plant_name(f.store, "h.test/a", &p, NULL), 0);
		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
			CU_ASSERT_EQUAL(blobs_remove(f.store->blobs, &all[i], NULL), 0);
			const struct found found = check(f.store, NULL);

			CU_ASSERT_TRUE(found_is(&found, FSCK_MISSING, FSCK_BLOB));
			CU_ASSERT_TRUE(digest_equal(&found.items[0].digest, &all[i]));
			CU_ASSERT_TRUE(text_starts_with(found.names[0], "repo/h.test/a/_m/"));
			(void)plant_image(f.store, 1);
		}
		/* A layer that is not there is made when it is needed. */
		CU_ASSERT_EQUAL(layerfiles_remove(f.store->layers, &p.diffids[0], NULL), 0);
		CU_ASSERT_EQUAL(check(f.store, NULL).count, 0);
	}
}

static void put(struct store *s, const char *key, const char *value)
{
	CU_ASSERT_EQUAL(records_put(s->records, key, (struct record_value){ value, strlen(value) },
				    NULL),
			0);
}

/* Records that are wrong; those that the store mends alone are right afterwards. */
void test_fsck__finds_and_mends_records(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct plant p = plant_image(f.store, 1);
		_free_ char *manifest =
			xasprintf("repo/h.test/a/_m/sha256/%s", DIGEST_HEX(&p.manifest));
		const struct {
			const char *key, *value; /* NULL: removed */
			enum fsck_problem problem;
			enum fsck_thing thing;
			int mended;
		} rows[] = {
			{ manifest, "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"size\":3}",
			  FSCK_WRONG, FSCK_MANIFEST, 0 },
			{ manifest, "garbage", FSCK_DAMAGED, FSCK_MANIFEST, 0 },
			{ manifest, NULL, FSCK_WRONG, FSCK_TAG, 0 },
			{ "repo/h.test/a/_t/latest", "garbage", FSCK_DAMAGED, FSCK_TAG, 1 },
			{ "root/r1", "{}", FSCK_DAMAGED, FSCK_ROOT, -EOPNOTSUPP },
			{ "future/x", "{}", FSCK_STRANGE, FSCK_RECORD, -EOPNOTSUPP },
		};

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			_record_ struct record rec = { 0 };
			struct err err = { 0 };

			CU_ASSERT_EQUAL(plant_name(f.store, "h.test/a", &p, NULL), 0);
			CU_ASSERT_EQUAL(check(f.store, NULL).count, 0);
			if (rows[i].value) {
				put(f.store, rows[i].key, rows[i].value);
			} else {
				CU_ASSERT_EQUAL(
					records_get(f.store->records, rows[i].key, &rec, NULL), 0);
				CU_ASSERT_EQUAL(records_remove(f.store->records, rows[i].key,
							       rec.generation, NULL),
						0);
			}
			struct found found = check(f.store, NULL);

			settle(&found);
			/* A tag of an unreadable manifest means it still. */
			CU_ASSERT_TRUE(found_is(&found, rows[i].problem, rows[i].thing));
			CU_ASSERT_EQUAL(fsck_mend(f.store, &found.items[0], &err), rows[i].mended);
			if (rows[i].mended < 0) {
				_record_ struct record strange = { 0 };

				CU_ASSERT_EQUAL(records_get(f.store->records, rows[i].key, &strange,
							    NULL),
						0);
				CU_ASSERT_EQUAL(records_remove(f.store->records, rows[i].key,
							       strange.generation, NULL),
						0);
			}
			CU_ASSERT_EQUAL(check(f.store, NULL).count, 0);
		}
	}
}

void test_fsck__finds_modes_and_strangers(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct plant p = plant_image(f.store, 1);
	_free_ char *blob = xasprintf("%s/blobs/sha256/%s", f.path, DIGEST_HEX(&p.manifest));
	_free_ char *litter = xasprintf("cd '%s' && touch stranger layers/sha256/x && "
					"rm oci-layout",
					f.path);
	struct fsck_result r;
	struct err err = { 0 };
	struct stat st;

	CU_ASSERT_EQUAL(chmod(blob, 0644), 0);
	struct found found = check(f.store, &r);

	settle(&found);
	CU_ASSERT_TRUE(found_is(&found, FSCK_MODE, FSCK_BLOB));
	CU_ASSERT_EQUAL(r.found, 0);
	CU_ASSERT_EQUAL(fsck_mend(f.store, &found.items[0], &err), 0);
	CU_ASSERT_EQUAL(stat(blob, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0444);
	CU_ASSERT_EQUAL(system(litter), 0);
	found = check(f.store, &r);
	settle(&found);
	CU_ASSERT_EQUAL(found.count, 3);
	CU_ASSERT_EQUAL(r.found, 1);
	for (size_t i = 0; i < found.count; i++) {
		CU_ASSERT_EQUAL(found.items[i].thing, FSCK_FILE);
		CU_ASSERT_EQUAL(fsck_mend(f.store, &found.items[i], &err),
				strcmp(found.names[i], "oci-layout") ? -EOPNOTSUPP : 0);
	}
	CU_ASSERT_EQUAL(check(f.store, &r).count, 2);
	CU_ASSERT_EQUAL(r.found, 0);
}

void test_fsck__stops_when_told(void)
{
	FOR_EACH_BACKEND(f)
	{
		const struct fsck_request request = { 0 };
		struct fsck_result r;
		struct op op = { 0 };
		struct err err = { 0 };

		(void)plant_image(f.store, 1);
		CU_ASSERT_EQUAL(fsck_check(&op, f.store, &request, &r, NULL), 0);
		op_cancel(&op);
		CU_ASSERT_EQUAL(fsck_check(&op, f.store, &request, &r, &err), -ECANCELED);
		CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
	}
}

/* Reading is enough to check, writing is needed to mend. */
void test_fsck__reads_only(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct plant p = plant_image(f.store, 1);
	struct store *reader = NULL;
	struct err err = { 0 };

	overwrite(&f, "blobs", &p.config, "");
	CU_ASSERT_EQUAL_FATAL(store_open(f.path, STORE_READ_ONLY, &reader, NULL), 0);
	struct found found = check(reader, NULL);

	settle(&found);
	CU_ASSERT_TRUE(found_is(&found, FSCK_DAMAGED, FSCK_BLOB));
	found.items[0].problem = FSCK_MODE;
	CU_ASSERT_TRUE(fsck_mend(reader, &found.items[0], &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_READ_ONLY);
	store_close(reader);
}
