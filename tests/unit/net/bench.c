/* SPDX-License-Identifier: Apache-2.0 */
/* The bench of the auth tests. */
#include "tests/unit/net/bench.h"

#include <CUnit/CUnit.h>

void bench_fini(struct bench *b)
{
	auth_free(b->auth);
	credentials_free(b->credentials);
	realm_fini(&b->realm);
	home_fini(&b->home);
}

void bench_init(struct bench *b, const char *creds, const char *file)
{
	*b = (struct bench){ 0 };
	home_init(&b->home);
	realm_init(&b->realm);
	if (file)
		home_write(&b->home, "run/containers/auth.json", file);
	CU_ASSERT_EQUAL_FATAL(credentials_new(&(struct credentials_config){ .creds = creds },
					      &b->credentials, &b->err),
			      0);
	b->auth = auth_new(&(struct auth_config){ .credentials = b->credentials,
						  .exchange = realm_exchange,
						  .clock = realm_clock,
						  .exchange_arg = &b->realm });
}

int bench_answer(struct bench *b, struct auth_session *s, const char *challenge)
{
	const struct auth_lines lines = { &challenge, 1 };

	err_clear(&b->err);
	return auth_answer(b->auth, NULL, s, &lines, &b->err);
}

int bench_prepare(struct bench *b, struct auth_session *s)
{
	err_clear(&b->err);
	return auth_prepare(b->auth, NULL, s, &b->err);
}
