/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings in pages (distribution-spec "Listing Tags"; RFC 8288). Of a Link only path and query are
 * used, on the host that was asked: proxies in front of registries get scheme and port wrong, and
 * nothing else has a say in where we go.
 */
#include "base/mem.h"
#include "base/text.h"
#include "net/link.h"
#include "net/url.h"
#include "registry/client_priv.h"

void registry_pages_init(struct registry_pages *p, const struct fetch_request *request)
{
	*p = (struct registry_pages){ .request = *request, .path = xstrdup(request->path) };
}

void registry_pages_fini(struct registry_pages *p)
{
	for (size_t i = 0; i < p->seen_count; i++)
		free(p->seen[i]);
	free(p->seen);
	free(p->path);
}

/* Remembers the page that is asked for now. */
static int enter(struct registry_pages *p, struct err *err)
{
	if (p->seen_count == REGISTRY_PAGES_MAX)
		return err_set(err, ERR_LIMIT, "the list has more than %d pages",
			       REGISTRY_PAGES_MAX);
	for (size_t i = 0; i < p->seen_count; i++)
		if (!strcmp(p->seen[i], p->path))
			return err_set(err, ERR_DAMAGED, "the pages of the list go in a circle");
	p->seen = xreallocarray(p->seen, p->seen_count + 1, sizeof(char *));
	p->seen[p->seen_count++] = TAKE_PTR(p->path);
	return 0;
}

/* 1 and the target of the link to the next page, as the registry wrote it. */
static int find_next(const struct http_response *res, struct buf *target, struct err *err)
{
	for (size_t i = 0;; i++) {
		const char *header = http_response_header_at(res, "Link", i);
		const int found = header ? link_next(header, target, err) : 0;

		if (found || !header)
			return found;
	}
}

/* Where the next page is; NULL after the last. */
static int follow(struct registry_pages *p, const struct http_response *res, struct err *err)
{
	struct url _url_ base = { 0 }, _url_ to = { 0 };
	struct buf _buf_ target = BUF_INIT(URL_TEXT_MAX);
	const int found = find_next(res, &target, err);

	if (found <= 0)
		return found;
	TRY(url_of_host(p->request.host, true, p->seen[p->seen_count - 1], &base, err));
	TRY(url_resolve(&base, buf_str(&target), &to, err));
	if (strcmp(base.host, to.host) != 0)
		return err_set(err, ERR_DAMAGED, "the list goes on at another host: %s",
			       TEXT_ESCAPED(to.host));
	p->path = TAKE_PTR(to.path);
	return 0;
}

int registry_pages_next(struct registry_pages *p, struct fetch *fetch, struct op *op,
			struct buf *body, struct err *err)
{
	struct http_response *_response_ res = NULL;

	if (!p->path)
		return 0;
	TRY(enter(p, err));
	p->request.path = p->seen[p->seen_count - 1];
	TRY(fetch_send(fetch, op, &p->request, &res, err));
	buf_reset(body);
	TRY(http_response_read(res, body, err));
	TRY(follow(p, res, err));
	return 1;
}
