/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of mounts as JSON. What is read back was written by us, but maybe by another version:
 * what is missing or strange makes the record unreadable, never a wrong mount.
 */
#include "overlay/mount_record.h"

#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "stream/chain.h"
#include "stream/hash.h"

#include <fcntl.h>
#include <sys/random.h>

#define MOUNT_PREFIX "mount/"
#define ROOT_PREFIX  "root/"
#define KEY_BYTES    (sizeof(MOUNT_PREFIX) + MOUNT_ID_BYTES)
#define CHANCE_BYTES 6

void mount_entry_fini(struct mount_entry *e)
{
	free(e->image);
	free(e->driver);
	free(e->path);
	free(e->uidmap);
	free(e->gidmap);
	*e = (struct mount_entry){ 0 };
}

void mount_record_fini(struct mount_record *r)
{
	mount_entry_fini(&r->entry);
	r->generation = 0;
}

/* --- ids --- */

int mount_id_check(const char *id, struct err *err)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
	const size_t len = strlen(id);

	if (len && len < MOUNT_ID_BYTES && strchr(first, id[0]) && strspn(id, more) == len)
		return 0;
	const int rc = err_set(err, ERR_USAGE, "%s: not an id", TEXT_ESCAPED(id));

	err_hint(err, "lower-case letters, digits, '_', '.' and '-', at most 64 in all");
	return rc;
}

