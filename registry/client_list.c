/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of names: tags of a repository, repositories of a registry (distribution-spec "Listing
 * Tags"; docker's catalog). Names are checked before anybody prints them.
 */
#include "base/mem.h"
#include "base/text.h"
#include "registry/client_priv.h"

/* The largest that all registries take. */
#define PAGE_NAMES "1000"

/* One listing on its way. */
struct listing {
	const char *member; /* of the JSON: "tags", "repositories" */
	bool (*is_valid)(const char *name);
	transport_name_fn *fn;
	void *arg;
	size_t count;
};

/* Printable and not empty: names older than today's grammar exist. */
static bool is_repository(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name >= 0x7f)
			return false;
	return true;
}

static int give(struct listing *l, const struct json *v, struct err *err)
{
	const char *name = json_str(v, NULL);

	if (!name)
		return err_set(err, ERR_DAMAGED, "%s: expected strings, found %s", l->member,
			       json_type_name(json_type(v)));
	if (!l->is_valid(name))
		return err_set(err, ERR_DAMAGED, "%s: \"%s\" is not a valid name", l->member,
			       TEXT_ESCAPED(name));
	if (++l->count > REGISTRY_NAMES_MAX)
		return err_set(err, ERR_LIMIT, "%s: more than %d names", l->member,
			       REGISTRY_NAMES_MAX);
	return l->fn(l->arg, name, err);
}

static int give_page(struct listing *l, const struct buf *body, struct err *err)
{
	struct json *_json_ root = NULL;

	TRY(json_parse(buf_str(body), body->len, &root, err));
	const struct json *names = json_get(root, l->member);

	if (json_type(root) != JSON_OBJECT_ ||
	    (json_type(names) != JSON_ARRAY_ && json_type(names) != JSON_NULL_))
		return err_set(err, ERR_DAMAGED, "%s: not a list", l->member);
	for (size_t i = 0; i < json_count(names); i++)
		TRY(give(l, json_at(names, i), err));
	return 0;
}

static int list(struct fetch *fetch, struct op *op, const struct fetch_request *req,
		struct listing *l, struct err *err)
{
	struct registry_pages _cleanup_(registry_pages_fini) pages;
	struct buf _buf_ body = BUF_INIT(REGISTRY_PAGE_BYTES_MAX);
	int rc;

	registry_pages_init(&pages, req);
	while ((rc = registry_pages_next(&pages, fetch, op, &body, err)) > 0)
		TRY(give_page(l, &body, err));
	return rc;
}

int registry_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
		       struct err *err)
{
	const struct registry *r = container_of(t, struct registry, base);
	char *_free_ path = xasprintf("/v2/%s/tags/list?n=" PAGE_NAMES, r->name);
	const struct fetch_request req = registry_request(r, "GET", path);
	struct listing l = { "tags", reference_is_tag, fn, arg, 0 };

	if (list(r->fetch, op, &req, &l, err) < 0)
		return err_prefix(err, "tags of %s", r->repository);
	return 0;
}

int registry_list_repositories(const struct registry_catalog *catalog, struct op *op,
			       transport_name_fn *fn, void *arg, struct err *err)
{
	const struct reference ref = { .domain = (char *)(uintptr_t)catalog->host };
	const char *key = reference_auth_key(&ref);
	const struct fetch_request req = { .host = reference_api_host(&ref),
					   .method = "GET",
					   .path = "/v2/_catalog?n=" PAGE_NAMES,
					   .scope = "registry:catalog:*",
					   .auth_key = strcmp(key, catalog->host) != 0 ? key
										       : NULL };
	struct listing l = { "repositories", is_repository, fn, arg, 0 };

	if (list(catalog->fetch, op, &req, &l, err) < 0)
		return err_prefix(err, "repositories of %s", TEXT_ESCAPED(catalog->host));
	return 0;
}
