/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One credential file (containers-auth.json(5), docker's config.json and .dockercfg, the variable
 * DOCKER_AUTH_CONFIG): read, and searched for a host. The files are the user's and are trusted to
 * be theirs, not to be well-formed. Messages name file and key, never what stands there.
 */
#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/credentials_files.h"
#include "net/secret.h"
#include "sys/file.h"

#include <errno.h>

static int damaged(const struct credentials_place *place, struct err *err, const char *why)
{
	return err_set(err, ERR_DAMAGED, "credential file %s: %s", TEXT_ESCAPED(place->path), why);
}

/* --- reading --------------------------------------------------------------------------------- */

/* 0 when absent. */
static int read_file(const struct credentials_place *place, struct buf *out, struct err *err)
{
	struct err why = { 0 };

	/* Growing in place would leave copies behind: the room comes first. */
	TRY(buf_reserve(out, 64 << 10, err));
	if (file_read_path(place->path, out, &why) >= 0)
		return 1;
	if (why.errnum != ENOENT && why.errnum != ENOTDIR) {
		err_keep_first(err, &why);
		return err_prefix(err, "credential file");
	}
	if (!place->must_exist)
		return 0;
	return err_set(err, ERR_USAGE, "credential file %s: it does not exist",
		       TEXT_ESCAPED(place->path));
}

static bool is_blank(const struct buf *text)
{
	return strspn(buf_str(text), " \t\r\n") == text->len;
}

int credentials_load(const struct credentials *c, const struct credentials_place *place,
		     struct json **ret, struct err *err)
{
	struct buf _secret_buf_ text = BUF_INIT(CREDENTIALS_BYTES_MAX);
	struct json *_secret_json_ root = NULL;

	if (place->kind == CREDENTIALS_ENV) {
		TRY(buf_append_str(&text, c->env_text, err));
	} else {
		const int there = read_file(place, &text, err);

		if (there <= 0)
			return there;
	}
	if (is_blank(&text))
		return 0;
	/* The parser's message may quote the file. */
	if (json_parse(buf_str(&text), text.len, &root, NULL) < 0)
		return damaged(place, err, "it is not valid JSON");
	if (json_type(root) != JSON_OBJECT_)
		return damaged(place, err, "it is not a JSON object");
	*ret = TAKE_PTR(root);
	return 1;
}

/* --- an entry -------------------------------------------------------------------------------- */

static const char *text_of(const struct json *entry, const char *name)
{
	const char *s = json_str(json_get(entry, name), NULL);

	return s && *s ? s : NULL;
}

/* base64 of USER:PASSWORD; the password may hold colons, and docker once wrote NULs behind it. */
static int decode_auth(const char *auth, struct credential *ret)
{
	size_t all = 0, len;
	char *text = (char *)base64_decode(auth, strlen(auth), &all);

	if (!text)
		return -1;
	for (len = all; len && !text[len - 1];)
		len--;
	char *colon = memchr(text, ':', len);
	const bool good = colon && !memchr(text, '\0', len);

	if (good) {
		*colon = '\0';
		credential_set(ret, text, colon + 1);
	}
	explicit_bzero(text, all);
	free(text);
	return good ? 0 : -1;
}

/* 1 when the entry holds a credential. */
static int read_entry(const struct json *entry, struct credential *c)
{
	const char *auth = text_of(entry, "auth");
	const char *identity = text_of(entry, "identitytoken");
	const char *registry = text_of(entry, "registrytoken");
	const char *user = text_of(entry, "username");
	const char *password = text_of(entry, "password");

	if (auth && decode_auth(auth, c) < 0)
		return -1;
	if (!auth && (user || password))
		credential_set(c, user ? user : "", password ? password : "");
	if (registry || identity) {
		/* docker keeps an empty password beside a token. */
		secret_free(TAKE_PTR(c->secret));
		secret_free(TAKE_PTR(c->identity_token));
		secret_free(TAKE_PTR(c->registry_token));
		*(registry ? &c->registry_token : &c->identity_token) =
			xstrdup(registry ? registry : identity);
		return 1;
	}
	return auth || user || password;
}

static int take_entry(const struct json *entry, const char *key,
		      const struct credentials_place *place, struct credential *ret,
		      struct err *err)
{
	struct credential _credential_ c = { .kind = place->kind == CREDENTIALS_ENV
							     ? CREDENTIAL_ENV
							     : CREDENTIAL_AUTHS };
	const int has = json_type(entry) == JSON_OBJECT_ ? read_entry(entry, &c) : -1;

	if (has < 0)
		return err_set(err, ERR_DAMAGED,
			       "credential file %s: the entry of %s is not USER:PASSWORD in base64",
			       TEXT_ESCAPED(place->path), TEXT_ESCAPED(key));
	if (!has)
		return 0;
	c.file = xstrdup(place->path);
	c.key = xstrdup(key);
	*ret = c;
	c = (struct credential){ 0 };
	return 1;
}

/* --- the search ------------------------------------------------------------------------------ */

static int by_exact_key(const struct json *auths, const struct credentials_place *place,
			const struct credentials_query *q, struct credential *ret, struct err *err)
{
	for (size_t n = 0;; n++) {
		char *_free_ key = credentials_exact_key(q, n);

		if (!key)
			return 0;
		const struct json *entry = json_get(auths, key);

		if (json_type(entry) == JSON_NULL_)
			continue;
		const int has = take_entry(entry, key, place, ret, err);

		if (has)
			return has;
	}
}

int credentials_from_auths(const struct json *auths, const struct credentials_place *place,
			   const struct credentials_query *q, struct credential *ret,
			   struct err *err)
{
	const int exact = by_exact_key(auths, place, q, ret, err);
	struct json_iter it;

	if (exact)
		return exact;
	for (json_iter_init(&it, auths); json_iter_next(&it);) {
		if (!credentials_key_is_host(it.key, place->kind == CREDENTIALS_LEGACY, q) ||
		    json_type(it.value) == JSON_NULL_)
			continue;
		const int has = take_entry(it.value, it.key, place, ret, err);

		if (has)
			return has;
	}
	return 0;
}
