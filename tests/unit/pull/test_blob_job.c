/* SPDX-License-Identifier: Apache-2.0 */
/* How far a layer may grow. */
#include "base/mem.h"
#include "pull/blob_job.h"

#include <CUnit/CUnit.h>

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

void test_blob_job__raw_limit(void)
{
	static const struct {
		uint64_t blob, seen;
		unsigned ratio;
		uint64_t limit;
	} rows[] = {
		/* A small one may always be 1 GiB. */
		{ 0, 0, 0, GIB },
		{ 1000, 1000, 0, GIB },
		{ 5 * MIB, 5 * MIB, 0, GIB },
		/* Then what the ratio allows. */
		{ 10 * MIB, 10 * MIB, 0, 2000 * MIB },
		{ 10 * MIB, 10 * MIB, 1000, 10000 * MIB },
		{ 1000 * MIB, 1000 * MIB, 0, 200000 * MIB },
		/* An honest layer may begin with what compresses best. */
		{ 1000 * MIB, 2 * MIB, 0, 4 * GIB + 400 * MIB },
		{ 10 * MIB, 2 * MIB, 0, 2000 * MIB },
		/* A blob of which nothing has come but the promise that it is large. */
		{ 1000 * GIB, 0, 0, 4 * GIB },
		{ INT64_MAX, 1000, 0, 4 * GIB + 200000 },
		{ INT64_MAX, 0, UINT32_MAX, 4 * GIB },
		/* No overflow. */
		{ INT64_MAX, INT64_MAX, UINT32_MAX, UINT64_MAX },
		{ UINT64_MAX, UINT64_MAX / 200, 200, UINT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t got = blob_raw_limit(rows[i].blob, rows[i].seen, rows[i].ratio);

		if (got != rows[i].limit)
			printf("# row %zu: %" PRIu64 "\n", i, got);
		CU_ASSERT_EQUAL(got, rows[i].limit);
	}
}
