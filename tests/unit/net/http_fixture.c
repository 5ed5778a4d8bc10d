/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the HTTP client have in common. */
#include "tests/unit/net/http_fixture.h"

void fixture_fini(struct fixture *f)
{
	http_response_close(f->res);
	http_client_free(f->client);
	server_stop(f->server);
}

struct fixture fixture_make(const struct server_step *steps, size_t count)
{
	return (struct fixture){ .server = server_start(steps, count),
				 .client = http_client_new(NULL) };
}

struct fixture fixture_make_impatient(const struct server_step *steps, size_t count)
{
	static const struct http_config config = { .idle_timeout_ms = 300 };

	return (struct fixture){ .server = server_start(steps, count),
				 .client = http_client_new(&config) };
}

int fixture_send(struct fixture *f, struct http_request req)
{
	_free_ char *url = server_url(f->server, "/x?y=z");

	req.method = req.method ? req.method : "GET";
	req.url = url;
	http_response_close(f->res);
	f->res = NULL;
	err_clear(&f->err);
	return http_send(f->client, &f->op, &req, &f->res, &f->err);
}

int fixture_get(struct fixture *f)
{
	return fixture_send(f, (struct http_request){ 0 });
}

/*
 * Reads the body and compares it with the content from `from` on. Returns the bytes, or the error.
 */
int64_t fixture_drain(struct fixture *f, uint64_t from)
{
	struct source *body = http_response_body(f->res);
	const uint8_t *data;
	uint64_t at = from;
	ssize_t n;

	while ((n = source_next(body, &data, &f->err)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (data[i] != server_byte(at))
				return -1000;
	return n < 0 ? n : (int64_t)(at - from);
}
