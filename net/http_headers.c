/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of a response as a list. Lines come from the peer; their total size is bounded by the
 * caller, their number here.
 */
#include "net/http_priv.h"

#include "base/text.h"

void http_headers_reset(struct http_headers *h)
{
	for (size_t i = 0; i < h->count; i++) {
		free((char *)h->items[i].name);
		free((char *)h->items[i].value);
	}
	h->count = 0;
}

void http_headers_fini(struct http_headers *h)
{
	http_headers_reset(h);
	free(h->items);
	*h = (struct http_headers){ 0 };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *trimmed(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	while (s < end && is_blank(end[-1]))
		end--;
	return xmemdupz(s, (size_t)(end - s));
}

int http_headers_add(struct http_headers *h, const char *line, size_t len, struct err *err)
{
	const char *colon = memchr(line, ':', len);

	if (memchr(line, '\0', len))
		return err_set(err, ERR_DAMAGED, "a header of the answer holds a NUL");
	/* Without a name, or the continuation of a folded line, which RFC 9112 no longer knows. */
	if (!colon || colon == line || is_blank(line[0]))
		return 0;
	if (h->count == HTTP_HEADERS_MAX)
		return err_set(err, ERR_LIMIT, "the answer has more than %d headers",
			       HTTP_HEADERS_MAX);
	if (h->count % 16 == 0)
		h->items = xreallocarray(h->items, h->count + 16, sizeof(*h->items));
	h->items[h->count++] = (struct http_header){ .name = trimmed(line, colon),
						     .value = trimmed(colon + 1, line + len) };
	return 0;
}

unsigned http_response_status(const struct http_response *res)
{
	return res->status;
}

const char *http_response_header_at(const struct http_response *res, const char *name, size_t n)
{
	for (size_t i = 0; i < res->headers.count; i++)
		if (strcasecmp(res->headers.items[i].name, name) == 0 && n-- == 0)
			return res->headers.items[i].value;
	return NULL;
}

const char *http_response_header(const struct http_response *res, const char *name)
{
	return http_response_header_at(res, name, 0);
}

int64_t http_response_length(const struct http_response *res)
{
	const char *text = http_response_header(res, "Content-Length");
	uint64_t value;

	if (!text || text_parse_u64(text, strlen(text), 10, &value) < 0 || value > INT64_MAX)
		return -1;
	return (int64_t)value;
}
