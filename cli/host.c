/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOST as people type it after `docker login`: with or without scheme and version path. The grammar
 * of references decides what a host is; "docker.io", "index.docker.io" and the URL of Hub's old API
 * all mean Hub.
 */
#include "cli/host.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/credentials.h"

void host_fini(struct host *h)
{
	reference_fini(&h->ref);
	free(h->repository);
	*h = (struct host){ 0 };
}

static const char *without_scheme(const char *text)
{
	if (text_starts_with(text, "https://"))
		return text + 8;
	return text_starts_with(text, "http://") ? text + 7 : text;
}

/* The end of what names host and repository. */
static size_t without_version(const char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '/')
		len--;
	if (len > 3 && (!strncmp(text + len - 3, "/v1", 3) || !strncmp(text + len - 3, "/v2", 3)))
		len -= 3;
	return len;
}

static int not_a_host(const char *text, struct err *err)
{
	const int rc = err_set(err, ERR_USAGE, "%s: not a registry", TEXT_ESCAPED(text));

	err_hint(err, "a registry is HOST or HOST:PORT, like docker.io or localhost:5000");
	return rc;
}

int host_parse(const char *text, struct host *ret, struct err *err)
{
	const char *start = without_scheme(text);
	_free_ char *name = xmemdupz(start, without_version(start));
	const bool has_repository = strchr(name, '/') != NULL;
	_free_ char *full = has_repository ? xstrdup(name) : xasprintf("%s/x", name);
	struct reference ref = { 0 };
	unsigned port;

	if (reference_parse(full, &ref, NULL) < 0)
		return not_a_host(text, err);
	/*
	 * "myhost/x" has no domain by the grammar: it would be Hub's. Only a dot, a port or
	 * "localhost" make a host.
	 */
	const bool is_hub = !strcmp(ref.domain, "docker.io");
	const bool says_hub = text_starts_with(name, "docker.io") ||
			      text_starts_with(name, "index.docker.io") ||
			      text_starts_with(name, "registry-1.docker.io");

	if ((is_hub && !says_hub) || reference_port(&ref, &port, NULL) < 0) {
		reference_fini(&ref);
		return not_a_host(text, err);
	}
	ret->ref = ref;
	ret->repository = has_repository ? reference_repository(&ref) : NULL;
	return 0;
}

void host_query(const struct host *h, struct credentials_query *ret)
{
	*ret = (struct credentials_query){
		.host = h->ref.domain,
		.repository = h->repository,
		.auth_key = reference_auth_key(&h->ref),
	};
}
