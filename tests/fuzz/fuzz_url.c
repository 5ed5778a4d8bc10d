/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs of any bytes: a base, a line break, a reference. What parses prints as something that parses
 * to the same, and holds nothing that another parser could misread.
 */
#include "base/mem.h"
#include "net/url.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check(const struct url *u)
{
	_url_ struct url again = { 0 };
	_free_ char *text = url_text(u), *shown = url_shown(u), *origin = url_origin(u);

	must(url_parse(text, &again, NULL) == 0);
	must(url_same_origin(u, &again) && strcmp(u->path, again.path) == 0);
	must(u->path[0] == '/' && u->port >= 1 && u->port <= 65535 && *u->host);
	must(!strpbrk(u->host, "/?#@\\ \r\n%") && !strpbrk(u->path, "# \r\n\\"));
	must(!strchr(shown, '?') && strncmp(text, origin, strlen(origin)) == 0);
	must(!url_host_is_loopback(u->host) || url_host_is_private(u->host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *text = xmemdupz(data, size);
	char *reference = strchr(text, '\n');
	_url_ struct url base = { 0 }, target = { 0 };
	struct err err = { 0 };

	if (reference)
		*reference++ = '\0';
	if (url_parse(text, &base, &err) < 0) {
		must(err.kind == ERR_DAMAGED);
		must(url_parse("https://registry.example/v2/x?n=1", &base, NULL) == 0);
	}
	check(&base);
	if (reference && url_resolve(&base, reference, &target, NULL) == 0)
		check(&target);
	return 0;
}
