/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys under which credentials are kept: "host/ns/repo" down to "host" (containers-
 * auth.json(5)), docker's "https://host/v1/", the many names of Hub, patterns of credHelpers.
 */
#include "base/mem.h"
#include "net/credentials_files.h"

#include <fnmatch.h>

/* One name for Hub, whatever it is called. */
static const char *hub_or(const char *host)
{
	static const char *const names[] = { "index.docker.io", "registry-1.docker.io",
					     "registry.hub.docker.com" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcasecmp(host, names[i]))
			return "docker.io";
	return host;
}

static const char *without_scheme(const char *key)
{
	if (!strncasecmp(key, "https://", 8))
		return key + 8;
	if (!strncasecmp(key, "http://", 7))
		return key + 7;
	return key;
}

/* "/", "/v1", "/v2/": a path that docker wrote behind a host, not a namespace. */
static bool is_api_path(const char *path)
{
	static const char *const paths[] = { "/", "/v1", "/v1/", "/v2", "/v2/" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!strcmp(path, paths[i]))
			return true;
	return false;
}

/* The host that a key stands for as a whole; NULL for one of a namespace. */
static char *host_of_key(const char *key, bool legacy)
{
	const char *host = without_scheme(key);
	const size_t len = strcspn(host, "/");

	if (host[len] && host == key && !legacy && !is_api_path(host + len))
		return NULL;
	char *_free_ name = xmemdupz(host, len);

	return xstrdup(hub_or(name));
}

bool credentials_key_is_host(const char *key, bool legacy, const struct credentials_query *q)
{
	char *_free_ host = host_of_key(key, legacy);
	char *_free_ wanted = host_of_key(q->host, true);

	return host && !strcasecmp(host, wanted);
}

char *credentials_exact_key(const struct credentials_query *q, size_t n)
{
	size_t len = q->repository ? strlen(q->repository) : 0;

	for (; len; n--) {
		while (len && q->repository[len - 1] == '/')
			len--;
		if (!n)
			return xmemdupz(q->repository, len);
		while (len && q->repository[len - 1] != '/')
			len--;
	}
	if (!n)
		return xstrdup(q->host);
	return n == 1 && q->auth_key ? xstrdup(q->auth_key) : NULL;
}

const char *credentials_helper_key(const struct credentials_query *q)
{
	return q->auth_key ? q->auth_key : q->host;
}

/* --- credHelpers ----------------------------------------------------------------------------- */

/* The longest pattern that fits: "*.dkr.ecr.*.amazonaws.com". */
static const char *helper_by_pattern(const struct json *helpers, const char *host)
{
	const char *best = NULL;
	size_t best_len = 0;
	struct json_iter it;

	for (json_iter_init(&it, helpers); json_iter_next(&it);) {
		const size_t len = strlen(it.key);

		if (!strchr(it.key, '*') || len <= best_len ||
		    fnmatch(it.key, host, FNM_NOESCAPE | FNM_CASEFOLD) != 0)
			continue;
		best = json_str(it.value, best);
		best_len = len;
	}
	return best;
}

static const char *helper_by_name(const struct json *helpers, const struct credentials_query *q)
{
	const char *name = json_str(json_get(helpers, q->host), NULL);
	struct json_iter it;

	for (json_iter_init(&it, helpers); !name && json_iter_next(&it);)
		if (credentials_key_is_host(it.key, false, q))
			name = json_str(it.value, NULL);
	return name;
}

const char *credentials_helper_of(const struct json *root, const struct credentials_query *q)
{
	const struct json *helpers = json_get(root, "credHelpers");
	const char *name = helper_by_name(helpers, q);

	if (!name)
		name = helper_by_pattern(helpers, q->host);
	/* An empty name for a host keeps the store of all the others away from it. */
	if (!name)
		name = json_str(json_get(root, "credsStore"), NULL);
	return name && *name ? name : NULL;
}
