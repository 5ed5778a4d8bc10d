/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of net/auth.c. A token belongs to (host, realm, service, scopes, credential) and to
 * nothing less, so no other host ever gets it. Looking up credentials may start programs, and
 * fetching a token takes time, so neither is done under the lock: the entry is marked busy, others
 * who want it wait.
 */
#include "net/auth_cache.h"

#include "base/mem.h"
#include "net/secret.h"

#include <errno.h>

/* How often a waiting thread looks whether it was cancelled. */
#define WAIT_MS 100
/* A token is renewed this long before its end: requests take time to arrive. */
#define MARGIN_S 10

static uint64_t now_s(const struct auth *a)
{
	struct timespec ts;

	if (a->config.clock)
		return a->config.clock(a->config.exchange_arg);
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec;
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* --- slots (all under the lock) -------------------------------------------------------------- */

/* Waits until nobody works on the slot. The caller must have counted itself among its users. */
static int slot_wait(struct auth *a, struct op *op, const struct auth_slot *slot, struct err *err)
{
	while (slot->busy) {
		struct timespec until;

		if (op)
			TRY(op_check(op, err));
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WAIT_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_clockwait(&a->changed, &a->lock, CLOCK_MONOTONIC, &until);
	}
	return 0;
}

static void slot_done(struct auth *a, struct auth_slot *slot, bool filled)
{
	slot->busy = false;
	slot->filled = filled;
	pthread_cond_broadcast(&a->changed);
}

/* --- ways ------------------------------------------------------------------------------------ */

void auth_way_fini(struct auth_way *way)
{
	free(way->host);
	free(way->realm);
	free(way->service);
}

static void way_copy(const struct auth_way *way, struct auth_way *ret)
{
	*ret = (struct auth_way){ .host = xstrdup(way->host),
				  .is_plain = way->is_plain,
				  .is_basic = way->is_basic,
				  .realm = dup_or_null(way->realm),
				  .service = dup_or_null(way->service) };
}

static struct auth_way *way_find(struct auth *a, const char *host, bool is_plain)
{
	for (size_t i = 0; i < a->way_count; i++)
		if (!strcmp(a->ways[i]->host, host) && a->ways[i]->is_plain == is_plain)
			return a->ways[i];
	return NULL;
}

void auth_way_set(struct auth *a, const struct auth_way *way)
{
	pthread_mutex_lock(&a->lock);
	struct auth_way *entry = way_find(a, way->host, way->is_plain);

	if (entry) {
		auth_way_fini(entry);
		way_copy(way, entry);
	} else if (a->way_count < AUTH_CACHE_MAX) {
		a->ways = xreallocarray(a->ways, a->way_count + 1, sizeof(struct auth_way *));
		entry = NEW(struct auth_way);
		way_copy(way, entry);
		a->ways[a->way_count++] = entry;
	}
	pthread_mutex_unlock(&a->lock);
}

bool auth_way_get(struct auth *a, const char *host, bool is_plain, struct auth_way *ret)
{
	pthread_mutex_lock(&a->lock);
	const struct auth_way *entry = way_find(a, host, is_plain);

	if (entry)
		way_copy(entry, ret);
	pthread_mutex_unlock(&a->lock);
	return entry;
}

/* --- logins ---------------------------------------------------------------------------------- */

static void login_free(struct auth_login *l)
{
	free(l->host);
	free(l->repository);
	free(l->auth_key);
	credential_fini(&l->credential);
	free(l);
}

static struct auth_login *login_entry(struct auth *a, const struct auth_target *t)
{
	for (size_t i = 0; i < a->login_count; i++) {
		struct auth_login *l = a->logins[i];

		if (!strcmp(l->host, t->host) && same(l->repository, t->repository) &&
		    same(l->auth_key, t->auth_key))
			return l;
	}
	for (size_t i = 0; a->login_count >= AUTH_CACHE_MAX && i < a->login_count; i++)
		if (!a->logins[i]->slot.users) {
			login_free(a->logins[i]);
			a->login_count--;
			memmove(&a->logins[i], &a->logins[i + 1],
				(a->login_count - i) * sizeof(struct auth_login *));
		}
	struct auth_login *l = NEW(struct auth_login);

	l->host = xstrdup(t->host);
	l->repository = dup_or_null(t->repository);
	l->auth_key = dup_or_null(t->auth_key);
	a->logins = xreallocarray(a->logins, a->login_count + 1, sizeof(struct auth_login *));
	a->logins[a->login_count++] = l;
	return l;
}

/* The slot is ours and busy; the lock is given up meanwhile. */
static int login_fill(struct auth *a, struct op *op, struct auth_login *l, struct err *err)
{
	const struct credentials_query q = { l->host, l->repository, l->auth_key };
	struct credential c = { 0 };

	pthread_mutex_unlock(&a->lock);
	const int rc = credentials_find(a->config.credentials, op, &q, &c, err);

	pthread_mutex_lock(&a->lock);
	if (rc >= 0)
		l->credential = c;
	slot_done(a, &l->slot, rc >= 0);
	return rc;
}

int auth_login_get(struct auth *a, struct op *op, const struct auth_target *target,
		   struct credential *ret, struct err *err)
{
	pthread_mutex_lock(&a->lock);
	struct auth_login *l = login_entry(a, target);

	l->slot.users++;
	int rc = slot_wait(a, op, &l->slot, err);

	if (rc >= 0 && !l->slot.filled) {
		l->slot.busy = true;
		rc = login_fill(a, op, l, err);
	}
	if (rc >= 0)
		credential_copy(&l->credential, ret);
	l->slot.users--;
	pthread_mutex_unlock(&a->lock);
	return rc;
}

/* --- tokens ---------------------------------------------------------------------------------- */

static void auth_token_free(struct auth_token *t)
{
	free(t->host);
	free(t->realm);
	free(t->service);
	free(t->scope);
	credential_fini(&t->credential);
	token_fini(&t->token);
	free(t);
}

static bool token_is_for(const struct auth_token *t, const struct token_request *r,
			 const char *realm)
{
	return !strcmp(t->host, r->registry) && !strcmp(t->realm, realm) &&
	       same(t->service, r->service) && same(t->scope, r->scope) &&
	       credential_equal(&t->credential, r->credential);
}

static struct auth_token *auth_token_entry(struct auth *a, const struct token_request *r)
{
	char *_free_ realm = url_text(r->realm);

	for (size_t i = 0; i < a->token_count; i++)
		if (token_is_for(a->tokens[i], r, realm))
			return a->tokens[i];
	for (size_t i = 0; a->token_count >= AUTH_CACHE_MAX && i < a->token_count; i++)
		if (!a->tokens[i]->slot.users) {
			auth_token_free(a->tokens[i]);
			a->token_count--;
			memmove(&a->tokens[i], &a->tokens[i + 1],
				(a->token_count - i) * sizeof(struct auth_token *));
		}
	struct auth_token *t = NEW(struct auth_token);

	t->host = xstrdup(r->registry);
	t->realm = TAKE_PTR(realm);
	t->service = dup_or_null(r->service);
	t->scope = dup_or_null(r->scope);
	credential_copy(r->credential, &t->credential);
	a->tokens = xreallocarray(a->tokens, a->token_count + 1, sizeof(struct auth_token *));
	a->tokens[a->token_count++] = t;
	return t;
}

/* The slot is ours and busy; the lock is given up meanwhile. */
static int auth_token_fill(struct auth *a, struct op *op, struct auth_token *t,
			   const struct token_request *r, struct err *err)
{
	struct token fetched = { 0 };

	pthread_mutex_unlock(&a->lock);
	const int rc = token_fetch(op, r, &fetched, err);

	pthread_mutex_lock(&a->lock);
	if (rc >= 0) {
		token_fini(&t->token);
		t->token = fetched;
		t->stale_s =
			now_s(a) + (fetched.seconds > MARGIN_S ? fetched.seconds - MARGIN_S : 0);
	}
	slot_done(a, &t->slot, rc >= 0);
	return rc;
}

static bool is_good(const struct auth *a, const struct auth_token *t, const char *refused)
{
	return t->slot.filled && now_s(a) < t->stale_s && !same(t->token.value, refused);
}

int auth_token_get(struct auth *a, struct op *op, struct auth_wish *wish, char **ret,
		   struct err *err)
{
	pthread_mutex_lock(&a->lock);
	struct auth_token *t = auth_token_entry(a, &wish->request);

	wish->is_fresh = t->slot.busy;
	t->slot.users++;
	int rc = slot_wait(a, op, &t->slot, err);

	if (rc >= 0 && !is_good(a, t, wish->refused)) {
		t->slot.busy = true;
		wish->is_fresh = true;
		rc = auth_token_fill(a, op, t, &wish->request, err);
	}
	if (rc >= 0)
		*ret = xstrdup(t->token.value);
	t->slot.users--;
	pthread_mutex_unlock(&a->lock);
	return rc;
}

void auth_cache_fini(struct auth *a)
{
	for (size_t i = 0; i < a->way_count; i++) {
		auth_way_fini(a->ways[i]);
		free(a->ways[i]);
	}
	for (size_t i = 0; i < a->login_count; i++)
		login_free(a->logins[i]);
	for (size_t i = 0; i < a->token_count; i++)
		auth_token_free(a->tokens[i]);
	free(a->ways);
	free(a->logins);
	free(a->tokens);
}
