/* SPDX-License-Identifier: Apache-2.0 */
/* What runs where: containerd's platforms.Only, as order and as pairs. */
#include "base/mem.h"
#include "manifest/platform.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

static int rank_of(const char *want, const char *have)
{
	struct platform _platform_ w = { 0 }, _platform_ h = { 0 };

	if (platform_parse(want, &w, NULL) < 0 || platform_parse(have, &h, NULL) < 0)
		return -2;
	return platform_match_rank(&w, &h);
}

struct order_row {
	const char *want;
	const char *have[24]; /* best first, and all there are */
};

void test_platform_match__order(void)
{
	static const struct order_row rows[] = {
		{ "linux/amd64", { "linux/amd64", "linux/386" } },
		{ "linux/amd64/v4",
		  { "linux/amd64/v4", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64",
		    "linux/386" } },
		{ "linux/arm64",
		  { "linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6",
		    "linux/arm/v5" } },
		{ "linux/arm64/v8.2",
		  { "linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", "linux/arm/v8",
		    "linux/arm/v7", "linux/arm/v6", "linux/arm/v5" } },
		{ "linux/arm64/v9.2",
		  { "linux/arm64/v9.2", "linux/arm64/v9.1", "linux/arm64/v9", "linux/arm64/v8.7",
		    "linux/arm64/v8.6", "linux/arm64/v8.5", "linux/arm64/v8.4", "linux/arm64/v8.3",
		    "linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", "linux/arm/v8",
		    "linux/arm/v7", "linux/arm/v6", "linux/arm/v5" } },
		{ "linux/arm64/v9",
		  { "linux/arm64/v9", "linux/arm64/v8.5", "linux/arm64/v8.4", "linux/arm64/v8.3",
		    "linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", "linux/arm/v9",
		    "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5" } },
		{ "linux/arm/v8",
		  { "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5" } },
		{ "linux/arm", { "linux/arm/v7", "linux/arm/v6", "linux/arm/v5" } },
		{ "linux/arm/v5", { "linux/arm/v5" } },
		{ "linux/arm/v4", { "linux/arm/v4" } },
		{ "linux/386", { "linux/386" } },
		{ "linux/riscv64", { "linux/riscv64" } },
		{ "linux/ppc64le/power9", { "linux/ppc64le/power9" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int k = 0; rows[i].have[k]; k++) {
			char row[80];

			snprintf(row, sizeof(row), "%s runs %s", rows[i].want, rows[i].have[k]);
			CU_ASSERT(
				check_int(row, "rank", k, rank_of(rows[i].want, rows[i].have[k])));
		}
}

void test_platform_match__runs_not(void)
{
	static const char *const rows[][12] = {
		{ "linux/amd64", "linux/amd64/v2", "linux/arm/v7", "linux/arm64", "windows/amd64",
		  "windows/arm", "unknown/unknown" },
		{ "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4", "linux/arm/v7",
		  "linux/arm64", "windows/amd64" },
		{ "linux/386", "linux/amd64", "linux/arm/v7", "windows/386" },
		{ "linux/arm/v8", "linux/amd64", "linux/arm/v4", "linux/arm64", "windows/arm" },
		{ "linux/arm/v7", "linux/arm/v4", "linux/arm/v8", "linux/arm64" },
		{ "linux/arm/v6", "linux/arm", "linux/arm/v4", "linux/arm/v7", "linux/arm/v8" },
		{ "linux/arm/v5", "linux/arm", "linux/arm/v4", "linux/arm/v6" },
		{ "linux/arm64/v9", "linux/amd64", "linux/arm/v4", "linux/arm64/v8.6",
		  "linux/arm64/v9.1" },
		{ "linux/arm64/v8.1", "linux/arm/v4", "linux/arm/v9", "linux/arm64/v9",
		  "linux/arm64/v8.2" },
		{ "linux/arm64", "linux/arm/v4", "linux/arm/v9", "linux/arm64/v9",
		  "linux/arm64/v8.1" },
		{ "windows/amd64", "linux/amd64", "windows/arm" },
		{ "linux/riscv64/rva23u64", "linux/riscv64" },
		/* Numbers that would be long lists are compared as text. */
		{ "linux/amd64/v2000000000", "linux/amd64/v3", "linux/amd64" },
		{ "linux/amd64/v99999999999999999999", "linux/amd64" },
		{ "linux/arm/v2000000000", "linux/arm/v7" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 1; rows[i][k]; k++) {
			char row[80];

			snprintf(row, sizeof(row), "%s runs %s", rows[i][0], rows[i][k]);
			CU_ASSERT(check_int(row, "rank", -1, rank_of(rows[i][0], rows[i][k])));
		}
}

void test_platform_match__other_spellings(void)
{
	static const struct {
		const char *want, *os, *arch, *variant;
		int rank;
	} rows[] = {
		{ "linux/arm64", "Linux", "AArch64", "V8", 0 },
		{ "linux/arm64/v9", "linux", "arm64", "v9.0", 0 },
		{ "linux/arm", "linux", "armhf", "", 0 },
		{ "linux/arm/v6", "linux", "armel", "", 0 },
		{ "linux/amd64", "linux", "x86_64", "v1", 0 },
		{ "linux/amd64", "", "amd64", "", 0 },
		{ "linux/amd64", "linux", "i386", "", 1 },
		{ "linux/amd64", "linux", "", "", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct platform _platform_ want = { 0 };
		const struct platform have = { .os = (char *)rows[i].os,
					       .arch = (char *)rows[i].arch,
					       .variant = (char *)rows[i].variant };

		CU_ASSERT_EQUAL_FATAL(platform_parse(rows[i].want, &want, NULL), 0);
		CU_ASSERT(check_int(rows[i].arch, "rank", rows[i].rank,
				    platform_match_rank(&want, &have)));
	}
}

/* Windows: below build 20348 only the same build, from there on back to it. */
void test_platform_match__windows_versions(void)
{
	static const struct {
		const char *want, *have;
		int rank;
	} rows[] = {
		{ "windows/amd64", "windows(10.0.17763.1)/amd64", 0 },
		{ "windows(10.0.17763)/amd64", "windows/amd64", 0 },
		{ "windows(10.0.17763)/amd64", "windows(10.0.17763.3406)/amd64", 0 },
		{ "windows(10.0.17763.1)/amd64", "windows(10.0.17763.3406)/amd64", 0 },
		{ "windows(10.0.17763)/amd64", "windows(10.0.14393)/amd64", -1 },
		{ "windows(10.0.17763)/amd64", "windows(10.1.17763)/amd64", -1 },
		{ "windows(10.0.17763)/amd64", "windows(11.0.17763)/amd64", -1 },
		{ "windows(10.0.20347)/amd64", "windows(10.0.20348)/amd64", -1 },
		{ "windows(10.0.20348)/amd64", "windows(10.0.17763)/amd64", -1 },
		{ "windows(10.0.20348)/amd64", "windows(10.0.20347)/amd64", -1 },
		{ "windows(10.0.22621)/amd64", "windows(10.0.20348)/amd64", 0 },
		{ "windows(10.0.22621)/amd64", "windows(10.0.22000)/amd64", 0 },
		{ "windows(10.0.22621)/amd64", "windows(10.0.22622)/amd64", -1 },
		/* What is not a version asks for none, and fits none. */
		{ "windows(ltsc)/amd64", "windows(10.0.17763)/amd64", 0 },
		{ "windows(10.0)/amd64", "windows(10.0.17763)/amd64", 0 },
		{ "windows(10.0.70000)/amd64", "windows(10.0.17763)/amd64", 0 },
		{ "windows(10.0.17763)/amd64", "windows(ltsc)/amd64", -1 },
		/* Elsewhere the version does not matter. */
		{ "linux(1.0)/amd64", "linux(2.0)/amd64", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char row[96];

		snprintf(row, sizeof(row), "%s runs %s", rows[i].want, rows[i].have);
		CU_ASSERT(
			check_int(row, "rank", rows[i].rank, rank_of(rows[i].want, rows[i].have)));
	}
}

void test_platform_match__features_needed_must_be_offered(void)
{
	static const struct {
		const char *want, *have;
		int rank;
	} rows[] = {
		{ "linux(+a)/amd64", "linux/amd64", 0 },
		{ "linux/amd64", "linux(+a)/amd64", -1 },
		{ "linux(+a+b)/amd64", "linux(+b)/amd64", 0 },
		{ "linux(+b+a)/amd64", "linux(+a+b)/amd64", 0 },
		{ "linux(+b+a)/amd64", "linux(+a+a+b)/amd64", 0 },
		{ "linux(+a+c)/amd64", "linux(+b)/amd64", -1 },
		{ "linux(+a)/amd64", "linux(+a+b)/amd64", -1 },
		{ "linux(+a)/amd64", "linux(+a)/386", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char row[96];

		snprintf(row, sizeof(row), "%s runs %s", rows[i].want, rows[i].have);
		CU_ASSERT(
			check_int(row, "rank", rows[i].rank, rank_of(rows[i].want, rows[i].have)));
	}
}
