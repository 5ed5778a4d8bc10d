/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of fetch have in common. */
#include "tests/unit/net/fetching.h"

static void on_note(struct progress *self, const struct progress_event *event)
{
	struct fetching *f = container_of(self, struct fetching, progress);
	const size_t used = strlen(f->notes);

	if (event->kind == PROGRESS_NOTE)
		snprintf(f->notes + used, sizeof(f->notes) - used, "%s\n", event->label);
}

struct fetch_config fetching_config(void)
{
	return (struct fetch_config){
		.plain_http = true, .tls_verify = true, .retries = 2, .backoff_ms = 1
	};
}

void fetching_init(struct fetching *f, const struct fetch_config *config)
{
	memset(f, 0, sizeof(*f));
	home_init(&f->home);
	f->progress.report = on_note;
	f->op.progress = &f->progress;
	if (fetch_new(config, &f->fetch, &f->err) < 0) {
		fprintf(stderr, "fetch_new: %s\n", f->err.msg);
		abort();
	}
}

void fetching_fini(struct fetching *f)
{
	http_response_close(f->res);
	fetch_free(f->fetch);
	server_stop(f->server);
	server_stop(f->other);
	home_fini(&f->home);
}

int fetching_send(struct fetching *f, struct fetch_request req)
{
	if (!req.host)
		req.host = server_host(f->server);
	if (!req.method)
		req.method = "GET";
	http_response_close(f->res);
	f->res = NULL;
	err_clear(&f->err);
	return fetch_send(f->fetch, &f->op, &req, &f->res, &f->err);
}

int fetching_get(struct fetching *f, const char *path)
{
	return fetching_send(f, (struct fetch_request){ .path = path });
}

bool fetching_saw(struct server *s, size_t n, const char *text)
{
	return strcasestr(server_request(s, n), text) != NULL;
}