int mount_id_make(char ret[MOUNT_ID_BYTES], struct err *err)
{
	unsigned char bytes[CHANCE_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(err, errno, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

void mount_chain_id(const struct digest *diff_ids, size_t count, struct digest *ret)
{
	struct digest chain;

	if (!count) {
		hash_bytes(DIGEST_SHA256, "", 0, ret);
		return;
	}
	chain_id(NULL, &diff_ids[0], &chain);
	for (size_t i = 1; i < count; i++) {
		const struct digest parent = chain;

		chain_id(&parent, &diff_ids[i], &chain);
	}
	*ret = chain;
}

/* --- writing --- */

static char *key_of(const struct mount_entry *e, char key[KEY_BYTES])
{
	snprintf(key, KEY_BYTES, "%s%s", e->is_writable ? ROOT_PREFIX : MOUNT_PREFIX, e->id);
	return key;
}

/* A path may be of any bytes, JSON not. */
static void set_path(struct json *o, const char *path)
{
	if (!path)
		return;
	if (text_is_utf8(path, strlen(path))) {
		json_set_str(o, "path", path);
		return;
	}
	_free_ char *coded = base64_encode((const uint8_t *)path, strlen(path));

	json_set_str(o, "path-base64", coded);
}

static void set_where(struct json *o, const struct mount_id *where)
{
	if (!where->boot_id[0])
		return;
	json_set_str(o, "boot", where->boot_id);
	json_set_int(o, "namespace", (int64_t)where->namespace_id);
	json_set_int(o, "mount", (int64_t)where->unique);
}

static int print_entry(const struct mount_entry *e, struct buf *out, struct err *err)
{
	_json_ struct json *o = json_new_object();

	json_set_str(o, "manifest", DIGEST_TEXT(&e->manifest));
	json_set_str(o, "chain", DIGEST_TEXT(&e->chain_id));
	json_set_str(o, "image", e->image ? e->image : "");
	json_set_str(o, "driver", e->driver);
	json_set_bool(o, "volatile", e->is_volatile);
	json_set_bool(o, "userxattr", e->is_userxattr);
	json_set_int(o, "created", e->created_at);
	if (e->uidmap)
		json_set_str(o, "uidmap", e->uidmap);
	if (e->gidmap)
		json_set_str(o, "gidmap", e->gidmap);
	set_path(o, e->path);
	set_where(o, &e->where);
	return json_print(o, 0, out, err);
}

int mount_record_create(struct store *store, const struct mount_entry *e, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(RECORD_VALUE_MAX);
	char key[KEY_BYTES];

	TRY(print_entry(e, &text, err));
	return records_create(store->records, key_of(e, key),
			      (struct record_value){ text.data, text.len }, err);
}

int mount_record_swap(struct store *store, const struct mount_record *old,
		      const struct mount_entry *e, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(RECORD_VALUE_MAX);
	char key[KEY_BYTES];

	TRY(print_entry(e, &text, err));
	return records_swap(store->records, key_of(&old->entry, key), old->generation,
			    (struct record_value){ text.data, text.len }, err);
}

struct removal {
	const char *key;
	uint64_t generation;
};

static int remove_record(struct records *records, void *arg, struct err *err)
{
	const struct removal *x = arg;

	return records_remove(records, x->key, x->generation, err);
}

int mount_record_remove(struct store *store, const struct mount_record *old, struct err *err)
{
	char key[KEY_BYTES];

	struct removal x = { key_of(&old->entry, key), old->generation };

	return old->entry.is_writable
		       ? records_remove(store->records, x.key, x.generation, err)
		       : records_transaction_relaxed(store->records, remove_record, &x, err);
}

/* --- reading --- */

static int get_digest(const struct json *o, const char *name, struct digest *ret, struct err *err)
{
	const char *text = json_str(json_get(o, name), "");

	return digest_parse(text, strlen(text), ret, err);
}

static char *dup_str(const struct json *v)
{
	const char *s = json_str(v, NULL);

	return s ? xstrdup(s) : NULL;
}

static int decode_path(const char *coded, char **ret, struct err *err)
{
	size_t bytes = 0;
	_free_ uint8_t *path = base64_decode(coded, strlen(coded), &bytes);

	if (!path || memchr(path, 0, bytes))
		return err_set(err, ERR_DAMAGED, "path-base64: not a path");
	*ret = xmemdupz(path, bytes);
	return 0;
}

static int get_path(const struct json *o, char **ret, struct err *err)
{
	const char *coded = json_str(json_get(o, "path-base64"), NULL);

	if (coded)
		TRY(decode_path(coded, ret, err));
	else
		*ret = dup_str(json_get(o, "path"));
	return !*ret || **ret == '/' ? 0 : err_set(err, ERR_DAMAGED, "path: not absolute");
}

static void get_where(const struct json *o, struct mount_id *ret)
{
	snprintf(ret->boot_id, sizeof(ret->boot_id), "%s", json_str(json_get(o, "boot"), ""));
	ret->namespace_id = (uint64_t)json_int(json_get(o, "namespace"), 0);
	ret->unique = (uint64_t)json_int(json_get(o, "mount"), 0);
}

static int decode(const struct json *o, struct mount_entry *e, struct err *err)
{
	TRY(get_digest(o, "manifest", &e->manifest, err));
	TRY(get_digest(o, "chain", &e->chain_id, err));
	TRY(get_path(o, &e->path, err));
	e->image = xstrdup(json_str(json_get(o, "image"), ""));
	e->driver = xstrdup(json_str(json_get(o, "driver"), ""));
	if (!*e->driver)
		return err_set(err, ERR_DAMAGED, "no driver");
	e->is_volatile = json_bool(json_get(o, "volatile"), false);
	e->is_userxattr = json_bool(json_get(o, "userxattr"), false);
	e->created_at = json_int(json_get(o, "created"), 0);
	e->uidmap = dup_str(json_get(o, "uidmap"));
	e->gidmap = dup_str(json_get(o, "gidmap"));
	get_where(o, &e->where);
	return 0;
}

/* `key` says whether it can be written to, and the id. */
static int parse_record(const char *key, const struct record *rec, struct mount_record *r,
			struct err *err)
{
	const char *id = strchr(key, '/') + 1;
	_json_ struct json *o = NULL;

	TRY(mount_id_check(id, err));
	TRY(json_parse(rec->value.data, rec->value.len, &o, err));
	memcpy(r->entry.id, id, strlen(id) + 1);
	r->entry.is_writable = text_starts_with(key, ROOT_PREFIX);
	r->generation = rec->generation;
	return decode(o, &r->entry, err);
}

/* A value, or nothing. */
static int read_record(const char *key, const struct record *rec, const struct mount_id *here,
		       struct mount_record *ret, struct err *err)
{
	_mount_record_ struct mount_record r = { 0 };
	const int rc = parse_record(key, rec, &r, err);

	if (rc < 0)
		return err_prefix(err, "record %s", TEXT_ESCAPED(key));
	r.entry.state = mount_entry_state(&r.entry, here);
	*ret = r;
	r = (struct mount_record){ 0 };
	return 0;
}

int mount_record_get(struct store *store, const char *id, struct mount_record *ret, struct err *err)
{
	static const char *const prefixes[] = { MOUNT_PREFIX, ROOT_PREFIX };
	struct mount_id here;
	int rc = -ENOENT;

	TRY(mount_id_check(id, err));
	TRY(mount_here(&here, err));
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		_record_ struct record rec = { 0 };
		char key[KEY_BYTES];
		struct err why = { 0 };

		snprintf(key, sizeof(key), "%s%s", prefixes[i], id);
		rc = records_get(store->records, key, &rec, &why);
		if (rc == 0)
			return read_record(key, &rec, &here, ret, err);
		if (why.kind != ERR_NOT_FOUND) {
			*err = why;
			return rc;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "%s: no such mount or root", id);
}

/* --- all of them --- */

struct walk {
	struct mount_id here;
	char chain[DIGEST_TEXT_BYTES + 12]; /* as it stands in a record; "": all */
	mount_record_fn *fn;
	void *arg;
};

static int visit(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const struct walk *w = arg;
	_mount_record_ struct mount_record r = { 0 };
	struct err why = { 0 };

	if (w->chain[0] && !memmem(rec->value.data, rec->value.len, w->chain, strlen(w->chain)))
		return 0;
	if (read_record(key, rec, &w->here, &r, &why) < 0) {
		log_warn("%s", why.msg);
		return 0;
	}
	return w->fn(w->arg, &r, err);
}

/* Mounts, then roots. */
static int list_all(struct store *store, records_fn *fn, void *arg, struct err *err)
{
	const struct records_range mounts = { .prefix = MOUNT_PREFIX };
	const struct records_range roots = { .prefix = ROOT_PREFIX };
	const int rc = records_list(store->records, &mounts, fn, arg, err);

	return rc ? rc : records_list(store->records, &roots, fn, arg, err);
}

int mount_record_list(struct store *store, const struct digest *chain_id, mount_record_fn *fn,
		      void *arg, struct err *err)
{
	struct walk w = { .fn = fn, .arg = arg };

	if (chain_id)
		snprintf(w.chain, sizeof(w.chain), "\"%s\"", DIGEST_TEXT(chain_id));
	TRY(mount_here(&w.here, err));
	return list_all(store, visit, &w, err);
}

static int mentions(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const char *chain = arg;

	(void)key;
	(void)err;
	return memmem(rec->value.data, rec->value.len, chain, strlen(chain)) != NULL;
}

int mount_record_names(struct store *store, const struct digest *chain_id, struct err *err)
{
	char text[DIGEST_TEXT_BYTES];

	return list_all(store, mentions, digest_text(chain_id, text), err);
}

/* --- what is true --- */

/* Kernels before 6.8 have no unique ids: that something is mounted there must do. */
static bool is_mounted_at(const struct mount_entry *e)
{
	const int there = mount_is_there(e->where.unique);

	return there == 1 || (there < 0 && mount_unique_at(AT_FDCWD, e->path) == e->where.unique);
}

enum mount_state mount_entry_state(const struct mount_entry *e, const struct mount_id *here)
{
	if (!e->path)
		return MOUNT_NONE;
	if (strcmp(e->where.boot_id, here->boot_id) != 0)
		return MOUNT_STALE;
	if (e->where.namespace_id == here->namespace_id)
		return is_mounted_at(e) ? MOUNT_ACTIVE : MOUNT_STALE;
	/* In a user namespace one is not told of the others that this user has. */
	return mount_namespace_is_there(e->where.namespace_id) == 0 && !mount_is_hidden(e->path)
		       ? MOUNT_STALE
		       : MOUNT_ELSEWHERE;
}
