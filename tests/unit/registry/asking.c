/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted registry. */
#include "tests/unit/registry/asking.h"

#include "stream/hash.h"

#include <CUnit/CUnit.h>

void asking_init_with(struct asking *a, const struct server_step *steps, size_t count,
		      const struct fetch_config *config)
{
	*a = (struct asking){ .op = { .jobs = 1 }, .names = BUF_INIT(1 << 20) };
	a->steps = xcalloc(count, sizeof(*steps));
	a->step_count = count;
	for (size_t i = 0; i < count; i++) {
		a->steps[i] = steps[i];
		a->steps[i].text = steps[i].text ? xstrdup(steps[i].text) : NULL;
	}
	a->server = server_start(a->steps, count);
	/* Nobody's credentials: the file is not there. */
	setenv("REGISTRY_AUTH_FILE", "/nonexistent/auth.json", 1);
	CU_ASSERT_EQUAL_FATAL(fetch_new(config, &a->fetch, &a->err), 0);
	const struct reference ref = { .domain = (char *)(uintptr_t)server_host(a->server),
				       .path = (char *)(uintptr_t) "ns/repo" };

	a->t = registry_transport_new(a->fetch, &ref);
}

void asking_init(struct asking *a, const struct server_step *steps, size_t count)
{
	const struct fetch_config config = { .plain_http = true, .tls_verify = true };

	asking_init_with(a, steps, count, &config);
}

void asking_fini(struct asking *a)
{
	transport_close(a->t);
	fetch_free(a->fetch);
	server_stop(a->server);
	for (size_t i = 0; i < a->step_count; i++)
		free((char *)(uintptr_t)a->steps[i].text);
	free(a->steps);
	buf_fini(&a->names);
	unsetenv("REGISTRY_AUTH_FILE");
}

int asking_take(void *arg, const char *name, struct err *err)
{
	struct asking *a = arg;

	return buf_printf(&a->names, err, "%s ", name);
}

char *asking_line(struct asking *a, size_t n, char *dst, size_t dst_bytes)
{
	const char *request = server_request(a->server, n);
	const char *end = strstr(request, " HTTP/");

	snprintf(dst, dst_bytes, "%.*s", end ? (int)(end - request) : 0, request);
	return dst;
}

char *asking_answer(const char *status, const char *headers, const char *body)
{
	return xasprintf("HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
			 strlen(body), body);
}

char *asking_digest(const char *text)
{
	struct digest d;

	hash_bytes(DIGEST_SHA256, text, strlen(text), &d);
	return xstrdup(DIGEST_TEXT(&d));
}

int asking_has(const char *row, const char *text, const char *part)
{
	if (part && strstr(text, part))
		return 1;
	printf("#   %s: \"%s\" is not in \"%s\"\n", row, part ? part : "(nothing)", text);
	return 0;
}
