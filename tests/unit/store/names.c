/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of image names share. */
#include "tests/unit/store/names.h"

#include "base/mem.h"

struct reference parse_name(const char *text)
{
	struct reference ref = { 0 };

	CU_ASSERT_EQUAL_FATAL(reference_parse(text, &ref, NULL), 0);
	return ref;
}

struct descriptor stored(struct store *s, const char *text)
{
	const struct digest d = put_blob(s, text);
	struct descriptor target = { 0 };

	descriptor_init(&target, MEDIA_TYPE_OCI_MANIFEST, &d, strlen(text));
	return target;
}

static int put_ref(struct store *s, const struct reference *ref, const char *text, struct err *err)
{
	_descriptor_ struct descriptor target = stored(s, text);

	return images_put(s, ref, &target, NULL, err);
}

void put_name(struct store *s, const char *name, const char *text)
{
	_reference_ struct reference ref = parse_name(name);

	CU_ASSERT_EQUAL(put_ref(s, &ref, text, NULL), 0);
}

void put_by_digest(struct store *s, const char *name, const char *text)
{
	_reference_ struct reference ref = parse_name(name);

	ref.digest = digest_of_str(text);
	CU_ASSERT_EQUAL(put_ref(s, &ref, text, NULL), 0);
}

void put_index(struct store *s, const char *name, const char *index, const char *const children[2])
{
	_reference_ struct reference ref = parse_name(name);
	_descriptor_ struct descriptor target = stored(s, index);
	struct descriptors present = { .items = xcalloc(2, sizeof(struct descriptor)) };

	for (size_t i = 0; i < 2 && children[i]; i++)
		present.items[present.count++] = stored(s, children[i]);
	CU_ASSERT_EQUAL(images_put(s, &ref, &target, &present, NULL), 0);
	descriptors_fini(&present);
}

bool means(struct store *s, const char *name, const char *by, const char *text)
{
	_reference_ struct reference ref = parse_name(name);
	_descriptor_ struct descriptor found = { 0 };
	const struct digest d = digest_of_str(text);

	if (by)
		ref.digest = digest_of_str(by);
	return images_resolve(s, &ref, &found, NULL) == 0 && digest_equal(&found.digest, &d) &&
	       found.size == strlen(text) && !strcmp(found.media_type, MEDIA_TYPE_OCI_MANIFEST);
}

int remove_name(struct store *s, const char *name, const char *by, images_fn *fn, void *arg)
{
	_reference_ struct reference ref = parse_name(name);

	if (by)
		ref.digest = digest_of_str(by);
	return images_remove(s, &ref, fn, arg, NULL);
}

int see(void *arg, const struct image_name *name, struct err *err)
{
	struct seen *seen = arg;
	_buf_ struct buf content = BUF_INIT(100);
	const size_t len = strlen(seen->text);

	CU_ASSERT_EQUAL(blobs_read(seen->store->blobs, &name->target.digest, &content, err), 0);
	CU_ASSERT_TRUE(name->stored_at > 1700000000);
	snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s%s%s=%s", len ? " " : "",
		 name->repository, name->tag ? ":" : "@", name->tag ? name->tag : "",
		 buf_str(&content));
	return seen->stop_after && --seen->stop_after == 0 ? 9 : 0;
}

static int count_key(void *arg, const char *key, const struct record *rec, struct err *err)
{
	(void)key;
	(void)rec;
	(void)err;
	(*(int *)arg)++;
	return 0;
}

int count_records(struct store *s)
{
	static const struct records_range all = { 0 };
	int count = 0;

	CU_ASSERT_EQUAL(records_list(s->records, &all, count_key, &count, NULL), 0);
	return count;
}
