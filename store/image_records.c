/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image records in and out of JSON. Names come from parsed references and are looked at once more,
 * because a component with '_' in front would reach into the records of another repository.
 */
#include "store/image_records.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "manifest/reference.h"

#include <string.h>

static const struct json_field manifest_fields[] = {
	{ "mediaType", JSON_FIELD_STR, offsetof(struct manifest_record, media_type), true },
	{ "size", JSON_FIELD_U64, offsetof(struct manifest_record, size), true },
	{ "storedAt", JSON_FIELD_I64, offsetof(struct manifest_record, stored_at), false },
	{ "byDigest", JSON_FIELD_BOOL, offsetof(struct manifest_record, by_digest), false },
	{ "manifests", JSON_FIELD_STRS, offsetof(struct manifest_record, manifests), false },
};
static const struct json_table manifest_table = { manifest_fields, ARRAY_SIZE(manifest_fields) };

void manifest_record_fini(struct manifest_record *m)
{
	json_decode_free(&manifest_table, m);
}

void tag_record_fini(struct tag_record *t)
{
	free(t->tag);
	descriptor_fini(&t->target);
	*t = (struct tag_record){ 0 };
}

/* --- keys --- */

/* Components that the grammar can make: not empty, and none that the key layout uses itself. */
static bool is_name(const char *name)
{
	for (const char *s = name;; s++) {
		const size_t len = strcspn(s, "/");

		if (len == 0 || *s == '_' || *s == '.')
			return false;
		s += len;
		if (!*s)
			return true;
	}
}

