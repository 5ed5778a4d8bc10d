/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a 401 to the next try. What the registry says (challenges, realm, scope) is a stranger's
 * word: it decides only what is asked for, never that credentials go to another place than the
 * registry itself and the realm it names. Every path ends after a few rounds.
 */
#include "net/auth.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/auth_cache.h"
#include "net/auth_scope.h"
#include "net/challenge.h"
#include "net/secret.h"

/* A request is tried without anything, with a remembered token, a new one, one of more scopes. */
#define ROUNDS_MAX 4

struct auth *auth_new(const struct auth_config *config)
{
	struct auth *a = NEW(struct auth);

	a->config = *config;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	auth_cache_fini(a);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void auth_session_fini(struct auth_session *s)
{
	secret_free(s->header);
	free(s->scope);
	s->header = NULL;
	s->scope = NULL;
}

/* --- words for people ------------------------------------------------------------------------ */

/* The name under which a person logs in. */
static const char *login_name(const struct auth_target *t)
{
	return t->auth_key && strstr(t->auth_key, "index.docker.io") ? "docker.io" : t->host;
}

static int refused(const struct auth_session *s, const struct credential *c, struct err *err)
{
	const char *name = login_name(&s->target);
	char *_free_ origin = credential_origin(c);

	if (c->kind == CREDENTIAL_NONE) {
		(void)err_set(
			err, ERR_AUTH,
			"registry %s: access denied: it wants a login, or there is no such repository",
			TEXT_ESCAPED(name));
		err_hint(err, "log in with: img login %s", TEXT_ESCAPED(name));
	} else {
		(void)err_set(err, ERR_AUTH, "registry %s: access denied to the credentials of %s",
			      TEXT_ESCAPED(name), origin);
		err_hint(err,
			 "they are wrong, or do not permit this; to replace them: img login %s",
			 TEXT_ESCAPED(name));
	}
	return -err_class(ERR_AUTH)->errnum;
}

/* --- headers --------------------------------------------------------------------------------- */

static bool sent(const struct auth_session *s, const char *scheme)
{
	return s->header && text_starts_with(s->header, scheme);
}

/* The token of the last try, or NULL. Borrowed. */
static const char *sent_token(const struct auth_session *s)
{
	return sent(s, "Bearer ") ? s->header + strlen("Bearer ") : NULL;
}

/* Owns `header`. */
static void set_header(struct auth_session *s, char *header)
{
	secret_free(s->header);
	s->header = header;
}

static void set_bearer(struct auth_session *s, const char *token)
{
	set_header(s, xasprintf("Bearer %s", token));
}

static int set_basic(const struct auth *a, struct auth_session *s, const struct credential *c,
		     struct err *err)
{
	struct url _url_ to = { 0 };
	char *header = NULL;

	TRY(url_of_host(s->target.host, !s->target.is_plain, "/", &to, err));
	if (!token_may_carry(&a->config, &to)) {
		(void)err_set(err, ERR_DENIED,
			      "registry %s: credentials are not sent over plain http",
			      TEXT_ESCAPED(s->target.host));
		err_hint(err, "--plain-http allows it");
		return -err_class(ERR_DENIED)->errnum;
	}
	TRY(token_basic(c->user, c->secret, &header, err));
	set_header(s, header);
	s->fresh = true;
	return 0;
}

/* --- bearer ---------------------------------------------------------------------------------- */

/*
 * https, unless the registry speaks http itself or both are on this machine; and not further in
 * than the registry is.
 */
static int check_realm(const struct auth_session *s, const char *text, struct url *ret,
		       struct err *err)
{
	struct url _url_ realm = { 0 }, _url_ registry = { 0 };

	TRY(url_of_host(s->target.host, !s->target.is_plain, "/", &registry, err));
	if (url_parse(text, &realm, err) < 0)
		return err_prefix(err, "registry %s: token realm", TEXT_ESCAPED(s->target.host));
	const bool local = url_host_is_loopback(registry.host) && url_host_is_loopback(realm.host);

