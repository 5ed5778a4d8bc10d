/* SPDX-License-Identifier: Apache-2.0 */
/* The records of what the collector may free; see condemned.h and keep.h. */
#include "store/condemned.h"

#include "base/mem.h"

#include <string.h>

static const char *const kinds[REACH_KIND_COUNT] = {
	[REACH_BLOB] = "blob",
	[REACH_LAYER] = "layer",
	[REACH_TREE] = "tree",
};

const char *condemned_kind(enum reach_kind kind)
{
	return kinds[kind];
}

/* KIND/ALG/HEX */
struct key {
	char text[DIGEST_TEXT_BYTES + 8];
};

static const char *key_of(enum reach_kind kind, const struct digest *d, struct key *key)
{
	snprintf(key->text, sizeof(key->text), "%s/%s/%s", kinds[kind], digest_alg_name(d->alg),
		 DIGEST_HEX(d));
	return key->text;
}

static int found(void *arg, const char *key, const struct record *rec, struct err *err)
{
	(void)arg;
	(void)key;
	(void)rec;
	(void)err;
	return 1;
}

int condemned_any(struct records *r, bool *ret, struct err *err)
{
	static const char *const prefixes[] = { "blob/", "layer/", "tree/" };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes) && rc == 0; i++)
		rc = records_list(r, &(struct records_range){ .prefix = prefixes[i], .limit = 1 },
				  found, NULL, err);
	if (rc >= 0)
		*ret = rc > 0;
	return rc < 0 ? rc : 0;
}

int condemned_add(struct records *r, enum reach_kind kind, const struct digest *d, struct err *err)
{
	struct err why = { 0 };
	struct key key;
	const int rc = records_create(r, key_of(kind, d, &key), (struct record_value){ 0 }, &why);

	if (rc == 0 || why.kind == ERR_EXISTS)
		return 0;
	err_keep_first(err, &why);
	return rc;
}

int condemned_look(struct records *r, enum reach_kind kind, const struct digest *d,
		   uint64_t *ret_generation, struct err *err)
{
	_record_ struct record rec = { 0 };
	struct err why = { 0 };
	struct key key;
	const int rc = records_get(r, key_of(kind, d, &key), &rec, &why);

	if (rc == 0 || why.kind == ERR_NOT_FOUND) {
		*ret_generation = rc == 0 ? rec.generation : 0;
		return 0;
	}
	err_keep_first(err, &why);
	return rc;
}

int condemned_drop(struct records *r, enum reach_kind kind, const struct digest *d,
		   uint64_t generation, struct err *err)
{
	struct key key;

	if (generation == 0)
		TRY(condemned_look(r, kind, d, &generation, err));
	return generation ? records_remove(r, key_of(kind, d, &key), generation, err) : 0;
}

struct listing {
	condemned_fn *fn;
	void *arg;
	size_t prefix_len;
};

/* "ALG/HEX" at the end of a key; what is none is nothing we could free. */
static int list_one(void *arg, const char *key, const struct record *rec, struct err *err)
{
	const struct listing *l = arg;
	char text[DIGEST_TEXT_BYTES];
	const char *rest = key + l->prefix_len, *slash = strchr(rest, '/');
	struct digest d;

	if (!slash || strlen(rest) >= sizeof(text))
		return 0;
	memcpy(text, rest, strlen(rest) + 1);
	text[slash - rest] = ':';
	if (digest_parse(text, strlen(text), &d, NULL) < 0)
		return 0;
	return l->fn(l->arg, &d, rec->generation, err);
}

int condemned_list(struct records *r, enum reach_kind kind, condemned_fn *fn, void *arg,
		   struct err *err)
{
	char prefix[16];
	struct listing l = { .fn = fn, .arg = arg };

	l.prefix_len = (size_t)snprintf(prefix, sizeof(prefix), "%s/", kinds[kind]);
	return records_list(r, &(struct records_range){ .prefix = prefix }, list_one, &l, err);
}