static int check_name(const char *name, struct err *err)
{
	for (const char *s = name; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return err_set(err, ERR_USAGE, "'%s': not a name of a repository",
				       TEXT_ESCAPED(name));
	return is_name(name) ? 0
			     : err_set(err, ERR_USAGE, "'%s': not a name of a repository",
				       TEXT_ESCAPED(name));
}

static int check_length(const char *name, int len, struct err *err)
{
	if (len < 0 || len > RECORD_KEY_MAX)
		return err_set(err, ERR_LIMIT, "'%s': the name is too long", TEXT_ESCAPED(name));
	return 0;
}

int manifest_key(const char *name, const struct digest *d, struct record_key *ret, struct err *err)
{
	TRY(check_name(name, err));
	return check_length(name,
			    snprintf(ret->text, sizeof(ret->text), "repo/%s/_m/%s/%s", name,
				     digest_alg_name(d->alg), DIGEST_HEX(d)),
			    err);
}

int tag_key(const char *name, const char *tag, struct record_key *ret, struct err *err)
{
	TRY(check_name(name, err));
	if (!reference_is_tag(tag))
		return err_set(err, ERR_USAGE, "'%s': not a tag", TEXT_ESCAPED(tag));
	return check_length(
		name, snprintf(ret->text, sizeof(ret->text), "repo/%s/_t/%s", name, tag), err);
}

int catalog_key(const char *name, struct record_key *ret, struct err *err)
{
	TRY(check_name(name, err));
	return check_length(name, snprintf(ret->text, sizeof(ret->text), "cat/%s", name), err);
}

/* --- values --- */

static int decode_manifest(const struct record *rec, struct manifest_record *ret, struct err *err)
{
	_json_ struct json *root = NULL;
	struct manifest_record m = { .generation = rec->generation };

	TRY(json_parse(rec->value.data, rec->value.len, &root, err));
	TRY(json_decode(root, &manifest_table, "", &m, err));
	m.digest = ret->digest;
	*ret = m;
	return 0;
}

static int read_tag(const struct json *root, struct tag_record *t, struct err *err)
{
	TRY(descriptor_parse(root, "", &t->target, err));
	TRY(descriptor_need_digest(&t->target, err));
	t->stored_at = json_int(json_get(root, "storedAt"), 0);
	return 0;
}

static int decode_tag(const struct record *rec, struct tag_record *ret, struct err *err)
{
	_json_ struct json *root = NULL;
	struct tag_record t = { .generation = rec->generation };

	TRY(json_parse(rec->value.data, rec->value.len, &root, err));
	const int rc = read_tag(root, &t, err);

	if (rc < 0)
		tag_record_fini(&t);
	else
		*ret = t;
	return rc;
}

static int damaged(const char *key, struct err *err)
{
	if (err) {
		err->kind = ERR_DAMAGED;
		err->errnum = err_class(ERR_DAMAGED)->errnum;
	}
	(void)err_prefix(err, "record '%s'", TEXT_ESCAPED(key));
	return -err_class(ERR_DAMAGED)->errnum;
}

int manifest_record_get(struct records *r, const char *name, const struct digest *d,
			struct manifest_record *ret, struct err *err)
{
	_record_ struct record rec = { 0 };
	struct manifest_record m = { .digest = *d };
	struct record_key key;

	TRY(manifest_key(name, d, &key, err));
	TRY(records_get(r, key.text, &rec, err));
	if (decode_manifest(&rec, &m, err) < 0)
		return damaged(key.text, err);
	*ret = m;
	return 0;
}

int tag_record_get(struct records *r, const char *name, const char *tag, struct tag_record *ret,
		   struct err *err)
{
	_record_ struct record rec = { 0 };
	struct tag_record t;
	struct record_key key;

	TRY(tag_key(name, tag, &key, err));
	TRY(records_get(r, key.text, &rec, err));
	if (decode_tag(&rec, &t, err) < 0)
		return damaged(key.text, err);
	*ret = t;
	ret->tag = xstrdup(tag);
	return 0;
}

static int write_json(struct records *r, const struct record_key *key, uint64_t generation,
		      const struct json *value, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(RECORD_VALUE_MAX);

	TRY(json_print(value, 0, &text, err));
	const struct record_value bytes = { text.data, text.len };

	return generation ? records_swap(r, key->text, generation, bytes, err)
			  : records_create(r, key->text, bytes, err);
}

int manifest_record_put(struct records *r, const char *name, const struct manifest_record *m,
			struct err *err)
{
	_json_ struct json *object = json_new_object();
	struct json *manifests = json_new_array();
	struct record_key key;

	json_set_str(object, "mediaType", m->media_type);
	json_set_int(object, "size", (int64_t)m->size);
	json_set_int(object, "storedAt", m->stored_at);
	json_set_bool(object, "byDigest", m->by_digest);
	json_set(object, "manifests", manifests);
	for (size_t i = 0; i < m->manifests.count; i++)
		json_add(manifests, json_new_str(m->manifests.items[i]));
	TRY(manifest_key(name, &m->digest, &key, err));
	return write_json(r, &key, m->generation, object, err);
}

int tag_record_put(struct records *r, const char *name, const struct tag_record *t, struct err *err)
{
	_json_ struct json *value = descriptor_json(&t->target);
	struct record_key key;

	json_set_int(value, "storedAt", t->stored_at);
	TRY(tag_key(name, t->tag, &key, err));
	return write_json(r, &key, t->generation, value, err);
}

bool manifest_record_add(struct manifest_record *m, const struct digest *d)
{
	char text[DIGEST_TEXT_BYTES];

	digest_text(d, text);
	for (size_t i = 0; i < m->manifests.count; i++)
		if (!strcmp(m->manifests.items[i], text))
			return false;
	m->manifests.items =
		xreallocarray(m->manifests.items, m->manifests.count + 1, sizeof(char *));
	m->manifests.items[m->manifests.count++] = xstrdup(text);
	return true;
}

/* --- a whole repository --- */

void repository_fini(struct repository *repo)
{
	for (size_t i = 0; i < repo->manifest_count; i++)
		manifest_record_fini(&repo->manifests[i]);
	for (size_t i = 0; i < repo->tag_count; i++)
		tag_record_fini(&repo->tags[i]);
	free(repo->manifests);
	free(repo->tags);
	*repo = (struct repository){ 0 };
}

/* "ALG/HEX" at the end of a key. */
static int parse_key_digest(const char *text, struct digest *ret, struct err *err)
{
	char copy[DIGEST_TEXT_BYTES];
	const char *slash = strchr(text, '/');

	if (!slash || strlen(text) >= sizeof(copy))
		return err_set(err, ERR_DAMAGED, "no digest in its key");
	memcpy(copy, text, strlen(text) + 1);
	copy[slash - text] = ':';
	return digest_parse(copy, strlen(copy), ret, err);
}

struct loading {
	struct repository *repo;
	size_t prefix_len;
};

static int add_manifest(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const struct loading *l = arg;
	struct manifest_record m = { 0 };

	if (parse_key_digest(key + l->prefix_len, &m.digest, err) < 0 ||
	    decode_manifest(rec, &m, err) < 0)
		return damaged(key, err);
	l->repo->manifests = xreallocarray(l->repo->manifests, l->repo->manifest_count + 1,
					   sizeof(struct manifest_record));
	l->repo->manifests[l->repo->manifest_count++] = m;
	return 0;
}

static int add_tag(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const struct loading *l = arg;
	struct tag_record t;

	if (decode_tag(rec, &t, err) < 0)
		return damaged(key, err);
	t.tag = xstrdup(key + l->prefix_len);
	l->repo->tags =
		xreallocarray(l->repo->tags, l->repo->tag_count + 1, sizeof(struct tag_record));
	l->repo->tags[l->repo->tag_count++] = t;
	return 0;
}

static int load_part(struct records *r, const char *name, const char *part, struct repository *repo,
		     struct err *err)
{
	_free_ char *prefix = xasprintf("repo/%s/%s/", name, part);
	const struct records_range range = { .prefix = prefix };
	struct loading l = { .repo = repo, .prefix_len = strlen(prefix) };

	return records_list(r, &range, !strcmp(part, "_m") ? add_manifest : add_tag, &l, err);
}

int repository_load(struct records *r, const char *name, struct repository *ret, struct err *err)
{
	_repository_ struct repository repo = { 0 };

	TRY(check_name(name, err));
	TRY(load_part(r, name, "_m", &repo, err));
	TRY(load_part(r, name, "_t", &repo, err));
	*ret = repo;
	repo = (struct repository){ 0 };
	return 0;
}

static int compare(const void *key, const void *item)
{
	const struct digest *d = key;
	const struct manifest_record *m = item;

	if (d->alg != m->digest.alg)
		return d->alg < m->digest.alg ? -1 : 1;
	return memcmp(d->bytes, m->digest.bytes, digest_alg_bytes(d->alg));
}

struct manifest_record *repository_find(const struct repository *repo, const struct digest *d)
{
	return repo->manifest_count ? bsearch(d, repo->manifests, repo->manifest_count,
					      sizeof(struct manifest_record), compare)
				    : NULL;
}

/* Marks one; true when it was not yet. */
static bool mark_one(struct manifest_record *m, bool below)
{
	bool *mark = m ? below ? &m->is_below : &m->is_reached : NULL;

	if (!m || m->is_gone || *mark)
		return false;
	*mark = true;
	return true;
}

void repository_mark(struct repository *repo, const struct digest *d, bool below)
{
	_free_ struct manifest_record **stack =
		xcalloc(repo->manifest_count, sizeof(struct manifest_record *));
	struct manifest_record *m = repository_find(repo, d);
	size_t depth = 0;

	/* Each is pushed once, when it gets its mark, so the stack has room and circles end. */
	if (mark_one(m, below))
		stack[depth++] = m;
	while (depth) {
		m = stack[--depth];
		for (size_t i = 0; i < m->manifests.count; i++) {
			struct manifest_record *child;
			struct digest below_it;

			if (digest_parse(m->manifests.items[i], strlen(m->manifests.items[i]),
					 &below_it, NULL) < 0)
				continue;
			child = repository_find(repo, &below_it);
			if (mark_one(child, below))
				stack[depth++] = child;
		}
	}
}