	if (!realm.is_https && !s->target.is_plain && !local) {
		char *_free_ shown = url_shown(&realm);

		return err_set(err, ERR_DENIED, "token realm %s: it is not https", shown);
	}
	TRY(url_check_reach(&registry, &realm, "token realm", err));
	*ret = realm;
	realm = (struct url){ 0 };
	return 0;
}

/* A token for the session's scopes, from the realm of `way`. */
static int set_token(struct auth *a, struct op *op, struct auth_session *s,
		     const struct auth_way *way, struct err *err)
{
	struct credential _credential_ c = { 0 };
	struct url _url_ realm = { 0 };
	char *_secret_ token = NULL;

	TRY(check_realm(s, way->realm, &realm, err));
	TRY(auth_login_get(a, op, &s->target, &c, err));
	if (c.registry_token) {
		if (sent_token(s) && !strcmp(sent_token(s), c.registry_token))
			return refused(s, &c, err);
		set_bearer(s, c.registry_token);
		return 0;
	}
	struct auth_wish wish = {
		.request = { &a->config, s->target.host, &realm, way->service, s->scope, &c },
		.refused = sent_token(s),
	};

	TRY(auth_token_get(a, op, &wish, &token, err));
	set_bearer(s, token);
	s->fresh = wish.is_fresh;
	return 0;
}

/* Why another token might be taken where the last was not; false when it would not. */
static bool is_worth_another(struct auth_session *s, const struct challenge *c)
{
	const char *error = challenge_param(c, "error");
	char *_free_ old = TAKE_PTR(s->scope);

	s->scope = scope_merge(old ? old : s->target.scope, challenge_param(c, "scope"));
	if (!sent(s, "Bearer "))
		return true;
	const bool more = s->scope && (!old || strcmp(old, s->scope) != 0);

	if (more && !s->merged && error && !strcmp(error, "insufficient_scope")) {
		s->merged = true;
		return true;
	}
	return !s->fresh;
}

static int answer_bearer(struct auth *a, struct op *op, struct auth_session *s,
			 const struct challenge *c, struct err *err)
{
	struct auth_way way = { .host = (char *)(uintptr_t)s->target.host,
				.is_plain = s->target.is_plain,
				.realm = (char *)(uintptr_t)challenge_param(c, "realm"),
				.service = (char *)(uintptr_t)challenge_param(c, "service") };

	if (!is_worth_another(s, c)) {
		struct credential _credential_ login = { 0 };

		TRY(auth_login_get(a, op, &s->target, &login, err));
		return refused(s, &login, err);
	}
	TRY(set_token(a, op, s, &way, err));
	auth_way_set(a, &way);
	return 0;
}

/* --- basic ----------------------------------------------------------------------------------- */

static int answer_basic(struct auth *a, struct op *op, struct auth_session *s, struct err *err)
{
	struct credential _credential_ c = { 0 };
	const struct auth_way way = { .host = (char *)(uintptr_t)s->target.host,
				      .is_plain = s->target.is_plain,
				      .is_basic = true };

	TRY(auth_login_get(a, op, &s->target, &c, err));
	if (c.kind == CREDENTIAL_NONE || sent(s, "Basic "))
		return refused(s, &c, err);
	if (!c.secret) {
		char *_free_ origin = credential_origin(&c);

		return err_set(err, ERR_AUTH,
			       "registry %s: it wants a user and a password, %s has only a token",
			       TEXT_ESCAPED(s->target.host), origin);
	}
	TRY(set_basic(a, s, &c, err));
	auth_way_set(a, &way);
	return 0;
}

/* --- a session ------------------------------------------------------------------------------- */

int auth_prepare(struct auth *a, struct op *op, struct auth_session *s, struct err *err)
{
	struct auth_way _cleanup_(auth_way_fini) way = { 0 };

	free(s->scope);
	s->scope = scope_merge(s->target.scope, NULL);
	if (!auth_way_get(a, s->target.host, s->target.is_plain, &way))
		return 0;
	if (!way.is_basic)
		/* Without a scope only the challenge knows what to ask for. */
		return s->scope ? set_token(a, op, s, &way, err) : 0;
	struct credential _credential_ c = { 0 };

	TRY(auth_login_get(a, op, &s->target, &c, err));
	return c.secret ? set_basic(a, s, &c, err) : 0;
}

static int unknown_kind(const struct auth_session *s, const struct challenges *list,
			struct err *err)
{
	if (!list->count)
		return err_set(err, ERR_AUTH,
			       "registry %s: it denies access and does not say what it wants",
			       TEXT_ESCAPED(s->target.host));
	return err_set(err, ERR_AUTH,
		       "registry %s: it wants %s authentication, which is not supported",
		       TEXT_ESCAPED(s->target.host), TEXT_ESCAPED(list->items[0].scheme));
}

int auth_answer(struct auth *a, struct op *op, struct auth_session *s,
		const struct auth_lines *lines, struct err *err)
{
	struct challenges _challenges_ list = { 0 };

	for (size_t i = 0; i < lines->count; i++)
		challenges_add(&list, lines->items[i]);
	const struct challenge *bearer = challenges_find(&list, "bearer");

	if (++s->answers > ROUNDS_MAX)
		return err_set(err, ERR_AUTH, "registry %s: it asks again and again",
			       TEXT_ESCAPED(s->target.host));
	if (bearer && challenge_param(bearer, "realm"))
		return answer_bearer(a, op, s, bearer, err);
	if (challenges_find(&list, "basic"))
		return answer_basic(a, op, s, err);
	return unknown_kind(s, &list, err);
}
