/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records against what they name. Others may be at work: what is missing is told only while the
 * record that names it is still the same.
 */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "store/fsck_parts.h"
#include "store/image_records.h"
#include "store/reach.h"

#include <string.h>

/* A record being checked. */
struct subject {
	struct fsck *f;
	const char *key;
	uint64_t generation;
	struct digest manifest; /* NONE: not known */
};

static bool is_unchanged(const struct subject *s)
{
	_record_ struct record rec = { 0 };

	return records_get(s->f->store->records, s->key, &rec, NULL) == 0 &&
	       rec.generation == s->generation;
}

static void tell(const struct subject *s, enum fsck_thing thing, enum fsck_problem problem,
		 const char *what)
{
	if (is_unchanged(s))
		fsck_tell(s->f, &(struct fsck_finding){ .thing = thing,
							.problem = problem,
							.digest = s->manifest,
							.name = s->key,
							.what = what });
}

static void tell_missing(const struct subject *s, const struct digest *d)
{
	_free_ char *what = xasprintf("%s needs it", TEXT_ESCAPED(s->key));

	if (is_unchanged(s))
		fsck_tell(s->f, &(struct fsck_finding){ .thing = FSCK_BLOB,
							.problem = FSCK_MISSING,
							.digest = *d,
							.name = s->key,
							.what = what });
}

/* "NAME" of repo/NAME/_x/rest; NULL when the key is none such. *ret_rest: behind the part. */
static char *split_key(const char *key, const char *part, const char **ret_rest)
{
	const char *name = key + strlen("repo/"), *at = strstr(name, part);

	if (!at)
		return NULL;
	*ret_rest = at + strlen(part);
	return xmemdupz(name, (size_t)(at - name));
}

static bool parse_digest(const char *text, struct digest *ret)
{
	char copy[DIGEST_TEXT_BYTES];
	const char *slash = strchr(text, '/');

	if (!slash || strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	copy[slash - text] = ':';
	return digest_parse(copy, strlen(copy), ret, NULL) == 0;
}

/* --- manifests --- */

static int see_blob(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		    struct err *err)
{
	const struct subject *s = arg;

	(void)size;
	(void)err;
	if (kind == REACH_BLOB && blobs_stat(s->f->store->blobs, d, NULL, NULL) == -ENOENT)
		tell_missing(s, d);
	return 0;
}

/* What is damaged is told when all blobs are hashed, what is missing was told just now. */
static int see_bad(void *arg, const struct digest *d, const struct err *why, struct err *err)
{
	(void)arg;
	(void)d;
	if (why->kind == ERR_NOT_FOUND || why->kind == ERR_DAMAGED || why->kind == ERR_LIMIT ||
	    why->errnum == EIO)
		return 0;
	err_keep_first(err, why);
	return -why->errnum;
}

/* The record says of the document what the document says itself. */
static void compare(const struct subject *s, const struct manifest_record *m)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };

	if (blobs_read(s->f->store->blobs, &s->manifest, &bytes, NULL) < 0)
		return;
	if (bytes.len != m->size)
		tell(s, FSCK_MANIFEST, FSCK_WRONG, "the size is another");
	else if (document_parse(buf_str(&bytes), bytes.len, NULL, &doc, NULL) == 0 &&
		 !media_same(doc.media_type, m->media_type))
		tell(s, FSCK_MANIFEST, FSCK_WRONG, "the media type is another");
}

static int check_manifest(struct subject *s, struct err *err)
{
	const struct reach reach = { .fn = see_blob, .bad = see_bad, .arg = s, .alone = true };
	_manifest_record_ struct manifest_record m = { 0 };
	struct records *records = s->f->store->records;
	const char *rest = NULL;
	_free_ char *name = split_key(s->key, "/_m/", &rest);
	struct err why = { 0 };

	if (!name || !parse_digest(rest, &s->manifest)) {
		tell(s, FSCK_RECORD, FSCK_STRANGE, "a manifest without a digest");
		return 0;
	}
	if (manifest_record_get(records, name, &s->manifest, &m, &why) < 0) {
		if (why.kind != ERR_NOT_FOUND)
			tell(s, FSCK_MANIFEST, FSCK_DAMAGED, why.msg);
		return 0;
	}
	if (blobs_stat(s->f->store->blobs, &s->manifest, NULL, NULL) == -ENOENT) {
		tell_missing(s, &s->manifest);
		return 0;
	}
	compare(s, &m);
	return reach_walk(s->f->store, &s->manifest, &reach, err);
}

static int check_tag(struct subject *s, struct err *err)
{
	_manifest_record_ struct manifest_record m = { 0 };
	_tag_record_ struct tag_record t = { 0 };
	struct records *records = s->f->store->records;
	const char *tag = NULL;
	_free_ char *name = split_key(s->key, "/_t/", &tag);
	struct err why = { 0 };

	(void)err;
	s->f->result.names++;
	if (tag_record_get(records, name, tag, &t, &why) < 0) {
		if (why.kind != ERR_NOT_FOUND)
			tell(s, FSCK_TAG, FSCK_DAMAGED, why.msg);
		return 0;
	}
	s->manifest = t.target.digest;
	if (manifest_record_get(records, name, &t.target.digest, &m, &why) == -ENOENT)
		tell(s, FSCK_TAG, FSCK_WRONG, "means a manifest that its repository lacks");
	return 0;
}

/* --- the others --- */

static int check_root(struct subject *s, const struct record *rec)
{
	_json_ struct json *value = NULL;
	const char *text = NULL;

	if (json_parse(buf_str(&rec->value), rec->value.len, &value, NULL) == 0)
		text = json_str(json_get(value, "manifest"), NULL);
	if (!text || digest_parse(text, strlen(text), &s->manifest, NULL) < 0)
		tell(s, FSCK_ROOT, FSCK_DAMAGED, "names no manifest");
	else if (blobs_stat(s->f->store->blobs, &s->manifest, NULL, NULL) == -ENOENT)
		tell_missing(s, &s->manifest);
	return 0;
}

static int check_record(void *arg, const char *key, const struct record *rec, struct err *err)
{
	static const char *const known[] = { "cat/", "blob/", "layer/", "tree/" };
	struct subject s = { .f = arg, .key = key, .generation = rec->generation };

	TRY(op_check(s.f->op, err));
	if (text_starts_with(key, "repo/") && strstr(key, "/_m/"))
		return check_manifest(&s, err);
	if (text_starts_with(key, "repo/") && strstr(key, "/_t/"))
		return check_tag(&s, err);
	if (text_starts_with(key, "root/") || text_starts_with(key, "mount/"))
		return check_root(&s, rec);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (text_starts_with(key, known[i]))
			return 0;
	tell(&s, FSCK_RECORD, FSCK_STRANGE, "a record of another kind");
	return 0;
}

int fsck_records(struct fsck *f, struct err *err)
{
	return records_list(f->store->records, &(struct records_range){ 0 }, check_record, f, err);
}
