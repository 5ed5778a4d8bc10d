/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where credentials are looked for, in order: --creds; the file of --authfile or
 * REGISTRY_AUTH_FILE, then nothing else; else DOCKER_AUTH_CONFIG,
 * $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json, docker's
 * config.json, ~/.dockercfg (containers-auth.json(5)). The first place that has something for the
 * host decides; within a file a helper comes before `auths`.
 */
#include "net/credentials.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/credentials_files.h"
#include "net/secret.h"

/* --- values ---------------------------------------------------------------------------------- */

void credential_fini(struct credential *c)
{
	free(c->user);
	secret_free(c->secret);
	secret_free(c->identity_token);
	secret_free(c->registry_token);
	free(c->file);
	free(c->key);
	free(c->helper);
	*c = (struct credential){ 0 };
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void credential_copy(const struct credential *c, struct credential *ret)
{
	*ret = (struct credential){
		.kind = c->kind,
		.user = dup_or_null(c->user),
		.secret = dup_or_null(c->secret),
		.identity_token = dup_or_null(c->identity_token),
		.registry_token = dup_or_null(c->registry_token),
		.file = dup_or_null(c->file),
		.key = dup_or_null(c->key),
		.helper = dup_or_null(c->helper),
	};
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool credential_equal(const struct credential *a, const struct credential *b)
{
	return (a->kind == CREDENTIAL_NONE) == (b->kind == CREDENTIAL_NONE) &&
	       same(a->user, b->user) && same(a->secret, b->secret) &&
	       same(a->identity_token, b->identity_token) &&
	       same(a->registry_token, b->registry_token);
}

void credential_set(struct credential *c, const char *user, const char *secret)
{
	const bool is_token = !strcmp(user, CREDENTIAL_TOKEN_USER);

	free(TAKE_PTR(c->user));
	secret_free(TAKE_PTR(c->secret));
	secret_free(TAKE_PTR(c->identity_token));
	if (is_token) {
		c->identity_token = xstrdup(secret);
	} else {
		c->user = xstrdup(user);
		c->secret = xstrdup(secret);
	}
}

char *credential_origin(const struct credential *c)
{
	char file[512], key[512];

	text_escape(file, sizeof(file), c->file ? c->file : "", c->file ? strlen(c->file) : 0);
	text_escape(key, sizeof(key), c->key ? c->key : "", c->key ? strlen(c->key) : 0);
	switch (c->kind) {
	case CREDENTIAL_NONE:
		break;
	case CREDENTIAL_FLAG:
		return xstrdup("--creds");
	case CREDENTIAL_ENV:
	case CREDENTIAL_AUTHS:
		return xasprintf("%s (key %s)", file, key);
	case CREDENTIAL_HELPER:
		return xasprintf("docker-credential-%s (named in %s, key %s)", c->helper, file,
				 key);
	}
	return xstrdup("none");
}

/* --- places ---------------------------------------------------------------------------------- */

/* Set and not empty. */
static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Takes over `path` (NULL: no such place on this machine). */
static void add_place(struct credentials *c, enum credentials_place_kind kind, char *path)
{
	struct credentials_place *place = &c->places[c->place_count];

	if (!path)
		return;
	place->kind = kind;
	place->path = path;
	c->place_count++;
}

/* $VARIABLE/REST, else ~/FALLBACK/REST, else NULL. */
static char *below(const char *variable, const char *fallback, const char *rest)
{
	const char *base = env(variable), *home = env("HOME");

	if (base)
		return xasprintf("%s/%s", base, rest);
	return home ? xasprintf("%s/%s%s", home, fallback, rest) : NULL;
}

static char *runtime_path(void)
{
	const char *base = env("XDG_RUNTIME_DIR");

	if (base)
		return xasprintf("%s/containers/auth.json", base);
	return xasprintf("/run/containers/%u/auth.json", (unsigned)getuid());
}

static void add_usual_places(struct credentials *c)
{
	const char *text = env("DOCKER_AUTH_CONFIG");

	if (text) {
		c->env_text = xstrdup(text);
		add_place(c, CREDENTIALS_ENV, xstrdup("DOCKER_AUTH_CONFIG"));
	}
	c->write_path = runtime_path();
	add_place(c, CREDENTIALS_FILE, runtime_path());
	add_place(c, CREDENTIALS_FILE,
		  below("XDG_CONFIG_HOME", ".config/", "containers/auth.json"));
	add_place(c, CREDENTIALS_FILE, below("DOCKER_CONFIG", ".docker/", "config.json"));
	add_place(c, CREDENTIALS_LEGACY,
		  env("HOME") ? xasprintf("%s/.dockercfg", env("HOME")) : NULL);
}

static int take_flag(struct credentials *c, const char *creds, struct err *err)
{
	const size_t len = strcspn(creds, ":");

	if (!len)
		return err_set(err, ERR_USAGE, "--creds: no user name; it takes USER[:PASS]");
	c->flag_user = xmemdupz(creds, len);
	c->flag_secret = xstrdup(creds[len] ? creds + len + 1 : "");
	return 0;
}

DEFINE_CLEANUP(credentials_free, struct credentials *)

int credentials_new(const struct credentials_config *config, struct credentials **ret,
		    struct err *err)
{
	struct credentials *_cleanup_(credentials_free_p) c = NEW(struct credentials);
	const char *only = config->authfile ? config->authfile : env("REGISTRY_AUTH_FILE");

	if (config->creds)
		TRY(take_flag(c, config->creds, err));
	if (only) {
		add_place(c, CREDENTIALS_FILE, xstrdup(only));
		c->places[0].must_exist = config->authfile;
		c->write_path = xstrdup(only);
	} else {
		add_usual_places(c);
	}
	*ret = TAKE_PTR(c);
	return 0;
}

void credentials_free(struct credentials *c)
{
	if (!c)
		return;
	free(c->flag_user);
	secret_free(c->flag_secret);
	secret_free(c->env_text);
	free(c->write_path);
	for (size_t i = 0; i < c->place_count; i++)
		free(c->places[i].path);
	free(c);
}

const char *credentials_write_path(const struct credentials *c)
{
	return c->write_path;
}

/* --- the search ------------------------------------------------------------------------------ */

struct search {
	const struct credentials *c;
	struct op *op;
	const struct credentials_query *q;
};

static int ask_helper(const struct search *s, const struct json *root,
		      const struct credentials_place *place, struct credential *ret,
		      struct err *err)
{
	/* A helper of the environment would be a program of somebody else's choice. */
	if (place->kind != CREDENTIALS_FILE)
		return 0;
	const struct credentials_helper h = { credentials_helper_of(root, s->q), place->path };

	if (!h.name)
		return 0;
	return credentials_helper_get(s->op, &h, credentials_helper_key(s->q), ret, err);
}

static int find_in_place(const struct search *s, const struct credentials_place *place,
			 struct credential *ret, struct err *err)
{
	struct json *_secret_json_ root = NULL;
	const int there = credentials_load(s->c, place, &root, err);

	if (there <= 0)
		return there;
	const int has = ask_helper(s, root, place, ret, err);

	if (has)
		return has;
	const bool legacy = place->kind == CREDENTIALS_LEGACY;

	return credentials_from_auths(legacy ? root : json_get(root, "auths"), place, s->q, ret,
				      err);
}

int credentials_find(const struct credentials *c, struct op *op, const struct credentials_query *q,
		     struct credential *ret, struct err *err)
{
	const struct search s = { c, op, q };
	struct credential found = { 0 };

	if (c->flag_user) {
		found.kind = CREDENTIAL_FLAG;
		credential_set(&found, c->flag_user, c->flag_secret);
		*ret = found;
		return 0;
	}
	for (size_t i = 0; i < c->place_count; i++) {
		const int has = find_in_place(&s, &c->places[i], &found, err);

		if (has < 0)
			return has;
		if (has)
			break;
	}
	*ret = found;
	return 0;
}
