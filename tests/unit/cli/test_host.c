/* SPDX-License-Identifier: Apache-2.0 */
/* HOST as people type it after login: what it means, and what is no registry. */
#include "base/mem.h"
#include "cli/host.h"
#include "net/credentials.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

void test_host__forms(void)
{
	static const struct {
		const char *text, *host, *repository, *key;
	} rows[] = {
		{ "registry.example", "registry.example", NULL, "registry.example" },
		{ "registry.example:5000", "registry.example:5000", NULL, "registry.example:5000" },
		{ "localhost", "localhost", NULL, "localhost" },
		{ "localhost:5000", "localhost:5000", NULL, "localhost:5000" },
		{ "127.0.0.1:5000", "127.0.0.1:5000", NULL, "127.0.0.1:5000" },
		{ "[::1]:5000", "[::1]:5000", NULL, "[::1]:5000" },
		{ "https://registry.example/", "registry.example", NULL, "registry.example" },
		{ "https://registry.example/v2/", "registry.example", NULL, "registry.example" },
		{ "http://localhost:5000", "localhost:5000", NULL, "localhost:5000" },
		{ "registry.example/team/app", "registry.example", "registry.example/team/app",
		  "registry.example" },
		{ "docker.io", "docker.io", NULL, "https://index.docker.io/v1/" },
		{ "index.docker.io", "docker.io", NULL, "https://index.docker.io/v1/" },
		{ "https://index.docker.io/v1/", "docker.io", NULL, "https://index.docker.io/v1/" },
		{ "docker.io/team", "docker.io", "docker.io/library/team",
		  "https://index.docker.io/v1/" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_host_ struct host host = { 0 };
		struct credentials_query query;
		struct err err = { 0 };

		CU_ASSERT_EQUAL(host_parse(rows[i].text, &host, &err), 0);
		if (err.kind) {
			printf("# %s: %s\n", rows[i].text, err.msg);
			continue;
		}
		host_query(&host, &query);
		CU_ASSERT(check_text(rows[i].text, rows[i].host, query.host));
		CU_ASSERT(check_text(rows[i].text, rows[i].key, query.auth_key));
		CU_ASSERT(check_text(rows[i].text, rows[i].repository ? rows[i].repository : "",
				     query.repository ? query.repository : ""));
	}
}

void test_host__mistakes(void)
{
	static const char *const rows[] = { "",
					    "myhost",
					    "team/app",
					    "/",
					    "https://",
					    "host:99999",
					    "registry.example:x",
					    "a b",

					    "-x",
					    "registry.example/UPPER" };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_host_ struct host host = { 0 };
		struct err err = { 0 };

		CU_ASSERT(host_parse(rows[i], &host, &err) < 0);
		CU_ASSERT(check_err(rows[i], &err, ERR_USAGE, "not a registry"));
	}
}
